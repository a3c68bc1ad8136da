"""The one class of every write after the read-back, and the rows that nobody sent.

The first that matches wins: *duplicate* (there more than once) · *corrupted* (there with another checksum) · *diverged*
(acknowledged by the old primary after the standby was promoted) · *lost* (acknowledged, not there) · *kept*
(acknowledged, there) · *recovered* (indeterminate, there) · *absent* (indeterminate, not there) · *ghost* (refused,
there) · *refused* (refused, not there). Rows there that nobody sent are *unexpected*.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gameday.facts import Settlement, Survivor, WriteClass
from gameday.measure.promotion import Promotion, is_of_the_old_primary
from gameday.measure.settle import SettledWrite


@dataclass(frozen=True, slots=True)
class Classified:
    """Every write under its class, and the ids of unexpected rows."""

    of: Mapping[WriteClass, tuple[SettledWrite, ...]]
    unexpected: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        return {each.value: len(self.of[each]) for each in WriteClass}


_THERE = {
    Settlement.ACKED: WriteClass.KEPT,
    Settlement.UNKNOWN: WriteClass.RECOVERED,
    Settlement.REFUSED: WriteClass.GHOST,
}
_GONE = {
    Settlement.ACKED: WriteClass.LOST,
    Settlement.UNKNOWN: WriteClass.ABSENT,
    Settlement.REFUSED: WriteClass.REFUSED,
}


def classify(writes: Iterable[SettledWrite], survivors: Iterable[Survivor], promotion: Promotion | None) -> Classified:
    """Give every write its one class. What was not read back counts as not there: read the read-back's own finding."""
    rows: dict[str, list[Survivor]] = defaultdict(list)
    for row in survivors:
        rows[row.id].append(row)
    of: dict[WriteClass, list[SettledWrite]] = {each: [] for each in WriteClass}
    for write in writes:
        of[class_of(write, rows.pop(write.id, []), promotion)].append(write)
    return Classified({each: tuple(found) for each, found in of.items()}, tuple(rows))


def class_of(write: SettledWrite, rows: Sequence[Survivor], promotion: Promotion | None) -> WriteClass:
    """The first class of the module's list that matches."""
    if sum(row.count for row in rows) > 1:
        return WriteClass.DUPLICATE
    if any(row.sum not in write.sums for row in rows):
        return WriteClass.CORRUPTED
    if promotion and acked_by_the_old_primary(write, promotion):
        return WriteClass.DIVERGED
    return (_THERE if rows else _GONE)[write.settlement]


def acked_by_the_old_primary(write: SettledWrite, promotion: Promotion) -> bool:
    """Whether a client read an acknowledgement of the old primary's region after the stamp of the promotion, and before
    a failback promoted a new database there."""
    return any(
        is_of_the_old_primary(each, promotion.old_region, promotion)
        and each.settled_mono_ns is not None
        and each.settled_mono_ns > promotion.mono_ns
        for each in write.acks
    )
