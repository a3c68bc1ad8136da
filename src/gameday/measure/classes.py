"""The one class of every write after the read-back, and the rows that nobody sent.

The first that matches wins: *duplicate* (there more than once) · *corrupted* (there with another checksum) · *diverged*
(acknowledged by the old primary after the standby was promoted) · *lost* (acknowledged, not there) · *kept*
(acknowledged, there) · *recovered* (indeterminate, there) · *absent* (indeterminate, not there) · *ghost* (refused,
there) · *refused* (refused, not there). Rows there that nobody sent are *unexpected*.

The checksums that a row may have are those of the acknowledged attempts, else of every one that was sent. What was not
read back counts as not there: read the read-back's own finding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from gameday.facts import WriteClass
from gameday.facts.bounds import MOST
from gameday.measure import plain
from gameday.measure.promotion import Promotion
from gameday.measure.settle import NEVER_NS
from gameday.record.tables import Tables

UNEXPECTED = "unexpected"

# One row for each id of the ledger or of the read-back; ``found`` is a surviving row's own count. Where several
# checksums were sent under an id (``mixed``) a row is held against each of them.
_WRITES = """
WITH gathered AS MATERIALIZED (
    SELECT
        id, count(strength)::INTEGER AS attempts, max(strength) AS strength, min(acked_ns) AS acked_ns,
        max(old_ns) AS old_ns, coalesce(bool_or(newer), false) AS newer, min(size_bytes) AS size_bytes,
        min(sum) AS sum_min, max(sum) AS sum_max,
        count(found)::INTEGER AS rows, coalesce(sum(found), 0) AS there,
        min(row_sum) AS row_min, max(row_sum) AS row_max
    FROM (
        SELECT id, strength, acked_ns, old_ns, newer, size_bytes, sum, NULL::BIGINT AS found, NULL::UBIGINT AS row_sum
        FROM {attempts}
        UNION ALL
        SELECT id, NULL, NULL, NULL, NULL, NULL, NULL, count, sum FROM {rows}
    ) GROUP BY id
), mixed AS (
    SELECT id, list(a.sum) AS sums FROM {attempts} a JOIN gathered w USING (id)
    WHERE w.rows > 0 AND w.sum_min <> w.sum_max AND (w.strength < 2 OR a.strength = 2) GROUP BY id
)
SELECT
    id, attempts, rows, strength, acked_ns, newer, size_bytes,
    CASE WHEN attempts = 0 THEN 'unexpected'
    WHEN there > 1 THEN 'duplicate'
    WHEN rows > 0 AND CASE WHEN sums IS NULL THEN row_min <> sum_min OR row_max <> sum_min
        ELSE NOT (list_contains(sums, row_min) AND list_contains(sums, row_max)) END THEN 'corrupted'
    WHEN old_ns > {promoted_ns} THEN 'diverged'
    WHEN rows > 0 THEN CASE strength WHEN 2 THEN 'kept' WHEN 1 THEN 'recovered' ELSE 'ghost' END
    ELSE CASE strength WHEN 2 THEN 'lost' WHEN 1 THEN 'absent' ELSE 'refused' END END AS class
