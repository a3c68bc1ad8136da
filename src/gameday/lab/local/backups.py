"""What RDS keeps beside its instances: snapshots, and the automated backups, which outlive an instance that is lost."""

import re
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from gameday.errors import LabError
from gameday.lab.local.archive import Archive, must_hold
from gameday.lab.local.base_copy import BaseCopy, copy_online, duplicate, keep_stopped
from gameday.lab.local.postgres import Node, Rewind

UNSAFE = re.compile(r"[^A-Za-z0-9.-]")
type SnapshotKey = tuple[str, str]  # region, snapshot identifier
type InstanceKey = tuple[str, str]  # region, RDS identifier


@dataclass(frozen=True, slots=True)
class Origin:
    """What a new instance is made of: a copy, rolled forward with ``rewind`` if that is given."""

    copy: Path
    rewind: Rewind | None = None


@dataclass(slots=True)
class AutomatedBackup:
    """The automated backup of one instance. ``database`` is moto's object, which AWS too remembers after its end."""

    region: str
    database: Any
    archive: Archive
    is_retained: bool = False

    @property
    def resource_id(self) -> str:
        return str(self.database.dbi_resource_id)

    @property
    def window(self) -> tuple[datetime, datetime] | None:
        """The earliest and the latest time that can be restored; None before the first backup is whole."""
        base, latest = self.archive.base, self.archive.latest
        return (base.complete, latest) if base and latest else None


@dataclass
class Backups:
    """The snapshots and automated backups of a lab, in a folder of their own; may be used from any thread."""

    folder: Path
    _copies: dict[SnapshotKey, BaseCopy] = field(default_factory=dict, init=False)
    _automated: dict[str, AutomatedBackup] = field(default_factory=dict, init=False)  # by resource id
    _origins: dict[InstanceKey, Origin] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    # snapshots

    def take(self, region: str, snapshot_id: str, node: Node) -> BaseCopy:
        """Copy a running database online, under a snapshot's name."""
        taken = copy_online(node, self._folder_of(region, snapshot_id))
        self.adopt(region, snapshot_id, taken)
        return taken

    def take_last(self, region: str, snapshot_id: str, node: Node) -> BaseCopy:
        """Stop a database that is being deleted, and keep its data under a snapshot's name."""
        taken = keep_stopped(node, self._folder_of(region, snapshot_id))
        self.adopt(region, snapshot_id, taken)
        return taken

    def adopt(self, region: str, snapshot_id: str, taken: BaseCopy) -> None:
        """A base copy is a snapshot from now on; an automated backup's is one too."""
        with self._lock:
            self._copies[region, snapshot_id] = taken

    def copy(self, source: SnapshotKey, target: SnapshotKey) -> None:
        """A copy of a snapshot, which lives on when the other one is deleted."""
        taken = self._copy_of(source)
        folder = self._folder_of(*target)
        duplicate(taken.folder, folder)
        with self._lock:
            self._copies[target] = BaseCopy(folder, taken.begun, taken.complete, taken.start_lsn)

    def forget(self, region: str, snapshot_id: str) -> None:
        """Delete a snapshot; the base copy of an automated backup stays with it."""
        with self._lock:
            taken = self._copies.pop((region, snapshot_id), None)
        if taken and taken.folder == self._folder_of(region, snapshot_id):
            shutil.rmtree(taken.folder, ignore_errors=True)

    # automated backups

    def begin(
        self, region: str, database: Any, node: Node, period_s: float, shipped: Callable[[AutomatedBackup], None]
    ) -> None:
        """Begin the automated backup of an instance; does nothing when it has one."""
        resource_id = str(database.dbi_resource_id)
        if resource_id in self._automated:
            return
        folder = self.folder / region / "automated" / UNSAFE.sub("_", resource_id)
        archive = Archive(node, folder, period_s, lambda _: shipped(backup))
        backup = AutomatedBackup(region, database, archive)
        with self._lock:
            self._automated[resource_id] = backup
        archive.begin()

    def automated(self, region: str) -> list[AutomatedBackup]:
        """Every automated backup of a region, those retained after their instance's end included."""
        with self._lock:
            return [one for one in self._automated.values() if one.region == region]

    def end(self, region: str, resource_id: str, *, retain: bool) -> None:
        """The instance is being deleted: its automated backup goes with it, or stays without growing."""
        backup = self._automated.get(resource_id)
        if backup is None or backup.region != region:
            return
        backup.archive.stop()
        backup.is_retained = retain
        if not retain:
            with self._lock:
                self._automated.pop(resource_id, None)
            backup.archive.remove()

    def failures(self) -> list[tuple[str, BaseException]]:
        """The automated backups that ended by an error, by the instance's name."""
        with self._lock:
            found = [(one.database.db_instance_identifier, one.archive.failure) for one in self._automated.values()]
        return [(name, cause) for name, cause in found if cause]

    def close(self) -> None:
        """Nothing is shipped any more."""
        for backup in list(self._automated.values()):
            backup.archive.stop()

    # what instances are made of

    def will_restore(self, instance: InstanceKey, snapshot: SnapshotKey) -> None:
        """The instance of that name, created next, is made of a snapshot."""
        with self._lock:
            self._origins[instance] = Origin(self._copies[snapshot].folder)

    def will_rewind(self, instance: InstanceKey, resource_id: str, until: datetime) -> None:
        """The same of an automated backup, as of ``until``; raises :class:`LabError` outside its window."""
        archive = self._automated[resource_id].archive
        base = must_hold(archive, until)
        with self._lock:
            self._origins[instance] = Origin(base.folder, Rewind(archive.wal, until))

    def origin(self, instance: InstanceKey) -> Origin | None:
        """What a new instance is made of, told once; None is nothing."""
        with self._lock:
            return self._origins.pop(instance, None)

    def has(self, region: str, snapshot_id: str) -> bool:
        """Whether there is a whole copy of that name."""
        return (region, snapshot_id) in self._copies

    def _copy_of(self, key: SnapshotKey) -> BaseCopy:
        with self._lock:
            if key not in self._copies:
                raise LabError(f"a snapshot {key[1]} in {key[0]}", "none", "correct its name")
            return self._copies[key]

    def _folder_of(self, region: str, snapshot_id: str) -> Path:
        return self.folder / region / "snapshots" / UNSAFE.sub("_", snapshot_id)
