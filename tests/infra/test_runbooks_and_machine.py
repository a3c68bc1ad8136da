"""Both failovers' runbooks make the machine's calls, with its arguments, in its order; what they do beside is named."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from state_walk import walk
from test_failover_machine import FAILURE, OTHER_HOST, answers, instance, observed
from test_planned_failover import Read, counts, healthy, named

from gameday.aws import Aws
from gameday.lab.model import Lab, Outputs
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.recovery import one_task, runbook, taking_over
from gameday.recovery.planned_failover import RULES_OF
from gameday.recovery.runbook import Call, Scene

pytestmark = pytest.mark.infra
EAST, WEST = "ap-southeast-2", "us-west-2"
ENDPOINT = {"host": OTHER_HOST, "port": 5432, "dbname": "app"}
BESIDE = {"hold-the-automatic-failover", "fence-the-old-primary", "let-the-alarm-act-again"}
# Of a person's call: which network and revision, who started it. In the machine they are the stack's own.
OWN_TO_EACH = ("networkconfiguration", "taskdefinition", "startedby", "subject", "message", "comment")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """What a walk of the deployed reference would have found."""
    shared = {
        "ServiceUrl": "http://app.gameday.example:80", "ServiceName": "app.gameday.example", "Resolver": "system",
        "HostedZoneId": "<HostedZoneId>", "HealthCheckId": "<HealthCheckId>", "StateMachineArn": "<machine>",
        "TopicArn": "<TopicArn>",
    }  # fmt: skip
    names = {"ClusterName": "gameday", "EcsServiceName": "gameday", "EndpointSecret": "gameday/database/endpoint"}
    regions = {EAST: names | {"DatabaseId": "gameday-primary"}, WEST: names | {"DatabaseId": "gameday-replica"}}
    lab = Lab("t", Aws("http://127.0.0.1:1"), EAST, WEST, Outputs(shared, regions, ()))
    found = {
        one_task.RUNS: "<$$.Execution.Name>", taking_over.ROLE: "replica",
        taking_over.TTL: "30", taking_over.KNOWN: "{}",
        taking_over.ENDPOINT: json.dumps(ENDPOINT), RULES_OF: "{}",
    }  # fmt: skip
    for region in (EAST, WEST):
        found |= {f"{what} of {region}": "[]" for what in ("subnets", "groups")} | {f"task definition of {region}": "d"}
    return Scene(lab, Timeline(Record(tmp_path)), {"tasks": "2", "force": "no"}, found)


def of_the_runbook(name: str, scene: Scene) -> list[tuple[str, str, str, Any]]:
    calls = [call for step in runbook(name).steps if step.name not in BESIDE for call in step.calls(scene)]
    return [(call.service, call.operation, *placed(call)) for call in calls]


def placed(call: Call) -> tuple[str, Any]:
    return ("" if call.service == "route53" else call.region), plain(call.arguments)


def of_the_machine(machine: dict[str, Any], asked: dict[str, Any], region: str) -> Iterator[tuple[str, str, str, Any]]:
    """Every call of a walk that changes something, as boto3 names it."""
    for name, parameters in asked.items():
        service, action = machine["States"][name]["Resource"].split(":::")[1].removeprefix("aws-sdk:").split(":")
        operation = xform_name(action.split(".")[0])
        if operation.split("_")[0] not in ("describe", "get", "list"):
            yield service, operation, "" if service == "route53" else region, plain(parameters)


def plain(value: Any) -> Any:
    """Names in one spelling (each API and the States Language have their own), without what is own to each."""
    if isinstance(value, dict):
        spelt = {key.lower(): plain(inner) for key, inner in value.items()}
        return {key: inner for key, inner in spelt.items() if key not in OWN_TO_EACH}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, str) and value.startswith("{"):
        return json.loads(value)
    return (
        value.replace("<ServicePort>", "80").replace("<Topic260E7DCE>", "<TopicArn>")
        if isinstance(value, str)
        else value
    )


def test_the_unplanned_runbook_is_the_machine_by_hand(template: Read, scene: Scene):
    machine = named(template, "orchestration", WEST, "gameday-failover")
    restored = {"DescribePromoted": [instance("available", host=OTHER_HOST)]}
    _, asked = walk(machine, answers(CheckPrimaryHealth=[observed(FAILURE)], **restored))
    assert of_the_runbook("unplanned-failover", scene) == list(of_the_machine(machine, asked, WEST))


def test_the_planned_runbook_is_both_machines_by_hand(template: Read, scene: Scene):
    machine = named(template, "orchestration", WEST, "gameday-failover")
    drain = named(template, "drain", EAST, "gameday-drain")
    restored = {"DescribePromoted": [instance("available", host=OTHER_HOST)]}
    _, asked = walk(machine, healthy(**restored), {"mode": "planned"})
    request = {"detail": asked.pop("DrainPrimary")["Entries"][0]["Detail"]}
    _, drained = walk(drain, {"DescribePrimary": [counts(0, 0)], "ListStopping": [{"TaskArns": []}]}, request)
    drained.pop("Answer")
    both = [*of_the_machine(drain, drained, EAST), *of_the_machine(machine, asked, WEST)]
    assert of_the_runbook("planned-failover", scene) == both
    assert both[0] == ("ecs", "update_service", EAST, {"cluster": "gameday", "service": "gameday", "desiredcount": 0})


def test_the_planned_runbook_stops_a_second_failover_by_hand_where_the_machine_takes_turns(scene: Scene):
    steps = {step.name: step for step in runbook("planned-failover").steps}
    (hold,), (resume,) = (steps[name].calls(scene) for name in (sorted(BESIDE)[1], sorted(BESIDE)[2]))
    assert [(call.operation, call.region, call.arguments) for call in (hold, resume)] == [
        ("disable_rule", WEST, {"Name": "gameday-primary-down"}),
        ("enable_rule", WEST, {"Name": "gameday-primary-down"}),
    ]
    order = list(steps)
    assert order.index("hold-the-automatic-failover") < order.index("drain-the-primary")
    assert order[-1] == "let-the-alarm-act-again"


@pytest.mark.parametrize("name", ["planned-failover", "unplanned-failover"])
def test_no_step_of_a_failover_calls_for_what_is_done_already(scene: Scene, name: str):
    scene.found[taking_over.ROLE] = "primary"
    scene.found[taking_over.KNOWN] = scene.found[taking_over.ENDPOINT]
    done = {step.name for step in runbook(name).steps if step.changes and not step.calls(scene)}
    assert {"promote-the-replica", "rewrite-the-endpoint"} <= done
