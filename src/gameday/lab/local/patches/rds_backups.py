"""RDS: snapshots and automated backups of real databases; a restore makes a new instance of what was kept.

Rules and error codes are those of the RDS API reference: CreateDBSnapshot, CopyDBSnapshot, DeleteDBSnapshot,
RestoreDBInstanceFromDBSnapshot, RestoreDBInstanceToPointInTime, DescribeDBInstanceAutomatedBackups, RebootDBInstance.
Without ``hooks().databases`` moto's own behaviour stays, but for the names of errors.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from gameday.lab.local.patches.seam import demand, hooks, swap

# What a restored instance takes over from the one that was backed up; AWS asks anew for network and protection.
TAKEN_OVER = (
    "engine", "engine_version", "db_instance_class", "allocated_storage", "storage_type", "iops", "db_name", "port",
    "master_username", "license_model", "backup_retention_period", "preferred_backup_window",
    "preferred_maintenance_window", "storage_encrypted", "kms_key_id", "copy_tags_to_snapshot",
    "auto_minor_version_upgrade",
)  # fmt: skip
SAID_ELSEWHERE = frozenset(
    {"db_snapshot_identifier", "source_db_instance_identifier", "target_db_instance_identifier", "restore_time",
     "use_latest_restorable_time", "source_dbi_resource_id", "source_db_instance_automated_backups_arn"}
)  # fmt: skip


def install() -> None:
    """Put the patches in; raises UpstreamMoved."""
    _error_names()
    _snapshots()
    _copies()
    _snapshot_deletion()
    _restores()
    _point_in_time()
    _automated_backups()
    _reboots()
    _self_test()


def error(code: str, message: str) -> Exception:
    """An error of RDS; raise it."""
    from moto.rds.exceptions import RDSClientError

    made: Exception = RDSClientError(code, message)
    return made


def _error_names() -> None:
    """The service answers ``DBSnapshotNotFound``; ``…Fault`` is only the name of the exception's shape."""
    from moto.rds.exceptions import DBSnapshotNotFoundFault, RDSClientError

    def init(self: Any, snapshot_identifier: str) -> None:
        RDSClientError.__init__(self, "DBSnapshotNotFound", f"DBSnapshot {snapshot_identifier} not found.")

    swap(DBSnapshotNotFoundFault, "__init__", init, expects="self, snapshot_identifier")


def _snapshots() -> None:
    from moto.rds.models import DBInstance, RDSBackend

    def create_db_snapshot(
        self: Any, db_instance_identifier: str, *args: Any, is_final: bool = False, **kwargs: Any
    ) -> Any:
        """A final one is taken by whoever takes the instance down, once nothing can be written any more."""
        databases, db = hooks().databases, self.databases.get(db_instance_identifier)
        if databases and db is not None and db.status != "available":
            raise error("InvalidDBInstanceState", f"DB Instance {db_instance_identifier} is in state {db.status}.")
        snapshot = create(self, db_instance_identifier, *args, **kwargs)
        if databases:
            snapshot.status, snapshot.percent_progress = "creating", 0
        if databases and not is_final:
            databases.take_snapshot(self.region_name, db.db_instance_identifier, snapshot)
        return snapshot

    def save_automated_backup(self: Any) -> None:
        if hooks().databases is None:
            save(self)

    takes = "self, db_instance_identifier, db_snapshot_identifier, snapshot_type, tags, original_created_at, kms_key_id"
    create = swap(RDSBackend, "create_db_snapshot", create_db_snapshot, expects=takes)
    save = swap(DBInstance, "save_automated_backup", save_automated_backup, expects="self")


def _copies() -> None:
    from moto.rds.models import RDSBackend

    def copy_db_snapshot(
        self: Any, source_db_snapshot_identifier: str, target_db_snapshot_identifier: str, *args: Any, **kwargs: Any
    ) -> Any:
        databases = hooks().databases
        if databases is None:
            return original(self, source_db_snapshot_identifier, target_db_snapshot_identifier, *args, **kwargs)
        source = self.get_db_snapshot(source_db_snapshot_identifier)
        _must_be_available(source)
        if source.region != self.region_name and source.encrypted and not kwargs.get("kms_key_id"):
            raise error("InvalidParameterCombination", "An encrypted snapshot of another Region needs a KmsKeyId here.")
        snapshot = original(self, source_db_snapshot_identifier, target_db_snapshot_identifier, *args, **kwargs)
        snapshot.status, snapshot.percent_progress = "creating", 0
        snapshot.source_region, snapshot.source_db_snapshot_identifier = source.region, source.db_snapshot_arn
        databases.copy_snapshot((source.region, source.db_snapshot_identifier), self.region_name, snapshot)
        return snapshot

    takes = "self, source_db_snapshot_identifier, target_db_snapshot_identifier, kms_key_id, tags, copy_tags, _"
    original = swap(RDSBackend, "copy_db_snapshot", copy_db_snapshot, expects=takes)


