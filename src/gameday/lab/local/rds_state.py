"""RDS as moto keeps it: the instances of a region, and which of them another one names as its source."""

from typing import Any

from gameday.lab.local.ground import ACCOUNT

CREATING, STARTING, AVAILABLE, FAILED = "creating", "starting", "available", "failed"


def instances(region: str) -> list[Any]:
    """moto's own objects; their ``status`` may be set."""
    from moto.rds.models import rds_backends

    return list(rds_backends[ACCOUNT][region].databases.values())


def source_id(db: Any) -> str:
    """What a replica calls its source: an identifier, or across regions an ARN."""
    return str(db.source_db_instance_identifier or "")


def named_in(wanted: str, region: str, db_id: str) -> bool:
    """Whether ``wanted`` (identifier or ARN) means the instance ``db_id`` of ``region``."""
    return wanted in (db_id, f"arn:aws:rds:{region}:{ACCOUNT}:db:{db_id}")
