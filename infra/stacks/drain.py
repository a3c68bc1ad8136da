"""The planned failover's hand in the primary region: a machine that scales the primary's service when asked to."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from infra.parts.balanced_service import allow
from infra.parts.drain_states import DrainNames, answered, asked, drain
from infra.parts.event_route import EventRoute
from infra.parts.logged_machine import SYNC_RULE, LoggedMachine, may_run_tasks
from infra.settings import CONTAINER, DRAIN_MACHINE, NAME, Settings
from infra.stacks.app import App
from infra.stacks.base import GamedayStack
from infra.stacks.network import Network

PATIENCE_S = 120  # well below the time that the failover waits for an answer


class Drain(GamedayStack):
    """Asked and answered over the event buses of both regions: an SDK task acts only in its own."""

    part = "drain"

    def __init__(self, app: cdk.App, region: str, settings: Settings, *, network: Network, service: App) -> None:
        super().__init__(app, region, settings)
        names = DrainNames(
            cluster=NAME,
            service=NAME,
            task_family=NAME,
            container=CONTAINER,
            subnet_ids=network.tiers.subnet_ids("tasks"),
            group_id=network.groups.tasks.security_group_id,
        )
        self.machine = LoggedMachine(
            self,
            "Drain",
            name=DRAIN_MACHINE,
            definition=drain(names),
            may=self._may(service),
            policy="drain",
            log_days=settings.log_days,
        )
        EventRoute(
            self,
            "Asked",
            name="gameday-drain",
            told="The planned failover's request starts the drain",
            pattern=asked(),
            to=self.machine.arn,
            patience_s=PATIENCE_S,
        )
        EventRoute(
            self,
            "Answered",
            name="gameday-drain-answer",
            told="The drain's answer, to the failover's region",
            pattern=answered(),
            to=self.arn("events", "event-bus/default", region=settings.secondary),
            patience_s=PATIENCE_S,
        )
        self.output("DrainMachineArn", self.machine.arn)

    def _may(self, service: App) -> list[iam.PolicyStatement]:
        roles = [service.task.task_role.role_arn, service.task.execution_role.role_arn]
        of_the_cluster = {"ArnEquals": {"ecs:cluster": self.arn("ecs", f"cluster/{NAME}")}}
        list_tasks = iam.PolicyStatement(actions=["ecs:ListTasks"], resources=["*"], conditions=of_the_cluster)
        return [
            allow(["ecs:UpdateService", "ecs:DescribeServices"], self.arn("ecs", f"service/{NAME}/{NAME}")),
            list_tasks,  # of tasks that run on no instance it knows only the cluster, as a condition
            *may_run_tasks(
                self.arn("ecs", f"task-definition/{NAME}:*"),
                self.arn("ecs", f"task/{NAME}/*"),
                roles,
                self.arn("events", f"rule/{SYNC_RULE}"),
            ),
            allow(["events:PutEvents"], self.arn("events", "event-bus/default")),
        ]
