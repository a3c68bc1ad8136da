"""The state machine that fails over, with a role that may touch exactly what its states name."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.parts.balanced_service import allow
from infra.parts.failover_states import FailoverNames, failover
from infra.settings import FAILOVER_MACHINE

SYNC_RULE = "StepFunctionsGetEventsForECSTaskRule"  # Step Functions makes it, to learn that a task has ended
LOG_DELIVERY = ["CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries"]
LOG_POLICIES = ["PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"]


@dataclass(frozen=True, slots=True)
class FailoverResources:
    """The ARNs behind the names of :class:`FailoverNames`."""

    health_check: str
    hosted_zone: str
    replica: str
    endpoint_secret: str
    key: str
    service: str
    task_definition: str
    tasks: str
    task_roles: list[str]
    sync_rule: str
    topic: str


class FailoverMachine(Construct):
    """``gameday-failover``. Its whole history is logged: what a failover did must be readable the next day."""

    def __init__(
        self, scope: Construct, id: str, *, names: FailoverNames, resources: FailoverResources, log_days: int
    ) -> None:
        super().__init__(scope, id)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            inline_policies={"failover": iam.PolicyDocument(statements=_may(names, resources))},
        )
        group = logs.CfnLogGroup(
            self, "Logs", log_group_name=f"/aws/vendedlogs/states/{FAILOVER_MACHINE}", retention_in_days=log_days
        )
        group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        destination = sfn.CfnStateMachine.LogDestinationProperty(
            cloud_watch_logs_log_group=sfn.CfnStateMachine.CloudWatchLogsLogGroupProperty(log_group_arn=group.attr_arn)
        )
        self.machine = sfn.CfnStateMachine(
            self,
            "Machine",
            state_machine_name=FAILOVER_MACHINE,
            definition_string=cdk.Stack.of(self).to_json_string(failover(names)),
            role_arn=self.role.role_arn,
            logging_configuration=sfn.CfnStateMachine.LoggingConfigurationProperty(
                destinations=[destination], include_execution_data=True, level="ALL"
            ),
        )
        self.arn = self.machine.attr_arn


def _may(names: FailoverNames, to: FailoverResources) -> list[iam.PolicyStatement]:
    logging = [f"logs:{action}" for action in LOG_DELIVERY + LOG_POLICIES]
    return [
        allow(["route53:GetHealthCheckStatus"], to.health_check),
        _may_latch(names.service_name, to.hosted_zone),
        allow(["rds:DescribeDBInstances", "rds:PromoteReadReplica"], to.replica),
        allow(["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"], to.endpoint_secret),
        allow(["kms:Decrypt", "kms:GenerateDataKey"], to.key),
        allow(["ecs:UpdateService", "ecs:DescribeServices"], to.service),
        allow(["ecs:RunTask"], to.task_definition),
        allow(["ecs:StopTask", "ecs:DescribeTasks"], to.tasks),
        _may_pass(to.task_roles),
        allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], to.sync_rule),
        allow(["sns:Publish"], to.topic),
        allow(logging, "*"),  # log delivery knows no narrower resource
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


def _may_pass(roles: list[str]) -> iam.PolicyStatement:
    conditions = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    return iam.PolicyStatement(actions=["iam:PassRole"], resources=roles, conditions=conditions)
