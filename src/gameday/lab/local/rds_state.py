"""RDS as moto keeps it: the instances of a region, and which of them another one names as its source."""

import secrets
import string
from datetime import datetime
from typing import Any

from gameday.lab.local.ground import ACCOUNT

CREATING, STARTING, AVAILABLE, FAILED, DELETING = "creating", "starting", "available", "failed", "deleting"
RESOURCE_ID_CHARS = 26


def instances(region: str) -> list[Any]:
    """moto's own objects; their ``status`` may be set."""
    return list(_backend(region).databases.values())


def source_id(db: Any) -> str:
    """What a replica calls its source: an identifier, or across regions an ARN."""
    return str(db.source_db_instance_identifier or "")


def named_in(wanted: str, region: str, db_id: str) -> bool:
    """Whether ``wanted`` (identifier or ARN) means the instance ``db_id`` of ``region``."""
    return wanted in (db_id, f"arn:aws:rds:{region}:{ACCOUNT}:db:{db_id}")


def identify(db: Any) -> None:
    """Give an instance a resource id of its own, which its automated backup is known by; moto gives all the same."""
    letters = string.ascii_uppercase + string.digits
    db.dbi_resource_id = "db-" + "".join(secrets.choice(letters) for _ in range(RESOURCE_ID_CHARS))
    db.gameday_restorable = None


def automated_snapshot(db: Any, taken: datetime) -> Any:
    """List an instance's backup among the snapshots, named as RDS names it; it is ``creating`` yet."""
    from moto.rds.models import DBSnapshot

    name = f"rds:{db.db_instance_identifier}-{taken:%Y-%m-%d-%H-%M}"
    snapshots = db.backend.database_snapshots
    while name in snapshots:  # another instance of that name had one in this very minute
        name += "-2"
    snapshot = DBSnapshot(db.backend, db, name, "automated")
    snapshot.status = CREATING
    snapshot.created = snapshot.original_snapshot_create_time = taken.replace(tzinfo=None)
    snapshots[name] = snapshot
    return snapshot


def deleted(region: str, db: Any) -> None:
    """An instance is gone: it is no longer listed, nobody's replica, and its automated snapshots go unless kept."""
    backend = _backend(region)
    backend.databases.pop(db.db_instance_identifier, None)
    for other in [one for of in _all_regions() for one in list(of.databases.values())]:
        known_as = {db.db_instance_arn} | ({db.db_instance_identifier} if other.region == region else set())
        other.replicas = [name for name in other.replicas if name not in known_as]
    if not getattr(db, "gameday_keeps_backups", False):
        for name, snapshot in list(backend.database_snapshots.items()):
            if snapshot.snapshot_type == "automated" and snapshot.dbi_resource_id == db.dbi_resource_id:
                backend.database_snapshots.pop(name)


def _backend(region: str) -> Any:
    from moto.rds.models import rds_backends

    return rds_backends[ACCOUNT][region]


def _all_regions() -> list[Any]:
    from moto.rds.models import rds_backends

    return list(rds_backends[ACCOUNT].values())
