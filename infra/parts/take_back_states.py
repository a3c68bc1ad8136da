"""The account's own warden: takes back a fault of network ACLs when the drill's whole machine has died.

A drill makes a one-time schedule before its first mutation and removes it once it has healed; a schedule that is left
starts this machine, in the primary's own region, whose APIs no network ACL filters. Its input is what the drill knew
before it broke anything: ``{"Drill": ID, "Vpc": ID, "Subnets": [{"Subnet": ID, "Acl": ID}, …]}``.

It fences first where the standby took over, as every heal does: DNS is latched before the standby is promoted, so a
PRIMARY record that does not name the primary says that it was, or is about to be. A failover may still follow from an
outage that the health check has counted, so it goes on looking for a while after it has healed. Each of its loops looks
again after every change, and ends when what it sees is right.
"""

from dataclasses import dataclass
from typing import Any

from infra.parts.asl import State, caught, choice, noted, present, task, wait

DRILL_TAG = "gameday:drill"
TIMEOUT_S = 1800
LOOKS = 12  # 10 s apart: twice threshold × interval of a check of 30 s would be 180 s, of one of 10 s it is 60 s
WRONG_ACL = """{% (
    $in := $states.input;
    $of := function($s) { $in.acls.All.Associations[SubnetId = $s.Subnet] };
    $wrong := $filter($in.Subnets, function($s) { $of($s).NetworkAclId != $s.Acl })[0];
    $merge([$in, {"todo": $exists($wrong) ? {
        "Acl": $wrong.Acl, "Association": $of($wrong).NetworkAclAssociationId
    } : {}}])
) %}"""
PRIMARY_RECORD = """{% (
    $in := $states.input;
    $found := $in.records.All[Failover = "PRIMARY" and Name in ["NAME", "NAME."]][0];
    $merge([$in, {"record": {"Target": $exists($found) ? $found.ResourceRecords[0].Value : "none"}}])
) %}"""
PAUSE = f"""{{% (
    $in := $states.input;
    $ours := $in.experiments.All[
        Tags."{DRILL_TAG}" = $in.Drill and State.Status in ["pending", "initiating", "running"]
    ][0];
    $merge([$in, {{"pause": $exists($ours) ? {{"Id": $ours.Id}} : {{}}}}])
) %}}"""


@dataclass(frozen=True, slots=True)
class TakeBackNames:
    """What it touches in the primary's region, by name or id."""

    hosted_zone_id: str
    service_name: str
    primary_name: str
    cluster: str
    service: str
    database_group_id: str
    topic_arn: str


def take_back(names: TakeBackNames) -> dict[str, Any]:
    """Fence if needed, restore, look whether a failover follows, tell."""
    return {
        "Comment": "Take back what a drill broke whose machine has died.",
        "StartAt": "Begin",
        "TimeoutSeconds": TIMEOUT_S,
        "States": _look(names) | _fence(names) | _restore() | _resume_copies() | _ends(names),
    }


def _look(names: TakeBackNames) -> dict[str, State]:
    own = [{"Variable": "$.record.Target", "StringEquals": f"{names.primary_name}{dot}"} for dot in ("", ".")]
    again = {"Rounds.$": "States.MathAdd($.count.Rounds, 1)"}
    healed = {"Variable": "$.count.Rounds", "NumericGreaterThanEquals": 1}
    return {
        "Begin": {"Type": "Pass", "Result": {"Rounds": 0}, "ResultPath": "$.count", "Next": "LookAtTheRecord"},
        "LookAtTheRecord": task(
            "aws-sdk:route53:listResourceRecordSets",
            {
                "HostedZoneId": names.hosted_zone_id,
                "StartRecordName": names.service_name,
                "MaxItems": "10",
            },
            "FindPrimaryRecord",
            ResultSelector={"All.$": "$.ResourceRecordSets"},
            ResultPath="$.records",
        ),
        "FindPrimaryRecord": {
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Output": PRIMARY_RECORD.replace("NAME", names.service_name),
            "Next": "TakenOver?",
        },
        "TakenOver?": choice(
            {"Not": {"Or": own}, "Next": "StopTasks"},
            {"Variable": "$.count.Rounds", "NumericGreaterThanEquals": LOOKS, "Next": "NotifyDone"},
            {**healed, "Next": "WaitForAFailover"},
            otherwise="DescribeAcls",
        ),
        "WaitForAFailover": wait("Count"),
        "Count": {"Type": "Pass", "Parameters": again, "ResultPath": "$.count", "Next": "LookAtTheRecord"},
    }


