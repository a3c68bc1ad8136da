"""What a lab looks like now, read through AWS's own API: the same calls on an account and on this machine."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gameday.lab.current_database import current_database
from gameday.lab.model import GLOBAL_REGION, Lab
from gameday.lab.names import resolve

METRIC_PERIOD_S = 60.0  # of RDS's own metrics, at timer scale 1


@dataclass(frozen=True, slots=True)
class DatabaseSeen:
    """One RDS instance. ``role`` is replica while it has a source, else primary; gone when there is none."""

    id: str
    status: str
    role: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """One ECS task of the service."""

    id: str
    status: str
    address: str


@dataclass(frozen=True, slots=True)
class RegionSeen:
    """One region: its database, its tasks, and how many of them it wants."""

    region: str
    database: DatabaseSeen
    desired: int
    running: int
    tasks: tuple[TaskSeen, ...]
    targets_healthy: int


@dataclass(frozen=True, slots=True)
class AlarmNow:
    """One alarm's state: OK, ALARM or INSUFFICIENT_DATA, and since when."""

    region: str
    name: str
    state: str
    since: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ExecutionSeen:
    """An execution of the failover state machine, with the state it entered last."""

    arn: str
    status: str
    state: str


@dataclass(frozen=True, slots=True)
class LagSeen:
    """The newest ReplicaLag sample, in seconds, and when it was taken."""

    lag_s: float
    sampled_utc: datetime


@dataclass(frozen=True, slots=True)
class LabStatus:
    """A lab at one moment; what ``gameday lab status`` prints."""

    name: str
    utc: str
    regions: tuple[RegionSeen, ...]
    health_check: str
    alarms: tuple[AlarmNow, ...]
    dns_answer: tuple[str, ...]
    dns_region: str | None
    latched: bool
    execution: ExecutionSeen | None
    lag: LagSeen | None

    @property
    def is_in_service(self) -> bool:
        """Both databases available, every task running and in service."""
        return all(
            seen.database.status == "available" and seen.running == seen.desired == seen.targets_healthy
            for seen in self.regions
        )

    @property
    def has_lost_a_database(self) -> bool:
        """A database is ``failed``, which RDS never leaves by itself."""
        return any(seen.database.status == "failed" for seen in self.regions)

    @property
    def is_ready(self) -> bool:
        """In service, the health check healthy, and the name resolving."""
        return self.is_in_service and self.health_check == "healthy" and bool(self.dns_answer)


def look(lab: Lab) -> LabStatus:
    """Look at everything once; about fifteen calls."""
    answer = dns_answer(lab)
    return LabStatus(
        name=lab.name,
        utc=datetime.now(UTC).isoformat(timespec="milliseconds"),
        regions=tuple(region_seen(lab, region) for region in lab.regions),
        health_check=health_check(lab),
        alarms=tuple(alarms(lab)),
        dns_answer=answer,
        dns_region=region_of(lab, answer),
        latched=latched_to(lab) == lab.secondary,
        execution=execution(lab),
        lag=replica_lag(lab),
    )


def region_seen(lab: Lab, region: str) -> RegionSeen:
    """A region's database, tasks and targets."""
    service = service_of(lab, region)
    return RegionSeen(
        region=region,
        database=database(lab, region),
        desired=service.get("desiredCount", 0),
        running=service.get("runningCount", 0),
        tasks=tuple(tasks(lab, region)),
        targets_healthy=targets_healthy(lab, region, service),
    )


def database(lab: Lab, region: str) -> DatabaseSeen:
    """The RDS instance that the region's service uses now (its endpoint's secret names it), or one that is ``gone``."""
    name, found = current_database(lab, region)
    if found is None:
        return DatabaseSeen(name, "gone", "gone", "")
    end = found.get("Endpoint") or {}
    role = "replica" if found.get("ReadReplicaSourceDBInstanceIdentifier") else "primary"
    return DatabaseSeen(name, found["DBInstanceStatus"], role, f"{end.get('Address', '')}:{end.get('Port', '')}")


def service_of(lab: Lab, region: str) -> dict[str, Any]:
    """ECS's own description of the region's service; empty when it is gone."""
    cluster, name = lab.of(region, "ClusterName"), lab.of(region, "EcsServiceName")
    found = lab.client("ecs", region).describe_services(cluster=cluster, services=[name], include=["TAGS"])["services"]
    return dict(found[0]) if found else {}


def tasks(lab: Lab, region: str) -> Iterator[TaskSeen]:
    """The service's tasks that ECS wants running."""
    yield from _tasks(lab, region, "RUNNING")


def tasks_stopping(lab: Lab, region: str) -> Iterator[TaskSeen]:
    """The service's tasks that ECS wants stopped and that have not stopped yet: they still serve."""
    yield from (task for task in _tasks(lab, region, "STOPPED") if task.status != "STOPPED")


def _tasks(lab: Lab, region: str, desired: str) -> Iterator[TaskSeen]:
    cluster, name, ecs = lab.of(region, "ClusterName"), lab.of(region, "EcsServiceName"), lab.client("ecs", region)
    arns = ecs.list_tasks(cluster=cluster, serviceName=name, desiredStatus=desired)["taskArns"]
    described = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
    for task in described:
        details = [item for part in task.get("attachments", []) for item in part.get("details", [])]
        address = next((item["value"] for item in details if item["name"] == "privateIPv4Address"), "")
        yield TaskSeen(task["taskArn"].rsplit("/", 1)[-1], task["lastStatus"], address)


