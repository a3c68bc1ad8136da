"""The steps that both failovers share: latch, promote, endpoint, scale, post-check, tell. The machine's, by hand."""

import json
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from gameday.lab import status
from gameday.lab.current_database import known_endpoint
from gameday.lab.model import GLOBAL_REGION, Lab
from gameday.recovery import one_task
from gameday.recovery.endpoint_secret import rewrite
from gameday.recovery.runbook import Call, Check, Option, Scene, Step

BACKUP_DAYS = 7  # as infra/parts/failover_states.py: a promoted replica is the primary, and is backed up like one
PROMOTED_WITHIN_S, SCALED_WITHIN_S, LATCHED_WITHIN_S = 1800.0, 900.0, 60.0
ROLE, TTL = "role of the standby's database", "TTL of the record"
ENDPOINT, KNOWN = "endpoint of the standby's database", "endpoint in the secret"
TASKS = Option("tasks", "how many tasks the standby region runs afterwards", "2")


def standby(scene: Scene) -> str:
    """The region that takes over."""
    return scene.lab.secondary


def primary(scene: Scene) -> str:
    """The region that served."""
    return scene.lab.primary


def whole(text: str) -> int | str:
    """What was found as a whole number; a document's placeholder stays as it is."""
    return int(text) if text.isdecimal() else text


def no_failover_runs() -> Check:
    """The machine and a person must not do the same at once."""

    def look(scene: Scene) -> str:
        one_task.named(scene)
        running = status.execution(scene.lab)
        return running.state if running and running.status == "RUNNING" else "none"

    next_step = "let it end, or stop it: aws stepfunctions stop-execution"
    return Check("no failover runs", look, lambda seen: bool(seen == "none"), next_step=next_step)


def replica_is(*statuses: str) -> Check:
    """The standby's database is there; whether it still is a replica is noted."""

    def look(scene: Scene) -> str:
        seen = status.database(scene.lab, standby(scene))
        scene.found[ROLE] = seen.role
        return f"{seen.role}, {seen.status}"

    wanted = {f"{role}, available" for role in statuses}
    told = " or ".join(sorted(statuses))
    return Check(
        f"the standby's database is an available {told}", look, lambda seen: bool(seen in wanted),
        next_step="without it, restore the latest snapshot: gameday runbook show database-restore",
    )  # fmt: skip


def _record_is_known() -> Check:
    def look(scene: Scene) -> str:
        lab, name = scene.lab, scene.lab.shared("ServiceName").rstrip(".") + "."
        records = lab.client("route53", GLOBAL_REGION).list_resource_record_sets(
            HostedZoneId=lab.shared("HostedZoneId"), StartRecordName=name, MaxItems="10"
        )["ResourceRecordSets"]
        ttls = [str(one["TTL"]) for one in records if one["Name"] == name and one.get("Failover") == "PRIMARY"]
        scene.found[TTL] = ttls[0] if ttls else ""
        return f"TTL {ttls[0]} s" if ttls else "none"

    return Check("there is a PRIMARY record", look, lambda seen: bool(seen != "none"))


