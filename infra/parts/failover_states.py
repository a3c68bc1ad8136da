"""The failover, state by state, in Amazon States Language. Pure: names in, a dictionary out.

Take turns → check → (planned: drain and see that the replica has everything) → latch DNS → promote, or restore the
newest snapshot → endpoint if it changed → scale and wait → post-check → notify. Every task is bounded in time and
retried; what still fails ends in NotifyFailure.
"""

from typing import Any

from infra.parts.asl import AGAIN, State, caught, choice, error, noted, present, task, wait
from infra.parts.failover_calls import (
    NO_SUCH_INSTANCE,
    FailoverNames,
    describe,
    has_status,
    in_the_standby,
    is_replica,
    point_primary_record,
    publish,
)
from infra.parts.planned_states import planned
from infra.parts.restore_states import restore
from infra.parts.turn_states import FORCED, PLANNED, take_turns

TIMEOUT_S = 3600  # the longest objective, 45 minutes for a restore, and what comes before and after it
POST_CHECK_TIMEOUT_S = 300
BACKUP_DAYS = 7  # a promoted replica is the primary, and is backed up like one
BUSY_OR_PROMOTED = "Rds.InvalidDbInstanceStateException"  # RDS says the same of a busy replica and of a promoted one
LOST = ("deleting", "failed", "inaccessible-encryption-credentials")


