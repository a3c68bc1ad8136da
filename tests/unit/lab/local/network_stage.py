"""A region's network in moto's EC2: subnets and groups by tier, whose ACLs and rules a test can change."""

from typing import Any

import boto3

TIERS = ("balancer", "tasks", "database")
DATABASE_PORT = 24734


class Region:
    """One region's VPC in moto: two subnets a tier, an open ACL, and a database's group that admits the tasks."""

    def __init__(self, name: str, block: str, port: int = DATABASE_PORT) -> None:
        self.port = port
        self.ec2: Any = boto3.client("ec2", name)
        self.vpc = self.ec2.create_vpc(CidrBlock=f"{block}.0.0/16")["Vpc"]["VpcId"]
        self.subnets = {
            tier: [self._subnet(tier, f"{block}.{2 * number + zone}.0/24") for zone in range(2)]
            for number, tier in enumerate(TIERS)
        }
        self.groups = {tier: self._group(tier) for tier in TIERS}
        self.admit_tasks()

    def deny(self, tier: str, *, subnets: int = 2) -> None:
        """Associate subnets of a tier with an ACL that has only its closing rule."""
        acl = self.ec2.create_network_acl(VpcId=self.vpc)["NetworkAcl"]["NetworkAclId"]
        self._associate(self.subnets[tier][:subnets], acl)

    def restore(self, tier: str) -> None:
        acls = self.ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["NetworkAcls"]
        self._associate(self.subnets[tier], next(acl["NetworkAclId"] for acl in acls if acl["IsDefault"]))

    def admit_tasks(self) -> None:
        self.ec2.authorize_security_group_ingress(GroupId=self.groups["database"], IpPermissions=[self._from_tasks()])

    def refuse_tasks(self) -> None:
        self.ec2.revoke_security_group_ingress(GroupId=self.groups["database"], IpPermissions=[self._from_tasks()])

    def _from_tasks(self) -> dict[str, Any]:
        pairs = [{"GroupId": self.groups["tasks"]}]
        return {
            "IpProtocol": "tcp", "FromPort": self.port, "ToPort": self.port, "UserIdGroupPairs": pairs,
        }  # fmt: skip

    def _subnet(self, tier: str, block: str) -> str:
        made = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=block, TagSpecifications=[_tag("subnet", tier)])
        return str(made["Subnet"]["SubnetId"])

    def _group(self, tier: str) -> str:
        made = self.ec2.create_security_group(
            VpcId=self.vpc, GroupName=tier, Description=tier, TagSpecifications=[_tag("security-group", tier)]
        )
        return str(made["GroupId"])

    def _associate(self, subnets: list[str], acl: str) -> None:
        filters = [{"Name": "vpc-id", "Values": [self.vpc]}]
        for found in self.ec2.describe_network_acls(Filters=filters)["NetworkAcls"]:
            for one in found["Associations"]:
                if one["SubnetId"] in subnets:
                    self.ec2.replace_network_acl_association(
                        AssociationId=one["NetworkAclAssociationId"], NetworkAclId=acl
                    )


def _tag(kind: str, tier: str) -> dict[str, Any]:
    return {"ResourceType": kind, "Tags": [{"Key": "gameday:tier", "Value": tier}]}