def point_record(lab: Lab, at: str, ttl: str, why: str) -> Call:
    """Point the PRIMARY record at a region; its health check stays on it."""
    name = lab.shared("ServiceName")
    record = {
        "Name": name, "Type": "CNAME", "SetIdentifier": "primary", "Failover": "PRIMARY",
        "HealthCheckId": lab.shared("HealthCheckId"), "TTL": whole(ttl), "ResourceRecords": [{"Value": f"{at}.{name}"}],
    }  # fmt: skip
    batch = {"Comment": why, "Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    arguments = {"HostedZoneId": lab.shared("HostedZoneId"), "ChangeBatch": batch}
    return Call("route53", "change_resource_record_sets", GLOBAL_REGION, arguments)


def _latch(scene: Scene) -> Sequence[Call]:
    why = "gameday: latched to the standby; failback restores it"
    return (point_record(scene.lab, standby(scene), scene.found[TTL], why),)


LATCH = Step(
    "latch-dns",
    "Point the PRIMARY record at the standby. From here on nobody is led to the primary region, even when it answers "
    "its health check again: its database is about to be replaced.",
    "point the record at the primary region's name again, as long as nothing was promoted",
    _latch,
    before=(_record_is_known(),),
    after=(
        Check(
            "the PRIMARY record points at the standby",
            lambda scene: status.latched_to(scene.lab) == standby(scene),
            bool,
            LATCHED_WITHIN_S,
        ),
    ),
)


def _promote(scene: Scene) -> Sequence[Call]:
    if scene.found[ROLE] == "primary":  # somebody promoted it already: it is taken as it is
        return ()
    region = standby(scene)
    arguments = {"DBInstanceIdentifier": scene.lab.of(region, "DatabaseId"), "BackupRetentionPeriod": BACKUP_DAYS}
    return (Call("rds", "promote_read_replica", region, arguments),)


def promote(*, from_role: tuple[str, ...], why: str) -> Step:
    """The point of no return; ``from_role`` is what the database may be before."""
    return Step(
        "promote-the-replica",
        f"{why} From here on the standby's database is the truth, and nobody may write into the old one. It cannot be "
        "called twice: RDS answers InvalidDBInstanceState of a replica that is busy and of one that is promoted; then "
        "look what it is, and wait.",
        "it cannot be taken back; see the runbook failback",
        _promote,
        before=(replica_is(*from_role),),
        after=(
            Check(
                "the standby's database is an available primary",
                lambda scene: status.database(scene.lab, standby(scene)),
                lambda seen: bool((seen.role, seen.status) == ("primary", "available")),
                PROMOTED_WITHIN_S,
            ),
        ),
    )


def _endpoints(scene: Scene) -> str:
    lab, region = scene.lab, standby(scene)
    known = known_endpoint(lab, region)
    host, _, port = status.database(lab, region).endpoint.rpartition(":")
    scene.found[KNOWN] = json.dumps(known)
    scene.found[ENDPOINT] = json.dumps({**known, "host": host, "port": int(port or 0)})
    return f"{host}, and the secret says {known.get('host')}"


def _rewrite(scene: Scene) -> Sequence[Call]:
    return rewrite(scene.lab, standby(scene), scene.found[ENDPOINT], scene.found[KNOWN])


REWRITE = Step(
    "rewrite-the-endpoint",
    "Tell the service where its database is, if that changed: a promotion keeps the endpoint, a restore does not.",
    "write the former value again; Secrets Manager keeps it as AWSPREVIOUS",
    _rewrite,
    before=(Check("the endpoint and the secret are known", _endpoints, bool),),
)


def _scale(scene: Scene) -> Sequence[Call]:
    return (scale(scene.lab, standby(scene), whole(scene.options["tasks"])),)


def scale(lab: Lab, region: str, tasks: int | str) -> Call:
    """Have the region's service run so many tasks."""
    cluster, service = lab.of(region, "ClusterName"), lab.of(region, "EcsServiceName")
    return Call("ecs", "update_service", region, {"cluster": cluster, "service": service, "desiredCount": tasks})


def tasks_run(region: Callable[[Scene], str]) -> Check:
    """All the tasks that the service wants run."""

    def look(scene: Scene) -> tuple[int, int]:
        service = status.service_of(scene.lab, region(scene))
        return service.get("runningCount", 0), service.get("desiredCount", 0)

    return Check("as many tasks run as are wanted", look, lambda seen: bool(seen[0] == seen[1] > 0), SCALED_WITHIN_S)


SCALE = Step(
    "scale-the-standby",
    "Give the standby the primary's strength.",
    "scale it back",
    _scale,
    after=(tasks_run(standby),),
)


def _post_check(scene: Scene) -> Sequence[Call]:
    lab, region = scene.lab, standby(scene)
    url = f"http://{region}.{lab.shared('ServiceName')}:{_port(lab)}"
    return one_task.run(scene, region, ["gameday.service.check"], {"GAMEDAY_CHECK_URL": url}, "check")


def _port(lab: Lab) -> str:
    url = lab.shared("ServiceUrl")
    return str(urlsplit(url).port or 80) if url.startswith("http") else f"<port of {url}>"


POST_CHECK = Step(
    "post-check",
    "Prove it: a task of the service's own image asks the standby for its health, its database check, and places an "
    "order and reads it back.",
    "nothing to take back: one order more",
    _post_check,
    before=(one_task.placed(standby),),
    after=(
        one_task.ended_well(
            "the post-check ended well", standby, "check", "read its log in /gameday/service of the standby's region"
        ),
    ),
)


def tell(subject: str) -> Step:
    """The topic hears of it, as of the machine's."""

    def publish(scene: Scene) -> Sequence[Call]:
        message = {"What": "The standby serves.", "Execution": f"by hand: {scene.found[one_task.RUNS]}"}
        arguments = {"TopicArn": scene.lab.shared("TopicArn"), "Subject": subject, "Message": json.dumps(message)}
        return (Call("sns", "publish", standby(scene), arguments),)

    return Step("tell", "Tell everybody who would have heard it from the machine.", "nothing to take back", publish)


TELL = tell("gameday: failed over")
