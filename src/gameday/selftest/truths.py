"""The truths: each a short drill on the stand-in, with what was planted held against what the tool found.

*Nothing happened*: no probe failed (RTA 0 s), nothing is lost, HELD. *An outage*: the RTA's own bounds, from the last
bad probe to the first good one, enclose the length that was planted, and nothing is lost. *Rows*: the ids of every kind
that were planted, and no other id, are in their class, and the verdict is BROKEN. *Two primaries*: the writes that the
old primary took after the promotion, and no others, are *diverged*, and the verdict is BROKEN.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gameday.clock import NS
from gameday.drill import Drill
from gameday.facts import Event, Kind, Measurement, Objectives, Verdict, WriteClass
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
IDS_MAX = 100_000  # of one kind; a truth's drill places some thousand orders
CLASSES = (WriteClass.LOST, WriteClass.DUPLICATE, WriteClass.CORRUPTED, WriteClass.GHOST, WriteClass.DIVERGED)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where the truths are planted: the folder of their records, and how often the service is probed."""

    reports: Path
    probes_per_s: float
    world: type[StandInWorld] = StandInWorld

    @contextmanager
    def drill(self, name: str, plants: Plants = Plants()) -> Iterator[tuple[Drill, StandInWorld]]:  # noqa: B008  frozen
        """A drill on a stand-in of its own, past its baseline; it is judged when the block ends."""
        primary, secondary = (Door(region, address) for region, address in zip(REGIONS, DOORS, strict=True))
        load = LoadPlan(users=USERS, writes_per_s=self.probes_per_s, reads_per_s=self.probes_per_s)
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
    found = _measured(drill)
    planted_s = (fault.ends_ns[0] - _stamp(drill.record, Kind.FAULT).mono_ns) / NS
    times = [each for each in found.recovery_times if each.client == "fresh"]
    enclosed = all(
        each.lower_s is not None and each.upper_s is not None and each.lower_s <= planted_s <= each.upper_s
        for each in times
    )
    lost, verdict = found.recovery_point.lost, found.verdict
    return PlantedTruth(
        "an outage",
        f"{planted_s:.3f} s, 0 lost, HELD",
        f"{_told(found)}; {', '.join(f'{each.target}s {each.lower_s} to {each.upper_s} s' for each in times)}",
        exact=enclosed and lost == 0 and verdict is Verdict.HELD,
        error_s=None if found.rta_s is None else round(found.rta_s - planted_s, 6),
    )


def rows(bench: Bench) -> PlantedTruth:
    with bench.drill("rows", ROWS) as (drill, world), drill.injected(ScriptedOutage(world.stand_in, OUTAGE_S)):
        drill.until_recovered(OBJECTIVES.rto_s)
    return _held_against("rows", world.planted, drill)


def two_primaries(bench: Bench) -> PlantedTruth:
    with bench.drill("two-primaries") as (drill, world), drill.injected(ScriptedOutage(world.stand_in, OUTAGE_S)):
        world.promote(drill.record, TAKEN)
        drill.until_recovered(OBJECTIVES.rto_s)
    return _held_against("two primaries", {"diverged": frozenset(world.stand_in.primary.taken)}, drill)


TRUTHS: tuple[Callable[[Bench], PlantedTruth], ...] = (nothing_happened, an_outage, rows, two_primaries)


def _held_against(name: str, planted: Mapping[str, frozenset[str]], drill: Drill) -> PlantedTruth:
    """Every id of every kind, those of kinds of which nothing was planted as well."""
    found = _found(drill.record)
    exact = all(found[kind] == planted.get(kind, frozenset()) for kind in found)
    verdict = _measured(drill).verdict
    return PlantedTruth(
        name,
        f"{_counted(planted)}, BROKEN",
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