FROM gathered LEFT JOIN mixed USING (id)
"""
# Every write that is not kept, and the rows that nobody sent.
_EXCEPTIONS = """
SELECT id, strength, acked_ns, newer, size_bytes, rows, class FROM {writes} WHERE class <> 'kept'
"""
_LOSS = """
SELECT count(*), min(acked_ns), max(acked_ns), sum(size_bytes), count(size_bytes)
FROM exceptions WHERE class = 'lost' AND {which}
"""


@dataclass(frozen=True, slots=True)
class Loss:
    """Lost writes: how many, when they were acknowledged, and their payloads' bytes (None: not known of all)."""

    count: int
    oldest_ns: int | None
    newest_ns: int | None
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Before:
    """Writes acknowledged before a moment: how many, how many of them are kept or lost, and some that are not kept."""

    acknowledged: int
    kept: int
    lost: int
    missing_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Classified:
    """How many writes of every class there are; the writes themselves stay in ``tables``."""

    tables: Tables
    counts: Mapping[str, int]
    unexpected: int
    acknowledged: int
    first_acked_ns: int | None  # the first acknowledgement that a client read
    rows: int  # lines of the read-back

    @property
    def writes(self) -> int:
        return sum(self.counts.values())

    def ids(self, each: str, *, most: int, which: str = "true") -> tuple[str, ...]:
        """Some ids of a class (or of :data:`UNEXPECTED`), those acknowledged first before the others; none of kept."""
        found = self.tables.db.execute(
            f"SELECT id FROM exceptions WHERE class = $1 AND {which} ORDER BY acked_ns NULLS FIRST, id LIMIT {most}",
            [each],
        )
        return tuple(id for (id,) in found.fetchall())

    def untroubled(self, most: int) -> tuple[str, ...]:
        """Some ids of kept writes that were placed once and are there once; the same ones whenever it is asked."""
        found = self.tables.db.execute(
            f"SELECT id FROM writes WHERE class = 'kept' AND attempts = 1 AND rows = 1 ORDER BY md5(id) LIMIT {most}"
        )
        return tuple(id for (id,) in found.fetchall())

    def lost(self, which: str = "true") -> Loss:
        """The lost writes, or those of them that a condition on a write holds for."""
        count, oldest, newest, size, sized = self.tables.row(_LOSS.format(which=which))
        known = sized == count and (size or 0) <= MOST  # more is no figure that a measurement can hold
        told = int(size or 0) if known else None
        return Loss(count, oldest, newest, told)

    def acked_before(self, until_ns: int, *, most: int) -> Before:
        """What became of the writes that were acknowledged before a moment; ``most`` bounds the ids."""
        (acked,) = self.tables.row("SELECT count(*) FROM writes WHERE acked_ns < $1", [until_ns])
        others, lost = self.tables.row(
            "SELECT count(*), count(*) FILTER (class = 'lost') FROM exceptions WHERE acked_ns < $1", [until_ns]
        )
        missing = self.tables.db.execute(
            f"SELECT id FROM exceptions WHERE acked_ns < $1 ORDER BY acked_ns, id LIMIT {most}", [until_ns]
        )
        return Before(acked, acked - others, lost, tuple(id for (id,) in missing.fetchall()))

    def acked_within(self, spans: Sequence[tuple[int, int]]) -> list[int]:
        """For each span of time how many writes were acknowledged in it, its start left out and its end taken in."""
        if not spans:
            return []
        moments = sorted({moment for span in spans for moment in span})
        until = dict(zip(moments, self._acked_until(moments), strict=True))
        return [until[end] - until[start] for start, end in spans]

    def _acked_until(self, moments: Sequence[int]) -> list[int]:
        """How many writes had been acknowledged at each of some moments, which are in order."""
        (slices,) = self.tables.row("SELECT histogram(acked_ns, $1::BIGINT[]) FROM writes", [moments])
        return list(accumulate((slices or {}).get(moment, 0) for moment in moments))

    def first_to_open(self, count: int, window_ns: int, since_ns: int, until_ns: int) -> int | None:
        """The first acknowledgement from ``since_ns`` on that opens a window with so many, wholly before the end."""
        found = self.tables.db.execute(
            f"SELECT min(acked_ns) FROM (SELECT acked_ns, lead(acked_ns, {count - 1}) OVER (ORDER BY acked_ns) AS nth "
            "FROM writes WHERE acked_ns BETWEEN $1 AND $2) WHERE acked_ns <= $3 AND nth - acked_ns < $4",
            [since_ns, until_ns, until_ns - window_ns, window_ns],
        ).fetchone()
        return found[0] if found else None


def classify(tables: Tables, promotion: Promotion | None) -> Classified:
    """Give every write its one class; the ledger was settled in the same ``tables`` before."""
    writes = plain.classed(tables, promotion.mono_ns if promotion else NEVER_NS, _WRITES)
    tables.drop("rows")
    tables.derive("exceptions", _EXCEPTIONS.replace("{writes}", writes))
    found = dict(tables.db.execute("SELECT class, count(*) FROM exceptions GROUP BY class").fetchall())
    all_ids, rows, first_ns, acked = tables.row(
        "SELECT count(*), coalesce(sum(rows), 0), min(acked_ns), count(acked_ns) FROM writes"
    )
    found[WriteClass.KEPT.value] = all_ids - sum(found.values())
    counts = {each.value: found.get(each.value, 0) for each in WriteClass}
    return Classified(tables, counts, found.get(UNEXPECTED, 0), acked, first_ns, int(rows))