def _snapshot_deletion() -> None:
    from moto.rds.models import RDSBackend

    def delete_db_snapshot(self: Any, db_snapshot_identifier: str) -> Any:
        databases, snapshot = hooks().databases, self.database_snapshots.get(db_snapshot_identifier)
        if databases and snapshot is not None:
            if snapshot.snapshot_type == "automated":
                raise error("InvalidDBSnapshotState", f"{db_snapshot_identifier} is automated: it cannot be deleted.")
            _must_be_available(snapshot)
            databases.backups.forget(self.region_name, db_snapshot_identifier)
        return original(self, db_snapshot_identifier)

    original = swap(RDSBackend, "delete_db_snapshot", delete_db_snapshot, expects="self, db_snapshot_identifier")


def _restores() -> None:
    from moto.rds.models import RDSBackend

    def restore_db_instance_from_db_snapshot(self: Any, from_snapshot_id: str, overrides: Any) -> Any:
        databases = hooks().databases
        if databases is None:
            return original(self, from_snapshot_id, overrides)
        target = overrides["db_instance_identifier"]
        snapshot = self.get_db_snapshot(from_snapshot_id)
        if snapshot.region != self.region_name:
            raise error("DBSnapshotNotFound", f"DBSnapshot {from_snapshot_id} not found.")
        _must_be_free(self, target)
        _must_be_available(snapshot)
        given = _given(snapshot.database, overrides, {"kms_key_id": snapshot.kms_key_id})
        databases.backups.will_restore((self.region_name, target), (snapshot.region, snapshot.db_snapshot_identifier))
        return _create(self, target, given)

    original = swap(
        RDSBackend, "restore_db_instance_from_db_snapshot", restore_db_instance_from_db_snapshot,
        expects="self, from_snapshot_id, overrides",
    )  # fmt: skip


def _point_in_time() -> None:
    from moto.rds.models import RDSBackend

    def restore(self: Any, source_db_identifier: str, target_db_identifier: str, overrides: Any) -> Any:
        databases = hooks().databases
        if databases is None:
            return original(self, source_db_identifier, target_db_identifier, overrides)
        backup = _backup_of(self, source_db_identifier, overrides)
        _must_be_free(self, target_db_identifier)
        until = _until(backup, overrides)
        given = _given(backup.database, overrides, {})
        databases.backups.will_rewind((self.region_name, target_db_identifier), backup.resource_id, until)
        return _create(self, target_db_identifier, given)

    takes = "self, source_db_identifier, target_db_identifier, overrides"
    original = swap(RDSBackend, "restore_db_instance_to_point_in_time", restore, expects=takes)


def _automated_backups() -> None:
    from moto.rds.models import DBInstance, RDSBackend

    def latest_restorable_time(self: Any) -> Any:
        return getattr(self, "gameday_restorable", None) if hooks().databases else restorable.fget(self)

    def describe(self: Any, db_instance_identifier: str | None = None, **kwargs: Any) -> list[Any]:
        databases = hooks().databases
        if databases is None:
            found: list[Any] = original(self, db_instance_identifier, **kwargs)
            return found
        return [
            _told(one)
            for one in databases.backups.automated(self.region_name)
            if db_instance_identifier in (None, one.database.db_instance_identifier)
            and kwargs.get("dbi_resource_id") in (None, one.resource_id)
        ]

    takes = "self, db_instance_identifier, _"
    original = swap(RDSBackend, "describe_db_instance_automated_backups", describe, expects=takes)
    restorable = swap(DBInstance, "latest_restorable_time", property(latest_restorable_time), expects="property")


def _reboots() -> None:
    from moto.rds.models import RDSBackend

    def reboot_db_instance(self: Any, db_instance_identifier: str) -> Any:
        database = original(self, db_instance_identifier)
        if databases := hooks().databases:
            if database.status != "available":
                raise error("InvalidDBInstanceState", f"DB Instance {db_instance_identifier} is not available.")
            database.status = "rebooting"
            databases.reboot(self.region_name, database.db_instance_identifier)
        return database

    original = swap(RDSBackend, "reboot_db_instance", reboot_db_instance, expects="self, db_instance_identifier")


