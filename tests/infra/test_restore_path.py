"""Without a replica the failover restores the newest snapshot, once, and leads the service to it."""

import json
from typing import Any

import pytest
from state_walk import Refused, walk
from template_reading import listed, text
from test_failover_machine import HOST, OTHER_HOST, answers, instance
from test_planned_failover import PLANNED, Read, healthy, named

pytestmark = pytest.mark.infra
GONE = Refused("Rds.DbInstanceNotFoundException")
OLD, NEW = "2026-11-24T03:00:00Z", "2026-11-24T03:00:00.250Z"
RESTORED = "gameday-restored-11111111"


@pytest.fixture(scope="module")
def machine(template: Read) -> dict[str, Any]:
    return named(template, "orchestration", "us-west-2", "gameday-failover")


def snapshot(name: str, taken: str, status: str = "available") -> dict[str, Any]:
    return {"DbSnapshotIdentifier": name, "SnapshotCreateTime": taken, "Status": status}


SNAPSHOTS = [snapshot("old", OLD), snapshot("new", NEW), snapshot("newer", "2026-11-24T09:00:00Z", "creating")]


def restoring(**others: list[Any]) -> dict[str, list[Any]]:
    """The replica is gone, and there are snapshots; what is restored comes up at another host."""
    well = {
        "DescribeReplica": [GONE],
        "FindSnapshots": [{"DbSnapshots": SNAPSHOTS}],
        "DescribeRestored": [instance("creating", host=OTHER_HOST), instance("available", host=OTHER_HOST)],
    }
    return answers(**well | others)


def test_the_newest_available_snapshot_is_restored_and_the_service_is_led_to_it(machine: dict[str, Any]):
    entered, asked = walk(machine, restoring())
    steps = ["LatchDns", "RestoreSnapshot", "RewriteEndpoint", "ScaleStandby", "PostCheck", "NotifySuccess", "Done"]
    assert [name for name in entered if name in steps] == steps
    assert entered.count("WaitForRestore") == 2
    assert asked["FindSnapshots"] == {"DbInstanceIdentifier": "gameday-primary"}
    assert asked["RestoreSnapshot"] | {"DbSubnetGroupName": "", "VpcSecurityGroupIds": []} == {
        "DbInstanceIdentifier": RESTORED,
        "DbSnapshotIdentifier": "new",
        "DbInstanceClass": "db.t4g.medium",
        "DbSubnetGroupName": "",
        "VpcSecurityGroupIds": [],
        "PubliclyAccessible": False,
        "CopyTagsToSnapshot": True,
        "Tags": [{"Key": "gameday:target", "Value": "true"}],
    }
    assert asked["DescribeRestored"] == {"DbInstanceIdentifier": RESTORED}
    assert json.loads(asked["RewriteEndpoint"]["SecretString"]) == {"host": OTHER_HOST, "port": 5432, "dbname": "app"}


@pytest.mark.parametrize("seen", [instance("deleting", source="arn:primary"), instance("failed")])
def test_a_replica_that_is_lost_is_as_good_as_gone(machine: dict[str, Any], seen: Any):
    entered, _ = walk(machine, restoring(DescribeReplica=[seen]))
    assert "RestoreSnapshot" in entered
    assert entered[-1] == "Done"


def test_a_replica_that_fails_as_it_is_promoted_is_restored_too(machine: dict[str, Any]):
    seen = restoring(DescribeReplica=[instance("available", source="arn:primary")])
    entered, _ = walk(machine, seen | {"DescribePromoted": [instance("failed")]})
    assert entered.index("PromoteReplica") < entered.index("RestoreSnapshot")


def test_one_snapshot_is_enough(machine: dict[str, Any]):
    _, asked = walk(machine, restoring(FindSnapshots=[{"DbSnapshots": [snapshot("only", OLD)]}]))
    assert asked["RestoreSnapshot"]["DbSnapshotIdentifier"] == "only"


def test_a_snapshot_that_is_not_available_is_none(machine: dict[str, Any]):
    unusable = [snapshot("s", OLD, "creating")]
    entered, asked = walk(machine, restoring(FindSnapshots=[{"DbSnapshots": unusable}]))
    assert entered[-4:] == ["Chosen?", "RestoreUnavailable", "NotifyFailure", "Failed"]
    assert "database-restore" in asked["NotifyFailure"]["Message"]["Cause"]


def test_what_an_earlier_failover_restored_is_taken_as_it_is(machine: dict[str, Any]):
    earlier = {"DbInstanceIdentifier": "gameday-restored-earlier", "Endpoint": {"Address": HOST}}
    other = {"DbInstanceIdentifier": "gameday-restored-other", "Endpoint": {"Address": OTHER_HOST}}
    seen = restoring(ListDatabases=[{"DbInstances": [other, earlier]}], DescribeRestored=[instance("available")])
    entered, asked = walk(machine, seen)
    assert "RestoreSnapshot" not in entered
    assert asked["DescribeRestored"] == {"DbInstanceIdentifier": "gameday-restored-earlier"}
    assert "RewriteEndpoint" not in entered
    assert entered[-1] == "Done"


def test_a_database_that_the_endpoint_does_not_name_is_not_taken(machine: dict[str, Any]):
    other = {"DbInstanceIdentifier": "gameday-restored-other", "Endpoint": {"Address": OTHER_HOST}}
    entered, _ = walk(machine, restoring(ListDatabases=[{"DbInstances": [other, {"DbInstanceIdentifier": "new"}]}]))
    assert "RestoreSnapshot" in entered


@pytest.mark.parametrize("status", ["failed", "incompatible-restore"])
def test_a_restore_that_does_not_come_up_is_told(machine: dict[str, Any], status: str):
    entered, asked = walk(machine, restoring(DescribeRestored=[instance(status)]))
    assert entered[-3:] == ["RestoreFailed", "NotifyFailure", "Failed"]
    assert asked["NotifyFailure"]["Message"]["Error"] == "RestoreFailed"


@pytest.mark.parametrize("name", ["ReadKnownEndpoint", "ListDatabases", "FindSnapshots", "RestoreSnapshot"])
def test_whatever_fails_on_the_way_is_told(machine: dict[str, Any], name: str):
    entered, _ = walk(machine, restoring(**{name: [Refused("States.Timeout")]}))
    assert entered[-3:] == [name, "NotifyFailure", "Failed"]


def test_a_planned_failover_never_restores(machine: dict[str, Any]):
    before, _ = walk(
        machine, healthy(**{**restoring(), "CheckPrimaryHealth": healthy()["CheckPrimaryHealth"]}), PLANNED
    )
    after, _ = walk(machine, healthy(DescribePromoted=[instance("failed")]), PLANNED)
    assert before[-2:] == ["NotifyUndone", "Failed"]
    assert after[-3:] == ["PromotionLost", "NotifyFailure", "Failed"]
    assert not {"FindSnapshots", "RestoreSnapshot"} & {*before, *after}


def test_it_may_make_databases_of_its_own_names_only(template: Read):
    statements = template("orchestration", "us-west-2").statements()
    (restore,) = [one for one in statements if "rds:RestoreDBInstanceFromDBSnapshot" in listed(one["Action"])]
    databases = [text(one) for one in listed(restore["Resource"]) if ":db:" in text(one)]
    assert databases == ["arn:<AWS::Partition>:rds:us-west-2:<AWS::AccountId>:db:gameday-restored-*"]
