"""The runbook for the loss of both databases: a new one is restored from a backup, and the service is led to it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from gameday.clock import NS, SYSTEM, utc_text
from gameday.facts import RESTORE, RESTORE_MAKES, RESTORE_SOURCE, Kind
from gameday.lab import status
from gameday.lab.current_database import current_database, described, endpoint
from gameday.recovery import sight
from gameday.recovery.endpoint_secret import rewrite
from gameday.recovery.restore_source import LATEST_SNAPSHOT, TO_FORM, choose
from gameday.recovery.runbook import Call, Option, Runbook, Scene, Step
from gameday.recovery.sight import Sight, check, listed, whole

RESTORE_WITHIN_S = 2700.0  # the objective: 45 minutes
SERVES_WITHIN_S = 600.0
PRIMARY = "primary"
IN_REGION = " in "


def region_of(scene: Scene) -> str:
    """The region that the option says; ``primary`` is the lab's own."""
    said = scene.options["region"]
    return scene.lab.primary if said == PRIMARY else said


def _is_region(scene: Scene) -> Sight:
    region = region_of(scene)
    return Sight(region in scene.lab.regions, f"{region}; the lab's regions are {', '.join(scene.lab.regions)}")


def _source(scene: Scene) -> Sight:
    """Choose the source, and note it for the steps to come and on the timeline, with its age."""
    region, now = region_of(scene), datetime.now(UTC)
    source = choose(scene.lab, region, scene.options["to"])
    if isinstance(source, str):
        return Sight(False, source)
    age_s = (now - source.taken).total_seconds()
    new = f"{scene.lab.of(region, 'DatabaseId')}-restored-{now:%Y%m%dT%H%M%SZ}".lower()
    scene.found.update(
        {"source": source.told, "snapshot": source.snapshot, "backup": source.resource_id, "database": new}
    )
    scene.found["moment"] = utc_text(source.taken)
    scene.timeline.add(
        Kind.NOTE, RESTORE_SOURCE, region=region, source=source.told, snapshot=source.snapshot, database=new,
        taken_utc=utc_text(source.taken), age_s=age_s, taken_mono_ns=SYSTEM.mono_ns() - int(age_s * NS),
    )  # fmt: skip
    return Sight(True, f"{source.told}, {age_s:.0f} s old")


def _lost(scene: Scene) -> Sight:
    """How the lost database was reached: RDS still tells it of one that failed. Of one that is gone it tells nothing;
    then another instance of the region lends its class, subnets and groups, and without any the restore cannot be
    reached, so it is not begun."""
    region = region_of(scene)
    name, found = current_database(scene.lab, region)
    seen = found or next(iter(described(scene.lab, region)), None)
    if seen is None:
        return Sight(False, f"{name} is gone, and {region} has no other database to take subnets and groups from")
    scene.found.update(_like(seen))
    scene.found["name in PostgreSQL"] = str(endpoint(scene.lab, region).get("dbname", ""))
    told = f"{name} is {found['DBInstanceStatus']}" if found else f"{name} is gone; as {seen['DBInstanceIdentifier']}"
    named = scene.found["name in PostgreSQL"]
    return Sight(bool(named), told if named else "the endpoint's secret names no database within PostgreSQL")


def _like(seen: Any) -> dict[str, str]:
    groups = [group["VpcSecurityGroupId"] for group in seen.get("VpcSecurityGroups", [])]
    tags = [tag for tag in seen.get("TagList", []) if not tag["Key"].startswith("aws:")]
    return {
        "class": seen["DBInstanceClass"], "subnet group": seen["DBSubnetGroup"]["DBSubnetGroupName"],
        "security groups": json.dumps(groups), "port": str((seen.get("Endpoint") or {}).get("Port", "")),
        "tags": json.dumps(tags),
    }  # fmt: skip


def _make(scene: Scene) -> Sequence[Call]:
    """The call that makes the new instance."""
    found, to = scene.found, scene.options["to"]
    of_snapshot = to == LATEST_SNAPSHOT or to.startswith("snapshot:")
    names = (
        {"DBInstanceIdentifier": found["database"], "DBSnapshotIdentifier": found["snapshot"]}
        if of_snapshot
        else {"TargetDBInstanceIdentifier": found["database"], "SourceDbiResourceId": found["backup"],
              "RestoreTime": found["moment"]}
    )  # fmt: skip
    how = {
        "DBInstanceClass": found["class"], "DBSubnetGroupName": found["subnet group"],
        "VpcSecurityGroupIds": listed(found["security groups"]), "Port": whole(found["port"]),
        "PubliclyAccessible": False, "Tags": listed(found["tags"]),
    }  # fmt: skip
    operation = "restore_db_instance_from_db_snapshot" if of_snapshot else "restore_db_instance_to_point_in_time"
    given = {name: value for name, value in {**names, **how}.items() if value not in ("", [])}
    return (Call("rds", operation, region_of(scene), given, already=("DBInstanceAlreadyExists",)),)


