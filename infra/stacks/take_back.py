"""The account's own warden, in the primary's region: a machine, and the role by which a schedule starts it."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from infra.parts.balanced_service import allow
from infra.parts.logged_machine import LoggedMachine
from infra.parts.take_back_states import DRILL_TAG, TakeBackNames, take_back
from infra.settings import NAME, TAKE_BACK_MACHINE, Settings
from infra.stacks.base import GamedayStack
from infra.stacks.network import Network
from infra.stacks.zone import Zone


class TakeBack(GamedayStack):
    """A drill that breaks something schedules it, and removes the schedule when it has healed."""

    part = "takeback"

    def __init__(self, app: cdk.App, region: str, settings: Settings, *, network: Network) -> None:
        super().__init__(app, region, settings)
        self.network = network
        self.zone_id = self.fed("HostedZoneId", Zone, Zone.where, "HostedZoneId")
        names = TakeBackNames(
            hosted_zone_id=self.zone_id,
            service_name=settings.service_name,
            primary_name=settings.regional_name(region),
            cluster=NAME,
            service=NAME,
            database_group_id=network.groups.database.security_group_id,
            topic_arn=self.arn("sns", "gameday-alerts"),
        )
        self.machine = LoggedMachine(
            self,
            "TakeBack",
            name=TAKE_BACK_MACHINE,
            definition=take_back(names),
            may=self._may(names),
            policy="take-back",
            log_days=settings.log_days,
        )
        self.output("TakeBackMachineArn", self.machine.arn)
        self.output("TakeBackRoleArn", self._starter().role_arn)

    def _may(self, names: TakeBackNames) -> list[iam.PolicyStatement]:
        """Only this VPC's ACLs, only ACLs and experiments of drills, one security group, one service."""
        of_vpc = {"ArnEquals": {"ec2:Vpc": self.arn("ec2", f"vpc/{self.network.tiers.vpc.vpc_id}")}}
        of_drills = {"Null": {f"aws:ResourceTag/{DRILL_TAG}": "false"}}
        acls, subnets = self.arn("ec2", "network-acl/*"), self.arn("ec2", "subnet/*")
        return [
            allow(["ec2:DescribeNetworkAcls", "ec2:DescribeSecurityGroups", "fis:ListExperiments"], "*"),
            _only(["ec2:ReplaceNetworkAclAssociation"], of_vpc, acls, subnets),
            _only(["ec2:DeleteNetworkAcl"], of_drills, acls),
            _only(["fis:StopExperiment"], of_drills, self.arn("fis", "experiment/*")),
            allow(["ec2:RevokeSecurityGroupIngress"], self.arn("ec2", f"security-group/{names.database_group_id}")),
            allow(["ecs:UpdateService", "ecs:DescribeServices"], self.arn("ecs", f"service/{NAME}/{NAME}")),
            allow(["route53:ListResourceRecordSets"], f"arn:{cdk.Aws.PARTITION}:route53:::hostedzone/{self.zone_id}"),
            allow(["sns:Publish"], names.topic_arn),
        ]

    def _starter(self) -> iam.Role:
        own = {"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}}
        return iam.Role(
            self,
            "Starter",
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=own),
            inline_policies={
                "start": iam.PolicyDocument(statements=[allow(["states:StartExecution"], self.machine.arn)])
            },
        )


def _only(actions: list[str], conditions: dict[str, dict[str, str]], *resources: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=list(resources), conditions=conditions)
