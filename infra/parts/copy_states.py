"""Copies of the primary's daily snapshots in the standby's region: copy, wait, and let the oldest go.

Started by RDS's own event "automated snapshot created" (RDS-EVENT-0091), which a rule brings over from the primary's
region. A copy across regions is asked for where it shall be, by the source's ARN and with a key of that region; the
pre-signed URL of older descriptions is asked for in GovCloud only (RDS API reference, CopyDBSnapshot). It may take
hours. A copy is a manual snapshot, which never expires, so each new one makes the oldest beyond ``KEEP`` go.
"""

from dataclasses import dataclass
from typing import Any

from infra.parts.asl import State, caught, choice, noted, present, task
from infra.settings import PRIMARY_DATABASE

COPY = "copy-of-"
KEEP = 7
EVENT_TAKEN = "RDS-EVENT-0091"
LOOK_EVERY_S, TIMEOUT_S = 60, 6 * 3600
EXISTS = ["Rds.DbSnapshotAlreadyExistsException"]
CHOOSE = f"""{{% (
    $in := $states.input;
    $ours := $in.copies.All[$contains(DbSnapshotIdentifier, "{COPY}") and Status = "available"];
    $newer := function($a, $b) {{ $toMillis($a.SnapshotCreateTime) > $toMillis($b.SnapshotCreateTime) }};
    $merge([$in, {{"tooMany": {{
        "Oldest": $count($ours) > {KEEP} ? $sort($ours, $newer)[0].DbSnapshotIdentifier : $in.nothing
    }}}}])
) %}}"""


@dataclass(frozen=True, slots=True)
class CopyNames:
    """The key of the copies, and who hears of one that failed."""

    key: str
    topic: str


def taken() -> dict[str, Any]:
    """The event of a daily snapshot of the primary; the rules of both regions wait for it."""
    detail = {"EventID": [EVENT_TAKEN], "SourceIdentifier": [{"prefix": f"rds:{PRIMARY_DATABASE}-"}]}
    return {"source": ["aws.rds"], "detail-type": ["RDS DB Snapshot Event"], "detail": detail}


def copy(names: CopyNames) -> dict[str, Any]:
    """One copy, from RDS's event to the oldest copy that goes."""
    return {
        "Comment": "Copy the primary's new snapshot to this region, and let the oldest copy go.",
        "StartAt": "NameCopy",
        "TimeoutSeconds": TIMEOUT_S,
        "States": _copy(names) | _let_go() | _ends(names),
    }


def _copy(names: CopyNames) -> dict[str, State]:
    """``rds:gameday-primary-2026-11-24-03-00`` becomes ``copy-of-gameday-primary-2026-11-24-03-00``."""
    name = f"States.Format('{COPY}{{}}', States.ArrayGetItem(States.StringSplit($.detail.SourceIdentifier, ':'), 1))"
    gone_on = {"ErrorEquals": EXISTS, "ResultPath": "$.exists", "Next": "WaitForCopy"}
    status = "$.copied.Status"
    return {
        "NameCopy": {"Type": "Pass", "Parameters": {"Name.$": name}, "ResultPath": "$.copy", "Next": "CopySnapshot"},
        "CopySnapshot": task(
            "aws-sdk:rds:copyDBSnapshot",
            {
                "SourceDbSnapshotIdentifier.$": "$.detail.SourceArn",
                "TargetDbSnapshotIdentifier.$": "$.copy.Name",
                "KmsKeyId": names.key,
                "CopyTags": True,
            },
            "WaitForCopy",
            **noted("asked"),
            Catch=[gone_on, *caught("NotifyFailure")],
        ),
        "WaitForCopy": {"Type": "Wait", "Seconds": LOOK_EVERY_S, "Next": "DescribeCopy"},
        "DescribeCopy": task(
            "aws-sdk:rds:describeDBSnapshots",
            {"DbSnapshotIdentifier.$": "$.copy.Name"},
            "Copied?",
            ResultSelector={"Status.$": "$.DbSnapshots[0].Status"},
            ResultPath="$.copied",
        ),
        "Copied?": choice(
            {"Variable": status, "StringEquals": "available", "Next": "ListCopies"},
            {"Variable": status, "StringEquals": "failed", "Next": "CopyFailed"},
            otherwise="WaitForCopy",
        ),
        "CopyFailed": {
            "Type": "Pass",
            "Result": {"Error": "CopyFailed", "Cause": "RDS says that the copy failed."},
            "ResultPath": "$.error",
            "Next": "NotifyFailure",
        },
    }


def _let_go() -> dict[str, State]:
    return {
        "ListCopies": task(
            "aws-sdk:rds:describeDBSnapshots",
            {"DbInstanceIdentifier": PRIMARY_DATABASE, "SnapshotType": "manual"},
            "ChooseOldest",
            ResultSelector={"All.$": "$.DbSnapshots"},
            ResultPath="$.copies",
        ),
        "ChooseOldest": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": CHOOSE, "Next": "TooMany?"},
        "TooMany?": choice({**present("$.tooMany.Oldest"), "Next": "DeleteOldest"}, otherwise="Done"),
        "DeleteOldest": task(
            "aws-sdk:rds:deleteDBSnapshot",
            {"DbSnapshotIdentifier.$": "$.tooMany.Oldest"},
            "Done",
            **noted("deleted"),
        ),
    }


def _ends(names: CopyNames) -> dict[str, State]:
    why = {"What": "The standby's region lacks today's snapshot.", "Error.$": "$.error.Error"}
    told = {"TopicArn": names.topic, "Subject": "gameday: A SNAPSHOT WAS NOT COPIED", "Message": why}
    return {
        "Done": {"Type": "Succeed"},
        "NotifyFailure": task("sns:publish", told, "Failed", Catch=caught("Failed"), **noted("told")),
        "Failed": {"Type": "Fail", "Error": "NotCopied", "Cause": "See this execution's history."},
    }
