"""Region outage against moto's EC2: the associations really change, and really change back."""

import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fault_stage import OTHER, REGION, SERVED, acl_by_subnet, lab_of, vpc_of

from gameday.aws import Aws
from gameday.errors import FaultError, GuardError, RecordUnwritable
from gameday.facts import Kind
from gameday.faults.region_outage import RegionOutage
from gameday.faults.replay import replay
from gameday.record.layout import Record
from gameday.record.lines import LineWriter
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep


def test_every_subnet_gets_an_acl_that_allows_nothing(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    vpc = vpc_of(ec2)
    RegionOutage(REGION).inject(lab_of(vpc), undo, timeline)
    (deny_all,) = set(acl_by_subnet(ec2, vpc).values())
    entries = ec2.describe_network_acls(NetworkAclIds=[deny_all])["NetworkAcls"][0]["Entries"]
    assert [entry for entry in entries if entry["RuleAction"] == "allow"] == []


def test_healing_restores_every_association_and_removes_what_was_made(
    ec2: Any, timeline: Timeline, undo: UndoJournal
) -> None:
    vpc = vpc_of(ec2)
    before = acl_by_subnet(ec2, vpc)
    RegionOutage(REGION).inject(lab_of(vpc), undo, timeline)
    replay(undo, lab_of(vpc))
    assert acl_by_subnet(ec2, vpc) == before
    assert len(ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]) == 1


def test_replaying_twice_does_nothing_the_second_time(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    vpc = vpc_of(ec2)
    RegionOutage(REGION).inject(lab_of(vpc), undo, timeline)
    assert replay(undo, lab_of(vpc)) == 4
    assert replay(undo, lab_of(vpc)) == 0


def test_half_an_injection_can_be_taken_back(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    vpc = vpc_of(ec2)
    before = acl_by_subnet(ec2, vpc)
    RegionOutage(REGION).inject(lab_of(vpc), undo, timeline)
    one = sorted(before)[0]
    association = next(
        found
        for acl in ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
        for found in acl["Associations"]
        if found["SubnetId"] == one
    )
    ec2.replace_network_acl_association(AssociationId=association["NetworkAclAssociationId"], NetworkAclId=before[one])
    replay(undo, lab_of(vpc))
    assert acl_by_subnet(ec2, vpc) == before


def test_each_undo_step_is_on_the_disk_before_the_fault_is_stamped(
    ec2: Any, timeline: Timeline, undo: UndoJournal, record: Record
) -> None:
    RegionOutage(REGION).inject(lab_of(vpc_of(ec2)), undo, timeline)
    steps = [json.loads(line) for line in record.undo.read_text().splitlines()]
    (fault,) = [one for one in map(json.loads, record.timeline.read_text().splitlines()) if one["kind"] == Kind.FAULT]
    assert max(step["mono_ns"] for step in steps if step["ev"] == "before") <= fault["mono_ns"]
    assert [step["ev"] for step in steps if step["mono_ns"] > fault["mono_ns"]] == ["answered"]


def test_the_databases_subnets_are_cut_off_first(
    ec2: Any, timeline: Timeline, undo: UndoJournal, record: Record
) -> None:
    vpc = vpc_of(ec2)
    last = sorted(acl_by_subnet(ec2, vpc))[-1]
    ec2.create_tags(Resources=[last], Tags=[{"Key": "gameday:tier", "Value": "database"}])
    RegionOutage(REGION).inject(lab_of(vpc), undo, timeline)
    steps = [step for _, step in reversed(undo.open_steps()) if step.intent == "subnet_acl"]
    assert steps[0].args["subnet"] == last


def test_a_full_disk_keeps_no_region_dark(ec2: Any, timeline: Timeline, undo: UndoJournal, record: Record) -> None:
    vpc = vpc_of(ec2)
    before = acl_by_subnet(ec2, vpc)
    promoted()
    RegionOutage(REGION).inject(lab_of(vpc), undo, timeline)
    journal = record.undo.read_bytes()
    full = Record.create(record.folder, "full")
    full.timeline.symlink_to("/dev/full")
    full.undo.write_bytes(journal)
    full.undo.chmod(0o444)
    late = UndoJournal(full.undo)
    late._lines = refusing(full.timeline)
    with pytest.raises(RecordUnwritable, match="No space left"):
        RegionOutage(REGION).heal(lab_of(vpc), late, Timeline(full))
    assert acl_by_subnet(ec2, vpc) == before


def promoted() -> None:
    """The other region's database is a primary by now."""
    Aws().client("rds", OTHER).create_db_instance(
        DBInstanceIdentifier="db", DBInstanceClass="db.t4g.micro", Engine="postgres", MasterUsername="app",
        MasterUserPassword="not-a-secret", AllocatedStorage=20,
    )  # fmt: skip


def refusing(path: Path) -> LineWriter:
    """A writer on a disk that refuses every byte; the kernel's own /dev/full."""
    return LineWriter(path, sync=True)


def test_an_effect_that_is_not_seen_fails_the_fault_and_is_on_the_timeline(
    ec2: Any, timeline: Timeline, undo: UndoJournal, record: Record
) -> None:
    with socket.create_server((SERVED, 0)) as door:
        lab = lab_of(vpc_of(ec2), port=door.getsockname()[1])
        with pytest.raises(FaultError, match="health path is dark"):
            RegionOutage(REGION, effect_within_s=0.1).inject(lab, undo, timeline)
    kinds = [json.loads(line)["kind"] for line in record.timeline.read_text().splitlines()]
    assert kinds == [Kind.FAULT, Kind.FAULT_FAILED]
    assert undo.open_steps()


def test_the_other_region_can_be_cut_off_and_verified_too(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    vpc = vpc_of(ec2)
    lab = lab_of(vpc)
    turned = replace(lab, primary=OTHER, secondary=REGION)
    RegionOutage(REGION).inject(turned, undo, timeline)
    assert len(set(acl_by_subnet(ec2, vpc).values())) == 1


def test_an_untagged_subnet_is_never_cut_off(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    vpc = vpc_of(ec2, tagged=False)
    before = acl_by_subnet(ec2, vpc)
    with pytest.raises(GuardError, match="3 of 3 without it"):
        RegionOutage(REGION).inject(lab_of(vpc), undo, timeline)
    assert acl_by_subnet(ec2, vpc) == before


def test_an_account_that_is_not_on_the_allow_list_is_refused(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    with pytest.raises(GuardError, match="allow-list"):
        RegionOutage(REGION).inject(lab_of(vpc_of(ec2), allowed=False), undo, timeline)
    assert undo.open_steps() == []


def test_an_account_that_was_not_said_aloud_is_refused(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    with pytest.raises(GuardError, match="`live`"):
        RegionOutage(REGION).inject(lab_of(vpc_of(ec2), live=False), undo, timeline)


def test_a_network_without_subnets_is_no_target(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    with pytest.raises(GuardError, match="no targets"):
        RegionOutage(REGION).inject(lab_of(vpc_of(ec2, subnets=0)), undo, timeline)


def test_an_undo_step_of_another_version_is_named_and_the_others_are_still_taken_back(
    ec2: Any, timeline: Timeline, undo: UndoJournal
) -> None:
    vpc = vpc_of(ec2)
    before = acl_by_subnet(ec2, vpc)
    RegionOutage(REGION).inject(lab_of(vpc), undo, timeline)
    undo.before(UndoStep("moon_back", REGION))
    with pytest.raises(FaultError, match="moon_back"):
        replay(undo, lab_of(vpc))
    assert acl_by_subnet(ec2, vpc) == before
