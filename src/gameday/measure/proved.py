"""A judgement that is tried on its own record: truths are planted into copies of it, and each must be found exactly.

*Nothing planted*: the copy gives the very same measurement. *Rows*: each class holds the ids that it held and those
that were planted, and no other; the RPA moves as its definition says. *An outage*: the RTA of fresh writes and reads
is the planted one, to the nanosecond. A truth that is not found makes the drill UNKNOWN, unless it is BROKEN already.

A judgement that raises because of what was planted did not find it. A copy that this machine has no room to make or to
judge is another matter: like a record that is too large, it is *not run*, the reason is told, and the verdict stays. No
evidence is UNKNOWN where a figure rests on the evidence that is missing; no figure rests on this trial, which can only
take trust away. ``gameday judge`` and ``gameday verify`` try it again wherever there is room.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from gameday.clock import NS
from gameday.errors import GamedayError, NoRoomToJudge, RecordUnwritable
from gameday.facts import Finding, Measurement, Verdict, WriteClass
from gameday.facts.selftest import NOTHING, PlantedTruth, RecordSelfTest
from gameday.measure.classes import UNEXPECTED
from gameday.measure.evidence import Evidence, read
from gameday.measure.judge import measure
from gameday.measure.planting import KEPT_MIN, Outage, Rows, copied, outage_of, plant_outage, plant_rows, rows_of
from gameday.measure.verdict import verdict_of
from gameday.record.alone import own_folder
from gameday.record.layout import Record

BYTES_MAX = 512 << 20  # of a record, some hours of the shipped load; above it three judgements take too long
IDS_MAX = 1_000_000  # of one class: more than a record of BYTES_MAX can hold
CLASSES = (
    WriteClass.LOST.value, WriteClass.DUPLICATE.value, WriteClass.CORRUPTED.value, WriteClass.GHOST.value,
    UNEXPECTED, WriteClass.DIVERGED.value,
)  # fmt: skip
TRIED_ON_ITSELF = "the measurement did not find a truth that was planted into a copy of this record"
NEXT = "trust no figure of this report; keep the record, run gameday selftest, and report the fault with both"
NO_ROOM = "an outage: the observation is too short for one and a whole window after it"
NO_ROWS = f"rows: fewer than {KEPT_MIN} writes were placed once and kept"
NO_PROMOTION = "writes of the old primary after the promotion: no promotion was seen"
REFUSED = "no room to judge a copy of it, so free the temporary folder (TMPDIR) and judge it again: {}"


@dataclass(frozen=True, slots=True)
class Proved:
    """The measurement, UNKNOWN or worse where a planted truth was missed, and what was planted."""

    measurement: Measurement
    self_test: RecordSelfTest


def prove(record: Record) -> Proved:
    """Judge a record, then its copies; nothing is written into it. Raises as :func:`gameday.measure.judge.judge`."""
    with read(record) as evidence:
        measurement = measure(evidence)
        tried = _tried(record, evidence, measurement)
    return Proved(weighed(measurement, tried), tried)


def weighed(measurement: Measurement, tried: RecordSelfTest) -> Measurement:
    """The measurement with one finding more for each truth that was missed."""
    missed = tuple(
        Finding(Verdict.UNKNOWN, TRIED_ON_ITSELF, f"{each.name}: {each.planted}", each.found, NEXT, "self_test")
        for each in tried.missed
    )
    heavy = [each for each in measurement.findings if each.weight is Verdict.BROKEN]
    light = [each for each in measurement.findings if each.weight is not Verdict.BROKEN]
    found = (*heavy, *missed, *light)
    return replace(measurement, findings=found, verdict=verdict_of(found)) if missed else measurement


def _tried(record: Record, evidence: Evidence, original: Measurement) -> RecordSelfTest:
    size = sum(path.stat().st_size for path in record.folder.rglob("*.ndjson"))
    if size > BYTES_MAX:
        return RecordSelfTest(
            not_run=f"the record holds {size >> 20} MiB of lines, and truths are planted up to {BYTES_MAX >> 20} MiB"
        )
    truths: list[PlantedTruth] = []
    left_out: list[str] = []
    not_run = ""
    try:
        rows, outage = rows_of(record, evidence), outage_of(evidence)
        left_out += [*([] if rows else [NO_ROWS]), *([] if outage else [NO_ROOM])]
        left_out += [NO_PROMOTION] if rows and rows.diverged_ns is None else []
        truths.append(_nothing(record, original))
        if rows or outage:
            truths += _planted(record, evidence, original, rows, outage)
    except Exception as cause:  # noqa: BLE001  told, and the record's own measurement is kept
        if _is_of_the_machine(cause):
            not_run = REFUSED.format(_words(cause.__cause__ or cause))
        else:
            truths.append(PlantedTruth("a copy of the record", "to be judged", _words(cause), exact=False))
    return RecordSelfTest(tuple(truths), tuple(left_out), not_run)


def _is_of_the_machine(cause: Exception) -> bool:
    """Whether the machine refused, and no judgement went wrong. One that looks for a file that is not there did."""
    import duckdb  # its own errors come from the tables of the original

    room = (NoRoomToJudge, MemoryError, OSError, duckdb.OutOfMemoryException, duckdb.IOException)
    told = (cause, cause.__cause__)  # a RecordError of an unreadable file tells the reason as its cause
    return any(isinstance(each, room) and not isinstance(each, FileNotFoundError) for each in told)


def _words(cause: BaseException) -> str:
    told = f"expected {cause.expected}; saw {cause.seen}" if isinstance(cause, GamedayError) else str(cause)
    return f"{type(cause).__name__}: {told}"


@contextmanager
def _copy(record: Record, plant: Callable[[Record], None] = lambda copy: None) -> Iterator[Record]:
    """A copy with what ``plant`` puts into it. Raises :class:`NoRoomToJudge` when the machine refuses to make it."""
    with ExitStack() as stack:
        try:
            copy = copied(record, stack.enter_context(own_folder("gameday-planted-")))
            plant(copy)
        except FileNotFoundError:
            raise  # something of the record is not where it must be
        except (OSError, RecordUnwritable) as cause:
            raise NoRoomToJudge("a copy to plant in", _words(cause), "free the temporary folder's disk") from cause
        yield copy


def _nothing(record: Record, original: Measurement) -> PlantedTruth:
    with _copy(record) as copy, read(copy, links=True) as evidence:
        again = measure(evidence)
    found = "the same measurement" if again == original else f"another measurement: {again.verdict}"
    return PlantedTruth(NOTHING, "the same measurement", found, exact=again == original)


def _planted(
    record: Record, evidence: Evidence, original: Measurement, rows: Rows | None, outage: Outage | None
) -> list[PlantedTruth]:
    """Rows and an outage go into one copy: the recovery time is told by probes alone, the rows by the ledger alone."""

    def plant(copy: Record) -> None:
        if rows:
            plant_rows(record, copy, rows, evidence)
        if outage:
            plant_outage(copy, outage, evidence.probes)

    with _copy(record, plant) as copy, read(copy, links=True) as planted:
        found = measure(planted)
        truths = _rows_found(rows, _held(evidence, original), _held(planted, found)) if rows else []
    if rows:
        truths.append(_point_found(rows, evidence, original, found))
        told = "BROKEN, for the rows that no good recovery leaves"
        truths.append(PlantedTruth("verdict", told, found.verdict, exact=found.verdict is Verdict.BROKEN))
    return truths + (_outage_found(outage, found) if outage else [])


@dataclass(frozen=True, slots=True)
class Held:
    """What is in a class: the ids that are told, and how many the measurement counts."""

    ids: frozenset[str]
    count: int


def _held(evidence: Evidence, measured: Measurement) -> dict[str, Held]:
    counts = {**measured.classes, UNEXPECTED: measured.unexpected}
    return {each: Held(frozenset(evidence.classified.ids(each, most=IDS_MAX)), counts[each]) for each in CLASSES}


def _rows_found(rows: Rows, before: Mapping[str, Held], after: Mapping[str, Held]) -> list[PlantedTruth]:
    return [_class_found(each, rows.ids[each], before[each], after[each]) for each in CLASSES if rows.ids[each]]


def _class_found(name: str, planted: frozenset[str], before: Held, after: Held) -> PlantedTruth:
    due = Held(before.ids | planted, before.count + len(planted))
    return PlantedTruth(
        f"{name} rows",
        f"{len(planted)} more than {before.count}: {_some(planted)}",
        f"{after.count}, {_difference(after.ids, due.ids)}",
        exact=after == due,
    )


def _point_found(rows: Rows, evidence: Evidence, original: Measurement, found: Measurement) -> PlantedTruth:
    """The RPA by its definition, of what was lost before and what was taken away; what was unknown stays so."""
    was = evidence.classified.lost()
    stamps = [each for each in (*rows.lost_ns, was.oldest_ns, was.newest_ns) if each is not None]
    newest_ns = max(stamps if evidence.zero_ns is None else [*stamps, evidence.zero_ns])
    is_known = original.recovery_point.rpa_s is not None
    due_s = max(1, newest_ns - min(stamps)) / NS if is_known else None
    seen_s = found.recovery_point.rpa_s
    return PlantedTruth("recovery point actual (RPA)", _s(due_s), _s(seen_s), exact=due_s == seen_s)


def _outage_found(outage: Outage, found: Measurement) -> list[PlantedTruth]:
    seen = {each.target: each.rta_s for each in found.recovery_times if each.client == "fresh"}
    due = {target: (at_ns - outage.since_ns) / NS for target, at_ns in outage.until_ns.items()}
    return [
        PlantedTruth(
            f"an outage of {target}s",
            f"{_s(outage.length_ns / NS)} of bad probes: RTA {_s(due_s)}",
            f"RTA {_s(seen.get(target))}",
            exact=seen.get(target) == due_s,
        )
        for target, due_s in due.items()
    ]


def _difference(seen: frozenset[str], due: frozenset[str]) -> str:
    if seen == due:
        return "the same ids"
    told = [f"not found: {_some(due - seen)}"] * bool(due - seen)
    return "; ".join(told + [f"too many: {_some(seen - due)}"] * bool(seen - due))


def _some(ids: Iterable[str]) -> str:
    told = sorted(ids)
    return ", ".join(told[:3]) + (" …" if len(told) > 3 else "")


def _s(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"{seconds:.9f}".rstrip("0").rstrip(".") + " s"
