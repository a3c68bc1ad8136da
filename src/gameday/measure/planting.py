"""Copies of a drill's record with truths planted in them, to the id and to the nanosecond; the record is not touched.

Files that stay as they are are links. What is planted leaves as many rows as there were, so that the read-back's own
count still holds: rows taken away make room for the ghost and for those that nobody sent.
"""

import itertools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gameday.clock import NS
from gameday.facts import Kind, Settlement, Survivor, WriteClass
from gameday.facts.lines import Probe, Write
from gameday.measure.classes import UNEXPECTED
from gameday.measure.evidence import Evidence
from gameday.measure.moments import first
from gameday.measure.rto import PROBES_MIN
from gameday.measure.settle import SENT
from gameday.record.layout import Record
from gameday.record.lines import Damage, LineWriter, read_lines

WRITER = "planted-truths"  # of the segment and of the ids that are planted
LOST, DUPLICATE, CORRUPTED, GHOSTS, UNSENT, DIVERGED = 3, 2, 2, 1, 2, 2  # LOST = GHOSTS + UNSENT: as many rows
KEPT_MIN = LOST + DUPLICATE + CORRUPTED
OTHER_SUM = "planted-0000000"  # no checksum of a payload: those are hex
OUTAGE_MAX_NS = 5 * NS
TOOK_NS = 1_000_000  # a good probe of a planted outage
TARGETS = ("write", "read")


@dataclass(frozen=True, slots=True)
class Rows:
    """Ids by class that are planted, and for the lost ones when their acknowledgement was read."""

    ids: Mapping[str, frozenset[str]]
    lost_ns: tuple[int, ...]
    diverged_ns: int | None  # None: no promotion that a write could follow


@dataclass(frozen=True, slots=True)
class Outage:
    """Every fresh probe scheduled from the zero on, for so long, is bad, and every other one is good."""

    since_ns: int
    length_ns: int
    until_ns: Mapping[str, int] = field(default_factory=dict)  # by target: the first good probe's completion


def copied(record: Record, folder: Path) -> Record:
    """A copy that may be planted in: the same files, each a link."""
    for path in sorted(each for each in record.folder.rglob("*") if each.is_file()):
        link = folder / path.relative_to(record.folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.resolve())
    return Record(folder)


def rows_of(record: Record, evidence: Evidence) -> Rows | None:
    """The rows to plant, of some kept writes, none twice; None where too few were kept."""
    kept = evidence.classified.untroubled(KEPT_MIN)
    if len(kept) < KEPT_MIN:
        return None
    lost, doubled = frozenset(kept[:LOST]), frozenset(kept[LOST : LOST + DUPLICATE])
    promoted = evidence.promotion
    after_ns = promoted.mono_ns + 1 if promoted else None
    if promoted and promoted.until_ns is not None and promoted.mono_ns + 1 >= promoted.until_ns:
        after_ns = None
    ids = {
        WriteClass.LOST.value: lost,
        WriteClass.DUPLICATE.value: doubled,
        WriteClass.CORRUPTED.value: frozenset(kept[LOST + DUPLICATE :]),
        WriteClass.GHOST.value: _named("ghost", GHOSTS),
        UNEXPECTED: _named("unsent", UNSENT),
        WriteClass.DIVERGED.value: _named("diverged", DIVERGED if after_ns is not None else 0),
    }
    return Rows(ids, _acknowledged_ns(record, lost), after_ns)


def outage_of(evidence: Evidence) -> Outage | None:
    """An outage that leaves a whole window after it, of both kinds of fresh probe; None where there is no room."""
    zero_ns, end_ns = evidence.zero_ns, evidence.end_ns
    if zero_ns is None or end_ns is None:
        return None
    healing = first(evidence.events, Kind.HEAL, since_ns=zero_ns)
    window_ns = int(evidence.plan.timers.window_s * NS)
    room_ns = [healing.mono_ns - zero_ns - TOOK_NS] if healing else []
    seen = {each: _schedule(evidence.probes, each, zero_ns, end_ns) for each in TARGETS}
    for at_ns in seen.values():
        if len(at_ns) <= PROBES_MIN:
            return None
        room_ns.append(min(at_ns[-PROBES_MIN], at_ns[-1] - window_ns) - zero_ns)
    length_ns = min(*room_ns, 2 * OUTAGE_MAX_NS) // 2
    if not all(_is_an_outage(at_ns, zero_ns + length_ns, window_ns) for at_ns in seen.values()):
        return None
    until = {each: next(at for at in seen[each] if at >= zero_ns + length_ns) + TOOK_NS for each in TARGETS}
    return Outage(zero_ns, length_ns, until)