def failover(names: FailoverNames) -> dict[str, Any]:
    """The whole machine; ``{"mode": "planned"}`` chooses its mode, and without a mode it is unplanned."""
    states = take_turns("CheckPrimaryHealth") | _decide(names) | planned(names) | _promote(names)
    states |= restore(names, _endpoint(names, "$.replica.Instance.Endpoint"), "ReadEndpointSecret")
    states |= _reconnect(names) | _scale(names) | _finish(names)
    return {
        "Comment": "Fail over to this region: latch DNS, promote the replica, scale the standby, prove it, tell.",
        "StartAt": "KnownMode?",
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
    latch = point_primary_record(names, names.standby_name, "gameday: latched to the standby; failback restores it")
    return {
        "CheckPrimaryHealth": task(
            "aws-sdk:route53:getHealthCheckStatus",
            {"HealthCheckId": names.health_check_id},
            "Planned?",
            ResultSelector={"Reports.$": reports},
            ResultPath="$.health",
        ),
        "Planned?": choice({**PLANNED, "Next": "PrimaryHealthy?"}, otherwise="PrimaryStillUnhealthy?"),
        "PrimaryStillUnhealthy?": choice(
            {**FORCED, "Next": "LatchDns"},
            {"Variable": "$.health.Reports", "StringMatches": "*Success*", "Next": "NotNeeded"},
            {"Variable": "$.health.Reports", "StringMatches": "*Failure*", "Next": "LatchDns"},
            otherwise="NoEvidence",
        ),
        "NoEvidence": error("NoEvidence", "No health checker reports on the primary. Start again with force to go on."),
        "LatchDns": task(
            "aws-sdk:route53:changeResourceRecordSets",
            latch,
            "DescribeReplica",
            Catch=caught("WasPlanned?"),
            **noted("latch"),
        ),
    }


def _promote(names: FailoverNames) -> dict[str, State]:
    """Promote once, whatever happened before: a replica already promoted is taken as it is.

    The promotion is not simply repeated. A refusal leads back to what the replica *is*: promoted by now (go on), or a
    replica that was busy and is available again (ask again, at most once a poll). From the promotion's call on a
    planned failover is not taken back any more: two primaries would be worse than one that a person must look at.
    """
    available, refused = has_status("available"), present("$.promotion.Error")
    gone = {"ErrorEquals": NO_SUCH_INSTANCE, "ResultPath": "$.error", "Next": "NoReplica?"}
    lost = {"Or": [has_status(status) for status in LOST], "Next": "NoReplica?"}
    return {
        "DescribeReplica": describe(names, "PromoteOrRestore?", {}, [gone, *caught("WasPlanned?")]),
        "PromoteOrRestore?": choice(
            lost,
            {**is_replica(), "Next": "PromoteReplica"},
            {**present("$.replica.Instance.Endpoint.Address"), "Next": "DescribePromoted"},
            otherwise="NoReplica?",
        ),
        "NoReplica?": choice(
            {"And": [PLANNED, {"Variable": "$.promotion", "IsPresent": False}], "Next": "ReplicaLost"},
            {**PLANNED, "Next": "PromotionLost"},
            otherwise="ReadKnownEndpoint",
        ),
        "ReplicaLost": error(
            "ReplicaLost", "The replica is gone, and a planned failover restores nothing.", then="RefillPrimary"
        ),
        "PromotionLost": error(
            "PromotionLost", "The replica was lost as it was promoted, and the primary is drained. Look at both."
        ),
        "PromoteReplica": task(
            "aws-sdk:rds:promoteReadReplica",
            {"DbInstanceIdentifier": names.replica, "BackupRetentionPeriod": BACKUP_DAYS},
            "WaitForPromotion",
            **noted("promotion"),
            Retry=[{"ErrorEquals": [BUSY_OR_PROMOTED], "MaxAttempts": 0}, *AGAIN],
            Catch=[
                {"ErrorEquals": [BUSY_OR_PROMOTED], "ResultPath": "$.promotion", "Next": "WaitForPromotion"},
                *caught("NotifyFailure"),
            ],
        ),
        "WaitForPromotion": wait("DescribePromoted"),
        "DescribePromoted": describe(
            names,
            "Promoted?",
            {"Endpoint": _endpoint(names, "$.DbInstances[0].Endpoint")},
            caught("NotifyFailure"),
        ),
        "Promoted?": choice(
            {"And": [available, {"Not": is_replica()}], "Next": "ReadEndpointSecret"},
            {"And": [available, is_replica(), refused], "Next": "PromoteReplica"},
            lost,
            otherwise="WaitForPromotion",
        ),
    }


def _reconnect(names: FailoverNames) -> dict[str, State]:
    """Tell the service where its database is, if that changed. A promotion keeps the endpoint, a restore does not."""
    return {
        "ReadEndpointSecret": task(
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
        "RewriteEndpoint": task(
            "aws-sdk:secretsmanager:putSecretValue",
            {"SecretId": names.endpoint_secret, "SecretString.$": "States.JsonToString($.replica.Endpoint)"},
            "ScaleStandby",
            **noted("endpoint"),
        ),
    }


def _endpoint(names: FailoverNames, there: str) -> dict[str, Any]:
    """The secret's text as an object; an intrinsic makes it text where it is written."""
    return {"host.$": f"{there}.Address", "port.$": f"{there}.Port", "dbname": names.database_name}


def _scale(names: FailoverNames) -> dict[str, State]:
    """Give the standby the primary's strength, and wait until it has it."""
    running = {"Variable": "$.service.RunningCount", "NumericGreaterThanEquals": names.tasks}
    settled = {"Variable": "$.service.PendingCount", "NumericEquals": 0}
    return {
        "ScaleStandby": task(
            "aws-sdk:ecs:updateService",
            {"Cluster": names.cluster, "Service": names.service, "DesiredCount": names.tasks},
            "WaitForTasks",
            **noted("scaling"),
        ),
        "WaitForTasks": wait("DescribeService"),
        "DescribeService": task(
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
        "PostCheck": task(
            "ecs:runTask.sync",
            in_the_standby(names, ["gameday.service.check"], {"GAMEDAY_CHECK_URL": names.check_url}),
            "NotifySuccess",
            **noted("check"),
            TimeoutSeconds=POST_CHECK_TIMEOUT_S,
            Retry=[{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "BackoffRate": 1, "MaxAttempts": 2}],
        ),
        "NotifySuccess": publish(names, "gameday: failed over", "The standby serves.", catch=done),
        "NotNeeded": publish(
            names, "gameday: no failover needed", "The primary answers its health checkers.", catch=done
        ),
        "AlreadyDone": publish(
            names, "gameday: no failover needed", "The failover that ran before this one succeeded.", catch=done
        ),
        "Done": {"Type": "Succeed"},
        "NotifyFailure": publish(
            names, "gameday: FAILOVER FAILED", "Act by the runbook.", catch=failed, then="Failed", more=why
        ),
        "Failed": {
            "Type": "Fail",
            "Error": "FailoverFailed",
            "Cause": "See NotifyFailure in this execution's history.",
        },
    }
