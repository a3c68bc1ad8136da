"""The transactions of what was lost, joined to the old primary's commits after the fork point: counts and examples.

*Gone* are the lost writes, and the diverged ones that are not in the survivor. Only the old primary's acknowledgements
are joined. What must be true of the counts is told by :mod:`gameday.measure.wal`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gameday.record.tables import Tables

TOLD = 5
_GONE = "class = 'lost' OR class = 'diverged' AND rows = 0"
_MAKE = f"""
CREATE TABLE committed AS SELECT DISTINCT unnest($1::BIGINT[]) AS xid;
CREATE TABLE gone AS SELECT id FROM exceptions WHERE {_GONE};
CREATE TABLE gone_xids AS SELECT DISTINCT id, old_xid AS xid FROM attempts SEMI JOIN gone USING (id)
    WHERE old_xid IS NOT NULL;
CREATE TABLE after_fork AS SELECT DISTINCT old_xid AS xid FROM attempts
    WHERE old_xid IN (SELECT xid FROM committed);
"""
_COUNTS = """
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM gone ANTI JOIN gone_xids USING (id)),
    (SELECT count(*) FROM gone) - (SELECT count(DISTINCT xid) FROM gone_xids),
    (SELECT count(*) FROM after_fork), (SELECT count(*) FROM committed)
"""
_UNCOMMITTED = "SELECT DISTINCT xid FROM gone_xids ANTI JOIN committed USING (xid)"
_NOT_LOST = "SELECT xid FROM after_fork ANTI JOIN gone_xids USING (xid)"


@dataclass(frozen=True, slots=True)
class Some:
    """How many transactions, and the first of them."""

    count: int
    first: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """``nameless``: gone, without a transaction of the old primary; ``shared``: beyond one transaction a write."""

    gone: int
    nameless: int
    shared: int
    after_fork: int  # acknowledged transactions among the commits
    never_acknowledged: int  # commits that no acknowledgement names
    uncommitted: Some  # gone, and no commit
    not_lost: Some  # committed and acknowledged, and not gone


def joined_to(tables: Tables, committed: Sequence[int]) -> Joined:
    """The gone writes' transactions against the commits after the fork."""
    make, *more = _MAKE.strip().rstrip(";").split(";")
    tables.db.execute(make, [list(committed)])
    for each in more:
        tables.db.execute(each)
    gone, nameless, shared, after_fork, commits = tables.row(_COUNTS)
    return Joined(
        gone, nameless, shared, after_fork, commits - after_fork, _some(tables, _UNCOMMITTED), _some(tables, _NOT_LOST)
    )


def ends_of_lost(tables: Tables, replayed: int) -> tuple[int, bool]:
    """How many acknowledgements of lost writes end at or before a WAL position, and whether one tells no end."""
    before, endless = tables.row(
        "SELECT count(*) FILTER (end_lsn <= $1), count(*) FILTER (endless) FROM attempts "
        "WHERE strength = 2 AND id IN (SELECT id FROM exceptions WHERE class = 'lost')",
        [replayed],
    )
    return before, bool(endless)


def _some(tables: Tables, xids: str) -> Some:
    (count,) = tables.row(f"SELECT count(*) FROM ({xids})")
    first = tables.db.execute(f"SELECT xid FROM ({xids}) ORDER BY xid LIMIT {TOLD}").fetchall()
    return Some(count, tuple(xid for (xid,) in first))
