"""A state machine whose whole history is logged: what it did must be readable the next day."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.parts.balanced_service import allow

SYNC_RULE = "StepFunctionsGetEventsForECSTaskRule"  # Step Functions makes it, to learn that a task has ended
LOG_DELIVERY = ["CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries"]
LOG_POLICIES = ["PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"]


class LoggedMachine(Construct):
    """A machine, its role, which may do ``may`` and write its log, and that log."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        definition: dict[str, Any],
        may: list[iam.PolicyStatement],
        policy: str,
        log_days: int,
    ) -> None:
        super().__init__(scope, id)
        logging = allow([f"logs:{action}" for action in LOG_DELIVERY + LOG_POLICIES], "*")  # AWS knows no narrower one
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            inline_policies={policy: iam.PolicyDocument(statements=[*may, logging])},
        )
        group = logs.CfnLogGroup(
            self, "Logs", log_group_name=f"/aws/vendedlogs/states/{name}", retention_in_days=log_days
        )
        group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        destination = sfn.CfnStateMachine.LogDestinationProperty(
            cloud_watch_logs_log_group=sfn.CfnStateMachine.CloudWatchLogsLogGroupProperty(log_group_arn=group.attr_arn)
        )
        self.machine = sfn.CfnStateMachine(
            self,
            "Machine",
            state_machine_name=name,
            definition_string=cdk.Stack.of(self).to_json_string(definition),
            role_arn=self.role.role_arn,
            logging_configuration=sfn.CfnStateMachine.LoggingConfigurationProperty(
                destinations=[destination], include_execution_data=True, level="ALL"
            ),
        )
        self.arn = self.machine.attr_arn


def may_run_tasks(task_definition: str, tasks: str, roles: list[str], sync_rule: str) -> list[iam.PolicyStatement]:
    """What ``ecs:runTask.sync`` needs."""
    conditions = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    return [
        allow(["ecs:RunTask"], task_definition),
        allow(["ecs:StopTask", "ecs:DescribeTasks"], tasks),
        iam.PolicyStatement(actions=["iam:PassRole"], resources=roles, conditions=conditions),
        allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], sync_rule),
    ]
