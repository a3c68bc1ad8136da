"""Attempts settle, writes are judged: the ledger's lines joined to attempts.

An attempt is *acknowledged* when the client read a success that echoes id and checksum; *refused* when it definitely
did not happen; else *indeterminate*, also when it never settled. A **write** is acknowledged if any of its attempts
was, else indeterminate if any was, else refused. Where lines contradict one another the stronger settlement stays, and
of two that are as strong the earlier.

DuckDB joins, part by part in bounded memory, and only counts and exceptions come to Python. Of a line its tables keep
numbers: a checksum stands there as its 64-bit hash, a region as whether the acknowledgement is the old primary's.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from gameday.clock import utc_text
from gameday.facts import Settlement, Survivor, Write
from gameday.measure import plain
from gameday.record.lines import Damage
from gameday.record.tables import Form, Tables

SENT = "sent"
EVENTS = (SENT, *(each.value for each in Settlement))
LINES = Form(Write, ev=Literal[EVENTS])  # any other ``ev`` is no line of a ledger
ROWS = Form(Survivor)
NEVER_NS, NS_OF_MS = 2**63 - 1, 1_000_000

# Of a line only what tells the rest, in numbers: what the groups keep is what costs.
_LINES = """
id, writer, attempt, line, mono_ns, size_bytes,
CASE ev WHEN 'sent' THEN 0 WHEN 'refused' THEN 1 WHEN 'unknown' THEN 2 ELSE 3 END::TINYINT AS ev,
boot <> $boot AS is_foreign, hash(sum) AS sum,
ev = 'acked' AND region IS NOT DISTINCT FROM $primary AND mono_ns < $until_ns AS is_old,
ev = 'acked' AND region IS DISTINCT FROM $primary AS elsewhere,
ev = 'acked' AND region IS NOT DISTINCT FROM $secondary AND mono_ns >= $since_ns AS serves,
epoch_us(try_cast(utc AS TIMESTAMP)) AS utc_us, {positions}
CASE WHEN is_old THEN xid END AS old_xid
"""
_ROWS = "id, hash(sum) AS sum, coalesce(count, 1) AS count"
_ATTEMPTS = """
SELECT
    id, writer, attempt, sents, lines - sents AS settles,
    coalesce(least(old_ns, newer_ns, unknown_ns, refused_ns) < sent_ns, false) AS early,
    CASE WHEN old_ns IS NOT NULL OR newer_ns IS NOT NULL THEN 2 WHEN unknown_ns IS NOT NULL OR settles = 0 THEN 1
        ELSE 0 END::TINYINT AS strength,
    least(old_ns, newer_ns) AS acked_ns, coalesce(unknown_ns, refused_ns) AS failed_ns,
    old_ns, old_xid, newer_ns IS NOT NULL AS newer,
    coalesce(sent_sum, any_sum) AS sum, size_bytes, {told}
FROM (
    SELECT id, writer, attempt,
        count(*)::INTEGER AS lines, count(sent_ns)::INTEGER AS sents,
        min(sent_ns) AS sent_ns, min(unknown_ns) AS unknown_ns, min(refused_ns) AS refused_ns,
        min(old_ns) AS old_ns, min(newer_ns) AS newer_ns, min(old_xid) AS old_xid,
        min(sent_sum) AS sent_sum, min(sum) AS any_sum, min(size_bytes) AS size_bytes, {kept}
    FROM (
        SELECT *,
            CASE ev WHEN 0 THEN mono_ns END AS sent_ns,
            CASE ev WHEN 1 THEN mono_ns END AS refused_ns,
            CASE ev WHEN 2 THEN mono_ns END AS unknown_ns,
            CASE WHEN is_old THEN mono_ns END AS old_ns,
            CASE WHEN ev = 3 AND NOT is_old THEN mono_ns END AS newer_ns,
            CASE ev WHEN 0 THEN sum END AS sent_sum
        FROM {lines}
    ) GROUP BY id, writer, attempt
)
"""
# Only where somebody read how far the standby had replayed.
_POSITIONS = """

