"""The restore: what the failover does when no replica could take over. The newest snapshot becomes a new database.

Read where the service's database is said to be → which databases are there → which snapshots of the primary are there →
choose. A database that the endpoint's secret names already was restored by an earlier failover, and is taken as it is:
to restore a second time would lose everything that was written since. Without a snapshot it says RestoreUnavailable.

What was written after the snapshot is lost, so this is the last resort: a planned failover never comes here.

JSONPath cannot sort, so one state, and only that one, speaks JSONata.
"""

from typing import Any

from infra.parts.asl import State, caught, choice, error, noted, present, task, wait
from infra.parts.failover_calls import FailoverNames, has_status
from infra.settings import PRIMARY_DATABASE

RESTORED = "gameday-restored-"
LOST = ("deleting", "failed", "inaccessible-encryption-credentials", "incompatible-restore")
CHOOSE = f"""{{% (
    $in := $states.input;
    $host := $in.known.Endpoint.host;
    $there := $in.databases.All[Endpoint.Address = $host and $contains(DbInstanceIdentifier, "{RESTORED}")];
    $usable := $in.snapshots.All[Status = "available"];
    $older := function($a, $b) {{ $toMillis($a.SnapshotCreateTime) < $toMillis($b.SnapshotCreateTime) }};
    $newest := $sort($usable, $older)[0];
    $merge([$in, {{"chosen": {{
        "Existing": $there[0].DbInstanceIdentifier, "Snapshot": $newest.DbSnapshotIdentifier,
        "Taken": $newest.SnapshotCreateTime
    }}}}])
) %}}"""


def restore(names: FailoverNames, endpoint: dict[str, Any], then: str) -> dict[str, State]:
    """From a replica that is gone to a database that serves; ``endpoint`` selects it out of its description."""
    return _find(names) | _make(names, endpoint, then)


def _find(names: FailoverNames) -> dict[str, State]:
    return {
        "ReadKnownEndpoint": task(
            "aws-sdk:secretsmanager:getSecretValue",
            {"SecretId": names.endpoint_secret},
            "ListDatabases",
            ResultSelector={"Endpoint.$": "States.StringToJson($.SecretString)"},
            ResultPath="$.known",
        ),
        "ListDatabases": task(
            "aws-sdk:rds:describeDBInstances",
            {},
            "FindSnapshots",
            ResultSelector={"All.$": "$.DbInstances"},
            ResultPath="$.databases",
        ),
        "FindSnapshots": task(
            "aws-sdk:rds:describeDBSnapshots",
            {"DbInstanceIdentifier": PRIMARY_DATABASE},
            "ChooseSnapshot",
            ResultSelector={"All.$": "$.DbSnapshots"},
            ResultPath="$.snapshots",
        ),
        "ChooseSnapshot": {
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Output": CHOOSE,
            "Next": "Chosen?",
        },
        "Chosen?": choice(
            {**present("$.chosen.Existing"), "Next": "TakeExisting"},
            {**present("$.chosen.Snapshot"), "Next": "NameRestored"},
            otherwise="RestoreUnavailable",
        ),
        "RestoreUnavailable": error(
            "RestoreUnavailable",
            "No replica could take over, and there is no available snapshot in this region. Runbook: database-restore.",
        ),
    }


def _make(names: FailoverNames, endpoint: dict[str, Any], then: str) -> dict[str, State]:
    lost = {"Or": [has_status(status) for status in LOST], "Next": "RestoreFailed"}
    short = "States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0)"  # a name may have 63 characters
    unique = f"States.Format('{RESTORED}{{}}', {short})"
    return {
        "TakeExisting": _named("$.chosen.Existing", "DescribeRestored"),
        "NameRestored": _named(unique, "RestoreSnapshot"),
        "RestoreSnapshot": task(
            "aws-sdk:rds:restoreDBInstanceFromDBSnapshot",
            {
                "DbInstanceIdentifier.$": "$.restored.Name",
                "DbSnapshotIdentifier.$": "$.chosen.Snapshot",
                "DbInstanceClass": names.database_class,
                "DbSubnetGroupName": names.database_subnets,
                "VpcSecurityGroupIds": [names.database_group_id],
                "PubliclyAccessible": False,
                "CopyTagsToSnapshot": True,
                "Tags": [{"Key": "gameday:target", "Value": "true"}],
            },
            "WaitForRestore",
            **noted("restore"),
        ),
        "WaitForRestore": wait("DescribeRestored"),
        "DescribeRestored": task(
            "aws-sdk:rds:describeDBInstances",
            {"DbInstanceIdentifier.$": "$.restored.Name"},
            "Restored?",
            ResultSelector={"Instance.$": "$.DbInstances[0]"},
            ResultPath="$.replica",
            Catch=caught("NotifyFailure"),
        ),
        "Restored?": choice({**has_status("available"), "Next": "NoteRestored"}, lost, otherwise="WaitForRestore"),
        "NoteRestored": {
            "Type": "Pass",
            "Parameters": {"Endpoint": endpoint},
            "ResultPath": "$.replica",
            "Next": then,
        },
        "RestoreFailed": error("RestoreFailed", "The restored database did not come up. Runbook: database-restore."),
    }


def _named(path: str, then: str) -> State:
    """The new database's name, made once, so that a call that is repeated makes no second one."""
    return {"Type": "Pass", "Parameters": {"Name.$": path}, "ResultPath": "$.restored", "Next": then}
