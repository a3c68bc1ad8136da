"""The truths: each a short drill on the stand-in, with what was planted held against what the tool found.

*Nothing happened*: no probe failed (RTA 0 s), nothing is lost, HELD. *An outage*: the RTA's own bounds, from the last
bad probe to the first good one, enclose the length that was planted, and end no later than the probes themselves saw
that it was over (:func:`seen_over_ns`); nothing is lost. *Rows*: the ids of every kind that were planted, and no other
id, are in their class, and the verdict is BROKEN. *Two primaries*: the writes that the old primary took after the
promotion, and no others, are *diverged*, and the verdict is BROKEN. What could not be planted was not found.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from gameday.clock import NS
from gameday.drill import Drill
from gameday.facts import Event, Kind, Measurement, Objectives, Probe, RecoveryTime, Verdict, WriteClass
from gameday.facts.selftest import PlantedTruth
from gameday.load.plan import LoadPlan
from gameday.measure.classes import UNEXPECTED
from gameday.measure.evidence import read
from gameday.preparing import LabChoice
from gameday.record.layout import Record
from gameday.record.lines import Damage
from gameday.selftest.standin import Door, StandIn
from gameday.selftest.world import Plants, ScriptedOutage, StandInWorld

OBJECTIVES = Objectives(rto_s=1800, rpo_s=600)
TIMER_SCALE = 0.05
REGIONS = ("ap-southeast-2", "us-west-2")
DOORS = ("127.204.3.1", "127.204.3.2")
USERS = 3
OUTAGE_S = 1.5
ROWS = Plants(lost=5, duplicate=2, corrupted=2, ghost=3, unexpected=2)
TAKEN = 2
TARGETS = ("write", "read")
IDS_MAX = 100_000  # of one kind; a truth's drill places some thousand orders
CLASSES = (WriteClass.LOST, WriteClass.DUPLICATE, WriteClass.CORRUPTED, WriteClass.GHOST, WriteClass.DIVERGED)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where the truths are planted: the folder of their records, and how often the service is probed.

    ``probe_timeout_s``: a probe that is answered later is a bad one, as in any drill. An outage of the stand-in is
    answered at once, so only a machine that stalls for so long is told as an outage that nobody planted.
    """

    reports: Path
    probes_per_s: float
    world: type[StandInWorld] = StandInWorld
    probe_timeout_s: float = LoadPlan().probe_timeout_s

    @property
    def period_ns(self) -> int:
        """From one place of a probe's schedule to the next, of writes and of reads."""
        return int(NS / self.probes_per_s)

    @contextmanager
    def drill(self, name: str, plants: Plants = Plants()) -> Iterator[tuple[Drill, StandInWorld]]:  # noqa: B008  frozen
        """A drill on a stand-in of its own, past its baseline; it is judged when the block ends."""
        primary, secondary = (Door(region, address) for region, address in zip(REGIONS, DOORS, strict=True))
        rate = self.probes_per_s
        load = LoadPlan(USERS, writes_per_s=rate, reads_per_s=rate, probe_timeout_s=self.probe_timeout_s)
        with StandIn(primary, secondary) as stand_in:
            world = self.world(stand_in, plants)
            choice = LabChoice(timer_scale=TIMER_SCALE)
            with Drill(choice, OBJECTIVES, name=name, load=load, reports=self.reports, world=world) as drill:
                drill.baseline()
                yield drill, world


def nothing_happened(bench: Bench) -> PlantedTruth:
    with bench.drill("nothing") as (drill, _):
        drill.observe()
    found = _measured(drill)
    seen = (found.rta_s, found.recovery_point.rpa_s, found.recovery_point.lost, found.verdict)
    return PlantedTruth(
        "no fault", "RTA 0 s, RPA 0 s, 0 lost, HELD", _told(found), exact=seen == (0, 0, 0, Verdict.HELD)
    )


def an_outage(bench: Bench, seconds: float = OUTAGE_S) -> PlantedTruth:
    with bench.drill("outage") as (drill, world):
        fault = ScriptedOutage(world.stand_in, seconds)
        with drill.injected(fault):
            drill.until_recovered(OBJECTIVES.rto_s)
    since_ns, ends_ns = _stamp(drill.record, Kind.FAULT).mono_ns, fault.ends_ns[0]
    over_ns = seen_over_ns(drill.record.read_probes(Damage()), ends_ns, bench.period_ns)
    due_s = {target: (at_ns - since_ns) / NS for target, at_ns in over_ns.items()}
    return outage_held_against((ends_ns - since_ns) / NS, due_s, _measured(drill))


def rows(bench: Bench) -> PlantedTruth:
    with bench.drill("rows", ROWS) as (drill, world), drill.injected(ScriptedOutage(world.stand_in, OUTAGE_S)):
        drill.until_recovered(OBJECTIVES.rto_s)
    return rows_held_against("rows", asdict(ROWS), world.planted, _found(drill.record), _measured(drill).verdict)


