"""The state machine that fails over, with a role that may touch exactly what its states name."""

from dataclasses import dataclass

from aws_cdk import aws_iam as iam

from infra.parts.balanced_service import allow
from infra.parts.failover_calls import FailoverNames
from infra.parts.logged_machine import may_run_tasks


@dataclass(frozen=True, slots=True)
class FailoverResources:
    """The ARNs behind the names of :class:`FailoverNames`."""

    health_check: str
    hosted_zone: str
    replica: str
    databases: str
    restored: str
    snapshots: str
    database_subnets: str
    endpoint_secret: str
    key: str
    service: str
    task_definition: str
    tasks: str
    task_roles: list[str]
    sync_rule: str
    topic: str
    machine: str
    executions: str
    bus: str


def may_fail_over(names: FailoverNames, to: FailoverResources) -> list[iam.PolicyStatement]:
    """What the failover may do, a statement for each purpose."""
    return [
        allow(["states:ListExecutions"], to.machine),
        allow(["states:DescribeExecution"], to.executions),
        allow(["events:PutEvents"], to.bus),
        allow(["route53:GetHealthCheckStatus"], to.health_check),
        _may_latch(names.service_name, to.hosted_zone),
        allow(["rds:DescribeDBInstances", "rds:PromoteReadReplica"], to.replica),
        allow(["rds:DescribeDBInstances"], to.databases),  # which of them the endpoint names is not known before
        allow(["rds:DescribeDBSnapshots"], to.snapshots, to.databases),
        allow(
            ["rds:RestoreDBInstanceFromDBSnapshot", "rds:AddTagsToResource"],
            to.restored,
            to.snapshots,
            to.database_subnets,
        ),
        allow(["kms:CreateGrant", "kms:DescribeKey"], to.key),
        allow(["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"], to.endpoint_secret),
        allow(["kms:Decrypt", "kms:GenerateDataKey"], to.key),
        allow(["ecs:UpdateService", "ecs:DescribeServices"], to.service),
        *may_run_tasks(to.task_definition, to.tasks, to.task_roles, to.sync_rule),
        allow(["sns:Publish"], to.topic),
    ]


def _may_latch(service_name: str, hosted_zone: str) -> iam.PolicyStatement:
    """One record of the zone, and never to delete it."""
    key = "route53:ChangeResourceRecordSets"
    conditions = {
        "ForAllValues:StringEquals": {
            f"{key}NormalizedRecordNames": [service_name],
            f"{key}RecordTypes": ["CNAME"],
            f"{key}Actions": ["UPSERT"],
        }
    }
    return iam.PolicyStatement(
        actions=["route53:ChangeResourceRecordSets"], resources=[hosted_zone], conditions=conditions
    )
