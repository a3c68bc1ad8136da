"""What the failover does, in which order, and where it goes when something is not as it should be."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from state_walk import Refused, walk
from template_reading import Template, text

from gameday.lab.fence import DECIDES, NOT_NEEDED

pytestmark = pytest.mark.infra

SUCCESS, FAILURE = "Success: HTTP Status Code 200, OK", "Failure: connection timed out"
HOST, OTHER_HOST = "replica.local", "restored.local"
BUSY_OR_PROMOTED = Refused("Rds.InvalidDbInstanceStateException")


@pytest.fixture(scope="module")
def machine(template: Callable[[str, str], Template]) -> dict[str, Any]:
    orchestration = template("orchestration", "us-west-2")
    found = orchestration.one("AWS::StepFunctions::StateMachine", StateMachineName="gameday-failover")
    return json.loads(text(found["DefinitionString"]))


OWN, OTHER = "<$$.Execution.Id>", "arn:other"


def running(*newest_first: str) -> dict[str, Any]:
    return {"Executions": [{"ExecutionArn": arn} for arn in newest_first]}


def observed(*statuses: str) -> dict[str, Any]:
    return {"HealthCheckObservations": [{"StatusReport": {"Status": status}} for status in statuses]}


def instance(status: str, *, source: str | None = None, host: str = HOST) -> dict[str, Any]:
    described = {"DbInstanceStatus": status, "Endpoint": {"Address": host, "Port": 5432}}
    if source:
        described["ReadReplicaSourceDbInstanceIdentifier"] = source
    return {"DbInstances": [described]}


REPLICA, PROMOTED = instance("available", source="arn:primary"), instance("available")
PROMOTING = instance("modifying", source="arn:primary")


def answers(**others: list[Any]) -> dict[str, list[Any]]:
    """Everything goes well, except ``others``."""
    well = {
        "ListRunning": [running(OWN)],
        "CheckPrimaryHealth": [observed(FAILURE, FAILURE)],
        "DescribeReplica": [REPLICA],
        "DescribePromoted": [PROMOTED],
        "ReadEndpointSecret": [{"SecretString": json.dumps({"host": HOST, "port": 5432, "dbname": "app"})}],
        "ReadKnownEndpoint": [{"SecretString": json.dumps({"host": HOST, "port": 5432, "dbname": "app"})}],
        "ListDatabases": [{"DbInstances": []}],
        "FindSnapshots": [{"DbSnapshots": []}],
        "DescribeService": [{"Services": [{"RunningCount": 2, "PendingCount": 0}]}],
    }
    return well | others


def test_an_unplanned_failover_goes_through_these_states_in_this_order(machine: dict[str, Any]):
    entered, _ = walk(machine, answers())
    assert entered == [
        "KnownMode?",
        "ListRunning",
        "First?",
        "CheckPrimaryHealth",
        "Planned?",
        "PrimaryStillUnhealthy?",
        "LatchDns",
        "DescribeReplica",
        "PromoteOrRestore?",
        "PromoteReplica",
        "WaitForPromotion",
        "DescribePromoted",
        "Promoted?",
        "ReadEndpointSecret",
        "EndpointNeeded?",
        "ScaleStandby",
        "WaitForTasks",
        "DescribeService",
        "Scaled?",
        "PostCheck",
        "NotifySuccess",
        "Done",
    ]


def test_the_fence_waits_out_the_states_before_the_decision_and_knows_the_one_against_it(machine: dict[str, Any]):
    entered, _ = walk(machine, answers())
    assert set(entered[: entered.index("LatchDns")]) == DECIDES - {""}
    entered, _ = walk(machine, answers(CheckPrimaryHealth=[observed(SUCCESS)]))
    assert tuple(entered[-2:]) == NOT_NEEDED


def test_the_dns_latch_points_the_primary_record_at_the_standby_and_keeps_its_check(machine: dict[str, Any]):
    _, asked = walk(machine, answers())
    (change,) = asked["LatchDns"]["ChangeBatch"]["Changes"]
    assert asked["LatchDns"]["HostedZoneId"] == "<HostedZoneId>"
    assert change == {
        "Action": "UPSERT",
        "ResourceRecordSet": {
            "Name": "app.gameday.example",
            "Type": "CNAME",
            "SetIdentifier": "primary",
            "Failover": "PRIMARY",
            "HealthCheckId": "<HealthCheckId>",
            "Ttl": 30,
            "ResourceRecords": [{"Value": "us-west-2.app.gameday.example"}],
        },
    }


def test_one_checker_that_still_gets_an_answer_leaves_the_decision_to_a_person(machine: dict[str, Any]):
    entered, _ = walk(machine, answers(CheckPrimaryHealth=[observed(FAILURE, SUCCESS, FAILURE)]))
    assert entered[3:] == ["CheckPrimaryHealth", "Planned?", "PrimaryStillUnhealthy?", "NotNeeded", "Done"]


def test_force_fails_over_from_a_healthy_primary(machine: dict[str, Any]):
    entered, _ = walk(machine, answers(CheckPrimaryHealth=[observed(SUCCESS)]), {"mode": "unplanned", "force": True})
    assert entered[6] == "LatchDns"
    assert entered[-1] == "Done"


def test_without_a_single_observation_it_fails_instead_of_guessing(machine: dict[str, Any]):
    entered, _ = walk(machine, answers(CheckPrimaryHealth=[observed()]))
    assert entered[5:] == ["PrimaryStillUnhealthy?", "NoEvidence", "NotifyFailure", "Failed"]


def test_a_replica_that_is_promoted_already_is_taken_as_it_is(machine: dict[str, Any]):
    entered, _ = walk(machine, answers(DescribeReplica=[PROMOTED]))
    assert "PromoteReplica" not in entered
    assert entered[-1] == "Done"


def test_a_promotion_that_was_already_under_way_is_waited_for_and_not_repeated(machine: dict[str, Any]):
    described = [PROMOTING, PROMOTING, PROMOTED]
    entered, _ = walk(machine, answers(PromoteReplica=[BUSY_OR_PROMOTED], DescribePromoted=described))
    assert entered.count("PromoteReplica") == 1
    assert entered.count("DescribePromoted") == 3
    assert entered[-1] == "Done"


def test_a_replica_that_was_busy_is_asked_again_when_it_is_available(machine: dict[str, Any]):
    described = [instance("backing-up", source="arn:primary"), REPLICA, PROMOTED]
    entered, _ = walk(machine, answers(PromoteReplica=[BUSY_OR_PROMOTED, {}], DescribePromoted=described))
    assert entered.count("PromoteReplica") == 2
    assert entered[-1] == "Done"


def test_a_replica_still_available_right_after_an_accepted_promotion_is_not_promoted_twice(machine: dict[str, Any]):
    entered, _ = walk(machine, answers(DescribePromoted=[REPLICA, PROMOTING, PROMOTED]))
    assert entered.count("PromoteReplica") == 1


def test_the_other_spelling_of_the_replicas_source_is_understood_too(machine: dict[str, Any]):
    described = instance("available")
    described["DbInstances"][0]["ReadReplicaSourceDBInstanceIdentifier"] = "arn:primary"
    entered, _ = walk(machine, answers(DescribeReplica=[described]))
    assert "PromoteReplica" in entered


@pytest.mark.parametrize(
    "seen", [Refused("Rds.DbInstanceNotFoundException"), instance("deleting", source="arn:primary"), instance("failed")]
)
def test_without_a_replica_and_without_a_snapshot_it_names_the_runbook(machine: dict[str, Any], seen: Any):
    entered, asked = walk(machine, answers(DescribeReplica=[seen]))
    assert entered[-4:] == ["Chosen?", "RestoreUnavailable", "NotifyFailure", "Failed"]
    assert asked["NotifyFailure"]["Message"]["Error"] == "RestoreUnavailable"


def test_an_endpoint_that_changed_is_rewritten_whole(machine: dict[str, Any]):
    restored = instance("available", host=OTHER_HOST)
    entered, asked = walk(machine, answers(DescribePromoted=[restored]))
    assert json.loads(asked["RewriteEndpoint"]["SecretString"]) == {"host": OTHER_HOST, "port": 5432, "dbname": "app"}
    assert entered[entered.index("RewriteEndpoint") + 1] == "ScaleStandby"


def test_it_waits_until_every_task_runs(machine: dict[str, Any]):
    counts = [(1, 1), (2, 1), (2, 0)]
    seen = [{"Services": [{"RunningCount": running, "PendingCount": pending}]} for running, pending in counts]
    entered, asked = walk(machine, answers(DescribeService=seen))
    assert entered.count("WaitForTasks") == 3
    assert asked["ScaleStandby"] == {"Cluster": "gameday", "Service": "gameday", "DesiredCount": 2}


def test_the_post_check_is_a_task_of_the_services_own_image_against_the_standby(machine: dict[str, Any]):
    _, asked = walk(machine, answers())
    (override,) = asked["PostCheck"]["Overrides"]["ContainerOverrides"]
    assert machine["States"]["PostCheck"]["Resource"] == "arn:aws:states:::ecs:runTask.sync"
    assert override["Command"] == ["python", "-m", "gameday.service.check"]
    url = "http://us-west-2.app.gameday.example:<ServicePort>"
    assert override["Environment"] == [{"Name": "GAMEDAY_CHECK_URL", "Value": url}]


LEADS_TO = {
    "RewriteEndpoint": {"DescribePromoted": [instance("available", host=OTHER_HOST)]},
    "DescribeTheOther": {"ListRunning": [running(OWN, OTHER)]},
}
GOES_ON = {"ListRunning"}  # an unplanned failover that cannot look around for others goes on


def test_whatever_fails_is_told_before_the_execution_fails(machine: dict[str, Any]):
    told = {name for name, state in machine["States"].items() if state.get("Resource", "").endswith("sns:publish")}
    planned = {"CheckReplica", "DrainPrimary", "AwaitMark", "RefillPrimary", "UnlatchDns"}  # test_planned_failover.py
    restore = {"ReadKnownEndpoint", "ListDatabases", "FindSnapshots", "RestoreSnapshot", "DescribeRestored"}
    tasks = [name for name, state in machine["States"].items() if state["Type"] == "Task"]
    for name in set(tasks) - told - planned - restore - GOES_ON:  # test_restore_path.py
        entered, asked = walk(machine, answers(**LEADS_TO.get(name, {}), **{name: [Refused("States.Timeout")]}))
        assert entered[-2:] == ["NotifyFailure", "Failed"], name
        assert entered[-3] in (name, "WasPlanned?"), name
        assert asked["NotifyFailure"]["Message"]["Error"] == "States.Timeout"


def test_a_topic_that_cannot_be_reached_does_not_undo_a_failover_that_worked(machine: dict[str, Any]):
    entered, _ = walk(machine, answers(NotifySuccess=[Refused("SNS.InternalErrorException")]))
    assert entered[-2:] == ["NotifySuccess", "Done"]


def test_every_task_is_bounded_and_retried_and_the_whole_ends_within_the_longest_objective(machine: dict[str, Any]):
    assert machine["TimeoutSeconds"] == 3600  # a restore may take 45 minutes
    for name, state in machine["States"].items():
        if state["Type"] == "Task":
            assert 0 < state["TimeoutSeconds"] <= 300, name
            assert any(one["MaxAttempts"] > 0 for one in state["Retry"]), name
            assert state["Catch"], name
            assert "$" not in {state["ResultPath"]}, f"{name} would forget what came before"


def test_it_speaks_jsonpath_and_calls_nothing_that_only_a_lambda_could_answer(machine: dict[str, Any]):
    services = {state["Resource"].split(":::")[1] for state in machine["States"].values() if state["Type"] == "Task"}
    assert "QueryLanguage" not in machine
    assert not [service for service in services if "lambda" in service or "http" in service]
