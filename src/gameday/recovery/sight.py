"""What a runbook's checks look at, over boto3 and the service's own name: each answer says itself in words."""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from gameday.lab import fence, status
from gameday.lab.model import GLOBAL_REGION, Lab
from gameday.lab.names import resolve
from gameday.lab.timers_of import HEALTH_ALARM
from gameday.recovery.runbook import Check, Scene

ANSWER_WITHIN_S = 5.0
SETTLED_S = 5.0  # from an alarm that turned to the execution that it starts
LAG_PERIOD_S = 60
NO_HTTP = "no answer"


@dataclass(frozen=True, slots=True, repr=False)
class Sight:
    """What was seen, in words, and whether it is as it must be."""

    is_good: bool
    told: str

    def __repr__(self) -> str:
        return self.told


def check(
    what: str, look: Callable[[Scene], Sight], *, within_s: float = 0.0, next_step: str = "", writes: bool = False
) -> Check:
    """A check whose look judges for itself."""
    return Check(what, look, lambda seen: bool(seen.is_good), within_s, next_step, writes=writes)


def whole(text: str) -> Any:
    """What was found as a whole number; a document's placeholder stays as it is."""
    return int(text) if text.isdecimal() else text


def listed(text: str) -> list[Any]:
    """What was found as a list; a document's placeholder is its only member."""
    return list(json.loads(text)) if text.startswith("[") else [text]


# ---- databases


def instance(lab: Lab, region: str) -> dict[str, Any]:
    """RDS's own description of the region's database; empty when there is none."""
    client = lab.client("rds", region)
    try:
        found = client.describe_db_instances(DBInstanceIdentifier=lab.of(region, "DatabaseId"))["DBInstances"]
    except client.exceptions.DBInstanceNotFoundFault:
        return {}
    return dict(found[0])


def database_is(lab: Lab, region: str, role: str) -> Sight:
    """Whether the region's database is available, in that role."""
    seen = status.database(lab, region)
    return Sight((seen.role, seen.status) == (role, "available"), f"{seen.id} is {seen.role}, {seen.status}")


def database_is_gone(lab: Lab, region: str) -> Sight:
    seen = status.database(lab, region)
    return Sight(seen.role == "gone", f"{seen.id} is {seen.status}")


def snapshot_is_there(lab: Lab, region: str, name: str) -> Sight:
    """Whether the snapshot of that name is available."""
    client = lab.client("rds", region)
    try:
        found = client.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"]
    except client.exceptions.DBSnapshotNotFoundFault:
        found = []
    told = found[0]["Status"] if found else "not there"
    return Sight(told == "available", f"{name} is {told}")


def lag_is(lab: Lab, region: str, at_most_s: float) -> Sight:
    """Whether the newest sample of the region's replica says that it is so little behind.

    A sample that is older than the instance is another's: the metric goes by identifier, and that may be used again.
    """
    sample, made_utc = lag(lab, region), instance(lab, region).get("InstanceCreateTime")
    if sample is None or made_utc is None or sample.sampled_utc < made_utc:
        return Sight(False, "no sample of its lag since it was made")
    told = f"{sample.lag_s:.3f} s behind at {sample.sampled_utc:%H:%M:%S} UTC"
    return Sight(0 <= sample.lag_s <= at_most_s, told)


def has_replayed(lab: Lab, region: str, until: datetime) -> Sight:
    """Whether a sample proves that the region's replica holds everything that was committed up to ``until``.

    ReplicaLag is *now − the commit that was replayed last* (RDS user guide, "Monitoring and tuning the replication
    process for RDS for PostgreSQL"), so a lag of L sampled at t proves everything up to t − L. A lag of 0 need not
    come: on an idle source it grows until the next heartbeat.
    """
    sample = lag(lab, region)
    if sample is None or sample.lag_s < 0:
        return Sight(False, "no sample of its lag")
    holds = sample.sampled_utc - timedelta(seconds=sample.lag_s)
    told = f"it holds everything up to {holds:%H:%M:%S.%f} UTC, and needs it up to {until:%H:%M:%S.%f}"
    return Sight(holds >= until, told)


def lag(lab: Lab, region: str, within: timedelta = timedelta(minutes=15)) -> status.LagSeen | None:
    """The newest ReplicaLag sample of the region's database, or None when CloudWatch has none."""
    now, period_s = datetime.now(UTC), 1 if lab.is_local else LAG_PERIOD_S
    answer = lab.client("cloudwatch", region).get_metric_statistics(
        Namespace="AWS/RDS", MetricName="ReplicaLag", Statistics=["Maximum"], Period=period_s,
        Dimensions=[{"Name": "DBInstanceIdentifier", "Value": lab.of(region, "DatabaseId")}],
        StartTime=now - within, EndTime=now + timedelta(seconds=1),
    )  # fmt: skip
    newest = max(answer["Datapoints"], key=lambda point: point["Timestamp"], default=None)
    return status.LagSeen(newest["Maximum"], newest["Timestamp"]) if newest else None


