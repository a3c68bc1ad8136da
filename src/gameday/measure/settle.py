"""Attempts settle, writes are judged: the ledger's lines joined to attempts.

An attempt is *acknowledged* when the client read a success that echoes id and checksum; *refused* when it definitely
did not happen; else *indeterminate*, also when it never settled. A **write** is acknowledged if any of its attempts
was, else indeterminate if any was, else refused. Where lines contradict one another the stronger settlement stays, and
of two that are as strong the earlier.

DuckDB joins, whatever the size of a drill: in bounded memory, and only counts and exceptions come to Python. What is
kept of an attempt in its table are numbers, since only those can leave the memory: a checksum stands there as its
64-bit hash, a region as whether the acknowledgement is the old primary's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from gameday.clock import utc_text
from gameday.facts import Settlement, Write
from gameday.record.lines import Damage
from gameday.record.tables import Form, Tables

SENT = "sent"
EVENTS = (SENT, *(each.value for each in Settlement))
LINES = Form(Write, ev=Literal[EVENTS])  # any other ``ev`` is no line of a ledger
NEVER_NS = 2**63 - 1

_OLD = "(ev = 'acked' AND region IS NOT DISTINCT FROM $primary AND mono_ns < $until_ns)"
_SERVED = "(ev = 'acked' AND region IS NOT DISTINCT FROM $secondary AND mono_ns >= $since_ns)"
_ATTEMPTS = f"""
CREATE TABLE attempts AS SELECT
    id, writer, attempt,
    count(*) FILTER (ev = 'sent')::INTEGER AS sents,
    count(*) FILTER (ev <> 'sent')::INTEGER AS settles,
    coalesce(min(mono_ns) FILTER (ev <> 'sent') < min(mono_ns) FILTER (ev = 'sent'), false) AS early,
    count(*) FILTER (boot <> $boot)::INTEGER AS foreign_stamps,
    min(line) FILTER (ev = 'sent') AS sent_line,
    min(line) FILTER (ev <> 'sent') AS settled_line,
    CASE WHEN bool_or(ev = 'acked') THEN 2 WHEN bool_or(ev = 'unknown') OR bool_and(ev = 'sent') THEN 1 ELSE 0 END
        ::TINYINT AS strength,
    min(mono_ns) FILTER (ev = 'acked') AS acked_ns,
    coalesce(min(mono_ns) FILTER (ev = 'unknown'), min(mono_ns) FILTER (ev = 'refused')) AS failed_ns,
    min(mono_ns) FILTER {_OLD} AS old_ns,
    min(xid) FILTER {_OLD} AS old_xid,
    count(*) FILTER (ev = 'acked' AND region IS DISTINCT FROM $primary) > 0 AS elsewhere,
    count(*) FILTER (ev = 'acked' AND NOT {_OLD}) > 0 AS newer,
    min(mono_ns) FILTER {_SERVED} AS served_ns,
    min(epoch_us(try_cast(utc AS TIMESTAMP))) FILTER {_SERVED} AS served_us,
    coalesce(min(hash(sum)) FILTER (ev = 'sent'), min(hash(sum))) AS sum,
    min(size_bytes) AS size_bytes,
    min({{end}}) FILTER (ev = 'acked') AS end_lsn,
    count(*) FILTER (ev = 'acked' AND {{end}} IS NULL) > 0 AS endless,
    count(*) FILTER ({_OLD} AND {{start}} <= {{replayed}} AND {{replayed}} < {{end}}) > 0 AS straddles
FROM {{{{rows}}}} GROUP BY id, writer, attempt
"""
_LSN = (
    "try_cast('0x' || split_part({0}, '/', 1) AS UBIGINT)::HUGEINT * 4294967296"
    " + try_cast('0x' || split_part({0}, '/', 2) AS UBIGINT)"
)
_COUNTS = """
SELECT count(*), coalesce(sum(foreign_stamps), 0), count(*) FILTER (strength = 1), count(*) FILTER (settles = 0),
    count(*) FILTER (sents = 0),
    coalesce(sum(greatest(sents - 1, 0) + greatest(settles - 1, 0) + early::INTEGER), 0),
    count(*) FILTER (straddles)
FROM attempts
"""
_MISSING_ATTEMPTS = """
SELECT coalesce(sum(holes), 0) FROM (
    SELECT max(attempt) - min(attempt) + 1 - count(DISTINCT attempt) AS holes FROM attempts
    WHERE id IN (SELECT id FROM attempts WHERE attempt <> 1) GROUP BY id
)"""
_MISSING_LINES = """
SELECT coalesce(sum(greatest(max_line, 1) - least(min_line, 1) + 1 - seen), 0)::HUGEINT FROM (
    SELECT max(line) AS max_line, min(line) AS min_line, count(DISTINCT line) AS seen FROM ({lines})
    WHERE line IS NOT NULL GROUP BY writer
)"""
_LINES_OF_ATTEMPTS = """
SELECT writer, sent_line AS line FROM attempts UNION ALL SELECT writer, settled_line FROM attempts"""


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
    missing_lines: int = 0  # holes in the numbering of a segment

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
    foreign_stamps: int  # of another boot than the drill's
    straddling: int

    def first_served(self) -> Served | None:
        """None when the standby acknowledged nothing after the start."""
        found = self.tables.db.execute(
            "SELECT served_ns, served_us, writer FROM attempts WHERE served_ns IS NOT NULL ORDER BY ALL LIMIT 1"
        ).fetchone()
        return Served(found[0], _utc(found[1]), found[2]) if found else None

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
        acks, others = self.tables.row(
            "SELECT count(*) FILTER (strength = 2), count(*) FILTER (elsewhere) FROM attempts"
        )
        return acks if acks and not others else None


def settle(tables: Tables, segments: Sequence[Path], sides: Sides, damage: Damage) -> Ledger:
    """Join the lines of every segment, in any order. Raises :class:`RecordError` when one cannot be opened."""
    end, start = (_LSN.format(each) if sides.replayed is not None else "NULL" for each in ("lsn_after", "lsn_before"))
    replayed = "NULL" if sides.replayed is None else str(sides.replayed)
    told = {
        "boot": sides.boot, "primary": sides.primary, "secondary": sides.secondary,
        "since_ns": NEVER_NS if sides.since_ns is None else sides.since_ns,
        "until_ns": NEVER_NS if sides.until_ns is None else sides.until_ns,
    }  # fmt: skip
    made = _ATTEMPTS.format(end=end, start=start, replayed=replayed)
    read = tables.make(made, segments, LINES, damage, told)
    attempts, foreign, indeterminate, unsettled, unsent, contradictory, straddling = tables.row(_COUNTS)
    lines = f"SELECT writer, line FROM {read}" if contradictory else _LINES_OF_ATTEMPTS
    gaps = LedgerGaps(
        unsettled=unsettled,
        unsent=unsent,
        contradictory=int(contradictory),
        missing_attempts=int(tables.row(_MISSING_ATTEMPTS)[0]),
        missing_lines=int(tables.row(_MISSING_LINES.format(lines=lines))[0]),
    )
    return Ledger(tables, gaps, attempts, indeterminate, int(foreign), straddling)


def _utc(micros: int | None) -> str:
    return "" if micros is None else utc_text(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros))
