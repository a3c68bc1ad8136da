"""Health check trouble against moto's Route 53: the check lies as it was told to, and tells the truth again."""

from dataclasses import replace
from typing import Any

import pytest
from fault_stage import REGION, lab_of, vpc_of, without_tag_on_the_service

from gameday.aws import Aws
from gameday.errors import FaultError, GuardError, InputError
from gameday.faults import HealthCheckTrouble
from gameday.faults.replay import replay
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal


@pytest.fixture
def route53(ec2: Any) -> Any:
    return Aws().client("route53", "us-east-1")


def lab_with_check(ec2: Any, route53: Any, *, tagged: bool = True) -> Lab:
    lab = lab_of(vpc_of(ec2))
    check = route53.create_health_check(
        CallerReference="primary", HealthCheckConfig={"Type": "HTTP", "IPAddress": "192.0.2.1", "Port": 80}
    )["HealthCheck"]["Id"]
    if tagged:
        tags = [{"Key": "gameday:target", "Value": "true"}]
        route53.change_tags_for_resource(ResourceType="healthcheck", ResourceId=check, AddTags=tags)
    return replace(lab, outputs=replace(lab.outputs, shared={**lab.outputs.shared, "HealthCheckId": check}))


def lies(lab: Lab, route53: Any) -> tuple[bool, bool]:
    found = route53.get_health_check(HealthCheckId=lab.shared("HealthCheckId"))["HealthCheck"]["HealthCheckConfig"]
    return found["Inverted"], found["Disabled"]


def test_a_blinded_check_is_disabled_and_looks_again_afterwards(
    ec2: Any, route53: Any, undo: UndoJournal, timeline: Timeline
) -> None:
    lab = lab_with_check(ec2, route53)
    HealthCheckTrouble(REGION, "blinded").inject(lab, undo, timeline)
    assert lies(lab, route53) == (False, True)
    replay(undo, lab)
    assert lies(lab, route53) == (False, False)


def test_a_forced_check_is_inverted_and_fails_the_fault_where_it_still_says_healthy(
    ec2: Any, route53: Any, undo: UndoJournal, timeline: Timeline
) -> None:
    """moto's checks always say healthy."""
    lab = lab_with_check(ec2, route53)
    with pytest.raises(FaultError, match="the check says unhealthy"):
        HealthCheckTrouble(REGION, "forced", effect_within_s=0.1).inject(lab, undo, timeline)
    assert lies(lab, route53) == (True, False)
    replay(undo, lab)
    assert lies(lab, route53) == (False, False)


def test_a_check_that_was_inverted_before_is_left_so(
    ec2: Any, route53: Any, undo: UndoJournal, timeline: Timeline
) -> None:
    lab = lab_with_check(ec2, route53)
    route53.update_health_check(HealthCheckId=lab.shared("HealthCheckId"), Inverted=True)
    HealthCheckTrouble(REGION, "blinded").inject(lab, undo, timeline)
    replay(undo, lab)
    assert lies(lab, route53) == (True, False)


def test_two_lies_by_one_check_are_taken_back_in_whatever_order(
    ec2: Any, route53: Any, undo: UndoJournal, timeline: Timeline
) -> None:
    """The newer step may fail once, and is then replayed after the older one."""
    lab = lab_with_check(ec2, route53)
    HealthCheckTrouble(REGION, "blinded").inject(lab, undo, timeline)
    with pytest.raises(FaultError, match="the check says unhealthy"):  # moto's checks always say healthy
        HealthCheckTrouble(REGION, "forced", effect_within_s=0.1).inject(lab, undo, timeline)
    newest, oldest = undo.open_steps()
    undo.done(*newest)
    replay(undo, lab)
    undo.before(newest[1])
    replay(undo, lab)
    assert (lies(lab, route53), oldest[1]) == ((False, False), newest[1])


def test_an_untagged_check_is_left_alone(ec2: Any, route53: Any, undo: UndoJournal, timeline: Timeline) -> None:
    lab = lab_with_check(ec2, route53, tagged=False)
    with pytest.raises(GuardError, match="health checks"):
        HealthCheckTrouble(REGION, "blinded").inject(lab, undo, timeline)
    assert lies(lab, route53) == (False, False)


def test_what_healing_would_fence_must_be_a_target_too(
    ec2: Any, route53: Any, undo: UndoJournal, timeline: Timeline
) -> None:
    lab = lab_with_check(ec2, route53)
    without_tag_on_the_service()
    with pytest.raises(GuardError, match="ECS services"):
        HealthCheckTrouble(REGION, "blinded").inject(lab, undo, timeline)
    assert (lies(lab, route53), undo.open_steps()) == ((False, False), [])


def test_a_lie_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="forced or blinded"):
        HealthCheckTrouble(REGION, "sleepy")