def _backup_of(backend: Any, source: str | None, asked: Mapping[str, Any]) -> Any:
    """The automated backup that is meant: of a live instance by its name, else by resource id or ARN."""
    databases = hooks().databases
    assert databases
    known = databases.backups.automated(backend.region_name)
    if source:
        database = backend.describe_db_instances(source)[0]  # DBInstanceNotFound
        known = [one for one in known if one.database is database]
        if not known:
            raise error("PointInTimeRestoreNotEnabled", f"{source} has no automated backup (yet).")
        return known[0]
    wanted = asked.get("source_dbi_resource_id") or str(asked.get("source_db_instance_automated_backups_arn"))
    found = next((one for one in known if wanted in (one.resource_id, _backup_arn(one))), None)
    if found is None:
        raise error("DBInstanceAutomatedBackupNotFound", f"No automated backup {wanted}.")
    return found


def _until(backup: Any, asked: Mapping[str, Any]) -> datetime:
    """The moment to restore to; the window's ends are in it."""
    said, latest = asked.get("restore_time"), asked.get("use_latest_restorable_time")
    if bool(said) == bool(latest):
        raise error("InvalidParameterCombination", "Specify either RestoreTime or UseLatestRestorableTime.")
    if backup.window is None:
        raise error("PointInTimeRestoreNotEnabled", "The first automated backup is not complete yet.")
    first, last = backup.window
    until = last if latest else _moment(said)
    if not first <= until <= last:
        raise error(
            "InvalidParameterValue",
            f"The restore time {until.isoformat()} is not between {first.isoformat()} and {last.isoformat()}.",
        )
    return until


def _moment(said: Any) -> datetime:
    found = said if isinstance(said, datetime) else datetime.fromisoformat(str(said))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _given(original: Any, asked: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: getattr(original, name) for name in TAKEN_OVER if hasattr(original, name)} | dict(more)
    asked_for = {name: value for name, value in asked.items() if name not in SAID_ELSEWHERE and value}
    if asked_for.get("allocated_storage", given["allocated_storage"]) < given["allocated_storage"]:
        raise error("InvalidParameterValue", "The allocated storage can't be less than the backup's.")
    return given | asked_for


def _create(backend: Any, target: str, given: Mapping[str, Any]) -> Any:
    return backend.create_db_instance({**given, "db_instance_identifier": target})


def _must_be_free(backend: Any, target: str) -> None:
    from moto.rds.exceptions import DBInstanceAlreadyExists

    if target in backend.databases:
        raise DBInstanceAlreadyExists


def _must_be_available(snapshot: Any) -> None:
    if snapshot.status != "available":
        raise error("InvalidDBSnapshotState", f"Snapshot {snapshot.db_snapshot_identifier} is {snapshot.status}.")


def _backup_arn(backup: Any) -> str:
    database = backup.database
    return f"arn:aws:rds:{backup.region}:{database.account_id}:auto-backup:{backup.resource_id.lower()}"


def _told(backup: Any) -> SimpleNamespace:
    """What the API tells of an automated backup; it is ``creating`` until something can be restored."""
    database, window = backup.database, backup.window
    names = (
        "allocated_storage", "availability_zone", "backup_retention_period", "engine", "engine_version", "port",
        "instance_create_time", "master_username", "license_model", "storage_type", "kms_key_id",
    )  # fmt: skip
    return SimpleNamespace(
        **{name: getattr(database, name) for name in names},
        db_instance_arn=database.db_instance_arn, db_instance_identifier=database.db_instance_identifier,
        dbi_resource_id=backup.resource_id, db_instance_automated_backups_arn=_backup_arn(backup),
        region=backup.region, encrypted=database.storage_encrypted,
        restore_window={"EarliestTime": window[0], "LatestTime": window[1]} if window else None,
        status="retained" if backup.is_retained else "active" if window else "creating",
    )  # fmt: skip


def _self_test() -> None:
    """An instance can be made of what :data:`TAKEN_OVER` names, on a backend nobody else sees."""
    from moto.rds.models import RDSBackend

    scratch: Any = RDSBackend("us-east-1", "000000000000")
    made = scratch.create_db_instance(
        {"db_instance_identifier": "probe", "engine": "postgres", "db_instance_class": "db.t4g.micro"}
        | {"vpc_security_group_ids": ["sg-probe"]}
    )
    twin = _create(scratch, "twin", _given(made, {"vpc_security_group_ids": ["sg-probe"]}, {}))
    demand(twin.allocated_storage == made.allocated_storage, "an instance made of another's settings", repr(vars(twin)))
