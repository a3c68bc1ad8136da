"""The reference deployment's alarms on metric math, as its templates write them: OK, ALARM, and back."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from compute_stage import WEST, control_plane, ground_in

from gameday.clock import HandClock
from gameday.lab.local.alarms import AlarmController
from gameday.lab.local.deployer.run import PACKAGED
from gameday.lab.local.metrics import MetricStore

BALANCER = "app/gameday/0123456789abcdef"
TOPIC = f"arn:aws:sns:{WEST}:123456789012:gameday-alerts"
TASKS = {"ClusterName": "gameday", "ServiceName": "gameday"}
SCALE = 0.1  # a period of a minute is six seconds


def properties(name: str) -> dict[str, Any]:
    """An alarm of the template, its references resolved."""
    resources = json.loads((PACKAGED / f"observability.{WEST}.json").read_text())["Resources"].values()
    [found] = [each["Properties"] for each in resources if each["Properties"].get("AlarmName") == name]
    return dict(resolved(found))


def resolved(value: Any) -> Any:
    match value:
        case {"Ref": str()}:
            return TOPIC
        case {"Fn::ImportValue": str(export)}:
            assert "LoadBalancerFullName" in export
            return BALANCER
        case dict():
            return {key: resolved(each) for key, each in value.items()}
        case list():
            return [resolved(each) for each in value]
    return value


class Stage:
    """The control plane with one alarm of the template, and a clock that moves when samples are put."""

    def __init__(self, client: Any, folder: Path) -> None:
        self.cloudwatch = client("cloudwatch", WEST)
        self.clock = HandClock(int(1.8e18))
        self.store = MetricStore(self.clock)
        self.events: list[Mapping[str, Any]] = []
        self.published: list[dict[str, Any]] = []
        ground, _ = ground_in(folder, scale=SCALE)
        deliver = lambda region, bus, event: self.events.append(event)  # noqa: E731
        publish = lambda topic, subject, message: self.published.append(json.loads(message))  # noqa: E731
        self.controller = AlarmController(ground, deliver, publish, self.clock)

    def deploy(self, name: str, **changed: Any) -> None:
        self.cloudwatch.put_metric_alarm(**properties(name) | changed)
        self.controller.reconcile()

    def pass_(self, lab_s: int, namespace: str, of: Mapping[str, str], **values: float) -> str:
        """Let seconds of the lab pass, with a sample of each metric every 15 of them; gives the alarm's state."""
        for _ in range(lab_s // 15):
            self.clock.sleep(15 * SCALE)
            for metric, value in values.items():
                self.store.put(WEST, namespace, metric, of, value)
            self.controller.reconcile()
        return str(self.described()["StateValue"])

    def tasks(self, lab_s: int, **values: float) -> str:
        return self.pass_(lab_s, "ECS/ContainerInsights", TASKS, **values)

    def requests(self, lab_s: int, **values: float) -> str:
        return self.pass_(lab_s, "AWS/ApplicationELB", {"LoadBalancer": BALANCER}, **values)

    def described(self) -> dict[str, Any]:
        [alarm] = self.cloudwatch.describe_alarms()["MetricAlarms"]
        return dict(alarm)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with control_plane() as client:
        yield Stage(client, tmp_path)


def test_a_task_too_few_for_three_minutes_is_an_alarm(stage: Stage) -> None:
    stage.deploy("gameday-running-tasks")
    assert stage.tasks(240, DesiredTaskCount=2, RunningTaskCount=2) == "OK"
    assert stage.tasks(120, DesiredTaskCount=2, RunningTaskCount=1) == "OK"
    assert stage.tasks(75, DesiredTaskCount=2, RunningTaskCount=1) == "ALARM"
    assert stage.tasks(75, DesiredTaskCount=2, RunningTaskCount=2) == "OK"


def test_a_task_too_many_is_one_too(stage: Stage) -> None:
    stage.deploy("gameday-running-tasks")
    assert stage.tasks(240, DesiredTaskCount=0, RunningTaskCount=2) == "ALARM"


def test_a_count_that_nobody_publishes_leaves_the_tasks_unknown(stage: Stage) -> None:
    stage.deploy("gameday-running-tasks")
    assert stage.tasks(240, DesiredTaskCount=2, RunningTaskCount=2) == "OK"
    assert stage.tasks(300, DesiredTaskCount=2) == "INSUFFICIENT_DATA"


def test_more_errors_than_the_threshold_for_two_minutes_are_an_alarm(stage: Stage) -> None:
    stage.deploy("gameday-5xx")
    assert stage.requests(180, RequestCount=100) == "OK"
    assert stage.requests(180, RequestCount=100, HTTPCode_Target_5XX_Count=5) == "OK"
    assert stage.requests(180, RequestCount=100, HTTPCode_Target_5XX_Count=5, HTTPCode_ELB_5XX_Count=1) == "ALARM"
    assert stage.requests(120, RequestCount=100) == "OK"


def test_errors_of_either_kind_are_enough(stage: Stage) -> None:
    stage.deploy("gameday-5xx")
    assert stage.requests(180, RequestCount=100, HTTPCode_ELB_5XX_Count=100) == "ALARM"
    assert stage.requests(120, RequestCount=100) == "OK"
    assert stage.requests(180, RequestCount=100, HTTPCode_Target_5XX_Count=100) == "ALARM"


def test_without_requests_there_is_no_share_of_errors(stage: Stage) -> None:
    stage.deploy("gameday-5xx")
    assert stage.requests(180, RequestCount=100, HTTPCode_ELB_5XX_Count=100) == "ALARM"
    assert stage.requests(180, HTTPCode_ELB_5XX_Count=100) == "OK"


def test_another_balancers_errors_are_not_this_ones(stage: Stage) -> None:
    stage.deploy("gameday-5xx")
    counts = {"RequestCount": 100, "HTTPCode_ELB_5XX_Count": 100}
    assert stage.pass_(180, "AWS/ApplicationELB", {"LoadBalancer": "app/other/1"}, **counts) == "OK"


def test_the_reason_tells_the_formulas_values_and_the_formula(stage: Stage) -> None:
    stage.deploy("gameday-5xx")
    stage.requests(180, RequestCount=100, HTTPCode_Target_5XX_Count=20)
    described = stage.described()
    assert described["StateReason"].startswith("Threshold Crossed: 2 out of the last 2 datapoints [20 (")
    assert "were greater than the threshold (5.0)" in described["StateReason"]
    reason = json.loads(described["StateReasonData"])
    assert reason["expression"] == "100 * (FILL(targets, 0) + FILL(balancer, 0)) / requests"
    assert (reason["recentDatapoints"], reason["period"], reason["threshold"]) == ([20, 20], 6, 5)


def test_turning_tells_the_topic_and_the_rules_what_was_computed(stage: Stage) -> None:
    stage.deploy("gameday-running-tasks")
    stage.tasks(240, DesiredTaskCount=2, RunningTaskCount=1)
    metrics = stage.events[-1]["detail"]["configuration"]["metrics"]
    assert [(each["id"], each["returnData"]) for each in metrics] == [
        ("running", False), ("desired", False), ("difference", True),
    ]  # fmt: skip
    place = {"namespace": "ECS/ContainerInsights", "name": "RunningTaskCount", "dimensions": TASKS}
    assert metrics[0]["metricStat"] == {"metric": place, "period": 60, "stat": "Average"}
    assert (metrics[2]["expression"], metrics[2]["label"]) == (
        "ABS(running - desired)",
        "running tasks other than desired",
    )
    assert [each["NewStateValue"] for each in stage.published] == ["ALARM"]
    assert stage.published[0]["Trigger"] == {"metrics": metrics}


def asking(**changed: Any) -> list[dict[str, Any]]:
    """The queries of the alarm on tasks, one of them changed by id: ``formula``, or a part of its metric's."""
    queries: list[dict[str, Any]] = properties("gameday-running-tasks")["Metrics"]
    running, _, difference = queries
    difference["Expression"] = changed.get("formula", difference["Expression"])
    running["MetricStat"]["Stat"] = changed.get("stat", "Average")
    running["ReturnData"] = changed.get("returns", False)
    return queries


@pytest.mark.parametrize(
    "metrics",
    [
        asking(formula="IF(running, 1, 0)"),
        asking(formula="running - other"),
        asking(formula="5"),
        asking(stat="p99"),
        asking(returns=True),
    ],
)
def test_metric_math_that_cannot_be_judged_here_is_said(stage: Stage, metrics: list[dict[str, Any]]) -> None:
    stage.deploy("gameday-running-tasks", Metrics=metrics)
    assert stage.tasks(240, DesiredTaskCount=2, RunningTaskCount=1) == "INSUFFICIENT_DATA"
    assert "simple metric math of such, only" in stage.described()["StateReason"]


def test_a_single_query_needs_no_formula(stage: Stage) -> None:
    [running, *_] = properties("gameday-running-tasks")["Metrics"]
    stage.deploy("gameday-running-tasks", Metrics=[running | {"ReturnData": True}], Threshold=1)
    assert stage.tasks(240, RunningTaskCount=2) == "ALARM"
    assert json.loads(stage.described()["StateReasonData"])["statistic"] == "Average"
