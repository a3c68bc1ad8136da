"""The failover, state by state, in Amazon States Language. Pure: names in, a dictionary out.

Check → latch DNS → promote (or say that a restore is needed) → endpoint if it changed → scale and wait → post-check →
notify. Every task is bounded in time and retried; what still fails ends in NotifyFailure.
"""

from dataclasses import dataclass
from typing import Any

State = dict[str, Any]

TIMEOUT_S = 1800  # the RTO
POLL_S = 10
TASK_TIMEOUT_S = 60
POST_CHECK_TIMEOUT_S = 300
BACKUP_DAYS = 7  # a promoted replica is the primary, and is backed up like one
BUSY_OR_PROMOTED = "Rds.InvalidDbInstanceStateException"  # RDS says the same of a busy replica and of a promoted one
NO_SUCH_INSTANCE = ["Rds.DbInstanceNotFoundException", "Rds.DbInstanceNotFoundFaultException"]
# Step Functions spells response members in its own case and does not say how it writes the DB within this one.
SOURCE_SPELLINGS = ("ReadReplicaSourceDbInstanceIdentifier", "ReadReplicaSourceDBInstanceIdentifier")
LOST = ("deleting", "failed", "inaccessible-encryption-credentials")
AGAIN = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 4}]
ON_FAILURE = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "NotifyFailure"}]


@dataclass(frozen=True, slots=True)
class FailoverNames:
    """Everything that the failover touches, by name or id."""

    health_check_id: str
    hosted_zone_id: str
    service_name: str
    standby_name: str
    record_ttl_s: int
    replica: str
    database_name: str
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


def failover(names: FailoverNames) -> dict[str, Any]:
    """The whole machine, its states in the order in which an unplanned failover meets them."""
    states = _decide(names) | _promote(names) | _reconnect(names) | _scale(names) | _finish(names)
    return {
        "Comment": "Fail over to this region: latch DNS, promote the replica, scale the standby, prove it, tell.",
        "StartAt": "CheckPrimaryHealth",
        "TimeoutSeconds": TIMEOUT_S,
        "States": states,
    }


def _decide(names: FailoverNames) -> dict[str, State]:
    """Is the primary still down? What the checkers observe decides, not the alarm that started us minutes ago.

    One checker that still gets an answer is enough to leave the decision to a person (``{"force": true}``): a promotion
    cannot be taken back. A check that cannot be read fails the execution: then DNS could not be latched either. In the
    local lab one checker stands for all, and tells what DNS goes by: a single answer amid an outage is none yet.
    """
    reports = "States.JsonToString($.HealthCheckObservations[*].StatusReport.Status)"
    forced = {
        "And": [{"Variable": "$.force", "IsPresent": True}, {"Variable": "$.force", "BooleanEquals": True}],
        "Next": "LatchDns",
    }
    answered = {"Variable": "$.health.Reports", "StringMatches": "*Success*", "Next": "NotNeeded"}
    failing = {"Variable": "$.health.Reports", "StringMatches": "*Failure*", "Next": "LatchDns"}
    return {
        "CheckPrimaryHealth": _task(
            "aws-sdk:route53:getHealthCheckStatus",
            {"HealthCheckId": names.health_check_id},
            "PrimaryStillUnhealthy?",
            ResultSelector={"Reports.$": reports},
            ResultPath="$.health",
        ),
        "PrimaryStillUnhealthy?": {"Type": "Choice", "Choices": [forced, answered, failing], "Default": "NoEvidence"},
        "NoEvidence": _error(
            "NoEvidence", "No health checker reports on the primary. Start again with force to go on."
        ),
        "LatchDns": _task(
            "aws-sdk:route53:changeResourceRecordSets", _latch(names), "DescribeReplica", **_noted("latch")
        ),
    }


def _latch(names: FailoverNames) -> dict[str, Any]:
    """Point the PRIMARY record at the standby, so that a primary that comes back gets no clients."""
    record = {
        "Name": names.service_name,
        "Type": "CNAME",
        "SetIdentifier": "primary",
        "Failover": "PRIMARY",
        "HealthCheckId": names.health_check_id,
        "Ttl": names.record_ttl_s,
        "ResourceRecords": [{"Value": names.standby_name}],
    }
    change = {"Action": "UPSERT", "ResourceRecordSet": record}
    return {
        "HostedZoneId": names.hosted_zone_id,
        "ChangeBatch": {"Comment": "gameday: latched to the standby; failback restores it", "Changes": [change]},
    }