def plant_rows(record: Record, copy: Record, rows: Rows, evidence: Evidence) -> None:
    """Rewrite the copy's survivors, and add a segment of its own to its ledger."""
    ids, plan = rows.ids, evidence.plan
    copy.survivors.unlink()
    writer = LineWriter(copy.survivors, sync=False)
    for row in read_lines(record.survivors, Survivor, Damage()):
        if row.id not in ids["lost"]:
            count = 2 if row.id in ids["duplicate"] else row.count
            writer.append(replace(row, count=count, sum=OTHER_SUM if row.id in ids["corrupted"] else row.sum))
    for id in sorted(ids["ghost"] | ids[UNEXPECTED]):
        writer.append(Survivor(id, OTHER_SUM))
    writer.close()
    begun_ns = evidence.classified.first_acked_ns or 0
    planted: list[tuple[str, Settlement, int, str | None]] = []
    planted += [(id, Settlement.REFUSED, begun_ns, None) for id in sorted(ids["ghost"])]
    planted += [(id, Settlement.ACKED, rows.diverged_ns or 0, plan.primary) for id in sorted(ids["diverged"])]
    ledger = LineWriter(_unused(copy.writes), sync=False)
    for number, (id, ends, at_ns, region) in enumerate(planted):
        sent = Write(plan.boot, WRITER, id, 1, SENT, at_ns, plan.started_utc, OTHER_SUM, line=2 * number + 1)
        ledger.append(sent)
        ledger.append(replace(sent, ev=ends.value, region=region, line=2 * number + 2))
    ledger.close()


def plant_outage(copy: Record, outage: Outage, probes: Iterable[Probe]) -> None:
    """Rewrite the copy's probes; those of kept-alive clients stay as they were."""
    for segment in copy.probes.glob("*.ndjson"):
        segment.unlink()
    writer = LineWriter(copy.probes / f"{WRITER}.ndjson", sync=False)
    for probe in probes:
        after_ns = probe.scheduled_mono_ns - outage.since_ns
        good = not 0 <= after_ns < outage.length_ns
        done_ns = probe.scheduled_mono_ns + (TOOK_NS if good else NS)
        writer.append(replace(probe, good=good, done_mono_ns=done_ns) if probe.client == "fresh" else probe)
    writer.close()


def _unused(folder: Path) -> Path:
    """A segment that the copy does not have: one that it has is a link, and what is written there is the record's."""
    names = (f"{WRITER}{'-' * number}.ndjson" for number in itertools.count())
    return next(folder / name for name in names if not os.path.lexists(folder / name))


def _named(kind: str, count: int) -> frozenset[str]:
    return frozenset(f"{WRITER}-{kind}-{number}" for number in range(1, count + 1))


def _acknowledged_ns(record: Record, ids: frozenset[str]) -> tuple[int, ...]:
    """The first acknowledgement of each id, read from the ledger's own lines and not from what was judged."""
    seen: dict[str, int] = {}
    for line in record.read_writes(Damage()):
        if line.id in ids and line.ev == Settlement.ACKED.value:
            seen[line.id] = min(line.mono_ns, seen.get(line.id, line.mono_ns))
    return tuple(seen.values())


def _schedule(probes: Iterable[Probe], target: str, since_ns: int, until_ns: int) -> list[int]:
    ours = (each for each in probes if each.target == target and each.client == "fresh")
    return [each.scheduled_mono_ns for each in ours if since_ns <= each.scheduled_mono_ns <= until_ns]


def _is_an_outage(at_ns: list[int], until_ns: int, window_ns: int) -> bool:
    """Whether enough probes are bad, twice what a window may hold of them, that it counts as one."""
    bad = sum(at < until_ns for at in at_ns)
    window = max(PROBES_MIN, sum(at < at_ns[0] + window_ns for at in at_ns))
    return bad * 50 > window
