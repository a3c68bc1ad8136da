"""The tables that tell what happened: findings, phases, recovery times, losses, witnesses, clocks, floor, alarms."""

from collections.abc import Sequence

from gameday.facts import (
    AlarmSeen,
    Availability,
    ClockTold,
    Event,
    Finding,
    Floor,
    Kind,
    Measurement,
    Phase,
    RecoveryPoint,
    RecoveryTime,
    Verdict,
    Witness,
    WriteClass,
)  # fmt: skip
from gameday.report import words
from gameday.report.headline import TONES, next_step
from gameday.report.parts import Bar, Cell, Column, Fold, Table, Tone

EFFECTS_MAX = 200  # of a drill that injects again and again; the timeline has them all
NOT_SEEN = Cell("not seen", Tone.QUIET)
CLIENTS = {"fresh": "fresh connection each", "kept": "kept-alive connection"}
ALWAYS_BROKEN = (WriteClass.DUPLICATE, WriteClass.CORRUPTED, WriteClass.DIVERGED, WriteClass.GHOST)
MEANINGS = {
    WriteClass.DUPLICATE: "there more than once",
    WriteClass.CORRUPTED: "there, with another checksum",
    WriteClass.DIVERGED: "acknowledged by the old primary after the standby was promoted",
    WriteClass.LOST: "acknowledged, not there",
    WriteClass.KEPT: "acknowledged, there",
    WriteClass.RECOVERED: "indeterminate, there",
    WriteClass.ABSENT: "indeterminate, not there",
    WriteClass.GHOST: "refused, there all the same",
    WriteClass.REFUSED: "refused, not there",
}
WITNESS_TONES = {Witness.AGREES: Tone.GOOD, Witness.DISAGREES: Tone.BAD, Witness.UNAVAILABLE: Tone.QUIET}


def text(value: str, tone: Tone = Tone.PLAIN) -> Cell:
    """A cell of foreign words."""
    return Cell(words.plain(value) or words.DASH, tone)


def code(value: str) -> Cell:
    """A cell of what a machine wrote."""
    return Cell(words.plain(value) or words.DASH, code=True)


def findings(found: Sequence[Finding]) -> Table:
    """What the verdict rests on: expected, seen, next step."""
    columns = (Column("Finding"), Column("Weight"), Column("Expected"), Column("Seen"), Column("Next step"))
    rows = tuple(
        (
            Cell(words.sentence(each.what)),
            Cell(each.weight.value, TONES[each.weight]),
            text(each.expected),
            text(each.seen, Tone.PLAIN if each.weight is Verdict.HELD else Tone.STRONG),
            text(next_step(each)),
        )
        for each in found
    )
    return Table("What the verdict rests on", columns, rows, "The judgement left no finding: nothing was shown.")


def in_order(phases: Sequence[Phase]) -> tuple[tuple[Phase, float | None], ...]:
    """The phases in order of time, each with the instant seen before it; those never seen come last."""
    seen = sorted((each for each in phases if each.at_s is not None), key=lambda each: each.at_s or 0)
    before = [None, *(each.at_s for each in seen)]
    missing = [(each, None) for each in phases if each.at_s is None]
    return (*zip(seen, before, strict=False), *missing)


def bars(phases: Sequence[Phase]) -> tuple[Bar, ...]:
    """The phases as bars of the waterfall."""
    return tuple(
        Bar(words.plain(each.name, 60), since_s, each.at_s, "not seen" if each.at_s is None else words.after(each.at_s))
        for each, since_s in in_order(phases)
    )


def phases(found: Sequence[Phase], since: str = "the fault") -> Table:
    """Each instant of the recovery in order of time, with how long after the one before it, and its evidence."""
    columns = (
        Column("Phase"), Column(f"After {since}", True), Column("After the one before", True), Column("UTC", True),
        Column("Evidence"),
    )  # fmt: skip
    rows = tuple(_phase_row(each, since_s) for each, since_s in in_order(found))
    return Table("The recovery, instant by instant: a partial order, told in order of time", columns, rows)


def _phase_row(phase: Phase, since_s: float | None) -> tuple[Cell, ...]:
    name = Cell(words.plain(phase.name, 60))
    if phase.at_s is None:
        return name, NOT_SEEN, Cell(words.DASH), Cell(words.DASH), text(phase.evidence, Tone.QUIET)
    since = words.DASH if since_s is None else words.duration(phase.at_s - since_s)
    return name, Cell(words.after(phase.at_s)), Cell(since), Cell(words.clock_time(phase.utc)), text(phase.evidence)


