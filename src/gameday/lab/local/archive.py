"""The automated backup of one database: a base copy, and from then on its WAL, shipped period by period.

As RDS does ("Backing up and restoring your DB instance": logs are uploaded every five minutes), so that any second up
to the last shipment can be restored, also after the instance is lost. RDS archives whole segments; the lab copies
segments as far as they are written. A forced switch would send up to 16 MB of zeros to the replica each time, and
distort its lag.
"""

import contextlib
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from gameday.errors import LabError
from gameday.lab.local.base_copy import WHERE_IT_IS, BaseCopy, copy_files, copy_online, wal_segments
from gameday.lab.local.postgres import Node
from gameday.lab.local.wal import bytes_of

SLOT = "gameday_backup"  # keeps the WAL that was not shipped yet
# RDS writes a row each five minutes too: a recovery ends only at a commit that is later than its target.
HEARTBEAT = "SELECT pg_logical_emit_message(true, 'gameday', 'backup')"


class Archive:
    """Takes the base copy, then ships each ``period_s``, in a thread of its own, until :meth:`stop`.

    ``latest`` is the latest time that can be restored, ``base.complete`` the earliest; None before there is one. A
    database that is down is waited for; anything else that goes wrong ends it, and is kept as ``failure``.
    """

    base: BaseCopy | None
    latest: datetime | None

    def __init__(self, node: Node, folder: Path, period_s: float, shipped: Callable[["Archive"], None]) -> None:
        self.folder, self.base, self.latest = folder, None, None
        self.failure: BaseException | None = None
        self._node, self._period_s, self._shipped = node, period_s, shipped
        self._shipped_lsn = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"backup of {node.name}", daemon=True)

    @property
    def wal(self) -> Path:
        return self.folder / "wal"

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ship nothing more; what was shipped stays. Safe twice, and when it never began."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def remove(self) -> None:
        """Delete what it holds."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ship(self) -> None:
        """Copy what was written since the last time; raises ``psycopg.Error`` when the database is down."""
        assert self.base
        with self._node.connect() as connection:
            covered = datetime.now(UTC)
            connection.execute(HEARTBEAT)
            now, timeline = connection.execute(WHERE_IT_IS).fetchone()
            end_lsn = bytes_of(now)
            self._copy(wal_segments(self._node.data / "pg_wal", timeline, self._shipped_lsn, end_lsn))
            keep = {"slot": SLOT, "lsn": now}
            connection.execute("SELECT pg_replication_slot_advance(%(slot)s, %(lsn)s::pg_lsn)", keep)
        self._shipped_lsn, self.latest = end_lsn, covered
        self._shipped(self)

    def _run(self) -> None:
        import psycopg

        try:
            while not self._stopping.is_set():
                with contextlib.suppress(psycopg.OperationalError):  # it is down: nothing new to ship
                    self._look()
                self._stopping.wait(self._period_s)
        except BaseException as cause:  # noqa: BLE001  told by the controller, whose reconcile raises it
            if not self._stopping.is_set() and self._node.is_running():
                self.failure = cause

    def _look(self) -> None:
        if not self._node.is_running():
            return
        if self.base is None:
            self._begin()
        self.ship()

    def _begin(self) -> None:
        self.wal.mkdir(parents=True, exist_ok=True)
        self._node.drop_slot(SLOT)
        self._node.add_slot(SLOT)
        shutil.rmtree(self.folder / "base", ignore_errors=True)
        self.base = copy_online(self._node, self.folder / "base")
        self._shipped_lsn = self.base.start_lsn

    def _copy(self, segments: list[Path]) -> None:
        """A recovery may read the last segment just now, so each appears whole."""
        arriving = self.folder / "arriving"
        arriving.mkdir(exist_ok=True)
        histories = list((self._node.data / "pg_wal").glob("*.history"))
        copy_files([*segments, *histories], arriving)
        for path in arriving.iterdir():
            path.replace(self.wal / path.name)


def must_hold(archive: Archive, until: datetime) -> BaseCopy:
    """The base copy to roll forward from; raises :class:`LabError` when the archive does not reach ``until``."""
    if archive.base is None or archive.latest is None or not archive.base.complete <= until <= archive.latest:
        window = f"{archive.base.complete if archive.base else None} to {archive.latest}"
        raise LabError(f"a backup that holds {until}", f"one from {window}", "choose a time within it")
    return archive.base
