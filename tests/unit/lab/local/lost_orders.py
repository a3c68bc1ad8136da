"""A primary is killed behind its link while orders are placed: what the ledger, the WAL and the rows say was lost.

The writers keep the product's own ledger, and rows and WAL go into a record beside it, as a drill writes them down. So
two things tell the loss: sets of ids and transactions, made here, and the product's judgement of that record.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Thread

import psycopg
from pg_yard import PORT, SOON_S, Yard, streaming, yard
from records import OUTAGE, PLAN, PRIMARY, SECONDARY

from gameday.clock import eventually
from gameday.facts import Kind, RecoveryPoint, Settlement, Survivor, WriteClass
from gameday.lab.local.links import Address, LinkBoard, Place
from gameday.lab.local.postgres import Node
from gameday.lab.local.wal import commits_after_fork
from gameday.measure.classes import UNEXPECTED
from gameday.measure.evidence import read
from gameday.measure.rpo import recovery_point
from gameday.processes import spawn
from gameday.record.layout import Record
from gameday.record.ledger import Acknowledgement, Ledger, checksum
from gameday.record.lines import LineWriter
from gameday.record.timeline import Timeline
from gameday.survivors import read_finally, read_wal

NEAR, LINK = ("127.202.2.200", PORT), "replication/west"
WRITERS, LATENCY_S = 4, 0.07
IDS_MAX = 1_000_000


class Writer:
    """Places orders one after the other, each in its ledger, and remembers id and transaction of each acknowledged one.

    The last one stays indeterminate when the server dies.
    """

    def __init__(self, address: Address, first: int, writes: Path) -> None:
        self._address, self._next = address, first
        self._ledger = Ledger(writes, f"writer-{first}")
        self.acked: dict[int, int] = {}
        self._stopping = Event()
        self._thread = Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._ledger.close()

    def _run(self) -> None:
        host, port = self._address
        place = "INSERT INTO orders VALUES (%s) RETURNING pg_current_xact_id()::text::bigint"
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(
                host=host, port=port, user="app", password="app", dbname="app", autocommit=True
            ) as connection,
        ):
            while not self._stopping.is_set():
                sent = self._ledger.sent(str(self._next), 1, sum_of(self._next))
                row = connection.execute(place, (self._next,)).fetchone()
                assert row is not None
                self._ledger.settled(sent, Settlement.ACKED, Acknowledgement(PRIMARY, row[0]))
                self.acked[self._next] = row[0]
                self._next += 1


def sum_of(id: int) -> str:
    """The checksum of an order, whose payload is its id."""
    return checksum(str(id).encode())


@dataclass(frozen=True)
class Lost:
    """Ids to transaction ids: what was acknowledged, what the old primary and the new one hold; and the WAL's own."""

    acked: dict[int, int]
    old: dict[int, int]
    new: dict[int, int]
    wal: tuple[int, ...]
    record: Record

    @property
    def by_the_ledger(self) -> dict[int, int]:
        """Acknowledged, and not there."""
        return {id: xid for id, xid in self.acked.items() if id not in self.new}

    @property
    def by_the_rows(self) -> dict[int, int]:
        """On the old primary, and not on the new one."""
        return {id: xid for id, xid in self.old.items() if id not in self.new}

    @property
    def never_acknowledged(self) -> frozenset[int]:
        """There, or gone with the old primary, and nobody was told: at most one a writer."""
        return frozenset({*self.old, *self.new}) - frozenset(self.acked)

    @property
    def all_agree(self) -> bool:
        """The WAL's commits after the fork are the lacking rows, transaction by transaction, and the ledger's loss is
        those that were acknowledged, id by id."""
        rows = self.by_the_rows
        told = {id: xid for id, xid in rows.items() if id not in self.never_acknowledged}
        return sorted(self.wal) == sorted(rows.values()) and self.by_the_ledger == told


@dataclass(frozen=True)
class Judged:
    """What the product says of a record: the ids of some classes, and its recovery point with the WAL witness."""

    ids: dict[str, frozenset[int]]
    point: RecoveryPoint