def recovery_times(found: Sequence[RecoveryTime]) -> Table:
    """The RTA of writes and reads, over fresh and kept-alive connections, each with its bounds."""
    columns = (
        Column("Probes"), Column("RTA", True), Column("At least", True), Column("At most", True),
        Column("Failed", True), Column("Scheduled", True), Column("Why unknown"),
    )  # fmt: skip
    rows = tuple(
        (
            Cell(f"{words.plain(each.target, 30)}s, {CLIENTS.get(each.client, words.plain(each.client, 30))}"),
            Cell(words.duration(each.rta_s), Tone.DOUBT if each.rta_s is None else Tone.STRONG),
            Cell(_bound(each.lower_s)),
            Cell(_bound(each.upper_s)),
            Cell(words.count(each.failed)),
            Cell(words.count(each.scheduled)),
            text(each.why),
        )
        for each in found
    )
    return Table("Recovery times actual, by kind of probe; the RTO judges fresh connections", columns, rows)


def _bound(seconds: float | None) -> str:
    return words.DASH if seconds is None else words.duration(seconds, 1 if seconds else 0)


def availability(found: Sequence[Availability], since: str = "the fault") -> Table:
    """Shares of good probes with their counts, before the fault and in all."""
    columns = (
        Column("Probes"), Column(f"Before {since}", True), Column("Good of scheduled", True),
        Column("Whole drill", True), Column("Good of scheduled", True),
    )  # fmt: skip
    rows = tuple(
        (
            Cell(f"{words.plain(each.target, 30)}s"),
            Cell(words.share(each.baseline_good, each.baseline_scheduled)),
            Cell(f"{each.baseline_good:,} of {each.baseline_scheduled:,}"),
            Cell(words.share(each.good, each.scheduled)),
            Cell(f"{each.good:,} of {each.scheduled:,}"),
        )
        for each in sorted(found, key=lambda each: (each.target != "write", each.target))
    )
    return Table("Good probes", columns, rows)


def losses(measurement: Measurement) -> Table:
    """Every write class with its count; then unexpected rows and split brain, which no objective forgives."""
    columns = (Column("Class"), Column("Writes", True), Column("Share", True), Column("Meaning"))
    classes = tuple(_class_row(each, measurement) for each in WriteClass)
    unexpected = (
        Cell("unexpected"), _forbidden(measurement.unexpected), Cell(words.DASH), Cell("rows there that nobody sent")
    )  # fmt: skip
    split = (
        Cell("split brain"), _forbidden(measurement.split_brain), Cell(words.DASH),
        Cell("rows committed on the old primary after the promotion, acknowledged or not"),
    )  # fmt: skip
    caption = (
        f"{words.counted(measurement.writes, 'write')} in {words.counted(measurement.attempts, 'attempt')}, "
        "each in exactly one class after the read-back"
    )
    if measurement.recovery_point.rpa_s is None:
        caption += "; the recovery point is unknown, so what counts as lost or absent here may only not have been found"
    return Table(caption, columns, (*classes, unexpected, split))


def _class_row(each: WriteClass, measurement: Measurement) -> tuple[Cell, ...]:
    number = measurement.classes.get(each.value)
    counted = _forbidden(number) if each in ALWAYS_BROKEN else Cell(words.count(number))
    if each is WriteClass.LOST:
        known = measurement.recovery_point.rpa_s is not None
        counted = Cell(words.count(number), Tone.STRONG if known else Tone.DOUBT)
    part = words.DASH if number is None else words.share(number, measurement.writes)
    return Cell(each.value), counted, Cell(part), Cell(MEANINGS[each])


def _forbidden(number: int | None) -> Cell:
    if number is None:
        return Cell("not known", Tone.DOUBT)
    return Cell(words.count(number), Tone.BAD if number else Tone.PLAIN)


def witnesses(point: RecoveryPoint) -> Table:
    """The three witnesses of the RPA: ledger, WAL, lag. Unavailable is not disagreeing."""
    columns = (Column("Witness"), Column("Says"), Column("Figure", True), Column("Why"))
    if point.rpa_s is None:
        ledger = Cell("unavailable", Tone.QUIET), Cell("unknown"), text(point.why)
    else:
        counted = words.counted(point.lost, "lost write")
        said = f"{counted}; the RPA is the span of their acknowledgements up to the fault" if point.lost else counted
        ledger = Cell("measures", Tone.STRONG), Cell(words.duration(point.rpa_s)), Cell(said)
    commits = words.counted(point.wal_lost_xids, "commit") if point.wal_lost_xids is not None else "not known"
    lag = words.duration(point.lag_s) if point.lag_s is not None else "not known"
    return Table(
        "Three witnesses of the recovery point actual",
        columns,
        (
            (Cell("ledger: acknowledged, read back"), *ledger),
            (Cell("WAL: commits after the fork"), _witness(point.wal), Cell(commits), text(point.wal_why)),
            (Cell("replica lag: last seen before the fault"), _witness(point.lag), Cell(lag), text(point.lag_why)),
        ),
    )


