"""A VPC in three tiers, each in subnets of its own, so that a network ACL can cut between them."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

TIER_TAG = "gameday:tier"
KINDS = {
    "balancer": ec2.SubnetType.PUBLIC,
    "tasks": ec2.SubnetType.PRIVATE_WITH_EGRESS,
    "database": ec2.SubnetType.PRIVATE_ISOLATED,
}


class TieredVpc(Construct):
    """Balancer, tasks and database in distinct subnets of two zones, with flow logs.

    Zones are given by name (a template without account would else say ``dummy1a``). The default security group is left
    as it is: to empty it, CDK needs a Lambda.
    """

    def __init__(
        self, scope: Construct, id: str, *, cidr: str, zones: list[str], nat_gateways: int, log_days: int
    ) -> None:
        super().__init__(scope, id)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(cidr),
            availability_zones=zones,
            nat_gateways=nat_gateways,
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(name=tier, subnet_type=kind, cidr_mask=24) for tier, kind in KINDS.items()
            ],
        )
        for tier in KINDS:
            for subnet in self.vpc.select_subnets(subnet_group_name=tier).subnets:
                cdk.Tags.of(subnet).add(TIER_TAG, tier, include_resource_types=["AWS::EC2::Subnet"])
        self._flow_log(log_days)

    def subnet_ids(self, tier: str) -> list[str]:
        """The ids of one tier's subnets, one in each zone."""
        return self.vpc.select_subnets(subnet_group_name=tier).subnet_ids

    def _flow_log(self, log_days: int) -> None:
        group = logs.LogGroup(
            self,
            "FlowLogs",
            log_group_name="/gameday/flow",
            retention=logs.RetentionDays(_retention(log_days)),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.vpc.add_flow_log("Flow", destination=ec2.FlowLogDestination.to_cloud_watch_logs(group))


class TierGroups(Construct):
    """One security group a tier: clients reach the balancer, it reaches tasks, they reach the database."""

    def __init__(self, scope: Construct, id: str, *, vpc: ec2.IVpc, service: int, task: int, database: int) -> None:
        super().__init__(scope, id)
        self.balancer = self._group("balancer", vpc)
        self.tasks = self._group("tasks", vpc)
        self.database = self._group("database", vpc)
        self.balancer.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(service), "clients and health checkers")
        self.tasks.add_ingress_rule(self.balancer, ec2.Port.tcp(task), "the balancer")
        self.database.add_ingress_rule(self.tasks, ec2.Port.tcp(database), "tasks")

    def _group(self, tier: str, vpc: ec2.IVpc) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(self, tier.capitalize(), vpc=vpc, description=f"gameday {tier}")
        cdk.Tags.of(group).add(TIER_TAG, tier, include_resource_types=["AWS::EC2::SecurityGroup"])
        return group


def _retention(days: int) -> logs.RetentionDays:
    """CloudWatch Logs knows certain retentions only."""
    names = {7: "ONE_WEEK", 14: "TWO_WEEKS", 30: "ONE_MONTH", 90: "THREE_MONTHS", 180: "SIX_MONTHS", 365: "ONE_YEAR"}
    if days not in names:
        raise ValueError(f"expected log_days of {', '.join(map(str, names))}; saw {days}. Next: choose one of them")
    return getattr(logs.RetentionDays, names[days])
