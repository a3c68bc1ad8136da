"""A base copy: the data folder of a running PostgreSQL, copied online, with the WAL that makes the copy whole.

It is what RDS calls a storage snapshot: crash-consistent, complete as of the end of the copy, and immutable from then
on. It is taken as PostgreSQL's manual says ("Making a Base Backup Using the Low Level API"): ``pg_backup_start``, a
copy of the files by ``cp`` (which shares blocks where the file system can), ``pg_backup_stop``, then the WAL between
the two.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gameday.errors import LabError
from gameday.lab.local.pg_user import disguise
from gameday.lab.local.postgres import Node
from gameday.lab.local.wal import SEGMENT_BYTES, bytes_of, segment_name

COPY_WITHIN_S = 600.0
# Emptied or rewritten at a start; the manual names them as what a backup should leave out.
LEFT_OUT = frozenset(
    {"pg_wal", "pg_replslot", "pg_dynshmem", "pg_notify", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans",
     "postmaster.pid", "postmaster.opts", "backup_label", "tablespace_map", "standby.signal", "recovery.signal"}
)  # fmt: skip
EMPTY_FOLDERS = (
    "pg_wal", "pg_wal/archive_status", "pg_wal/summaries", "pg_replslot", "pg_dynshmem", "pg_notify", "pg_serial",
    "pg_snapshots", "pg_stat_tmp", "pg_subtrans",
)  # fmt: skip
SEGMENT = re.compile(r"[0-9A-F]{24}")
TIMELINE_DIGITS = 8  # that a segment's name begins with; the rest is its position
REDO = re.compile(r"^Latest checkpoint's REDO location: +(\S+)$", re.MULTILINE)
CONTROL_WITHIN_S = 30.0
VANISHED = "No such file or directory"
WHERE_IT_IS = """
    SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_flush_lsn() END::text,
           (SELECT timeline_id FROM pg_control_checkpoint())
"""


@dataclass(frozen=True, slots=True)
class BaseCopy:
    """A copy that PostgreSQL can start from. Everything committed before ``begun`` is in it; from ``complete`` on it
    can be rolled forward. ``start_lsn`` is where its WAL begins."""

    folder: Path
    begun: datetime
    complete: datetime
    start_lsn: int


def copy_online(source: Node, target: Path) -> BaseCopy:
    """Copy a running PostgreSQL to ``target``, which must not exist; raises :class:`LabError`, and leaves no half."""
    begun = datetime.now(UTC)
    half = target.with_name(f"{target.name}.half")
    half.mkdir(parents=True)
    try:
        start_lsn = _copy(source, half)
        half.chmod(0o700)
        disguise().own(half)
        half.rename(target)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    return BaseCopy(target, begun, datetime.now(UTC), start_lsn)


def keep_stopped(node: Node, target: Path) -> BaseCopy:
    """Stop a PostgreSQL for good, and keep its own data folder as the base copy: all it ever held, and nothing copied.

    ``target`` must not exist. Of its WAL stays what a start needs, whether it ended in order or had to be killed.
    Raises :class:`LabError`; the data then stays where it was.
    """
    begun = datetime.now(UTC)
    node.stop()
    start_lsn = _redo_lsn(node)
    for path in (node.data / "pg_wal").iterdir():
        if SEGMENT.fullmatch(path.name) and path.name[TIMELINE_DIGITS:] < segment_name(0, start_lsn)[TIMELINE_DIGITS:]:
            path.unlink()
    for slot in (node.data / "pg_replslot").iterdir():  # it would keep WAL for a replica that the restored never has
        shutil.rmtree(slot)
    target.parent.mkdir(parents=True, exist_ok=True)
    node.data.rename(target)
    return BaseCopy(target, begun, datetime.now(UTC), start_lsn)


def duplicate(source: Path, target: Path) -> None:
    """Copy a base copy; ``target`` must not exist yet."""
    target.parent.mkdir(parents=True, exist_ok=True)
    copy_files([source], target)
    target.chmod(0o700)
    disguise().own(target)


def copy_files(files: Sequence[Path], target: Path, *, may_vanish: bool = False) -> None:
    """Copy files and folders by a process of its own; with ``may_vanish`` one that is gone by then is no error."""
    if not files:
        return
    done = subprocess.run(
        [*_cp(), *map(str, files), str(target)],
        capture_output=True, text=True, timeout=COPY_WITHIN_S, check=False, env={"LC_ALL": "C", "PATH": _path()},
    )  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if not (may_vanish and VANISHED in line)]
    if done.returncode and lines:
        raise LabError(f"a copy at {target}", lines[-1][-400:], "look at the disk's free space")


def wal_segments(folder: Path, timeline: int, start_lsn: int, end_lsn: int) -> list[Path]:
    """The segment files of a timeline from one position to another; raises :class:`LabError` when one is gone."""
    first, last = start_lsn // SEGMENT_BYTES, end_lsn // SEGMENT_BYTES
    found = [folder / segment_name(timeline, number * SEGMENT_BYTES) for number in range(first, last + 1)]
    if gone := [path.name for path in found[:-1] if not path.exists()]:
        raise LabError(f"the WAL of {folder} from {first} to {last}", f"no {gone[0]}", "take a new backup")
    return [path for path in found if path.exists()]  # at a boundary the last one may not be begun yet


def _redo_lsn(node: Node) -> int:
    """Where the recovery of a stopped PostgreSQL begins."""
    told = disguise().run([node.binaries.program("pg_controldata"), str(node.data)], within_s=CONTROL_WITHIN_S)
    found = REDO.search(told)
    if not found:
        raise LabError(f"the last checkpoint of {node.name}", told[-400:], "look at its data folder")
    return bytes_of(found[1])


def _copy(source: Node, half: Path) -> int:
    with source.connect() as connection:
        (started,) = connection.execute("SELECT pg_backup_start('gameday', fast => true)::text").fetchone()
        entries = [path for path in source.data.iterdir() if path.name not in LEFT_OUT]
        copy_files(entries, half, may_vanish=True)
        stop = "SELECT lsn::text, labelfile FROM pg_backup_stop(wait_for_archive => false)"
        stopped, label = connection.execute(stop).fetchone()
        (half / "backup_label").write_text(label)
        _copy_wal(connection, source, half, bytes_of(started), bytes_of(stopped))
    return bytes_of(started)


def _copy_wal(connection: Any, source: Node, half: Path, start_lsn: int, stop_lsn: int) -> None:
    """A standby's copy is whole only where its control file says, so that one is copied last, as the manual wants."""
    if connection.execute("SELECT pg_is_in_recovery()").fetchone()[0]:
        copy_files([source.data / "global" / "pg_control"], half / "global")
    for folder in EMPTY_FOLDERS:
        (half / folder).mkdir(mode=0o700, exist_ok=True)
    now, timeline = connection.execute(WHERE_IT_IS).fetchone()
    end_lsn = max(stop_lsn, bytes_of(now))
    segments = wal_segments(source.data / "pg_wal", timeline, start_lsn, end_lsn)
    histories = list((source.data / "pg_wal").glob("*.history"))
    copy_files([*segments, *histories], half / "pg_wal")


def _cp() -> tuple[str, ...]:
    """Blocks are shared, and zeros are holes, where the system's ``cp`` can do that."""
    return ("cp", "-R", "--reflink=auto", "--sparse=auto") if sys.platform == "linux" else ("cp", "-R")


def _path() -> str:
    import os

    return os.environ.get("PATH", os.defpath)
