"""EC2's resources: networks, their routes and their security groups."""

from typing import Any

from gameday.lab.local.deployer.making import Made, Make, Maker, Simple, split, with_ec2_tags

EVERYTHING_OUT = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def vpc(maker: Maker, properties: dict[str, Any]) -> Made:
    first, later = split(properties, "EnableDnsHostnames", "EnableDnsSupport")
    made = maker.call("ec2", "CreateVpc", with_ec2_tags(first, "vpc"))["Vpc"]["VpcId"]
    for name, value in later.items():
        maker.call("ec2", "ModifyVpcAttribute", {"VpcId": made, name: {"Value": value}})
    return Made(made, {"VpcId": made, "CidrBlock": properties["CidrBlock"]})


def subnet(maker: Maker, properties: dict[str, Any]) -> Made:
    first, later = split(properties, "MapPublicIpOnLaunch")
    made = maker.call("ec2", "CreateSubnet", with_ec2_tags(first, "subnet"))["Subnet"]
    for name, value in later.items():
        maker.call("ec2", "ModifySubnetAttribute", {"SubnetId": made["SubnetId"], name: {"Value": value}})
    return Made(made["SubnetId"], {"SubnetId": made["SubnetId"], "AvailabilityZone": made["AvailabilityZone"]})


def security_group(maker: Maker, properties: dict[str, Any]) -> Made:
    first, rules = split(properties, "SecurityGroupIngress", "SecurityGroupEgress")
    first["Description"] = first.pop("GroupDescription")
    first.setdefault("GroupName", maker.generated(255))
    made = maker.call("ec2", "CreateSecurityGroup", with_ec2_tags(first, "security-group"))["GroupId"]
    if "SecurityGroupEgress" in rules:  # they replace the one that EC2 gives
        maker.call("ec2", "RevokeSecurityGroupEgress", {"GroupId": made, "IpPermissions": [EVERYTHING_OUT]})
    for direction, given in rules.items():
        operation = f"Authorize{direction}"
        maker.call("ec2", operation, {"GroupId": made, "IpPermissions": [_permission(rule) for rule in given]})
    return Made(made, {"GroupId": made, "VpcId": properties.get("VpcId", "")})


def rule(operation: str) -> Make:
    """A rule that is a resource of its own, because its two groups know each other."""

    def make(maker: Maker, properties: dict[str, Any]) -> Made:
        group = properties.pop("GroupId")
        maker.call("ec2", operation, {"GroupId": group, "IpPermissions": [_permission(properties)]})
        return Made(maker.generated())

    return make


def _permission(rule: dict[str, Any]) -> dict[str, Any]:
    """CloudFormation's flat rule as EC2's permission; a property it does not know is left for the call to refuse."""
    rule = dict(rule)
    described = {"Description": rule.pop("Description")} if "Description" in rule else {}
    permission: dict[str, Any] = {}
    for name, listed, key in (
        ("CidrIp", "IpRanges", "CidrIp"),
        ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
        ("SourceSecurityGroupId", "UserIdGroupPairs", "GroupId"),
        ("DestinationSecurityGroupId", "UserIdGroupPairs", "GroupId"),
        ("SourcePrefixListId", "PrefixListIds", "PrefixListId"),
    ):
        if name in rule:
            permission[listed] = [{key: rule.pop(name), **described}]
    return {**rule, **permission}


KINDS: dict[str, Make] = {
    "AWS::EC2::VPC": vpc,
    "AWS::EC2::Subnet": subnet,
    "AWS::EC2::SecurityGroup": security_group,
    "AWS::EC2::SecurityGroupIngress": rule("AuthorizeSecurityGroupIngress"),
    "AWS::EC2::SecurityGroupEgress": rule("AuthorizeSecurityGroupEgress"),
    "AWS::EC2::InternetGateway": Simple(
        "ec2", "CreateInternetGateway", "InternetGateway.InternetGatewayId", tagged="internet-gateway"
    ),
    "AWS::EC2::VPCGatewayAttachment": Simple("ec2", "AttachInternetGateway", "=VpcId"),
    "AWS::EC2::EIP": Simple(
        "ec2", "AllocateAddress", "PublicIp",
        {"AllocationId": "AllocationId", "PublicIp": "PublicIp"}, tagged="elastic-ip",
    ),
    "AWS::EC2::NatGateway": Simple(
        "ec2", "CreateNatGateway", "NatGateway.NatGatewayId", {"NatGatewayId": "NatGateway.NatGatewayId"},
        tagged="natgateway",
    ),
    "AWS::EC2::RouteTable": Simple(
        "ec2", "CreateRouteTable", "RouteTable.RouteTableId", {"RouteTableId": "RouteTable.RouteTableId"},
        tagged="route-table",
    ),
    "AWS::EC2::Route": Simple("ec2", "CreateRoute", "=RouteTableId"),
    "AWS::EC2::SubnetRouteTableAssociation": Simple("ec2", "AssociateRouteTable", "AssociationId"),
    "AWS::EC2::FlowLog": Simple(
        "ec2", "CreateFlowLogs", "FlowLogIds.0", tagged="vpc-flow-log", renamed={"ResourceId": "ResourceIds"},
        listed=("ResourceIds",),
    ),
}  # fmt: skip