def judged(record: Record) -> Judged:
    classes = (WriteClass.LOST, WriteClass.RECOVERED, WriteClass.ABSENT, UNEXPECTED)
    with read(record) as evidence:
        ids = {each: evidence.classified.ids(each, most=IDS_MAX) for each in classes}
        return Judged({each: frozenset(map(int, some)) for each, some in ids.items()}, recovery_point(evidence))


@contextmanager
def placing_orders(
    reports: Path, *, latency_s: float = LATENCY_S, bandwidth_bps: float = 0, synchronous: bool = False, first: int = 50
) -> Iterator[tuple[Record, Yard, LinkBoard, list[Writer]]]:
    """A primary, a replica behind a link, and writers each of whom has ``first`` acknowledgements at least."""
    record = Record.create(reports, "lost-orders")
    record.write_plan(PLAN)
    board = LinkBoard.launch(spawn)
    try:
        with yard() as ground:
            east = ground.primary()
            board.open(
                LINK, NEAR, [east.address], (Place("us-west-2", "database"), Place("ap-southeast-2", "database")),
                latency_s=latency_s,
            )  # fmt: skip
            west = ground.standby(east, over=NEAR)
            east.add_application("app", "app", "app")
            with psycopg.connect(host=east.address[0], port=PORT, user="app", password="app", dbname="app") as client:
                client.execute("CREATE TABLE orders (id bigint PRIMARY KEY)")
            eventually(partial(_has_orders, west), True, what="the table in west", within_s=SOON_S)
            board.shape(LINK, bandwidth_bps=bandwidth_bps)
            if synchronous:
                _wait_for_west(east)
            writers = [Writer(east.address, number * 1_000_000, record.writes) for number in range(WRITERS)]
            try:
                least = partial(_least, writers)
                eventually(least, lambda n: n >= first, what=f"{first} orders each", within_s=SOON_S)
                yield record, ground, board, writers
            finally:
                east.kill()  # a writer that waits for a replica ends with its server
                for writer in writers:
                    writer.stop()
    finally:
        board.stop()


def lost_in_a_kill(record: Record, ground: Yard, board: LinkBoard, writers: list[Writer]) -> Lost:
    """Cut the link with what is under way, kill the primary, promote the replica; then ask everybody."""
    east, west = ground.nodes
    with closing(Timeline(record)) as timeline:
        timeline.add(Kind.FAULT, OUTAGE, region=PRIMARY)
        board.cut(LINK, True)
        east.kill()
        for writer in writers:
            writer.stop()
        west.promote(within_s=SOON_S)
        timeline.add(Kind.DATABASE, "available", region=SECONDARY, role="primary", id="west")
        wal = commits_after_fork(east, west)
        read_wal(lambda: wal, record, timeline)
        read_finally(partial(_read_back, west), record, timeline)
        timeline.add(Kind.OBSERVATION_END, "observed")
    ground.start(east)  # alone, for its rows
    acked = {id: xid for writer in writers for id, xid in writer.acked.items()}
    return Lost(acked, rows(east), rows(west), tuple(commit.xid for commit in wal if commit.order), record)


def _read_back(west: Node, writer: LineWriter, within_s: float) -> int:
    found = rows(west)
    for id, xid in found.items():
        writer.append(Survivor(str(id), sum_of(id), xid))
    return len(found)


def rows(node: Node) -> dict[int, int]:
    """Every order, and the transaction that placed it."""
    with node.connect("app") as connection:
        return dict(connection.execute("SELECT id, xmin::text::bigint FROM orders").fetchall())


def _least(writers: list[Writer]) -> int:
    return min(len(writer.acked) for writer in writers)


def _has_orders(west: Node) -> bool:
    with suppress(psycopg.OperationalError):
        return bool(west.ask("SELECT to_regclass('orders') IS NOT NULL", dbname="app"))
    return False


def _wait_for_west(east: Node) -> None:
    """From now on nothing is acknowledged that the replica has not written as well."""
    with east.connect() as connection:
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'west'")
        connection.execute("SELECT pg_reload_conf()")
    sync = partial(east.ask, "SELECT sync_state FROM pg_stat_replication")
    eventually(sync, "sync", what="west", within_s=SOON_S)
    eventually(partial(streaming, east), 1, what="standbys of east", within_s=SOON_S)
