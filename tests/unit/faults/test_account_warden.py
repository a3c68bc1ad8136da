"""The account's own warden: scheduled before the first mutation, gone only after everything was taken back."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fault_stage import REGION, acl_by_subnet, lab_of, vpc_of

from gameday.aws import Aws
from gameday.errors import FaultError, GuardError
from gameday.faults import DatabaseLoss, RegionOutage, TaskLoss
from gameday.faults.account_warden import unwatched, watch_over
from gameday.faults.acls import subnet_acl
from gameday.faults.replay import replay
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal

MACHINE = f"arn:aws:states:{REGION}:123456789012:stateMachine:gameday-take-back"
ROLE = "arn:aws:iam::123456789012:role/starter"
OUTAGE = RegionOutage(REGION)


def deployed(lab: Lab) -> Lab:
    own = {**lab.outputs.regions[REGION], "TakeBackMachineArn": MACHINE, "TakeBackRoleArn": ROLE}
    return replace(lab, outputs=replace(lab.outputs, regions={**lab.outputs.regions, REGION: own}))


def schedules() -> list[dict[str, Any]]:
    scheduler = Aws().client("scheduler", REGION)
    return [scheduler.get_schedule(Name=one["Name"]) for one in scheduler.list_schedules()["Schedules"]]


def test_an_outage_is_scheduled_to_be_taken_back_with_the_acls_that_it_found(
    ec2: Any, timeline: Timeline, undo: UndoJournal
):
    lab = deployed(lab_of(vpc := vpc_of(ec2)))
    asked = datetime.now(UTC)
    watch_over(lab, OUTAGE, undo, timeline, max_duration_s=600)
    (made,) = schedules()
    at = datetime.fromisoformat(made["ScheduleExpression"][3:-1]).replace(tzinfo=UTC)
    assert 899 <= (at - asked).total_seconds() < 1000  # 600 s, and 300 s for the drill's own warden
    assert (made["Target"]["Arn"], made["Target"]["RoleArn"]) == (MACHINE, ROLE)
    expected = [{"Subnet": subnet, "Acl": acl} for subnet, acl in sorted(acl_by_subnet(ec2, vpc).items())]
    assert json.loads(made["Target"]["Input"]) == {"Drill": timeline.drill, "Vpc": vpc, "Subnets": expected}
    assert [step.intent for _, step in undo.open_steps()] == ["schedule_gone"]


def test_once_all_is_taken_back_the_schedule_is_gone(ec2: Any, timeline: Timeline, undo: UndoJournal):
    lab = deployed(lab_of(vpc_of(ec2)))
    watch_over(lab, OUTAGE, undo, timeline, max_duration_s=600)
    [(_, step)] = undo.open_steps()
    replay(undo, lab)
    assert schedules() == []
    undo.before(step)
    assert replay(undo, lab) == 1  # one that has fired is gone by itself


def test_while_something_is_left_to_take_back_the_schedule_stays(ec2: Any, timeline: Timeline, undo: UndoJournal):
    lab = deployed(lab_of(vpc_of(ec2)))
    watch_over(lab, OUTAGE, undo, timeline, max_duration_s=600)
    undo.before(subnet_acl(REGION, "subnet-that-is-not", "acl-1"))
    with pytest.raises(FaultError, match="subnet-that-is-not"):
        replay(undo, lab)
    assert len(schedules()) == 1
    assert [step.intent for _, step in undo.open_steps()] == ["subnet_acl", "schedule_gone"]


def test_a_second_fault_is_scheduled_with_the_acls_before_the_first(ec2: Any, timeline: Timeline, undo: UndoJournal):
    lab = deployed(lab_of(vpc := vpc_of(ec2)))
    before = acl_by_subnet(ec2, vpc)
    ec2.create_tags(Resources=[min(before)], Tags=[{"Key": "gameday:tier", "Value": "database"}])
    isolated = DatabaseLoss(REGION, "isolate")
    for fault in (isolated, OUTAGE):
        watch_over(lab, fault, undo, timeline, max_duration_s=600)
        fault.inject(lab, undo, timeline)
    expected = [{"Subnet": subnet, "Acl": acl} for subnet, acl in sorted(before.items())]
    assert [json.loads(made["Target"]["Input"])["Subnets"] for made in schedules()] == [expected, expected]


@pytest.mark.parametrize("fault", [TaskLoss(REGION), DatabaseLoss(REGION, "reboot"), RegionOutage("us-west-2")])
def test_what_the_machine_does_not_cover_is_said_and_not_scheduled(
    ec2: Any, timeline: Timeline, undo: UndoJournal, fault: Any
):
    lab = deployed(lab_of(vpc_of(ec2)))
    (told,) = unwatched(lab, fault)
    assert told.startswith(f"nobody takes back {fault!r} should the machine of the drill die")
    watch_over(lab, fault, undo, timeline, max_duration_s=600)
    assert schedules() == []
    assert undo.open_steps() == []


def test_an_outage_is_not_covered_where_the_stack_was_not_deployed(ec2: Any):
    assert unwatched(lab_of(vpc := vpc_of(ec2)), OUTAGE)
    assert unwatched(deployed(lab_of(vpc)), OUTAGE) == ()


def test_nothing_is_scheduled_for_a_fault_that_the_guard_refuses(ec2: Any, timeline: Timeline, undo: UndoJournal):
    lab = deployed(lab_of(vpc_of(ec2), live=False))
    with pytest.raises(GuardError):
        watch_over(lab, OUTAGE, undo, timeline, max_duration_s=600)
    assert schedules() == []