def _restored(scene: Scene) -> Sight:
    """Whether the new instance is available; its endpoint is noted then."""
    known = described(scene.lab, region_of(scene))
    seen = next((one for one in known if one["DBInstanceIdentifier"] == scene.found["database"]), None)
    told = seen["DBInstanceStatus"] if seen else "not there"
    if seen and told == "available":
        scene.found["host"], scene.found["port"] = seen["Endpoint"]["Address"], str(seen["Endpoint"]["Port"])
    return Sight(told == "available", f"{scene.found['database']} is {told}")


def _lead(scene: Scene) -> Sequence[Call]:
    """The call that leads the service to the new instance."""
    found, region = scene.found, region_of(scene)
    told = {"host": found["host"], "port": whole(found["port"]), "dbname": found["name in PostgreSQL"]}
    return rewrite(scene.lab, region, json.dumps(told))


def _is_led(scene: Scene) -> Sight:
    names = current_database(scene.lab, region_of(scene))[0]
    return Sight(names == scene.found["database"], f"it names {names}")


def _tasks(scene: Scene) -> Sight:
    seen = status.region_seen(scene.lab, region_of(scene))
    return Sight(seen.targets_healthy >= seen.desired > 0, f"{seen.targets_healthy} of {seen.desired} in service")


def _writes(scene: Scene) -> Sight:
    return sight.answers(scene.lab, region_of(scene), "/dbcheck", lambda told: told == "HTTP 200")


CHOOSE = Step(
    "choose-what-is-restored",
    "Find the newest snapshot that is available (or the one, or the moment, that was asked for). What was written "
    "after it is lost: look at its age, and decide whether a promotion or a point in time saves more.",
    "nothing to take back",
    before=(
        check("the region is one of the lab's", _is_region, next_step="correct the option region"),
        check("how the lost database was reached is known", _lost, next_step="restore by hand, see infra/"),
        check(
            "there is a snapshot, or a backup, to restore", _source,
            next_step="look at describe-db-snapshots and describe-db-instance-automated-backups",
        ),
    ),
    changes=False,
)  # fmt: skip

MAKE = Step(
    RESTORE_MAKES,
    "Restore it as a new instance, in the lost one's subnets and security groups: RDS restores into no instance that "
    "exists, and the new one has an endpoint of its own. The lost one is left as it is, for whoever seeks the cause.",
    "delete the new instance; nobody uses it yet",
    _make,
    after=(
        check(
            "the new database is available", _restored, within_s=RESTORE_WITHIN_S, next_step="read its events in RDS"
        ),
    ),
)  # fmt: skip

LEAD = Step(
    "rewrite-the-endpoint",
    "Write the new endpoint into the region's secret. The service reads it again on its interval, and whenever a "
    "connection fails.",
    "make the secret's earlier version the current one again",
    _lead,
    after=(check("the secret names the new database", _is_led, within_s=60),),
)

SERVE = Step(
    "look-whether-clients-are-served",
    "Every task is in service, and one of them writes to the new database and reads back what it wrote.",
    "nothing to take back",
    after=(
        check("every task is in service", _tasks, within_s=SERVES_WITHIN_S),
        check(
            "the service writes and reads (/dbcheck answers 200)", _writes, within_s=SERVES_WITHIN_S,
            next_step="read the tasks' logs", writes=True,
        ),
    ),
    changes=False,
)  # fmt: skip

RUNBOOK = Runbook(
    RESTORE,
    "Restore the database from a backup",
    "the primary database is lost, and its replica too, or holds the same damage. Where the replica lives, promoting "
    "it loses less and takes less time",
    (CHOOSE, MAKE, LEAD, SERVE),
    (
        Option("region", "the region whose database is restored; primary is the lab's own", PRIMARY, "[a-z0-9-]+"),
        Option(
            "to", "latest-snapshot, snapshot:ID, latest (the latest restorable time), or a time in UTC",
            LATEST_SNAPSHOT, TO_FORM,
        ),
    ),
)  # fmt: skip
