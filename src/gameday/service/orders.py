"""Orders in the database: placed once, found by id, listed for a read-back."""

from dataclasses import dataclass
from typing import Any

from gameday.service.database import Call, Connection, Untouched

SUM = "substr(encode(sha256(convert_to(payload, 'UTF8')), 'hex'), 1, 16)"  # of what is stored, not of what was sent

# Before anything is sent that could change the database: may it be changed at all? With it, where the WAL stands.
GATE = """
    SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool,
           to_regclass('orders') IS NOT NULL,
           CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_insert_lsn() END::text
"""
INSERT = """
    INSERT INTO orders (id, payload, sum, region, xid)
    SELECT id, payload, substr(encode(sha256(convert_to(payload, 'UTF8')), 'hex'), 1, 16), region,
           pg_current_xact_id()::text::bigint
      FROM (VALUES (%(id)s::text, %(payload)s::text, %(region)s::text)) AS given (id, payload, region)
    ON CONFLICT (id) DO NOTHING
"""
ECHO = f"""
    SELECT payload = %(payload)s, {SUM}, xid, pg_current_wal_insert_lsn()::text FROM orders WHERE id = %(id)s
"""
FIND = f"SELECT id, {SUM}, region, xid FROM orders WHERE id = %s"
LIST = f"""
    SELECT id, min({SUM}), min(xid), min(region), count(*) FROM orders
     WHERE id > %s GROUP BY id ORDER BY id LIMIT %s
"""
# Which database this is: its system, and its timeline as it writes now (a checkpoint's would lag behind a promotion).
LIST_FACTS = """
    SELECT NOT (pg_is_in_recovery() OR current_setting('transaction_read_only')::bool),
           (SELECT system_identifier::text FROM pg_control_system()) || '/' || CASE WHEN pg_is_in_recovery()
               THEN 'standby' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END
"""
COUNT_UP = """
    INSERT INTO dbcheck (region, writes) VALUES (%s, 1)
    ON CONFLICT (region) DO UPDATE SET writes = dbcheck.writes + 1
    RETURNING writes
"""
COUNTED = "SELECT writes FROM dbcheck WHERE region = %s"


class AnotherPayload(Exception):
    """An order of that id exists, with another payload."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A committed order. ``lsn_before`` is None when an earlier attempt placed it: its bracket is not known here."""

    id: str
    sum: str
    region: str
    xid: int
    lsn_before: str | None
    lsn_after: str


@dataclass(frozen=True, slots=True)
class Found:
    """A stored order; ``region`` is the one that took it."""

    id: str
    sum: str
    region: str
    xid: int


@dataclass(frozen=True, slots=True)
class Page:
    """Stored orders in the order of their ids. ``complete``: none comes after; ``database`` tells nodes apart."""

    orders: list[dict[str, Any]]
    complete: bool
    writable: bool
    database: str


@dataclass(frozen=True, slots=True)
class Place:
    """Place an order once. Sent in parts: a question that changes nothing, then the INSERT, then what was stored.

    The INSERT is its own transaction, committed when its answer is there; what was stored is read after that, so an
    acknowledgement speaks of committed bytes. (psycopg's pipeline mode was slower here: 105 against 520 writes/s from
    20 clients, measured once each on a busy machine, 2026-11.)
    """

    id: str
    payload: str
    region: str

    async def __call__(self, connection: Connection, call: Call) -> Placed:
        lsn_before = await _gate(connection)
        call.change()
        given = {"id": self.id, "payload": self.payload, "region": self.region}
        is_new = (await connection.execute(INSERT, given)).rowcount == 1
        stored = await (await connection.execute(ECHO, given)).fetchone()
        if stored is None:
            raise LookupError(f"order {self.id} was committed and then not found")
        same, sum_, xid, lsn_after = stored
        if not same:
            raise AnotherPayload(self.id)
        return Placed(self.id, sum_, self.region, xid, lsn_before if is_new else None, lsn_after)


async def _gate(connection: Connection) -> str:
    cursor = await connection.execute(GATE)
    read_only, has_table, lsn = await cursor.fetchone() or (True, False, "")
    if read_only:
        raise Untouched("the database is read-only")
    if not has_table:
        raise Untouched("the database has no table of orders yet")
    return str(lsn)


@dataclass(frozen=True, slots=True)
class Find:
    """Look one order up; on a standby as well."""

    id: str

    async def __call__(self, connection: Connection, call: Call) -> Found | None:
        row = await (await connection.execute(FIND, (self.id,))).fetchone()
        return Found(*row) if row else None


@dataclass(frozen=True, slots=True)
class List:
    """A page of the orders after an id."""

    after: str
    limit: int

    async def __call__(self, connection: Connection, call: Call) -> Page:
        rows = await (await connection.execute(LIST, (self.after, self.limit + 1))).fetchall()
        writable, database = await (await connection.execute(LIST_FACTS)).fetchone() or (False, "")
        names = ("id", "sum", "xid", "region", "count")
        orders = [dict(zip(names, row, strict=True)) for row in rows[: self.limit]]
        return Page(orders, len(rows) <= self.limit, writable, database)


@dataclass(frozen=True, slots=True)
class CheckDatabase:
    """Count one write more, and read the count after its commit: that or a higher one says that the write is there.

    The tasks of a region share the row, and each count builds on the one before it: whoever writes in between leaves a
    higher one. No transaction spans write and read: it would read what may never be committed, and a task that is cut
    off within it would hold the row against all the others.
    """

    region: str

    async def __call__(self, connection: Connection, call: Call) -> bool:
        await _gate(connection)
        call.change()
        written = await (await connection.execute(COUNT_UP, (self.region,))).fetchone()
        read = await (await connection.execute(COUNTED, (self.region,))).fetchone()
        return written is not None and read is not None and read >= written