# ---- the service


def answers(lab: Lab, region: str, path: str, wanted: Callable[[str], bool]) -> Sight:
    """What the region's own balancer answers to ``GET path``, by the region's own name."""
    told = http_answer(lab, region, path)
    return Sight(wanted(told), told)


def http_answer(lab: Lab, region: str, path: str) -> str:
    """``HTTP 200``, or ``no answer`` and why."""
    port, name = urlsplit(lab.shared("ServiceUrl")).port or 80, f"{region}.{lab.shared('ServiceName')}"
    addresses = resolve(name, lab.shared("Resolver"))
    if not addresses:
        return f"{NO_HTTP}: {name} has no address"
    connection = http.client.HTTPConnection(addresses[0], port, timeout=ANSWER_WITHIN_S)
    try:
        connection.request("GET", path, headers={"Host": name})
        return f"HTTP {connection.getresponse().status}"
    except (OSError, http.client.HTTPException) as cause:
        return f"{NO_HTTP}: {cause or type(cause).__name__}"
    finally:
        connection.close()


def tasks_in_service(lab: Lab, region: str, wanted: int) -> Sight:
    """Whether so many tasks run, no more are wanted, and the balancer holds as many for healthy."""
    service = status.service_of(lab, region)
    running, desired = service.get("runningCount", 0), service.get("desiredCount", 0)
    healthy = status.targets_healthy(lab, region, service)
    told = f"{running} of {desired} running, {healthy} in service"
    return Sight(running == desired == wanted <= healthy, told)


def tasks_are_gone(lab: Lab, region: str) -> Sight:
    """Whether no task of the region runs, nor is stopping."""
    running, stopping = (sum(1 for _ in look(lab, region)) for look in (status.tasks, status.tasks_stopping))
    return Sight(fence.seen(lab, region).tasks_running == 0, f"{running} to run, {stopping} stopping")


def stopped_last(lab: Lab, region: str) -> datetime:
    """When the region's last task stopped, by AWS's own clock; now where AWS no longer knows."""
    cluster, name, ecs = lab.of(region, "ClusterName"), lab.of(region, "EcsServiceName"), lab.client("ecs", region)
    arns = ecs.list_tasks(cluster=cluster, serviceName=name, desiredStatus="STOPPED")["taskArns"]
    tasks = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
    return max((task["stoppedAt"] for task in tasks if "stoppedAt" in task), default=datetime.now(UTC))


def is_fenced(lab: Lab, region: str) -> Sight:
    """Whether nobody can write into the region's database: no task, and no open security group."""
    seen, tasks = fence.seen(lab, region), tasks_are_gone(lab, region)
    return Sight(fence.is_fenced(seen), f"tasks: {tasks.told}; rules that open its database: {seen.database_open_to}")


# ---- routing


def points_at(lab: Lab, region: str) -> Sight:
    """Whether the PRIMARY record points at the region."""
    seen = status.latched_to(lab)
    return Sight(seen == region, f"it points at {seen or 'nobody that is known'}")


def name_leads_to(lab: Lab, region: str) -> Sight:
    """Whether the resolver answers the service's name with the region's balancer."""
    addresses = status.dns_answer(lab)
    seen = status.region_of(lab, addresses)
    return Sight(seen == region, f"{', '.join(addresses) or 'no address'} ({seen or 'nobody that is known'})")


def health_check_is(lab: Lab, wanted: str) -> Sight:
    seen = status.health_check(lab)
    return Sight(seen == wanted, seen)


def no_failover_comes(lab: Lab) -> Sight:
    """Whether no failover runs and none can begin: the alarm that starts one has gone off already, a moment ago.

    A fenced region does not answer its health check, so its alarm must go off; what it starts is over, or was seen.
    """
    running = status.execution(lab)
    if running is not None and running.status == "RUNNING":
        return Sight(False, f"a failover runs, in {running.state}")
    alarm = next((one for one in status.alarms(lab) if (one.region, one.name) == (GLOBAL_REGION, HEALTH_ALARM)), None)
    if alarm is None or alarm.state != "ALARM" or alarm.since is None:
        return Sight(False, f"{HEALTH_ALARM} is {alarm.state if alarm else 'not there'}: it may start one yet")
    for_s = (datetime.now(UTC) - alarm.since).total_seconds()
    return Sight(for_s >= SETTLED_S, f"none runs, {HEALTH_ALARM} went off {for_s:.0f} s ago")
