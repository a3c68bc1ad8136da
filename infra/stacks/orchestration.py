"""The failover, in the region that survives: a rule that starts it, the machine, and a topic that tells."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam

from infra.parts.alerts import AlertTopic
from infra.parts.balanced_service import allow
from infra.parts.drain_states import answer, answered, asked
from infra.parts.event_route import EventRoute
from infra.parts.failover_calls import FailoverNames
from infra.parts.failover_machine import FailoverResources, may_fail_over
from infra.parts.failover_states import failover
from infra.parts.logged_machine import SYNC_RULE, LoggedMachine
from infra.parts.restore_states import RESTORED
from infra.settings import (
    ANSWER_MACHINE,
    CONTAINER,
    DATABASE_NAME,
    ENDPOINT_SECRET,
    FAILOVER_MACHINE,
    NAME,
    RECORD_TTL_S,
    REPLICA_DATABASE,
    SERVICE_PORT,
    TASKS_PRIMARY,
    Settings,
)
from infra.stacks.app import App
from infra.stacks.base import GamedayStack
from infra.stacks.data import Data
from infra.stacks.drain import PATIENCE_S
from infra.stacks.keys import Keys
from infra.stacks.network import Network
from infra.stacks.routing import Routing, primary_down
from infra.stacks.zone import Zone

TOO_LATE_S = 900  # an alarm older than this starts nothing: by then a person decides


class Orchestration(GamedayStack):
    """Started by the primary's health alarm, or by hand with ``{"mode": "unplanned"}`` or ``{"mode": "planned"}``."""

    part = "orchestration"

    def __init__(
        self, app: cdk.App, region: str, settings: Settings, *, network: Network, keys: Keys, data: Data, service: App
    ) -> None:
        super().__init__(app, region, settings)
        self.keys, self.data, self.service = keys, data, service
        self.zone_id = self.fed("HostedZoneId", Zone, Zone.where, "HostedZoneId")
        self.check_id = self.fed("HealthCheckId", Routing, Routing.where, "HealthCheckId")
        self.topic = AlertTopic(self, "Topic", name="gameday-failover", settings=settings)
        names = self._names(network)
        self.failover = LoggedMachine(
            self,
            "Failover",
            name=FAILOVER_MACHINE,
            definition=failover(names),
            may=may_fail_over(names, self._resources()),
            policy="failover",
            log_days=settings.log_days,
        )
        self._reach_the_primary()
        self._start_on_alarm()
        self._tell_bad_ends()
        self.output("StateMachineArn", self.failover.arn)
        self.output("TopicArn", self.topic.arn)

    def _names(self, network: Network) -> FailoverNames:
        standby = self.settings.regional_name(self.here)
        port = cdk.Token.as_string(self.port("ServicePort", SERVICE_PORT))
        return FailoverNames(
            health_check_id=self.check_id,
            hosted_zone_id=self.zone_id,
            service_name=self.settings.service_name,
            primary_name=self.settings.regional_name(self.settings.primary),
            standby_name=standby,
            record_ttl_s=RECORD_TTL_S,
            replica=REPLICA_DATABASE,
            database_name=DATABASE_NAME,
            database_class=self.settings.database_class,
            database_subnets=self.data.place.subnets.ref,
            database_group_id=network.groups.database.security_group_id,
            endpoint_secret=ENDPOINT_SECRET,
            cluster=NAME,
            service=NAME,
            tasks=TASKS_PRIMARY,
            task_family=NAME,
            container=CONTAINER,
            check_url=f"http://{standby}:{port}",
            subnet_ids=network.tiers.subnet_ids("tasks"),
            group_id=network.groups.tasks.security_group_id,
            topic_arn=self.topic.arn,
        )

    def _resources(self) -> FailoverResources:
        route53 = f"arn:{cdk.Aws.PARTITION}:route53:::"
        task = self.service.task
        return FailoverResources(
            health_check=f"{route53}healthcheck/{self.check_id}",
            hosted_zone=f"{route53}hostedzone/{self.zone_id}",
            replica=self.arn("rds", f"db:{REPLICA_DATABASE}"),
            databases=self.arn("rds", "db:*"),
            restored=self.arn("rds", f"db:{RESTORED}*"),
            snapshots=self.arn("rds", "snapshot:*"),
            database_subnets=self.arn("rds", f"subgrp:{self.data.place.subnets.ref}"),
            endpoint_secret=self.data.endpoint.arn,
            key=self.keys.key.arn,
            service=self.arn("ecs", f"service/{NAME}/{NAME}"),
            task_definition=self.arn("ecs", f"task-definition/{NAME}:*"),
            tasks=self.arn("ecs", f"task/{NAME}/*"),
            task_roles=[task.task_role.role_arn, task.execution_role.role_arn],
            sync_rule=self.arn("events", f"rule/{SYNC_RULE}"),
            topic=self.topic.arn,
            machine=self.arn("states", f"stateMachine:{FAILOVER_MACHINE}"),
            executions=self.arn("states", f"execution:{FAILOVER_MACHINE}:*"),
            bus=self.arn("events", "event-bus/default"),
        )

    def _reach_the_primary(self) -> None:
        """The drain's request to the primary region's bus, and its answer back to the execution that waits for it."""
        may = [allow(["states:SendTaskSuccess", "states:SendTaskFailure"], "*")]  # IAM knows no resource of a token
        answerer = LoggedMachine(
            self,
            "Answer",
            name=ANSWER_MACHINE,
            definition=answer(),
            may=may,
            policy="answer",
            log_days=self.settings.log_days,
        )
        EventRoute(
            self,
            "Asked",
            name="gameday-drain",
            told="The planned failover's request, to the primary region",
            pattern=asked(),
            to=self.arn("events", "event-bus/default", region=self.settings.primary),
            patience_s=PATIENCE_S,
        )
        EventRoute(
            self,
            "Answered",
            name="gameday-drain-answer",
            told="The drain's answer, to the failover that waits for it",
            pattern=answered(),
            to=answerer.arn,
            patience_s=PATIENCE_S,
        )

    def _start_on_alarm(self) -> None:
        policy = iam.PolicyDocument(statements=[allow(["states:StartExecution"], self.failover.arn)])
        principal = iam.ServicePrincipal("events.amazonaws.com")
        role = iam.Role(self, "Starter", assumed_by=principal, inline_policies={"start": policy})
        patience = events.CfnRule.RetryPolicyProperty(
            maximum_event_age_in_seconds=TOO_LATE_S, maximum_retry_attempts=20
        )
        target = events.CfnRule.TargetProperty(
            id="failover", arn=self.failover.arn, role_arn=role.role_arn, retry_policy=patience
        )
        events.CfnRule(
            self,
            "PrimaryDown",
            name="gameday-primary-down",
            description="The primary's health alarm starts the failover",
            event_pattern=primary_down(),
            targets=[target],
        )

    def _tell_bad_ends(self) -> None:
        """A machine that is stopped or runs out of time reaches no state of its own that could tell."""
        ended = {"stateMachineArn": [self.failover.arn], "status": ["FAILED", "TIMED_OUT", "ABORTED"]}
        events.CfnRule(
            self,
            "EndedBadly",
            name="gameday-failover-ended-badly",
            description="A failover that failed, ran out of time or was stopped tells the topic",
            event_pattern={
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": ended,
            },
            targets=[events.CfnRule.TargetProperty(id="topic", arn=self.topic.arn)],
        )