def _fence(names: TakeBackNames) -> dict[str, State]:
    of = {"Cluster": names.cluster, "Service": names.service}
    none = [{"Variable": f"$.tasks.{kind}", "NumericEquals": 0} for kind in ("Running", "Pending")]
    group = {"GroupIds": [names.database_group_id]}
    return {
        "StopTasks": task("aws-sdk:ecs:updateService", {**of, "DesiredCount": 0}, "DescribeGroup", **noted("stopping")),
        "DescribeGroup": task(
            "aws-sdk:ec2:describeSecurityGroups",
            group,
            "Closed?",
            ResultSelector={"Rules.$": "$.SecurityGroups[0].IpPermissions"},
            ResultPath="$.group",
        ),
        "Closed?": choice({**present("$.group.Rules[0]"), "Next": "CloseDatabase"}, otherwise="DescribeTasks"),
        "CloseDatabase": task(
            "aws-sdk:ec2:revokeSecurityGroupIngress",
            {"GroupId": names.database_group_id, "IpPermissions.$": "$.group.Rules"},
            "DescribeGroup",
            **noted("closing"),
        ),
        "DescribeTasks": task(
            "aws-sdk:ecs:describeServices",
            {"Cluster": names.cluster, "Services": [names.service]},
            "Stopped?",
            ResultSelector={"Running.$": "$.Services[0].RunningCount", "Pending.$": "$.Services[0].PendingCount"},
            ResultPath="$.tasks",
        ),
        "Stopped?": choice({"And": none, "Next": "Fenced"}, otherwise="WaitForTasks"),
        "WaitForTasks": wait("DescribeTasks"),
        "Fenced": {  # then nothing is left to look for
            "Type": "Pass",
            "Result": {"Rounds": LOOKS},
            "ResultPath": "$.count",
            "Next": "DescribeAcls",
        },
    }


def _restore() -> dict[str, State]:
    drills = [
        {"Name": f"tag:{DRILL_TAG}", "Values.$": "States.Array($.Drill)"},
        {"Name": "vpc-id", "Values.$": "States.Array($.Vpc)"},
    ]
    return {
        "DescribeAcls": task(
            "aws-sdk:ec2:describeNetworkAcls",
            {"Filters": [{"Name": "vpc-id", "Values.$": "States.Array($.Vpc)"}]},
            "FindWrongAcl",
            ResultSelector={"All.$": "$.NetworkAcls"},
            ResultPath="$.acls",
        ),
        "FindWrongAcl": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": WRONG_ACL, "Next": "AnyWrong?"},
        "AnyWrong?": choice({**present("$.todo.Association"), "Next": "RestoreAcl"}, otherwise="FindDrillsAcl"),
        "RestoreAcl": task(
            "aws-sdk:ec2:replaceNetworkAclAssociation",
            {"AssociationId.$": "$.todo.Association", "NetworkAclId.$": "$.todo.Acl"},
            "DescribeAcls",
            **noted("restoring"),
        ),
        "FindDrillsAcl": task(
            "aws-sdk:ec2:describeNetworkAcls",
            {"Filters": drills},
            "AnyOfTheDrill?",
            ResultSelector={"Ids.$": "$.NetworkAcls[*].NetworkAclId"},
            ResultPath="$.made",
        ),
        "AnyOfTheDrill?": choice({**present("$.made.Ids[0]"), "Next": "DeleteAcl"}, otherwise="ListPauses"),
        "DeleteAcl": task(
            "aws-sdk:ec2:deleteNetworkAcl", {"NetworkAclId.$": "$.made.Ids[0]"}, "FindDrillsAcl", **noted("deleting")
        ),
    }


def _resume_copies() -> dict[str, State]:
    """The pause of S3's replication, where the fault made one; FIS ends it by itself only after hours."""
    return {
        "ListPauses": task(
            "aws-sdk:fis:listExperiments",
            {},
            "FindPause",
            ResultSelector={"All.$": "$.Experiments"},
            ResultPath="$.experiments",
        ),
        "FindPause": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": PAUSE, "Next": "AnyPause?"},
        "AnyPause?": choice({**present("$.pause.Id"), "Next": "StopPause"}, otherwise="Restored"),
        "StopPause": task("aws-sdk:fis:stopExperiment", {"Id.$": "$.pause.Id"}, "Restored", **noted("resuming")),
        "Restored": {
            "Type": "Pass",
            "Parameters": {"Rounds.$": "States.MathAdd($.count.Rounds, 1)"},
            "ResultPath": "$.count",
            "Next": "Enough?",
        },
        "Enough?": choice(
            {"Variable": "$.count.Rounds", "NumericGreaterThanEquals": LOOKS, "Next": "NotifyDone"},
            otherwise="WaitForAFailover",
        ),
    }


def _ends(names: TakeBackNames) -> dict[str, State]:
    done = {"What": "The drill's machine died; what it broke was taken back.", "Drill.$": "$.Drill"}
    failed = {"What": "The drill's machine died; take back by hand: gameday undo RECORD.", "Error.$": "$.error.Error"}
    return {
        "NotifyDone": _publish(names, "gameday: A DRILL WAS TAKEN BACK", done, "Done", catch="Done"),
        "Done": {"Type": "Succeed"},
        "NotifyFailure": _publish(names, "gameday: A DRILL WAS NOT TAKEN BACK", failed, "Failed", catch="Failed"),
        "Failed": {"Type": "Fail", "Error": "NotTakenBack", "Cause": "See this execution's history."},
    }


def _publish(names: TakeBackNames, subject: str, message: dict[str, Any], then: str, *, catch: str) -> State:
    told = {"TopicArn": names.topic_arn, "Subject": subject, "Message": message}
    return task("sns:publish", told, then, Catch=caught(catch), **noted("told"))