def two_primaries(bench: Bench) -> PlantedTruth:
    with bench.drill("two-primaries") as (drill, world), drill.injected(ScriptedOutage(world.stand_in, OUTAGE_S)):
        world.promote(drill.record, TAKEN)
        drill.until_recovered(OBJECTIVES.rto_s)
    planted = {"diverged": frozenset(world.stand_in.primary.taken)}
    wanted, found = {"diverged": TAKEN}, _found(drill.record)
    return rows_held_against("two primaries", wanted, planted, found, _measured(drill).verdict)


TRUTHS: tuple[Callable[[Bench], PlantedTruth], ...] = (nothing_happened, an_outage, rows, two_primaries)


def seen_over_ns(probes: Iterable[Probe], ends_ns: int, period_ns: int) -> dict[str, int]:
    """By target, the stamp at which fresh probes had seen at the latest that the outage was over.

    The schedule is kept however slow the machine is: a place of it comes within a period of the end, and two are
    allowed. An RTA ends with the first good probe scheduled after the end, or with one that was due before it, was sent
    late, and found the service back: never later than the last of these was done. That is read from the probes' own
    stamps. A slow machine moves them as it moves the RTA, so no time has to be guessed that would be too short there
    and too long elsewhere; a judgement that tells an outage as longer than its probes saw it is noticed anywhere.
    """
    good = sorted(
        (each for each in probes if each.client == "fresh" and each.good), key=lambda each: each.scheduled_mono_ns
    )
    over: dict[str, int] = {}
    for target in TARGETS:
        ours = [each for each in good if each.target == target]
        first = next((each.scheduled_mono_ns for each in ours if each.scheduled_mono_ns >= ends_ns), None)
        if first is not None and first <= ends_ns + 2 * period_ns:
            over[target] = max(each.done_mono_ns for each in ours if each.scheduled_mono_ns <= first)
    return over


def outage_held_against(planted_s: float, due_s: Mapping[str, float], found: Measurement) -> PlantedTruth:
    """An outage of ``planted_s``, of which probes of each target had seen the end after ``due_s`` at the latest."""
    times = {each.target: each for each in found.recovery_times if each.client == "fresh"}
    exact = all(
        target in times and target in due_s and _is_outage_of(planted_s, due_s[target], times[target])
        for target in TARGETS
    )
    later_s = max((each.rta_s or 0.0 for each in times.values()), default=None)
    lost, verdict = found.recovery_point.lost, found.verdict
    seen = (
        f"{each.target}s {each.lower_s} to {each.upper_s} s, its end seen by {_seconds(due_s.get(each.target))}"
        for each in times.values()
    )
    return PlantedTruth(
        "an outage",
        f"{planted_s:.3f} s, 0 lost, HELD",
        f"{_told(found)}; {', '.join(seen)}",
        exact=exact and found.rta_s == later_s and lost == 0 and verdict is Verdict.HELD,
        error_s=None if found.rta_s is None else round(found.rta_s - planted_s, 6),
    )


def _is_outage_of(planted_s: float, due_s: float, told: RecoveryTime) -> bool:
    """Whether bounds and RTA tell that length: enclosed, and not longer than the probes saw it."""
    if told.lower_s is None or told.upper_s is None or told.rta_s is None:
        return False
    return told.lower_s <= planted_s <= told.rta_s <= told.upper_s <= due_s


def rows_held_against(
    name: str,
    wanted: Mapping[str, int],
    planted: Mapping[str, frozenset[str]],
    found: Mapping[str, frozenset[str]],
    verdict: Verdict,
) -> PlantedTruth:
    """Every id of every kind, those of kinds of which nothing was planted as well; and as many as were ``wanted``."""
    told = f"{', '.join(f'{count} {kind}' for kind, count in wanted.items() if count)}, BROKEN"
    if any(len(planted.get(kind, ())) != count for kind, count in wanted.items()):
        return PlantedTruth(name, told, f"no place for all of them: only {_counted(planted)} planted", exact=False)
    exact = all(found[kind] == planted.get(kind, frozenset()) for kind in found)
    return PlantedTruth(
        name,
        told,
        f"{_counted(found)}{'' if exact else ', not the same ids'}, {verdict}",
        exact=exact and verdict is Verdict.BROKEN,
    )


def _found(record: Record) -> dict[str, frozenset[str]]:
    with read(record) as evidence:
        kinds = (*(kind.value for kind in CLASSES), UNEXPECTED)
        return {kind: frozenset(evidence.classified.ids(kind, most=IDS_MAX)) for kind in kinds}


def _counted(ids: Mapping[str, Iterable[str]]) -> str:
    counts = {kind: len(tuple(each)) for kind, each in ids.items()}
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "none"


def _measured(drill: Drill) -> Measurement:
    assert drill.measurement is not None  # a drill that ended was judged
    return drill.measurement


def _stamp(record: Record, kind: Kind) -> Event:
    return next(event for event in record.read_events(Damage()) if event.kind is kind)


def _told(found: Measurement) -> str:
    return (
        f"RTA {_seconds(found.rta_s)}, RPA {_seconds(found.recovery_point.rpa_s)}, "
        f"{found.recovery_point.lost} lost, {found.verdict}"
    )


def _seconds(figure: float | None) -> str:
    return "unknown" if figure is None else f"{figure:.3f} s" if figure else "0 s"