def _promote(names: FailoverNames) -> dict[str, State]:
    """Promote once, whatever happened before: a replica already promoted is taken as it is.

    The promotion is not simply repeated. A refusal leads back to what the replica *is*: promoted by now (go on), or a
    replica that was busy and is available again (ask again, at most once a poll).
    """
    is_replica, is_available = _is_replica(), _status("available")
    refused = {"Variable": "$.promotion.Error", "IsPresent": True}
    gone = {"ErrorEquals": NO_SUCH_INSTANCE, "ResultPath": "$.error", "Next": "RestoreUnavailable"}
    lost = {"Or": [_status(status) for status in LOST], "Next": "RestoreUnavailable"}
    stands_alone = {"Variable": "$.replica.Instance.Endpoint.Address", "IsPresent": True}
    return {
        "DescribeReplica": _describe(names, "PromoteOrRestore?", {}, [gone, *ON_FAILURE]),
        "PromoteOrRestore?": {
            "Type": "Choice",
            "Choices": [
                lost,
                {**is_replica, "Next": "PromoteReplica"},
                {**stands_alone, "Next": "DescribePromoted"},
            ],
            "Default": "RestoreUnavailable",
        },
        "RestoreUnavailable": _error(
            "RestoreUnavailable",
            "There is no replica that could take over. Restore the latest snapshot by its runbook.",
        ),
        "PromoteReplica": _task(
            "aws-sdk:rds:promoteReadReplica",
            {"DbInstanceIdentifier": names.replica, "BackupRetentionPeriod": BACKUP_DAYS},
            "WaitForPromotion",
            **_noted("promotion"),
            Retry=[{"ErrorEquals": [BUSY_OR_PROMOTED], "MaxAttempts": 0}, *AGAIN],
            Catch=[
                {"ErrorEquals": [BUSY_OR_PROMOTED], "ResultPath": "$.promotion", "Next": "WaitForPromotion"},
                *ON_FAILURE,
            ],
        ),
        "WaitForPromotion": _wait("DescribePromoted"),
        "DescribePromoted": _describe(names, "Promoted?", _endpoint(names), ON_FAILURE),
        "Promoted?": {
            "Type": "Choice",
            "Choices": [
                {"And": [is_available, {"Not": is_replica}], "Next": "ReadEndpointSecret"},
                {"And": [is_available, is_replica, refused], "Next": "PromoteReplica"},
                lost,
            ],
            "Default": "WaitForPromotion",
        },
    }


def _reconnect(names: FailoverNames) -> dict[str, State]:
    """Tell the service where its database is, if that changed. A promotion keeps the endpoint, a restore does not."""
    return {
        "ReadEndpointSecret": _task(
            "aws-sdk:secretsmanager:getSecretValue",
            {"SecretId": names.endpoint_secret},
            "EndpointNeeded?",
            ResultSelector={"Known.$": "States.StringToJson($.SecretString)"},
            ResultPath="$.secret",
        ),
        "EndpointNeeded?": {
            "Type": "Choice",
            "Choices": [
                {
                    "Variable": "$.secret.Known.host",
                    "StringEqualsPath": "$.replica.Endpoint.host",
                    "Next": "ScaleStandby",
                }
            ],
            "Default": "RewriteEndpoint",
        },
        "RewriteEndpoint": _task(
            "aws-sdk:secretsmanager:putSecretValue",
            {"SecretId": names.endpoint_secret, "SecretString.$": "States.JsonToString($.replica.Endpoint)"},
            "ScaleStandby",
            **_noted("endpoint"),
        ),
    }


def _endpoint(names: FailoverNames) -> dict[str, Any]:
    """The secret's text as an object; an intrinsic makes it text where it is written."""
    there = "$.DbInstances[0].Endpoint"
    return {"Endpoint": {"host.$": f"{there}.Address", "port.$": f"{there}.Port", "dbname": names.database_name}}


def _scale(names: FailoverNames) -> dict[str, State]:
    """Give the standby the primary's strength, and wait until it has it."""
    running = {"Variable": "$.service.RunningCount", "NumericGreaterThanEquals": names.tasks}
    settled = {"Variable": "$.service.PendingCount", "NumericEquals": 0}
    return {
        "ScaleStandby": _task(
            "aws-sdk:ecs:updateService",
            {"Cluster": names.cluster, "Service": names.service, "DesiredCount": names.tasks},
            "WaitForTasks",
            **_noted("scaling"),
        ),
        "WaitForTasks": _wait("DescribeService"),
        "DescribeService": _task(
            "aws-sdk:ecs:describeServices",
            {"Cluster": names.cluster, "Services": [names.service]},
            "Scaled?",
            ResultSelector={
                "RunningCount.$": "$.Services[0].RunningCount",
                "PendingCount.$": "$.Services[0].PendingCount",
            },
            ResultPath="$.service",
        ),
        "Scaled?": {
            "Type": "Choice",
            "Choices": [{"And": [running, settled], "Next": "PostCheck"}],
            "Default": "WaitForTasks",
        },
    }