def targets_healthy(lab: Lab, region: str, service: dict[str, Any]) -> int:
    """How many of the service's targets its balancer holds for healthy."""
    balancers = lab.client("elbv2", region)
    groups = [part["targetGroupArn"] for part in service.get("loadBalancers", [])]
    healths = [
        target["TargetHealth"]["State"]
        for group in groups
        for target in balancers.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    ]
    return healths.count("healthy")


def health_check(lab: Lab) -> str:
    """``healthy`` when more than 18 % of the checkers say so (Route 53's own rule), else ``unhealthy``."""
    answer = lab.client("route53", GLOBAL_REGION).get_health_check_status(HealthCheckId=lab.shared("HealthCheckId"))
    said = [seen["StatusReport"]["Status"] for seen in answer["HealthCheckObservations"]]
    good = sum(status.startswith("Success") for status in said)
    return "healthy" if said and good / len(said) > 0.18 else "unhealthy"


def alarms(lab: Lab) -> Iterator[AlarmNow]:
    """Every alarm that the stacks name, with its state."""
    for region in dict.fromkeys(region for region, _ in lab.outputs.alarm_names):
        names = [name for of, name in lab.outputs.alarm_names if of == region]
        described = lab.client("cloudwatch", region).describe_alarms(AlarmNames=names)["MetricAlarms"]
        for alarm in described:
            yield AlarmNow(region, alarm["AlarmName"], alarm["StateValue"], alarm.get("StateUpdatedTimestamp"))


def dns_answer(lab: Lab) -> tuple[str, ...]:
    """The addresses that the lab's resolver answers now for the service's name; empty when it answers none."""
    return resolve(lab.shared("ServiceName"), lab.shared("Resolver"))


def region_of(lab: Lab, addresses: tuple[str, ...]) -> str | None:
    """Whose balancer the addresses are, or None when they are nobody's that is known."""
    for region in lab.regions:
        own = resolve(f"{region}.{lab.shared('ServiceName')}", lab.shared("Resolver"))
        if addresses and set(addresses) <= set(own):
            return region
    return None


def latched_to(lab: Lab) -> str | None:
    """The region at which the PRIMARY failover record points, read from Route 53."""
    records = lab.client("route53", GLOBAL_REGION).list_resource_record_sets(
        HostedZoneId=lab.shared("HostedZoneId"), StartRecordName=lab.shared("ServiceName"), MaxItems="10"
    )["ResourceRecordSets"]
    primaries = [record for record in records if record.get("Failover") == "PRIMARY"]
    targets = [value["Value"] for record in primaries for value in record.get("ResourceRecords", [])]
    return next((region for region in lab.regions for target in targets if target.startswith(f"{region}.")), None)


def execution(lab: Lab) -> ExecutionSeen | None:
    """The failover's execution that runs; else its newest, or None when it never ran.

    Of several that run the oldest, which has its turn: the others wait for its end (infra). A newer one that found
    nothing to do may end while it still promotes.
    """
    steps, machine = lab.client("stepfunctions", lab.secondary), lab.shared("StateMachineArn")
    running = steps.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
    found = running[-1:] or steps.list_executions(stateMachineArn=machine, maxResults=1)["executions"]
    if not found:
        return None
    arn = found[0]["executionArn"]
    entered = list(states_entered(lab, arn))
    return ExecutionSeen(arn, found[0]["status"], entered[-1][1] if entered else "")


def states_entered(lab: Lab, arn: str) -> Iterator[tuple[int, str, str, datetime]]:
    """Each state that the execution entered, in order: history id, name, type, when."""
    pages = lab.client("stepfunctions", lab.secondary).get_paginator("get_execution_history")
    for page in pages.paginate(executionArn=arn):
        for event in page["events"]:
            details = event.get("stateEnteredEventDetails")
            if details:
                yield event["id"], details["name"], event["type"].removesuffix("StateEntered"), event["timestamp"]


def lag_period_s(lab: Lab) -> float:
    """The period of the ReplicaLag metric, in seconds; a lab's own where it says so."""
    return float(lab.facts.get("lag_metric_period_s", METRIC_PERIOD_S * lab.timer_scale))


def replica_lag(lab: Lab, within: timedelta = timedelta(minutes=15)) -> LagSeen | None:
    """The newest ReplicaLag sample of the secondary's database, or None when CloudWatch has none."""
    now = datetime.now(UTC)
    answer = lab.client("cloudwatch", lab.secondary).get_metric_statistics(
        Namespace="AWS/RDS", MetricName="ReplicaLag", Statistics=["Maximum"], Period=1 if lab.is_local else 60,
        Dimensions=[{"Name": "DBInstanceIdentifier", "Value": lab.of(lab.secondary, "DatabaseId")}],
        StartTime=now - within, EndTime=now + timedelta(seconds=1),
    )  # fmt: skip
    newest = max(answer["Datapoints"], key=lambda point: point["Timestamp"], default=None)
    return LagSeen(newest["Maximum"], newest["Timestamp"]) if newest else None
