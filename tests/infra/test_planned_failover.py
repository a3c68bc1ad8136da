"""The planned failover: what it does in which order, when it is refused, and how it is taken back."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from state_walk import Refused, walk
from template_reading import Template, text
from test_failover_machine import FAILURE, OWN, PROMOTED, REPLICA, SUCCESS, answers, instance, observed, running

pytestmark = pytest.mark.infra
PLANNED = {"mode": "planned"}
REQUEST = {"event": {"id": "1"}, "detail": {"Token": "T", "Tasks": 0, "Mark": "M"}}
CHANGES = {"DrainPrimary", "LatchDns", "PromoteReplica", "ScaleStandby"}

type Read = Callable[[str, str], Template]


def named(template: Read, part: str, region: str, name: str) -> dict[str, Any]:
    found = template(part, region).one("AWS::StepFunctions::StateMachine", StateMachineName=name)
    return json.loads(text(found["DefinitionString"]))


@pytest.fixture(scope="module")
def machine(template: Read) -> dict[str, Any]:
    return named(template, "orchestration", "us-west-2", "gameday-failover")


@pytest.fixture(scope="module")
def drain(template: Read) -> dict[str, Any]:
    return named(template, "drain", "ap-southeast-2", "gameday-drain")


@pytest.fixture(scope="module")
def answer(template: Read) -> dict[str, Any]:
    return named(template, "orchestration", "us-west-2", "gameday-drain-answer")


def healthy(**others: list[Any]) -> dict[str, list[Any]]:
    """A primary that answers, an available replica, and everything goes well, except ``others``."""
    return answers(
        **{"CheckPrimaryHealth": [observed(SUCCESS, SUCCESS)], "CheckReplica": [REPLICA], "DescribeReplica": [REPLICA]}
        | others
    )


def counts(running_: int, pending: int) -> dict[str, Any]:
    return {"Services": [{"RunningCount": running_, "PendingCount": pending}]}


def test_it_checks_drains_sees_the_mark_and_only_then_latches_and_promotes(machine: dict[str, Any]):
    entered, asked = walk(machine, healthy(), PLANNED)
    assert entered[3:14] == [
        "CheckPrimaryHealth",
        "Planned?",
        "PrimaryHealthy?",
        "CheckReplica",
        "ReplicaFit?",
        "DrainPrimary",
        "AwaitMark",
        "LatchDns",
        "DescribeReplica",
        "PromoteOrRestore?",
        "PromoteReplica",
    ]
    assert entered[-3:] == ["PostCheck", "NotifySuccess", "Done"]
    (entry,) = asked["DrainPrimary"]["Entries"]
    assert entry["Detail"] == {"Token": "<$$.Task.Token>", "Tasks": 0, "Mark": "<$$.Execution.Name>"}


def test_it_awaits_the_very_mark_that_the_drain_is_asked_to_write(machine: dict[str, Any], drain: dict[str, Any]):
    _, asked = walk(machine, healthy(), PLANNED)
    _, drained = walk(drain, {"DescribePrimary": [counts(0, 0)], "ListStopping": [{"TaskArns": []}]}, _given(asked))
    (awaits,) = asked["AwaitMark"]["Overrides"]["ContainerOverrides"]
    (writes,) = drained["WriteMark"]["Overrides"]["ContainerOverrides"]
    assert awaits["Command"] == ["python", "-m", "gameday.service.mark", "await"]
    assert writes["Command"] == ["python", "-m", "gameday.service.mark", "write"]
    assert awaits["Environment"] == writes["Environment"] == [{"Name": "GAMEDAY_MARK", "Value": "<$$.Execution.Name>"}]


def _given(asked: dict[str, Any]) -> dict[str, Any]:
    return {"detail": asked["DrainPrimary"]["Entries"][0]["Detail"]}


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ({"CheckPrimaryHealth": [observed(SUCCESS, FAILURE)]}, "PrimaryNotHealthy"),
        ({"CheckPrimaryHealth": [observed()]}, "NoEvidence"),
        ({"CheckReplica": [PROMOTED]}, "ReplicaNotFit"),
        ({"CheckReplica": [instance("backing-up", source="arn:primary")]}, "ReplicaNotFit"),
        ({"CheckReplica": [Refused("Rds.DbInstanceNotFoundException")]}, "Rds.DbInstanceNotFoundException"),
    ],
)
def test_what_is_not_fit_is_refused_before_anything_is_changed(machine: dict[str, Any], seen: Any, why: str):
    entered, asked = walk(machine, healthy(**seen), PLANNED)
    assert entered[-2:] == ["NotifyFailure", "Failed"]
    assert asked["NotifyFailure"]["Message"]["Error"] == why
    assert not CHANGES & set(entered)


def test_force_does_not_make_a_planned_failover_skip_its_checks(machine: dict[str, Any]):
    entered, _ = walk(machine, healthy(CheckPrimaryHealth=[observed(FAILURE)]), PLANNED | {"force": True})
    assert not CHANGES & set(entered)


@pytest.mark.parametrize(
    "failed",
    [
        {"DrainPrimary": [Refused("DrainFailed")]},
        {"DrainPrimary": [Refused("States.Timeout")]},
        {"AwaitMark": [Refused("States.TaskFailed")]},
        {"LatchDns": [Refused("Route53.Route53Exception")]},
        {"DescribeReplica": [Refused("Rds.RdsException")]},
        {"DescribeReplica": [Refused("Rds.DbInstanceNotFoundException")]},
        {"DescribeReplica": [instance("failed")]},
    ],
)
def test_whatever_fails_before_the_promotion_is_taken_back_and_told(machine: dict[str, Any], failed: Any):
    entered, asked = walk(machine, healthy(**failed), PLANNED)
    assert entered[-4:] == ["RefillPrimary", "UnlatchDns", "NotifyUndone", "Failed"]
    assert not {"PromoteReplica", "ScaleStandby"} & set(entered)
    (entry,) = asked["RefillPrimary"]["Entries"]
    (change,) = asked["UnlatchDns"]["ChangeBatch"]["Changes"]
    assert entry["Detail"]["Tasks"] == 2
    assert change["ResourceRecordSet"]["ResourceRecords"] == [{"Value": "ap-southeast-2.app.gameday.example"}]


@pytest.mark.parametrize("failed", ["RefillPrimary", "UnlatchDns"])
def test_a_drain_that_cannot_be_taken_back_is_told_with_both_reasons(machine: dict[str, Any], failed: str):
    seen = healthy(AwaitMark=[Refused("States.TaskFailed")], **{failed: [Refused("States.Timeout")]})
    entered, asked = walk(machine, seen, PLANNED)
    told = asked["NotifyStranded"]["Message"]
    assert entered[-2:] == ["NotifyStranded", "Failed"]
    assert (told["Error"], told["UndoError"]) == ("States.TaskFailed", "States.Timeout")


@pytest.mark.parametrize(
    "failed",
    [
        {"PromoteReplica": [Refused("Rds.RdsException")]},
        {"DescribePromoted": [instance("failed")]},
        {"PostCheck": [Refused("States.TaskFailed")]},
    ],
)
def test_from_the_promotion_on_nothing_is_taken_back(machine: dict[str, Any], failed: Any):
    entered, _ = walk(machine, healthy(**failed), PLANNED)
    assert entered[-2:] == ["NotifyFailure", "Failed"]
    assert not {"RefillPrimary", "UnlatchDns"} & set(entered)


def test_a_drain_that_was_asked_for_is_not_asked_for_twice(machine: dict[str, Any]):
    for name in ("DrainPrimary", "RefillPrimary"):
        first, *_ = machine["States"][name]["Retry"]
        assert (first["ErrorEquals"], first["MaxAttempts"]) == (["States.Timeout", "DrainFailed"], 0)


def test_drained_means_that_no_task_is_left_in_any_state_but_stopped(drain: dict[str, Any]):
    seen = {
        "DescribePrimary": [counts(2, 0), counts(0, 0)],
        "ListStopping": [{"TaskArns": ["one", "two"]}],
        "DescribeStopping": [
            {"Tasks": [{"LastStatus": "DEACTIVATING"}, {"LastStatus": "STOPPED"}]},
            {"Tasks": [{"LastStatus": "STOPPED"}, {"LastStatus": "STOPPED"}]},
        ],
    }
    entered, asked = walk(drain, seen, REQUEST)
    assert entered.count("WaitForPrimary") == 3
    assert entered[-4:] == ["AllStopped?", "WriteMark", "Answer", "Done"]
    assert asked["ScalePrimary"] == {"Cluster": "gameday", "Service": "gameday", "DesiredCount": 0}
    assert asked["Answer"]["Entries"][0]["Detail"] == {"Token": "T", "Outcome": "done"}


def test_a_refill_waits_until_the_tasks_run_and_writes_no_mark(drain: dict[str, Any]):
    request = {"detail": {"Token": "T", "Tasks": 2, "Mark": "M"}}
    entered, asked = walk(drain, {"DescribePrimary": [counts(0, 2), counts(2, 0)]}, request)
    assert entered.count("WaitForPrimary") == 2
    assert entered[-2:] == ["Answer", "Done"]
    assert "WriteMark" not in asked


@pytest.mark.parametrize("name", ["ScalePrimary", "DescribePrimary", "ListStopping", "WriteMark"])
def test_a_drain_that_fails_says_why(drain: dict[str, Any], name: str):
    seen = {"DescribePrimary": [counts(0, 0)], "ListStopping": [{"TaskArns": []}], name: [Refused("States.Timeout")]}
    entered, asked = walk(drain, seen, REQUEST)
    told = asked["AnswerFailed"]["Entries"][0]["Detail"]
    assert entered[-3:] == [name, "AnswerFailed", "Failed"]
    assert (told["Token"], told["Outcome"]) == ("T", "failed")
    assert json.loads(told["Why"])["Error"] == "States.Timeout"


def test_the_answer_goes_to_whoever_waits_for_it(answer: dict[str, Any]):
    _, well = walk(answer, {}, {"detail": {"Token": "T", "Outcome": "done"}})
    _, badly = walk(answer, {}, {"detail": {"Token": "T", "Outcome": "failed", "Why": "because"}})
    assert well == {"TellSuccess": {"TaskToken": "T", "Output": "{}"}}
    assert badly == {"TellFailure": {"TaskToken": "T", "Error": "DrainFailed", "Cause": "because"}}


def test_an_answer_that_nobody_waits_for_any_more_is_too_late(answer: dict[str, Any]):
    late = {"TellSuccess": [Refused("Sfn.TaskTimedOutException")]}
    entered, _ = walk(answer, late, {"detail": {"Token": "T", "Outcome": "done"}})
    assert entered[-1] == "TooLate"


def test_request_and_answer_cross_the_regions_by_rules_and_are_dropped_when_late(template: Read):
    here, there = template("drain", "ap-southeast-2"), template("orchestration", "us-west-2")
    ways = {
        ("gameday-drain", "there"): "arn:<AWS::Partition>:events:ap-southeast-2:<AWS::AccountId>:event-bus/default",
        ("gameday-drain", "here"): "<DrainMachine",
        ("gameday-drain-answer", "here"): "arn:<AWS::Partition>:events:us-west-2:<AWS::AccountId>:event-bus/default",
        ("gameday-drain-answer", "there"): "<AnswerMachine",
    }
    for (name, side), to in ways.items():
        rule = (here if side == "here" else there).one("AWS::Events::Rule", Name=name)
        (target,) = rule["Targets"]
        assert text(target["Arn"]).startswith(to), (name, side)
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 120
    pattern = here.one("AWS::Events::Rule", Name="gameday-drain")["EventPattern"]
    assert pattern == {"source": ["gameday.failover"], "detail-type": ["Scale the primary"]}
    assert pattern == there.one("AWS::Events::Rule", Name="gameday-drain")["EventPattern"]


def test_the_drain_may_only_touch_the_service_and_its_tasks(template: Read):
    statements = template("drain", "ap-southeast-2").statements()
    (update,) = [one for one in statements if "ecs:UpdateService" in one["Action"]]
    (listing,) = [one for one in statements if one["Action"] == "ecs:ListTasks"]
    assert text(update["Resource"]).endswith(":ecs:ap-southeast-2:<AWS::AccountId>:service/gameday/gameday")
    assert text(listing["Condition"]["ArnEquals"]["ecs:cluster"]).endswith("cluster/gameday")


def test_the_first_answers_of_a_walk_are_those_of_an_execution_alone(machine: dict[str, Any]):
    _, asked = walk(machine, healthy(ListRunning=[running(OWN)]), PLANNED)
    assert asked["ListRunning"] == {"StateMachineArn": "<$$.StateMachine.Id>", "StatusFilter": "RUNNING"}