def _finish(names: FailoverNames) -> dict[str, State]:
    """Prove it with a real write, and tell; a topic that cannot be reached does not undo a failover that worked."""
    done = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.untold", "Next": "Done"}]
    failed = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.untold", "Next": "Failed"}]
    why = {"Error.$": "$.error.Error", "Cause.$": "$.error.Cause"}
    return {
        "PostCheck": _task(
            "ecs:runTask.sync",
            _post_check(names),
            "NotifySuccess",
            **_noted("check"),
            TimeoutSeconds=POST_CHECK_TIMEOUT_S,
            Retry=[{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "BackoffRate": 1, "MaxAttempts": 2}],
        ),
        "NotifySuccess": _publish(names, "gameday: failed over", "The standby serves.", catch=done),
        "NotNeeded": _publish(
            names, "gameday: no failover needed", "The primary answers its health checkers.", catch=done
        ),
        "Done": {"Type": "Succeed"},
        "NotifyFailure": _publish(
            names, "gameday: FAILOVER FAILED", "Act by the runbook.", catch=failed, then="Failed", more=why
        ),
        "Failed": {
            "Type": "Fail",
            "Error": "FailoverFailed",
            "Cause": "See NotifyFailure in this execution's history.",
        },
    }


def _post_check(names: FailoverNames) -> dict[str, Any]:
    override = {
        "Name": names.container,
        "Command": ["python", "-m", "gameday.service.check"],
        "Environment": [{"Name": "GAMEDAY_CHECK_URL", "Value": names.check_url}],
    }
    network = {"Subnets": names.subnet_ids, "SecurityGroups": [names.group_id], "AssignPublicIp": "DISABLED"}
    return {
        "Cluster": names.cluster,
        "TaskDefinition": names.task_family,
        "LaunchType": "FARGATE",
        "NetworkConfiguration": {"AwsvpcConfiguration": network},
        "Overrides": {"ContainerOverrides": [override]},
    }


def _publish(
    names: FailoverNames,
    subject: str,
    told: str,
    *,
    catch: list[State],
    then: str = "Done",
    more: dict[str, str] | None = None,
) -> State:
    message = {"What": told, "Execution.$": "$$.Execution.Id", **(more or {})}
    parameters = {"TopicArn": names.topic_arn, "Subject": subject, "Message": message}
    return _task("sns:publish", parameters, then, Catch=catch, **_noted("told"))


def _describe(names: FailoverNames, then: str, result: dict[str, Any], catch: list[State]) -> State:
    """Reads the instance whole: which of its members are there at all is part of the answer."""
    return _task(
        "aws-sdk:rds:describeDBInstances",
        {"DbInstanceIdentifier": names.replica},
        then,
        ResultSelector={"Instance.$": "$.DbInstances[0]", **result},
        ResultPath="$.replica",
        Retry=[{"ErrorEquals": NO_SUCH_INSTANCE, "MaxAttempts": 0}, *AGAIN],
        Catch=catch,
    )


def _task(resource: str, parameters: dict[str, Any], then: str, **more: Any) -> State:
    """A task with its bounds: a timeout, retries, and a way out that tells."""
    base = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters}
    return base | {"TimeoutSeconds": TASK_TIMEOUT_S, "Retry": AGAIN, "Catch": ON_FAILURE} | more | {"Next": then}


def _noted(name: str) -> dict[str, Any]:
    """Keep the input and note only that the call was accepted: its whole answer is in the history."""
    return {"ResultSelector": {"Accepted": True}, "ResultPath": f"$.{name}"}


def _wait(then: str) -> State:
    return {"Type": "Wait", "Seconds": POLL_S, "Next": then}


def _error(name: str, cause: str) -> State:
    """A Pass state that puts our own error where a caught one would be."""
    return {"Type": "Pass", "Result": {"Error": name, "Cause": cause}, "ResultPath": "$.error", "Next": "NotifyFailure"}


def _status(text: str) -> State:
    return {"Variable": "$.replica.Instance.DbInstanceStatus", "StringEquals": text}


def _is_replica() -> State:
    return {"Or": [{"Variable": f"$.replica.Instance.{name}", "IsPresent": True} for name in SOURCE_SPELLINGS]}
