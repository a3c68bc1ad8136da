"""Replica loss against moto's RDS: it is deleted without a final snapshot, and made anew of the same."""

from dataclasses import replace
from typing import Any

import pytest
from fault_stage import ACCOUNT, OTHER, REGION, lab_of, vpc_of

from gameday.aws import Aws
from gameday.errors import GuardError, InputError
from gameday.faults import ReplicaLoss
from gameday.faults.replay import replay
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal

TARGET = [{"Key": "gameday:target", "Value": "true"}]


def pair(ec2: Any, *, tags: list[dict[str, str]] = TARGET) -> Lab:
    """A primary, and its replica in the same region under the name that the region's stack tells."""
    vpc = vpc_of(ec2)
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]:
        ec2.create_tags(Resources=[subnet["SubnetId"]], Tags=[{"Key": "gameday:tier", "Value": "database"}])
    rds = Aws().client("rds", REGION)
    group = rds.describe_db_instances()["DBInstances"][0]["VpcSecurityGroups"][0]["VpcSecurityGroupId"]
    rds.create_db_instance_read_replica(
        DBInstanceIdentifier="replica", SourceDBInstanceIdentifier="db", Tags=tags, VpcSecurityGroupIds=[group]
    )
    lab = lab_of(vpc)
    named = {region: {**names, "DatabaseId": "replica"} for region, names in lab.outputs.regions.items()}
    live = frozenset({f"{ACCOUNT}:{REGION}", f"{ACCOUNT}:{OTHER}"})
    return replace(lab, outputs=replace(lab.outputs, regions=named), live=live)


def replicas() -> list[dict[str, Any]]:
    known = Aws().client("rds", REGION).describe_db_instances()["DBInstances"]
    return [one for one in known if one.get("ReadReplicaSourceDBInstanceIdentifier")]


def test_a_deleted_replica_is_made_anew_with_its_name_tags_and_groups(
    ec2: Any, timeline: Timeline, undo: UndoJournal
) -> None:
    lab = pair(ec2)
    (before,) = replicas()
    ReplicaLoss(REGION).inject(lab, undo, timeline)
    assert replicas() == []
    assert Aws().client("rds", REGION).describe_db_snapshots(DBInstanceIdentifier="replica")["DBSnapshots"] == []
    assert replay(undo, lab) == 1
    (after,) = replicas()
    for name in ("DBInstanceIdentifier", "DBInstanceClass", "VpcSecurityGroups", "TagList"):
        assert after[name] == before[name], name
    assert replay(undo, lab) == 0


def test_a_primary_is_no_replica_to_lose(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    lab = pair(ec2)
    named = {region: {**names, "DatabaseId": "db"} for region, names in lab.outputs.regions.items()}
    with pytest.raises(GuardError, match="a read replica"):
        ReplicaLoss(REGION).inject(replace(lab, outputs=replace(lab.outputs, regions=named)), undo, timeline)
    assert undo.open_steps() == []


def test_an_untagged_replica_is_not_deleted(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    with pytest.raises(GuardError, match="gameday:target"):
        ReplicaLoss(REGION).inject(pair(ec2, tags=[]), undo, timeline)
    assert replicas()


def test_no_replica_is_killed_in_an_account(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    with pytest.raises(GuardError, match="how = delete"):
        ReplicaLoss(REGION, "kill").inject(pair(ec2), undo, timeline)
    assert replicas()


def test_a_loss_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="delete, kill"):
        ReplicaLoss(REGION, "melt")
