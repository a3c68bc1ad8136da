"""What the WAL says was lost: dumps by hand, and a real pair behind a link."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from lost_orders import Writer
from pg_yard import PORT, SOON_S, Yard, yard

from gameday.clock import eventually
from gameday.errors import LabError
from gameday.lab.local.links import LinkBoard, Place
from gameday.lab.local.postgres import Node
from gameday.lab.local.wal import Fork, bytes_of, commits_after_fork, fork_of, read, text_of
from gameday.processes import spawn

DUMP = """\
first record is after 0/1A5C300, at 0/1A5C340, skipping over 64 bytes
rmgr: Heap        len (rec/tot):     59/    59, tx:        741, lsn: 0/01A5C390, prev 0/01A5C340, \
desc: INSERT off: 5, flags: 0x00, blkref #0: rel 1663/16384/16389 blk 0
rmgr: Heap        len (rec/tot):     54/    54, tx:        742, lsn: 0/01A5C3A0, prev 0/01A5C390, \
desc: LOCK xmax: 742, off: 1, infobits: [LOCK_ONLY], flags: 0x00, blkref #0: rel 1663/16384/16389 blk 0
rmgr: Transaction len (rec/tot):     34/    34, tx:        741, lsn: 0/01A5C3D8, prev 0/01A5C3A0, \
desc: COMMIT 2026-11-23 18:11:31.123456 UTC
rmgr: Transaction len (rec/tot):     34/    34, tx:        743, lsn: 0/01A5C400, prev 0/01A5C3D8, \
desc: ABORT 2026-11-23 18:11:31.123456 UTC
"""


def test_a_dump_tells_who_committed_when_and_who_inserted_where() -> None:
    reading = read(DUMP.splitlines())
    assert reading.commits == [(741, 0x1A5C3D8, "2026-11-23T18:11:31.123456Z")]
    assert reading.inserts == {741: {"1663/16384/16389"}}


def test_a_position_is_read_and_written_as_postgresql_does() -> None:
    assert bytes_of("16/B374D848") == 0x16B374D848
    assert text_of(0x16B374D848) == "16/B374D848"
    assert text_of(bytes_of("0/01A5C3D8")) == "0/1A5C3D8"


def test_the_youngest_timeline_says_where_it_left_its_parent(tmp_path: Path) -> None:
    (tmp_path / "00000002.history").write_text("1\t0/3000A0\tno recovery target specified\n")
    (tmp_path / "00000003.history").write_text("1\t0/3000A0\tx\n\n2\t0/5000000\tx\n")
    assert fork_of(tmp_path.glob("*.history")) == Fork(2, 0x5000000)


def test_without_a_promotion_there_is_no_fork(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="promoted"):
        fork_of(tmp_path.glob("*.history"))


@pytest.fixture
def ground() -> Iterator[Yard]:
    with yard() as made:
        yield made


@pytest.fixture
def board() -> Iterator[LinkBoard]:
    board = LinkBoard.launch(spawn)
    yield board
    board.stop()


def replicated(west: Node) -> int:
    with suppress(psycopg.OperationalError, psycopg.errors.UndefinedTable):
        return int(west.ask("SELECT count(*) FROM orders", dbname="app"))
    return 0


@pytest.mark.postgres
def test_lost_orders_are_the_commits_after_the_fork_of_a_primary_that_runs_on(
    ground: Yard, board: LinkBoard, tmp_path: Path
) -> None:
    east, near = ground.primary(), ("127.202.2.200", PORT)
    path = (Place("us-west-2", "database"), Place("ap-southeast-2", "database"))
    board.open("replication/west", near, [east.address], path, latency_s=0.07)
    west = ground.standby(east, over=near)
    east.add_application("app", "app", "app")
    with psycopg.connect(host=east.address[0], port=PORT, user="app", password="app", dbname="app") as connection:
        connection.execute("CREATE TABLE orders (id bigint PRIMARY KEY)")
    writers = [Writer(east.address, number * 1_000_000, tmp_path) for number in range(4)]
    eventually(lambda: min(len(one.acked) for one in writers) > 100, True, what="100 orders each", within_s=SOON_S)
    eventually(lambda: replicated(west) > 0, True, what="orders in west", within_s=SOON_S)
    board.cut("replication/west", True)
    for writer in writers:
        writer.stop()
    west.promote(within_s=SOON_S)
    acked = {order: xid for writer in writers for order, xid in writer.acked.items()}
    with west.connect("app") as connection:
        kept = {order for (order,) in connection.execute("SELECT id FROM orders").fetchall()}
    lost = {order: xid for order, xid in acked.items() if order not in kept}
    after = [commit.xid for commit in commits_after_fork(east, west) if commit.order]
    assert lost
    assert sorted(lost.values()) == sorted(after)


@pytest.mark.postgres
def test_commits_that_placed_no_order_are_told_apart(ground: Yard) -> None:
    east = ground.primary()
    west = ground.standby(east)
    with east.connect() as connection:
        connection.execute("CREATE TABLE orders (id int)")
        connection.execute("CREATE TABLE notes (id int)")
    eventually(lambda: west.ask("SELECT to_regclass('notes') IS NOT NULL"), True, what="notes", within_s=SOON_S)
    west.promote(within_s=SOON_S)
    with east.connect() as connection:
        connection.execute("INSERT INTO notes VALUES (1)")
        connection.execute("INSERT INTO orders VALUES (1)")
    assert [commit.order for commit in commits_after_fork(east, west)][-2:] == [False, True]


@pytest.mark.postgres
def test_a_segment_that_a_backup_ended_early_hides_no_commit(ground: Yard) -> None:
    """The fork lies in the next segment, and a little before it there is no WAL, only what was left free."""
    east = ground.primary()
    west = ground.standby(east)
    with east.connect() as connection:
        connection.execute("CREATE TABLE orders (id int)")
        connection.execute("SELECT pg_switch_wal()")
        connection.execute("INSERT INTO orders VALUES (1)")
    eventually(lambda: west.ask("SELECT count(*) FROM orders"), 1, what="the order in west", within_s=SOON_S)
    west.promote(within_s=SOON_S)
    with east.connect() as connection:
        connection.execute("INSERT INTO orders VALUES (2)")
    assert [commit.order for commit in commits_after_fork(east, west)][-1:] == [True]


@pytest.mark.postgres
def test_missing_wal_is_an_error_and_no_answer(ground: Yard) -> None:
    east = ground.primary()
    west = ground.standby(east)
    west.promote(within_s=SOON_S)
    east.kill()
    for segment in (east.data / "pg_wal").glob("0*"):
        segment.unlink()
    with pytest.raises(LabError, match="the WAL of east"):
        commits_after_fork(east, west)
