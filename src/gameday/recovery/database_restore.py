"""The runbook for the loss of both databases: a new one is restored from a backup, and the service is led to it."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from gameday.clock import NS, SYSTEM, utc_text
from gameday.errors import InputError
from gameday.facts import RESTORE, RESTORE_SOURCE, RESTORE_STEP, Kind
from gameday.lab import status
from gameday.lab.current_database import described, endpoint
from gameday.recovery.restore_source import Source, choose, database_name, template
from gameday.recovery.runbook import Call, Check, Option, Runbook, Scene, Step
from gameday.service.check import NotGood, Target, database_writes_and_reads

RESTORE_WITHIN_S = 2700.0  # the objective: 45 minutes
SERVES_WITHIN_S = 600.0
PRIMARY = "primary"


def region_of(scene: Scene) -> str:
    """The region that the option says; ``primary`` is the lab's own. Raises :class:`InputError` for any other word."""
    said, lab = scene.options["region"], scene.lab
    region = lab.primary if said == PRIMARY else said
    if region not in lab.regions:
        raise InputError(f"a region of the lab ({', '.join(lab.regions)}) or {PRIMARY}", repr(said), "correct `region`")
    return region


def find(scene: Scene) -> Source | str:
    """Choose the source, and note it for the steps to come and on the timeline, with its age."""
    region = region_of(scene)
    source = choose(scene.lab, region, scene.options["to"])
    if isinstance(source, str):
        return source
    now = datetime.now(UTC)
    age_s = (now - source.taken).total_seconds()
    database = scene.lab.of(region, "DatabaseId")
    scene.found.update({
        "snapshot": source.snapshot, "resource_id": source.resource_id, "taken": source.taken.isoformat(),
        "database": f"{database}-restored-{now:%Y%m%dT%H%M%SZ}".lower(),
    })  # fmt: skip
    scene.timeline.add(
        Kind.NOTE, RESTORE_SOURCE, region=region, source=source.told, snapshot=source.snapshot,
        database=scene.found["database"], taken_utc=utc_text(source.taken), age_s=age_s,
        taken_mono_ns=SYSTEM.mono_ns() - int(age_s * NS),
    )  # fmt: skip
    return source


def is_source(seen: Any) -> bool:
    """A source, and no sentence why there is none."""
    return isinstance(seen, Source)


def restore(scene: Scene) -> Sequence[Call]:
    """The call that makes the new instance."""
    region, found = region_of(scene), scene.found
    how = dict(template(scene.lab, region))
    if found["snapshot"]:
        names = {"DBInstanceIdentifier": found["database"], "DBSnapshotIdentifier": found["snapshot"]}
        return (Call("rds", "restore_db_instance_from_db_snapshot", region, {**names, **how}),)
    names = {"TargetDBInstanceIdentifier": found["database"], "SourceDbiResourceId": found["resource_id"]}
    moment = {"RestoreTime": datetime.fromisoformat(found["taken"])}
    return (Call("rds", "restore_db_instance_to_point_in_time", region, {**names, **moment, **how}),)


def restored(scene: Scene) -> Any:
    """RDS's own description of the new instance; empty when there is none."""
    known = described(scene.lab, region_of(scene))
    return next((one for one in known if one["DBInstanceIdentifier"] == scene.found["database"]), {})


def rewrite(scene: Scene) -> Sequence[Call]:
    """The call that leads the service to the new instance."""
    region, end = region_of(scene), restored(scene)["Endpoint"]
    told = {"host": end["Address"], "port": end["Port"], "dbname": database_name(scene.lab, region)}
    secret = {"SecretId": scene.lab.of(region, "EndpointSecret"), "SecretString": json.dumps(told)}
    return (Call("secretsmanager", "put_secret_value", region, secret),)


def leads_to_it(scene: Scene) -> str:
    """Which instance the secret names now."""
    return status.database(scene.lab, region_of(scene)).id


