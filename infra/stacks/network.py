"""A region's network: a VPC in three tiers, and who may talk to whom."""

import aws_cdk as cdk

from infra.parts.tiers import TieredVpc, TierGroups
from infra.settings import DATABASE_PORT, SERVICE_PORT, TASK_PORT, Settings
from infra.stacks.base import GamedayStack


class Network(GamedayStack):
    """10.0/16 in the primary, 10.1/16 in the secondary: they could be peered."""

    part = "network"

    def __init__(self, app: cdk.App, region: str, settings: Settings) -> None:
        super().__init__(app, region, settings)
        self.tiers = TieredVpc(
            self,
            "Tiers",
            cidr="10.0.0.0/16" if self.is_primary else "10.1.0.0/16",
            zones=[f"{region}a", f"{region}b"],
            nat_gateways=settings.nat_gateways,
            log_days=settings.log_days,
        )
        self.groups = TierGroups(
            self,
            "Groups",
            vpc=self.tiers.vpc,
            service=self.port("ServicePort", SERVICE_PORT),
            task=self.port("TaskPort", TASK_PORT),
            database=self.port("DatabasePort", DATABASE_PORT),
        )
        self.output("VpcId", self.tiers.vpc.vpc_id)
