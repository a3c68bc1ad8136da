"""One failover at a time: what a second execution does beside a first one."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from state_walk import Refused, walk
from template_reading import Template, text
from test_failover_machine import FAILURE, OTHER, OWN, SUCCESS, answers, observed, running

pytestmark = pytest.mark.infra
PLANNED = {"mode": "planned"}


@pytest.fixture(scope="module")
def machine(template: Callable[[str, str], Template]) -> dict[str, Any]:
    orchestration = template("orchestration", "us-west-2")
    found = orchestration.one("AWS::StepFunctions::StateMachine", StateMachineName="gameday-failover")
    return json.loads(text(found["DefinitionString"]))


def beside(*ends: str, **others: list[Any]) -> dict[str, list[Any]]:
    """Another execution began before; each look finds it as ``ends`` says."""
    return answers(ListRunning=[running(OWN, OTHER)], DescribeTheOther=[{"Status": end} for end in ends], **others)


def test_a_second_one_waits_for_a_first_one_that_succeeds_and_finds_nothing_left_to_do(machine: dict[str, Any]):
    entered, asked = walk(machine, beside("RUNNING", "SUCCEEDED"))
    assert entered.count("WaitForTheOther") == 2
    assert entered[-3:] == ["TheOtherEnded?", "AlreadyDone", "Done"]
    assert asked["DescribeTheOther"] == {"ExecutionArn": OTHER}
    assert not {"LatchDns", "PromoteReplica"} & set(entered)


@pytest.mark.parametrize("end", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_after_a_first_one_that_failed_the_primarys_health_decides_again(machine: dict[str, Any], end: str):
    dead, _ = walk(machine, beside(end, CheckPrimaryHealth=[observed(FAILURE)]))
    alive, _ = walk(machine, beside(end, CheckPrimaryHealth=[observed(SUCCESS)]))
    assert (dead[-1], "PromoteReplica" in dead) == ("Done", True)
    assert alive[-2:] == ["NotNeeded", "Done"]


def test_somebody_who_forces_it_waits_too_and_then_goes_on(machine: dict[str, Any]):
    entered, _ = walk(machine, beside("RUNNING", "SUCCEEDED"), {"force": True})
    assert entered.index("WaitForTheOther") < entered.index("LatchDns")


def test_the_first_of_two_does_not_wait_for_the_second(machine: dict[str, Any]):
    entered, _ = walk(machine, answers(ListRunning=[running(OTHER, OWN)]))
    assert "WaitForTheOther" not in entered


def test_a_list_that_does_not_know_of_us_yet_is_understood(machine: dict[str, Any]):
    alone, _ = walk(machine, answers(ListRunning=[running()]))
    second, _ = walk(machine, answers(ListRunning=[running(OTHER)], DescribeTheOther=[{"Status": "SUCCEEDED"}]))
    assert "PromoteReplica" in alone
    assert "WaitForTheOther" in second


def test_a_planned_one_that_comes_second_stops_before_it_changes_anything(machine: dict[str, Any]):
    entered, asked = walk(machine, beside("RUNNING"), PLANNED)
    assert entered[-4:] == ["First?", "AnotherRuns", "NotifyFailure", "Failed"]
    assert set(asked) == {"ListRunning", "NotifyFailure"}


def test_when_nobody_can_look_around_an_unplanned_one_goes_on_and_a_planned_one_stops(machine: dict[str, Any]):
    blind = answers(ListRunning=[Refused("Sfn.SfnException")])
    unplanned, _ = walk(machine, blind)
    planned, asked = walk(machine, blind, PLANNED)
    assert unplanned[-1] == "Done"
    assert planned[-3:] == ["First?", "NotifyFailure", "Failed"]
    assert set(asked) == {"ListRunning", "NotifyFailure"}


def test_a_mode_that_is_none_is_refused(machine: dict[str, Any]):
    entered, asked = walk(machine, answers(), {"mode": "plannned"})
    assert entered == ["KnownMode?", "UnknownMode", "NotifyFailure", "Failed"]
    assert set(asked) == {"NotifyFailure"}
