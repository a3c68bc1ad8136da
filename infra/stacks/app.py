"""A region's service: a balancer, its tasks, and the name under which the other region knows it."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53

from infra.parts.balanced_service import BalancedService, Balancer, ServicePlace, ServiceTask, allow
from infra.settings import ENDPOINT_SECRET, SERVICE_PORT, TASK_PORT, TASKS_PRIMARY, TASKS_STANDBY, Settings
from infra.stacks.base import GamedayStack
from infra.stacks.data import Data
from infra.stacks.keys import Keys
from infra.stacks.network import Network
from infra.stacks.storage import Storage
from infra.stacks.zone import Zone


class App(GamedayStack):
    """Two tasks in the primary, one in the standby; the failover scales that one up."""

    part = "app"

    def __init__(
        self,
        app: cdk.App,
        region: str,
        settings: Settings,
        *,
        network: Network,
        keys: Keys,
        storage: Storage,
        data: Data,
    ) -> None:
        super().__init__(app, region, settings)
        self.data, self.keys, self.storage = data, keys, storage
        service_port, task_port = self.port("ServicePort", SERVICE_PORT), self.port("TaskPort", TASK_PORT)
        place = _place(network)
        self.balancer = Balancer(self, "Front", place=place, service_port=service_port, task_port=task_port)
        self.task = self._task(task_port)
        self.service = BalancedService(
            self,
            "Back",
            place=place,
            balancer=self.balancer,
            task=self.task,
            port=task_port,
            tasks=TASKS_PRIMARY if self.is_primary else TASKS_STANDBY,
        )
        self._regional_name()
        self.output("ClusterName", self.service.cluster.ref)
        self.output("EcsServiceName", self.service.service.attr_name)

    def _task(self, port: int) -> ServiceTask:
        tag = self.text("ImageTag", self.settings.image_tag, "The image in this region's repository that tasks run")
        environment = {
            "GAMEDAY_REGION": self.here,
            "GAMEDAY_ENDPOINT_SECRET": ENDPOINT_SECRET,
            "GAMEDAY_BUCKET": self.storage.app_data.bucket.ref,
            "PORT": cdk.Token.as_string(port),
            "GAMEDAY_TIMER_SCALE": "1",
        }
        return ServiceTask(
            self,
            "Task",
            image=f"{self.storage.repository.attr_repository_uri}:{tag}",
            repository_arn=self.storage.repository.attr_arn,
            port=port,
            environment=environment,
            credentials_arn=self.data.credentials_arn,
            key_arn=self.keys.key.arn,
            may=self._may(),
            log_days=self.settings.log_days,
        )

    def _may(self) -> list[iam.PolicyStatement]:
        bucket = self.storage.app_data.bucket.attr_arn
        return [
            allow(["secretsmanager:GetSecretValue"], self.data.endpoint.arn),
            allow(["s3:GetObject", "s3:PutObject"], f"{bucket}/*"),
            allow(["s3:ListBucket"], bucket),  # else a missing document is "forbidden", not "not found"
            allow(["kms:Decrypt", "kms:GenerateDataKey"], self.keys.key.arn),
        ]

    def _regional_name(self) -> None:
        """Across regions only names: routing knows this balancer as ``<region>.app.<domain>``."""
        balancer = self.balancer.balancer
        target = route53.CfnRecordSet.AliasTargetProperty(
            dns_name=balancer.attr_dns_name,
            hosted_zone_id=balancer.attr_canonical_hosted_zone_id,
            evaluate_target_health=False,
        )
        route53.CfnRecordSet(
            self,
            "RegionalName",
            hosted_zone_id=self.fed("HostedZoneId", Zone, Zone.where, "HostedZoneId"),
            name=f"{self.settings.regional_name(self.here)}.",
            type="A",
            alias_target=target,
        )


def _place(network: Network) -> ServicePlace:
    return ServicePlace(
        vpc_id=network.tiers.vpc.vpc_id,
        balancer_subnets=network.tiers.subnet_ids("balancer"),
        balancer_group=network.groups.balancer.security_group_id,
        task_subnets=network.tiers.subnet_ids("tasks"),
        task_group=network.groups.tasks.security_group_id,
    )
