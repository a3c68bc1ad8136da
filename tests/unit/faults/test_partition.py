"""Partition: refused where it could not be seen; the ACL that it makes denies the other network, and nothing else."""

from typing import Any

import pytest
from fault_stage import REGION, acl_by_subnet, lab_of, vpc_of

from gameday.errors import GuardError
from gameday.faults import Partition
from gameday.faults.acls import breakable_subnets, cut_off
from gameday.faults.replay import replay
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal


def test_rds_own_channel_between_regions_cannot_be_severed_in_an_account(
    ec2: Any, timeline: Timeline, undo: UndoJournal
) -> None:
    with pytest.raises(GuardError, match="local lab to sever replication"):
        Partition(REGION).inject(lab_of(vpc_of(ec2)), undo, timeline)
    assert undo.open_steps() == []


def test_an_acl_against_one_network_denies_it_first_and_allows_the_rest_both_ways(
    ec2: Any, timeline: Timeline, undo: UndoJournal
) -> None:
    vpc = vpc_of(ec2)
    lab, before = lab_of(vpc), acl_by_subnet(ec2, vpc)
    subnets = breakable_subnets(lab, REGION)
    cut_off(lab, REGION, subnets, undo, timeline, "a partition", only_from=("10.1.0.0/16",))
    (acl,) = set(acl_by_subnet(ec2, vpc).values())
    entries = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]["Entries"]
    told = {(e["Egress"], e["RuleNumber"]): (e["RuleAction"], e["CidrBlock"]) for e in entries if e["RuleNumber"] < 100}
    denied, allowed = ("deny", "10.1.0.0/16"), ("allow", "0.0.0.0/0")
    assert told == {(False, 10): denied, (True, 10): denied, (False, 20): allowed, (True, 20): allowed}
    replay(undo, lab)
    assert acl_by_subnet(ec2, vpc) == before
