"""What the failover touches, by name, and the calls that more than one of its paths makes."""

from dataclasses import dataclass
from typing import Any

from infra.parts.asl import AGAIN, State, noted, present, run_task, task

NO_SUCH_INSTANCE = ["Rds.DbInstanceNotFoundException", "Rds.DbInstanceNotFoundFaultException"]
# Step Functions spells response members in its own case and does not say how it writes the DB within this one.
SOURCE_SPELLINGS = ("ReadReplicaSourceDbInstanceIdentifier", "ReadReplicaSourceDBInstanceIdentifier")


@dataclass(frozen=True, slots=True)
class FailoverNames:
    """Everything that the failover touches, by name or id."""

    health_check_id: str
    hosted_zone_id: str
    service_name: str
    primary_name: str
    standby_name: str
    record_ttl_s: int
    replica: str
    database_name: str
    database_class: str
    database_subnets: str
    database_group_id: str
    endpoint_secret: str
    cluster: str
    service: str
    tasks: int
    task_family: str
    container: str
    check_url: str
    subnet_ids: list[str]
    group_id: str
    topic_arn: str


def point_primary_record(names: FailoverNames, at: str, why: str) -> dict[str, Any]:
    """The PRIMARY record's change; its health check stays on it."""
    record = {
        "Name": names.service_name,
        "Type": "CNAME",
        "SetIdentifier": "primary",
        "Failover": "PRIMARY",
        "HealthCheckId": names.health_check_id,
        "Ttl": names.record_ttl_s,
        "ResourceRecords": [{"Value": at}],
    }
    change = {"Action": "UPSERT", "ResourceRecordSet": record}
    return {"HostedZoneId": names.hosted_zone_id, "ChangeBatch": {"Comment": why, "Changes": [change]}}


def describe(names: FailoverNames, then: str, result: dict[str, Any], catch: list[State]) -> State:
    """Reads the instance whole: which of its members are there at all is part of the answer."""
    return task(
        "aws-sdk:rds:describeDBInstances",
        {"DbInstanceIdentifier": names.replica},
        then,
        ResultSelector={"Instance.$": "$.DbInstances[0]", **result},
        ResultPath="$.replica",
        Retry=[{"ErrorEquals": NO_SUCH_INSTANCE, "MaxAttempts": 0}, *AGAIN],
        Catch=catch,
    )


def has_status(text: str) -> State:
    return {"Variable": "$.replica.Instance.DbInstanceStatus", "StringEquals": text}


def is_replica() -> State:
    """The instance that was described replicates another."""
    return {"Or": [present(f"$.replica.Instance.{name}") for name in SOURCE_SPELLINGS]}


def in_the_standby(names: FailoverNames, module: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """A task of the service's own image, in this region."""
    return run_task(
        cluster=names.cluster,
        family=names.task_family,
        container=names.container,
        subnet_ids=names.subnet_ids,
        group_id=names.group_id,
        module=module,
        environment=environment,
    )


def publish(
    names: FailoverNames,
    subject: str,
    told: str,
    *,
    catch: list[State],
    then: str = "Done",
    more: dict[str, str] | None = None,
) -> State:
    """Tell the topic."""
    message = {"What": told, "Execution.$": "$$.Execution.Id", **(more or {})}
    parameters = {"TopicArn": names.topic_arn, "Subject": subject, "Message": message}
    return task("sns:publish", parameters, then, Catch=catch, **noted("told"))
