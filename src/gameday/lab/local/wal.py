"""The WAL as a witness: what an old primary committed that the promoted standby never had."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gameday.clock import utc_text
from gameday.errors import LabError
from gameday.facts import WalCommit
from gameday.lab.local.pg_user import plain_environment
from gameday.lab.local.postgres import Node

WALDUMP_WITHIN_S = 60.0
SEGMENT_BYTES = 16 * 1024 * 1024
# An order's INSERT stands before its COMMIT, by far less than this; so reading begins as much before the fork.
BEFORE_FORK_BYTES = 4 * 1024 * 1024
RECORD = re.compile(r"^rmgr: \S+ .*?tx: +(?P<xid>\d+), lsn: (?P<lsn>[0-9A-F]+/[0-9A-F]+), .*?desc: (?P<what>.*)$")
INSERT = re.compile(r"^(MULTI_)?INSERT.*?blkref #0: rel (?P<relation>\d+/\d+/\d+)")
COMMIT = re.compile(r"^COMMIT (?P<stamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?) UTC")
SEGMENT_MISSING = re.compile(r'could not (?:find|open) file "(?P<name>[0-9A-F]{24})"')
END_OF_WAL = "error in WAL record at"
ORDER_TABLES = """
    SELECT coalesce(nullif(c.reltablespace, 0), d.dattablespace) || '/' || d.oid || '/' || pg_relation_filenode(c.oid)
      FROM pg_class c, pg_database d
     WHERE c.relname = 'orders' AND c.relkind = 'r' AND d.datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Fork:
    """Where a promoted standby's timeline left its parent's; from there on their WAL differs."""

    parent_timeline: int
    lsn: int


@dataclass
class Reading:
    """What a dump tells: which relations each transaction inserted into, and the commits (xid, position, stamp)."""

    inserts: dict[int, set[str]] = field(default_factory=dict)
    commits: list[tuple[int, int, str]] = field(default_factory=list)


def commits_after_fork(old_primary: Node, new_primary: Node) -> tuple[WalCommit, ...]:
    """Every transaction that ``old_primary`` committed after the point where ``new_primary``'s timeline left its own.

    In WAL order; ``order`` tells those that inserted into a table ``orders``. The old primary may run, be silenced, or
    be dead: a commit that was acknowledged is in its files. Raises :class:`LabError` when nothing was promoted, or when
    WAL is missing.
    """
    fork = fork_of((new_primary.data / "pg_wal").glob("*.history"))
    tables = _order_tables(new_primary) | (_order_tables(old_primary) if old_primary.is_running() else set())
    reading = read(_dump(old_primary, fork).splitlines())
    return tuple(
        WalCommit(xid, text_of(lsn), utc, bool(reading.inserts.get(xid, set()) & tables))
        for xid, lsn, utc in reading.commits
        if lsn >= fork.lsn
    )


def fork_of(histories: Iterable[Path]) -> Fork:
    """The youngest timeline's fork, from the history files; raises :class:`LabError` when there is none."""
    youngest = max(histories, key=lambda path: path.name, default=None)
    lines = [line.split() for line in youngest.read_text().splitlines() if line.strip()] if youngest else []
    if not lines:
        raise LabError("a promoted standby, with the history of its timeline", "none", "promote it first")
    return Fork(int(lines[-1][0]), bytes_of(lines[-1][1]))


def read(dump: Iterable[str]) -> Reading:
    """Read what pg_waldump printed."""
    reading = Reading()
    for line in dump:
        record = RECORD.match(line)
        if not record:
            continue
        xid, what = int(record["xid"]), record["what"]
        if inserted := INSERT.match(what):
            reading.inserts.setdefault(xid, set()).add(inserted["relation"])
        elif committed := COMMIT.match(what):
            stamp = datetime.fromisoformat(committed["stamp"]).replace(tzinfo=UTC)
            reading.commits.append((xid, bytes_of(record["lsn"]), utc_text(stamp)))
    return reading


def bytes_of(lsn: str) -> int:
    """``16/B374D848`` as a number of bytes."""
    high, _, low = lsn.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def text_of(lsn: int) -> str:
    """A number of bytes as PostgreSQL writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def _order_tables(node: Node) -> set[str]:
    """``tablespace/database/file`` of every table ``orders`` of the node, as pg_waldump names relations."""
    with node.connect() as connection:
        names = connection.execute(
            "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate"
        ).fetchall()
    found = {node.ask(ORDER_TABLES, dbname=name) for (name,) in names}
    return {table for table in found if table}


def _dump(node: Node, fork: Fork) -> str:
    folder = node.data / "pg_wal"
    start = _start(folder, fork)
    done = subprocess.run(
        [
            node.binaries.program("pg_waldump"), "--path", str(folder), "--timeline", str(fork.parent_timeline),
            "--start", text_of(start), "--rmgr", "Transaction", "--rmgr", "Heap", "--rmgr", "Heap2",
        ],
        capture_output=True, text=True, check=False, timeout=WALDUMP_WITHIN_S, env=plain_environment() | {"TZ": "UTC"},
    )  # fmt: skip
    if done.returncode and not _is_end(folder, done.stderr):
        raise LabError(
            f"the WAL of {node.name} from {text_of(start)} on", done.stderr.strip()[-500:], "its figures stay unknown"
        )
    return done.stdout


def _start(folder: Path, fork: Fork) -> int:
    """A segment's beginning, at least a little before the fork, but not in a segment that is gone.

    A backup ends a segment early, and what is behind the switch in it is no WAL: from there nothing can be read.
    """
    early = max(SEGMENT_BYTES, fork.lsn - BEFORE_FORK_BYTES)
    start = early if (folder / segment_name(fork.parent_timeline, early)).exists() else fork.lsn
    return start - start % SEGMENT_BYTES


def segment_name(timeline: int, lsn: int) -> str:
    """The file that holds a position of a timeline."""
    return f"{timeline:08X}{lsn >> 32:08X}{(lsn & 0xFFFFFFFF) // SEGMENT_BYTES:08X}"


def _is_end(folder: Path, complaint: str) -> bool:
    """Whether pg_waldump stopped where the WAL ends (it always complains there), and not at a gap before that."""
    missing = SEGMENT_MISSING.search(complaint)
    if missing:
        return not any(path.name > missing["name"] for path in folder.glob(f"{missing['name'][:8]}*[0-9A-F]"))
    return END_OF_WAL in complaint
