"""An ACL association that cannot be replaced stays as it is."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from control_plane import control_plane

from gameday.lab.local.moto_patches import Hooks

REGION = "us-west-2"


def test_a_subnet_that_is_given_an_acl_which_is_gone_keeps_its_own(tmp_path: Path) -> None:
    with control_plane(tmp_path, Hooks()) as aws:
        ec2 = aws.client("ec2", REGION)
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
        own = association_of(ec2, subnet)
        gone = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
        ec2.delete_network_acl(NetworkAclId=gone)
        with pytest.raises(ClientError, match=r"InvalidNetworkAclID\.NotFound"):
            ec2.replace_network_acl_association(AssociationId=own["NetworkAclAssociationId"], NetworkAclId=gone)
        assert association_of(ec2, subnet) == own


def association_of(ec2: Any, subnet: str) -> dict[str, Any]:
    filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
    found = ec2.describe_network_acls(Filters=filters)["NetworkAcls"]
    (one,) = [each for acl in found for each in acl["Associations"] if each["SubnetId"] == subnet]
    return dict(one)