def tasks(scene: Scene) -> tuple[int, int]:
    """How many targets are healthy, and how many tasks are desired."""
    seen = status.region_seen(scene.lab, region_of(scene))
    return (seen.targets_healthy, seen.desired)


def writes_and_reads(scene: Scene) -> str:
    """``good`` when a task of the region wrote to its database and read it back, else why not."""
    name, url = scene.lab.shared("ServiceName"), scene.lab.shared("ServiceUrl")
    target = Target(url.replace(name, f"{region_of(scene)}.{name}", 1), scene.lab.shared("Resolver"))
    try:
        database_writes_and_reads(target)
    except NotGood as cause:
        return str(cause)
    return "good"


def is_met_by(want: Callable[[Scene], Any], look: Callable[[Scene], Any]) -> Callable[[Scene], Any]:
    """What is seen, or None when it is what ``want`` says: for checks against what was found."""
    return lambda scene: None if look(scene) == want(scene) else look(scene)


FIND = Step(
    "choose what is restored",
    "Find the newest snapshot that is available (or the one, or the moment, that was asked for). What was written "
    "after it is lost: look at its age, and decide whether the other region or a point in time saves more.",
    "nothing was changed",
    after=(
        Check(
            "a snapshot or a backup to restore", find, is_source,
            next_step="look at describe-db-snapshots and describe-db-instance-automated-backups",
        ),
    ),
    changes=False,
)  # fmt: skip
MAKE = Step(
    RESTORE_STEP,
    "Restore it as a NEW instance, in the lost one's subnets and security groups: RDS restores into no instance that "
    "exists, and the new one has an endpoint of its own. The lost one is left as it is, for whoever seeks the cause.",
    "delete the new instance: aws rds delete-db-instance --skip-final-snapshot",
    restore,
    before=(Check("no instance of the new one's name", lambda scene: len(restored(scene)), lambda seen: seen == 0),),
    after=(
        Check(
            "the restored database available", lambda scene: restored(scene).get("DBInstanceStatus", "not there"),
            lambda seen: seen == "available", RESTORE_WITHIN_S, "look at the instance's events",
        ),
    ),
)  # fmt: skip
LEAD = Step(
    "rewrite the endpoint's secret",
    "Write the new endpoint into the region's secret. The service reads it again on its interval, and whenever a "
    "connection fails.",
    "write the earlier version back: aws secretsmanager update-secret-version-stage",
    rewrite,
    before=(
        Check(
            "an endpoint in the region's secret to rewrite", lambda scene: endpoint(scene.lab, region_of(scene)),
            lambda seen: bool(seen.get("dbname")), next_step="the secret names the database within PostgreSQL",
        ),
    ),
    after=(
        Check(
            "the secret naming the restored database", is_met_by(lambda scene: scene.found["database"], leads_to_it),
            lambda seen: seen is None, 60,
        ),
    ),
)  # fmt: skip
SERVE = Step(
    "wait until the service serves from it",
    "Every task is in service, and one of them writes to the restored database and reads it back.",
    "nothing was changed",
    after=(
        Check("every task in service", tasks, lambda seen: seen[0] >= seen[1] > 0, SERVES_WITHIN_S),
        Check("the service writing to its database and reading it back", writes_and_reads,
              lambda seen: seen == "good", SERVES_WITHIN_S, "read the tasks' logs"),
    ),
    changes=False,
)  # fmt: skip

RUNBOOK = Runbook(
    RESTORE,
    "Restore the database from a backup",
    "The primary database is lost, and its replica too, or holds the same damage. Where the replica lives, promoting "
    "it loses less and takes less time.",
    (FIND, MAKE, LEAD, SERVE),
    (
        Option("region", "the region whose database is restored; primary is the lab's own", PRIMARY),
        Option("to", "latest-snapshot, snapshot:ID, latest (the latest restorable time), or a UTC time",
               "latest-snapshot"),
    ),
)  # fmt: skip
