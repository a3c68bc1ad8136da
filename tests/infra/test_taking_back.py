"""The account's own warden: what its machine does, and what it may."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from state_walk import Refused, walk
from template_reading import Template, listed, text
from test_planned_failover import Read, named

pytestmark = pytest.mark.infra
PRIMARY = "ap-southeast-2"
DRILL = "region-outage/2026"
INPUT = {
    "Drill": DRILL,
    "Vpc": "vpc-1",
    "Subnets": [{"Subnet": "subnet-a", "Acl": "acl-open"}, {"Subnet": "subnet-b", "Acl": "acl-other"}],
}


@pytest.fixture(scope="module")
def machine(template: Read) -> dict[str, Any]:
    return named(template, "takeback", PRIMARY, "gameday-take-back")


def record(target: str) -> dict[str, Any]:
    """What Route 53 tells: the failover pair, the other one first, and whatever comes next in the zone."""
    name = {"Name": "app.gameday.example."}
    return {
        "ResourceRecordSets": [
            {**name, "Failover": "SECONDARY", "ResourceRecords": [{"Value": "us-west-2.app.gameday.example"}]},
            {**name, "Failover": "PRIMARY", "ResourceRecords": [{"Value": target}]},
            {"Name": "z.gameday.example.", "Failover": "PRIMARY", "ResourceRecords": [{"Value": "z"}]},
        ]
    }


def acls(**acl_by_subnet: str) -> dict[str, Any]:
    """What EC2 tells: the ACLs, each with its associations; an association is called after its subnet here."""
    found: dict[str, list[dict[str, str]]] = {}
    for subnet, acl in acl_by_subnet.items():
        one = {"SubnetId": f"subnet-{subnet}", "NetworkAclId": f"acl-{acl}", "NetworkAclAssociationId": f"of-{subnet}"}
        found.setdefault(acl, []).append(one)
    return {"NetworkAcls": [{"NetworkAclId": f"acl-{acl}", "Associations": some} for acl, some in found.items()]}


HERE, THERE = record("ap-southeast-2.app.gameday.example"), record("us-west-2.app.gameday.example")
CUT_OFF = [acls(a="denying", b="denying"), acls(a="open", b="denying"), acls(a="open", b="other")]
EXPERIMENTS = {
    "Experiments": [
        {"Id": "theirs", "Tags": {"gameday:drill": "another"}, "State": {"Status": "running"}},
        {"Id": "over", "Tags": {"gameday:drill": DRILL}, "State": {"Status": "stopped"}},
        {"Id": "untagged", "Tags": {}, "State": {"Status": "running"}},
        {"Id": "ours", "Tags": {"gameday:drill": DRILL}, "State": {"Status": "running"}},
    ]
}


def dead(*records: dict[str, Any], **others: list[Any]) -> dict[str, list[Any]]:
    """The answers to a drill that died with the region cut off."""
    answers = {
        "LookAtTheRecord": list(records),
        "DescribeAcls": CUT_OFF,
        "FindDrillsAcl": [{"NetworkAcls": [{"NetworkAclId": "acl-denying"}]}, {"NetworkAcls": []}],
        "ListPauses": [EXPERIMENTS],
        "DescribeGroup": [{"SecurityGroups": [{"IpPermissions": rules}]} for rules in ([{"FromPort": 5432}], [])],
        "DescribeTasks": [{"Services": [{"RunningCount": running, "PendingCount": 0}]} for running in (2, 0)],
    }
    return answers | others


def test_each_subnet_gets_its_own_acl_and_the_drills_own_goes(machine: dict[str, Any]):
    entered, asked = walk(machine, dead(HERE), INPUT, at_most=120)
    assert entered.count("RestoreAcl") == 2
    assert asked["RestoreAcl"] == {"AssociationId": "of-b", "NetworkAclId": "acl-other"}  # the last of them
    assert asked["DeleteAcl"] == {"NetworkAclId": "acl-denying"}
    assert asked["StopPause"] == {"Id": "ours"}
    assert entered[-2:] == ["NotifyDone", "Done"]
    assert "StopTasks" not in entered


def test_where_the_standby_took_over_the_old_primary_is_fenced_before_its_network_is_given_back(
    machine: dict[str, Any],
):
    entered, asked = walk(machine, dead(THERE), INPUT, at_most=120)
    assert asked["StopTasks"]["DesiredCount"] == 0
    assert asked["CloseDatabase"]["IpPermissions"] == [{"FromPort": 5432}]
    assert entered.count("DescribeTasks") == 2
    assert entered.index("Fenced") < entered.index("RestoreAcl")
    assert (entered.count("LookAtTheRecord"), entered[-1]) == (1, "Done")


def test_a_failover_that_follows_the_healing_is_fenced_too(machine: dict[str, Any]):
    entered, _ = walk(machine, dead(HERE, HERE, THERE), INPUT, at_most=120)
    assert entered.index("RestoreAcl") < entered.index("StopTasks")
    assert entered[-1] == "Done"


def test_without_a_failover_it_looks_for_one_for_two_minutes_and_then_tells(machine: dict[str, Any]):
    entered, _ = walk(machine, dead(HERE), INPUT, at_most=120)
    assert entered.count("WaitForAFailover") == 11  # 10 s each: more than the 60 s of a check of 3 × 10 s, twice
    assert "Fenced" not in entered


def test_a_record_that_says_something_else_than_the_primary_is_taken_for_a_failover(machine: dict[str, Any]):
    entered, _ = walk(machine, dead(record("elsewhere.example")), INPUT, at_most=120)
    assert "Fenced" in entered


def test_one_that_fails_tells_somebody_to_take_back_by_hand(machine: dict[str, Any]):
    entered, asked = walk(machine, dead(HERE, DescribeAcls=[Refused("Ec2.Ec2Exception")]), INPUT)
    assert entered[-2:] == ["NotifyFailure", "Failed"]
    assert "gameday undo" in asked["NotifyFailure"]["Message"]["What"]


def test_it_may_change_only_this_vpcs_acls_and_delete_only_those_of_drills(template: Callable[[str, str], Template]):
    by_action = {
        action: statement
        for statement in template("takeback", PRIMARY).statements()
        for action in listed(statement["Action"])
    }
    replace = by_action["ec2:ReplaceNetworkAclAssociation"]["Condition"]
    assert ":vpc/" in text(replace["ArnEquals"]["ec2:Vpc"])
    for action in ("ec2:DeleteNetworkAcl", "fis:StopExperiment"):
        assert by_action[action]["Condition"] == {"Null": {"aws:ResourceTag/gameday:drill": "false"}}
    assert text(by_action["ecs:UpdateService"]["Resource"]).endswith(":service/gameday/gameday")
    assert json.dumps(by_action["states:StartExecution"]["Resource"]) != '"*"'
