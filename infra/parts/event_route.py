"""Rules that take an event to a machine, or to the other region's bus, each with a role for just that."""

from typing import Any

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.parts.balanced_service import allow

ATTEMPTS = 20


class EventRoute(Construct):
    """One rule and its target. An event that could not be delivered within ``patience_s`` is dropped: a request that
    somebody has long given up on must not be carried out later."""

    def __init__(
        self, scope: Construct, id: str, *, name: str, told: str, pattern: dict[str, Any], to: str, patience_s: int
    ) -> None:
        super().__init__(scope, id)
        action = "events:PutEvents" if ":event-bus/" in to else "states:StartExecution"
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("events.amazonaws.com"),
            inline_policies={"deliver": iam.PolicyDocument(statements=[allow([action], to)])},
        )
        patience = events.CfnRule.RetryPolicyProperty(
            maximum_event_age_in_seconds=patience_s, maximum_retry_attempts=ATTEMPTS
        )
        target = events.CfnRule.TargetProperty(id="target", arn=to, role_arn=role.role_arn, retry_policy=patience)
        events.CfnRule(self, "Rule", name=name, description=told, event_pattern=pattern, targets=[target])