def _witness(witness: Witness) -> Cell:
    return Cell(witness.value, WITNESS_TONES[witness])


def lost_ids(point: RecoveryPoint) -> Fold:
    """The ids of lost writes, oldest first, as far as the measurement lists them."""
    listed = len(point.lost_ids)
    note = f"The oldest {listed:,} of {point.lost:,}." if point.lost > listed else ""
    ids = tuple(words.plain(each, 200) for each in point.lost_ids)
    what = "lost writes" if point.rpa_s is not None else "writes that were not found"
    return Fold(f"Ids of {what} ({words.count(point.lost)})" if point.lost else "No id to list", ids, note)


def clocks(rta_s: float | None, found: Sequence[ClockTold], since: str = "the fault") -> Table:
    """The same recovery, from the starting points of other tools."""
    columns = (Column("Clock started at"), Column("Recovery took", True))
    first = (Cell(f"{since} (RTA)"), Cell(words.duration(rta_s), Tone.STRONG))
    rest = tuple(
        (text(each.since), Cell("not known", Tone.QUIET) if each.at_s is None else Cell(words.duration(each.at_s)))
        for each in found
    )
    return Table("The same recovery by other clocks", columns, (first, *rest))


def floor(measured: Floor, rta_s: float | None, excess_s: float | None) -> Table:
    """The least that the configuration dictates, part by part, up to the RTA."""
    columns = (Column("Part"), Column("Takes", True))
    parts = tuple((text(name), Cell(words.duration(seconds))) for name, seconds in measured.parts)
    total = (Cell("floor: their sum", Tone.STRONG), Cell(words.duration(measured.floor_s), Tone.STRONG))
    excess = (Cell("excess: RTA − floor"), Cell(words.duration(excess_s)))
    actual = (Cell("recovery time actual (RTA)", Tone.STRONG), Cell(words.duration(rta_s), Tone.STRONG))
    caption = "The floor: the least that the configuration dictates, before any work is done"
    return Table(caption, columns, (*parts, total, excess, actual))


def alarms(found: Sequence[AlarmSeen], since: str = "the fault") -> Table:
    """Alarms expected and seen, when each fired and when it cleared."""
    columns = (Column("Alarm"), Column("Expected"), Column("Fired", True), Column("Cleared", True), Column("In words"))
    rows = tuple(
        (code(each.name), Cell("yes" if each.expected else "no"), Cell(words.after(each.fired_at_s)),
         Cell(words.after(each.cleared_at_s)), _alarm(each, since))
        for each in found
    )  # fmt: skip
    return Table(f"Alarms, in seconds after {since}", columns, rows, "No alarm was expected, and none was seen.")


def _alarm(alarm: AlarmSeen, since: str) -> Cell:
    if alarm.fired_at_s is None:
        return Cell("expected, stayed silent", Tone.DOUBT) if alarm.expected else Cell("stayed silent", Tone.QUIET)
    if alarm.fired_at_s < 0:
        return Cell(f"had fired before {since}", Tone.DOUBT)
    fired = "fired as expected" if alarm.expected else "fired unexpectedly"
    if alarm.cleared_at_s is None:
        return Cell(f"{fired}, had not cleared when observation ended", Tone.DOUBT)
    return Cell(f"{fired}, and cleared", Tone.GOOD if alarm.expected else Tone.DOUBT)


def effects(events: Sequence[Event]) -> Table:
    """What the faults were seen to do, and how they were taken back: effect checks, fencing, healing."""
    columns = (Column("Seen"), Column("Region"), Column("UTC", True), Column("Evidence"))
    rows = tuple(
        (Cell(name), code(event.region or ""), Cell(words.clock_time(event.utc)), text(_evidence(event)))
        for event in events
        if (name := EFFECTS.get(event.kind))
    )[:EFFECTS_MAX]
    return Table("The fault's effects as verified, fencing, and healing", columns, rows, "No fault was injected.")


EFFECTS = {
    Kind.FAULT: "fault",
    Kind.FAULT_VERIFIED: "effect verified",
    Kind.FAULT_FAILED: "effect not seen",
    Kind.HEAL: "healing began",
    Kind.FENCED: "old primary fenced",
    Kind.HEALED: "healed",
}


def _evidence(event: Event) -> str:
    told = (event.what, words.details(event.detail))
    return words.plain("; ".join(each for each in told if each), 600)
