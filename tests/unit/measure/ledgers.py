"""Ledgers by hand, line by line, and the plain rules that settle and classify them: what the tables are held against.

The rules are written as they are told, over lists that fit into memory. Nothing else judges by them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gameday.facts import Survivor, Write
from gameday.measure.classes import Classified, classify
from gameday.measure.promotion import Promotion
from gameday.measure.settle import Ledger, Sides, settle
from gameday.record.lines import Damage
from gameday.record.tables import tables

BOOT, OLD, NEW = "boot", "old", "new"


def line(id, ev, at, *, attempt=1, writer="w", number=None, region=None, sum="good", size_bytes=None):
    return Write(
        BOOT, writer, id, attempt, ev, at, "", sum, region=region, size_bytes=size_bytes, line=number,
    )  # fmt: skip


def row(sum="good", count=1, id="a"):
    return Survivor(id, sum, count=count)


@contextmanager
def judged(
    folder: Path,
    lines: Sequence[Write],
    rows: Sequence[Survivor] = (),
    promoted_ns: int | None = None,
    sides: Sides | None = None,
) -> Iterator[tuple[Ledger, Classified]]:
    """The ledger settled and its writes classified, as a judgement does it."""
    segment, survivors = _written(folder / "w.ndjson", lines), _written(folder / "survivors.ndjson", rows)
    promotion = None if promoted_ns is None else Promotion(promoted_ns, "", OLD)
    with tables([segment, survivors]) as opened:
        ledger = settle(opened, [segment], [survivors], sides or Sides(BOOT, OLD, NEW), Damage(), Damage())
        yield ledger, classify(opened, promotion)


def ids_by_class(found: Classified) -> dict[str, tuple[str, ...]]:
    """Every id by its class; the kept ones, which nobody asks for in a judgement, are those that are no exception."""
    kept = found.tables.db.execute("SELECT id FROM writes WHERE class = 'kept' ORDER BY id").fetchall()
    others = {each: found.ids(each, most=99) for each in (*found.counts, "unexpected") if each != "kept"}
    assert len(kept) == found.counts["kept"]
    return others | {"kept": tuple(id for (id,) in kept)}


def _written(path: Path, records: Sequence[object]) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in records))
    return path


def told_class(lines: Sequence[Write], rows: Sequence[Survivor], promoted_ns: int | None) -> str:
    """The class of one write by DESIGN's words: ``lines`` and ``rows`` are those of its id."""
    attempts: dict[tuple[str, int], list[Write]] = {}
    for each in lines:
        attempts.setdefault((each.writer, each.attempt), []).append(each)
    how = [_settlement([each.ev for each in of]) for of in attempts.values()]
    settlement = next((each for each in ("acked", "unknown", "refused") if each in how), None)
    settled = zip(attempts.values(), how, strict=True)
    sums = {of[0].sum for of, each in settled if settlement != "acked" or each == "acked"}
    late = [
        x for x in lines if x.ev == "acked" and x.region == OLD and promoted_ns is not None and x.mono_ns > promoted_ns
    ]
    if settlement is None:
        return "unexpected"
    if sum(each.count for each in rows) > 1:
        return "duplicate"
    if any(each.sum not in sums for each in rows):
        return "corrupted"
    if late:
        return "diverged"
    there = {"acked": "kept", "unknown": "recovered", "refused": "ghost"}
    gone = {"acked": "lost", "unknown": "absent", "refused": "refused"}
    return (there if rows else gone)[settlement]


def _settlement(events: Sequence[str]) -> str:
    return next((each for each in ("acked", "unknown", "refused") if each in events), "unknown")
