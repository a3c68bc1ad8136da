"""The planned switch of a failback: drain the standby, promote the primary, lead clients back. Nothing is lost."""

from collections.abc import Sequence
from datetime import datetime

from gameday.facts import FAILBACK_DRAINS, FAILBACK_PROMOTES
from gameday.lab import status
from gameday.lab.model import GLOBAL_REGION
from gameday.recovery import replica, sight
from gameday.recovery.pair import in_service, primary, scale, standby, writes
from gameday.recovery.runbook import Call, Scene, Step
from gameday.recovery.sight import Sight, check, whole

BACKUP_DAYS = 7  # as infra/parts/database.py: a primary is backed up
DRAINED_WITHIN_S = 600.0
HEALTHY_WITHIN_S, DNS_WITHIN_S = 600.0, 300.0


def _drained(scene: Scene) -> Sight:
    seen = sight.tasks_are_gone(scene.lab, standby(scene))
    if seen.is_good:
        scene.found["last task stopped"] = sight.stopped_last(scene.lab, standby(scene)).isoformat()
    return seen


def _replayed(scene: Scene) -> Sight:
    return sight.has_replayed(scene.lab, primary(scene), datetime.fromisoformat(scene.found["last task stopped"]))


def _no_failover_runs(scene: Scene) -> Sight:
    running = status.execution(scene.lab)
    is_running = running is not None and running.status == "RUNNING"
    return Sight(not is_running, "one runs" if is_running else "none runs")


DRAIN = Step(
    FAILBACK_DRAINS,
    "Stop the standby region's tasks. **From here on clients wait**, until the name leads to the primary region. With "
    "no task left nothing more is written, and the replica can receive the last of it.",
    "scale the standby's service up again: clients are served at once, nothing is lost",
    lambda scene: scale(standby(scene), "0", scene),
    before=(
        check("the replica is close behind", lambda s: sight.lag_is(s.lab, primary(s), replica.LAG_AT_MOST_S),
              within_s=replica.LAG_WITHIN_S),
        check("the primary region's tasks are in service",
              lambda scene: in_service(primary(scene), scene.options["tasks"], scene)),
        check("no failover runs", _no_failover_runs),
    ),
    after=(
        check("no task of the standby region runs or is stopping", _drained, within_s=DRAINED_WITHIN_S),
        check("the replica holds everything that was written", _replayed, within_s=replica.LAG_WITHIN_S,
              next_step="scale the standby's service up again, and find out what holds replication up"),
    ),
)  # fmt: skip


def _promote(scene: Scene) -> Sequence[Call]:
    region = primary(scene)
    arguments = {"DBInstanceIdentifier": scene.lab.of(region, "DatabaseId"), "BackupRetentionPeriod": BACKUP_DAYS}
    return (Call("rds", "promote_read_replica", region, arguments, already=("InvalidDBInstanceState",)),)


PROMOTE = Step(
    FAILBACK_PROMOTES,
    "Promote the primary region's database. It holds everything that was written; from here on it is the truth, and "
    "the standby region's database must not be written to any more.",
    "it cannot be taken back. Were the standby to serve again, what the primary took from here on would be lost",
    _promote,
    before=(
        check(
            "it is a replica",
            lambda scene: sight.database_is(scene.lab, primary(scene), "replica"),
            next_step="only a replica can be promoted",
        ),
        check("the standby region has no task", lambda scene: sight.tasks_are_gone(scene.lab, standby(scene))),
        check("the replica holds everything that was written", _replayed),
    ),
    after=(
        check(
            "it is a primary",
            lambda scene: sight.database_is(scene.lab, primary(scene), "primary"),
            within_s=1800,
        ),
        check(
            "the primary region's service writes and reads it (/dbcheck)",
            lambda scene: writes(primary(scene), scene),
            within_s=300,
            writes=True,
        ),
    ),
)  # fmt: skip


def _record(scene: Scene) -> Sight:
    """The PRIMARY record as it is; what must stay of it is noted."""
    lab, name = scene.lab, scene.lab.shared("ServiceName").rstrip(".") + "."
    records = lab.client("route53", GLOBAL_REGION).list_resource_record_sets(
        HostedZoneId=lab.shared("HostedZoneId"), StartRecordName=name, MaxItems="10"
    )["ResourceRecordSets"]
    found = [one for one in records if one["Name"] == name and one.get("Failover") == "PRIMARY"]
    if not found:
        return Sight(False, "there is none")
    scene.found["TTL of the record"] = str(found[0]["TTL"])
    scene.found["name of the record's set"] = found[0]["SetIdentifier"]
    return Sight(True, f"it points at {found[0]['ResourceRecords'][0]['Value']}, for {found[0]['TTL']} s")


def _unlatch(scene: Scene) -> Sequence[Call]:
    lab, name = scene.lab, scene.lab.shared("ServiceName")
    record = {
        "Name": name, "Type": "CNAME", "SetIdentifier": scene.found["name of the record's set"], "Failover": "PRIMARY",
        "HealthCheckId": lab.shared("HealthCheckId"), "TTL": whole(scene.found["TTL of the record"]),
        "ResourceRecords": [{"Value": f"{primary(scene)}.{name}"}],
    }  # fmt: skip
    batch = {
        "Comment": "gameday: failed back to the primary",
        "Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}],
    }
    arguments = {"HostedZoneId": lab.shared("HostedZoneId"), "ChangeBatch": batch}
    return (Call("route53", "change_resource_record_sets", GLOBAL_REGION, arguments),)


RETURN = Step(
    "return-the-name",
    "Point the PRIMARY record at the primary region again. Clients follow as their resolvers' answers expire, and are "
    "served.",
    "point it at the standby's name again; but the truth is in the primary region now",
    _unlatch,
    before=(
        check("the primary's health check is healthy", lambda scene: sight.health_check_is(scene.lab, "healthy"),
              within_s=HEALTHY_WITHIN_S, next_step="with an unhealthy check the name goes on leading to the standby"),
        check("its database is a primary", lambda scene: sight.database_is(scene.lab, primary(scene), "primary")),
        check("there is a PRIMARY record", _record),
    ),
    after=(
        check("the record points at the primary region", lambda scene: sight.points_at(scene.lab, primary(scene)),
              within_s=60),
        check("the service's name leads to the primary region",
              lambda scene: sight.name_leads_to(scene.lab, primary(scene)), within_s=DNS_WITHIN_S),
    ),
)  # fmt: skip

SWITCH = (DRAIN, PROMOTE, RETURN)