try_cast({end} AS UBIGINT) AS end_lsn, try_cast({start} AS UBIGINT) AS start_lsn,"""
_POSITIONS_KEPT = """
        min(end_lsn) FILTER (ev = 3) AS end_lsn,
        bool_or(ev = 3 AND end_lsn IS NULL) AS endless,
        coalesce(bool_or(is_old AND start_lsn <= {replayed} AND {replayed} < end_lsn), false) AS straddles"""
_POSITIONS_TOLD = "end_lsn, endless, straddles"
_NO_POSITIONS_TOLD = "NULL::UBIGINT AS end_lsn, true AS endless, false AS straddles"
_LSN = (
    "try_cast('0x' || split_part({0}, '/', 1) AS UBIGINT)::HUGEINT * 4294967296"
    " + try_cast('0x' || split_part({0}, '/', 2) AS UBIGINT)"
)
_COUNTS = """
SELECT count(*), count(*) FILTER (strength = 1), count(*) FILTER (settles = 0), count(*) FILTER (sents = 0),
    coalesce(sum(greatest(sents - 1, 0) + greatest(settles - 1, 0) + early::INTEGER), 0),
    count(*) FILTER (straddles)
FROM attempts
"""
_SERVED = "SELECT mono_ns, utc_us, writer FROM lines WHERE serves ORDER BY ALL LIMIT 1"
# Of stamps that are as far ahead the same one every time that is asked, whichever thread reads which line first.
_CLOCKS = """
WITH told AS (SELECT mono_ns, utc_us // 1000 - mono_ns // 1000000 AS ahead_ms FROM lines WHERE NOT is_foreign),
most AS (SELECT min(ahead_ms) AS least_ms, max(ahead_ms) AS most_ms FROM told)
SELECT min(mono_ns) FILTER (ahead_ms = least_ms), any_value(least_ms), max(mono_ns) FILTER (ahead_ms = most_ms),
    any_value(most_ms)
FROM told, most"""
_MISSING_ATTEMPTS = """
SELECT coalesce(sum(holes), 0) FROM (
    SELECT max(attempt) - min(attempt) + 1 - count(DISTINCT attempt) AS holes FROM other_attempts
    WHERE id IN (SELECT id FROM other_attempts WHERE attempt <> 1) GROUP BY id
)"""
_MISSING_LINES = """
SELECT coalesce(sum(greatest(max_line, 1) - least(min_line, 1) + 1 - seen + told - seen), 0)::HUGEINT FROM (
    SELECT max(line) AS max_line, min(line) AS min_line, count(DISTINCT line) AS seen, count(line) AS told FROM lines
    WHERE line IS NOT NULL GROUP BY writer
)"""
# A writer's numbers are 1 to their count, each once, when hashes and all, exclusive-ored, are those of the numbers.
_NUMBERED = """
SELECT max(line) AS last, count(line) AS seen, bit_xor(hash(line)) AS told
FROM lines WHERE line IS NOT NULL GROUP BY writer"""
_NUMBERS = "SELECT bit_xor(hash(number)) FROM range(1, $1) numbers(number)"


@dataclass(frozen=True, slots=True)
class Sides:
    """Whose acknowledgements are whose, and from when on.

    The old primary's end where a failback promoted a new database in its region (``until_ns``; None: never); the
    standby's count from the fault or the switch on (``since_ns``; None: there was neither). ``replayed`` is the WAL
    position that the standby had replayed before its promotion, where somebody read it.
    """

    boot: str
    primary: str
    secondary: str
    since_ns: int | None = None
    until_ns: int | None = None
    replayed: int | None = None


@dataclass(frozen=True, slots=True)
class LedgerGaps:
    """What the ledger does not tell: attempts that never settled, lines that must have been there and are gone."""

    unsettled: int = 0  # sent, and no settlement
    unsent: int = 0  # settled, and no line that it was sent
    contradictory: int = 0  # more than one settlement, or sending, of one attempt; settled before it was sent
    missing_attempts: int = 0  # attempt 3 is there and attempt 2 is not
    missing_lines: int = 0  # holes in the numbering of a segment, and lines whose number another has

    @property
    def gone(self) -> int:
        """How many pieces are wrong besides the unsettled ones."""
        return self.unsent + self.contradictory + self.missing_attempts + self.missing_lines


@dataclass(frozen=True, slots=True)
class Served:
    """The standby's first acknowledgement: when a client read it, and which client."""

    mono_ns: int
    utc: str  # empty where the ledger's own stamp is no time
    writer: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The whole ledger, settled; its attempts stay in ``tables``."""

    tables: Tables
    gaps: LedgerGaps
    attempts: int
    indeterminate: int  # attempts
    straddling: int  # attempts
    foreign_stamps: int  # of another boot than the drill's
    elsewhere: int  # acknowledgements of another region than the primary
    first_served: Served | None  # None: the standby acknowledged nothing after the start
    clocks: tuple[tuple[int, int], ...] = ()  # (mono_ns, ns that the wall clock is ahead): where that is least and most

    def first_failure(self, since_ns: int) -> tuple[int, str] | None:
        """The earliest settlement at or after a moment that was no acknowledgement, and in words whose."""
        return self.tables.db.execute(
            "SELECT failed_ns, writer || ': an attempt settled ' || "
            "CASE strength WHEN 1 THEN 'unknown' ELSE 'refused' END AS told "
            "FROM attempts WHERE strength < 2 AND failed_ns >= $1 ORDER BY ALL LIMIT 1",
            [since_ns],
        ).fetchone()

    def only_acknowledged_by_the_primary(self) -> int | None:
        """How many attempts the primary region acknowledged; None when another region acknowledged any, or none did."""
        (acks,) = self.tables.row("SELECT count(*) FILTER (strength = 2) FROM attempts")
        return acks if acks and not self.elsewhere else None


def settle(
    tables: Tables, segments: Sequence[Path], survivors: Sequence[Path], sides: Sides, damage: Damage,
    damage_of_rows: Damage,
) -> Ledger:  # fmt: skip
    """Join the lines of every segment, in any order; the survivors' rows are read with them, for :func:`classify`.

    Raises :class:`RecordError` when a file cannot be opened.
    """
    told = {
        "boot": sides.boot, "primary": sides.primary, "secondary": sides.secondary,
        "since_ns": NEVER_NS if sides.since_ns is None else sides.since_ns,
        "until_ns": NEVER_NS if sides.until_ns is None else sides.until_ns,
    }  # fmt: skip
    positions, kept, told_of_them = _positions(sides.replayed)
    tables.read("lines", _LINES.format(positions=positions), segments, LINES, damage, told)
    tables.read("rows", _ROWS, survivors, ROWS, damage_of_rows)
    plain.settled(tables, _ATTEMPTS, kept=kept, told=told_of_them)
    attempts, indeterminate, unsettled, unsent, contradictory, straddling = tables.row(_COUNTS)
    gaps = LedgerGaps(
        unsettled=unsettled,
        unsent=unsent,
        contradictory=int(contradictory),
        missing_attempts=int(tables.row(_MISSING_ATTEMPTS)[0]),
        missing_lines=_missing_lines(tables),
    )
    foreign, elsewhere = tables.row("SELECT count(*) FILTER (is_foreign), count(*) FILTER (elsewhere) FROM lines")
    served, clocks = tables.db.execute(_SERVED).fetchone(), _clocks(tables)
    tables.drop("lines")
    first_served = Served(served[0], _utc(served[1]), served[2]) if served else None
    return Ledger(tables, gaps, attempts, indeterminate, straddling, foreign, elsewhere, first_served, clocks)


def _positions(replayed: int | None) -> tuple[str, str, str]:
    """The columns of a line's WAL positions, those of its group, and what is told of them."""
    if replayed is None:
        return "", "", _NO_POSITIONS_TOLD
    end, start = (_LSN.format(each) for each in ("lsn_after", "lsn_before"))
    return _POSITIONS.format(end=end, start=start), _POSITIONS_KEPT.format(replayed=replayed), _POSITIONS_TOLD


def _missing_lines(tables: Tables) -> int:
    """Holes in the numbering of every writer, and numbers that are there again."""
    if all(
        seen == last and told == tables.row(_NUMBERS, [last + 1])[0]
        for last, seen, told in tables.db.execute(_NUMBERED).fetchall()
    ):
        return 0
    return int(tables.row(_MISSING_LINES)[0])


def _clocks(tables: Tables) -> tuple[tuple[int, int], ...]:
    least_ns, least_ms, most_ns, most_ms = tables.row(_CLOCKS)
    return () if least_ms is None else ((least_ns, least_ms * NS_OF_MS), (most_ns, most_ms * NS_OF_MS))


def _utc(micros: int | None) -> str:
    """DuckDB knows years before 1 and after 9999, which no drill stamps: they are no time."""
    with contextlib.suppress(OverflowError):
        return "" if micros is None else utc_text(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros))
    return ""
