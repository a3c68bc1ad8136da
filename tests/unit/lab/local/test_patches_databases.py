"""A promotion takes its time, a replica lives in another region, an endpoint is where the lab says it is."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from control_plane import control_plane

from gameday.aws import Aws
from gameday.clock import eventually
from gameday.errors import UpstreamMoved
from gameday.lab.local.moto_patches import Hooks
from gameday.lab.local.patches import seam

EAST, WEST = "ap-southeast-2", "us-west-2"
type Start = Callable[[Hooks], Aws]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda hooks: stack.enter_context(control_plane(tmp_path, hooks))


def pair(aws: Aws) -> tuple[Any, Any]:
    """A primary in the east with a replica in the west, which has a subnet group of its own; both regions' clients."""
    east, west = aws.client("rds", EAST), aws.client("rds", WEST)
    primary = east.create_db_instance(
        DBInstanceIdentifier="primary", Engine="postgres", DBInstanceClass="db.t4g.medium", DBName="app",
        EngineVersion="18.1", AllocatedStorage=20, MasterUsername="app", MasterUserPassword="secret-enough",
        BackupRetentionPeriod=7,
    )["DBInstance"]  # fmt: skip
    ec2 = aws.client("ec2", WEST)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    west.create_db_subnet_group(DBSubnetGroupName="west", DBSubnetGroupDescription="west", SubnetIds=[subnet])
    west.create_db_instance_read_replica(
        DBInstanceIdentifier="replica", SourceDBInstanceIdentifier=primary["DBInstanceArn"], SourceRegion=EAST,
        DBSubnetGroupName="west", DBInstanceClass="db.t4g.medium", Tags=[{"Key": "gameday:target", "Value": "true"}],
    )  # fmt: skip
    return east, west


def only(client: Any, name: str) -> Any:
    return client.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def status(client: Any, name: str) -> str:
    return str(only(client, name)["DBInstanceStatus"])


def test_a_replica_in_another_region_has_its_own_name_subnets_and_tags(start: Start) -> None:
    east, west = pair(start(Hooks()))
    replica = only(west, "replica")
    assert replica["DBInstanceArn"] == "arn:aws:rds:us-west-2:123456789012:db:replica"
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == "arn:aws:rds:ap-southeast-2:123456789012:db:primary"
    assert replica["DBSubnetGroup"]["DBSubnetGroupName"] == "west"
    assert replica["TagList"] == [{"Key": "gameday:target", "Value": "true"}]
    assert only(east, "primary")["ReadReplicaDBInstanceIdentifiers"] == [replica["DBInstanceArn"]]
    assert only(east, "primary")["BackupRetentionPeriod"] == 7


def test_a_promotion_is_modifying_until_the_standby_is_a_primary(start: Start) -> None:
    may_finish, asked = threading.Event(), []

    def promote(region: str, db_id: str) -> None:
        asked.append((region, db_id))
        may_finish.wait(10)

    east, west = pair(start(Hooks(promote=promote)))
    west.promote_read_replica(DBInstanceIdentifier="replica", BackupRetentionPeriod=7)
    assert status(west, "replica") == "modifying"
    assert "ReadReplicaSourceDBInstanceIdentifier" in only(west, "replica")
    may_finish.set()
    eventually(lambda: status(west, "replica"), "available", what="the promoted replica", within_s=5)
    assert asked == [(WEST, "replica")]
    assert "ReadReplicaSourceDBInstanceIdentifier" not in only(west, "replica")
    assert only(east, "primary")["ReadReplicaDBInstanceIdentifiers"] == []


def test_a_promotion_that_failed_leaves_a_failed_replica(start: Start) -> None:
    def promote(region: str, db_id: str) -> None:
        raise RuntimeError("no such standby")

    _, west = pair(start(Hooks(promote=promote)))
    west.promote_read_replica(DBInstanceIdentifier="replica")
    eventually(lambda: status(west, "replica"), "failed", what="the replica", within_s=5)
    assert "ReadReplicaSourceDBInstanceIdentifier" in only(west, "replica")


def test_a_primary_cannot_be_promoted(start: Start) -> None:
    east, _ = pair(start(Hooks()))
    with pytest.raises(ClientError, match="not a read replica") as caught:
        east.promote_read_replica(DBInstanceIdentifier="primary")
    assert caught.value.response["Error"]["Code"] == "InvalidDBInstanceState"


def test_a_promotion_cannot_be_asked_twice(start: Start) -> None:
    may_finish = threading.Event()
    _, west = pair(start(Hooks(promote=lambda region, db_id: bool(may_finish.wait(10)) and None)))
    west.promote_read_replica(DBInstanceIdentifier="replica")
    with pytest.raises(ClientError, match="modifying"):
        west.promote_read_replica(DBInstanceIdentifier="replica")
    may_finish.set()


def test_what_does_not_exist_cannot_be_promoted(start: Start) -> None:
    with pytest.raises(ClientError) as caught:
        start(Hooks()).client("rds", WEST).promote_read_replica(DBInstanceIdentifier="nobody")
    assert caught.value.response["Error"]["Code"] == "DBInstanceNotFound"


def test_an_endpoint_is_where_the_lab_says(start: Start) -> None:
    where = {"primary": ("127.201.1.100", 25999), "replica": ("127.201.2.100", 25999)}
    east, west = pair(start(Hooks(database_endpoint=lambda region, db_id: where[db_id])))
    assert only(east, "primary")["Endpoint"] | {"HostedZoneId": ""} == {
        "Address": "127.201.1.100", "Port": 25999, "HostedZoneId": ""
    }  # fmt: skip
    assert only(west, "replica")["Endpoint"]["Address"] == "127.201.2.100"


@pytest.mark.parametrize("first", ["primary", "replica"])
def test_a_pair_can_be_deleted_in_either_order(start: Start, first: str) -> None:
    east, west = pair(start(Hooks()))
    of = {"primary": east, "replica": west}
    for name in (first, "replica" if first == "primary" else "primary"):
        of[name].delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    assert [of[name].describe_db_instances()["DBInstances"] for name in of] == [[], []]


def test_a_moved_upstream_is_an_error_that_names_what_moved() -> None:
    class Upstream:
        def promote(self, new_name: str) -> None: ...

    with pytest.raises(UpstreamMoved, match=r"promote\(self, old_name\); saw \(self, new_name\)"):
        seam.swap(Upstream, "promote", lambda self, old_name: None, expects="self, old_name")
    with pytest.raises(UpstreamMoved, match="no such name"):
        seam.swap(Upstream, "demote", lambda self: None, expects="self")
