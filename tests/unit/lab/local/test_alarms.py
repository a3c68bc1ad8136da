"""The alarm controller over moto's alarms: when they turn, whom they tell, and what moto then answers."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from compute_stage import WEST, control_plane, ground_in

from gameday.clock import HandClock
from gameday.lab.local.alarms import AlarmController
from gameday.lab.local.metrics import KEPT_IN_MOTO, MetricStore, backend_of

EAST = "us-east-1"
TOPIC = f"arn:aws:sns:{EAST}:123456789012:gameday"
HEALTH = {
    "AlarmName": "gameday-primary-health", "Namespace": "AWS/Route53", "MetricName": "HealthCheckStatus",
    "Dimensions": [{"Name": "HealthCheckId", "Value": "hc"}], "Statistic": "Maximum", "Threshold": 1.0, "Period": 60,
    "EvaluationPeriods": 2, "ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching",
    "AlarmActions": [TOPIC], "OKActions": [TOPIC],
}  # fmt: skip


@dataclass
class Stage:
    client: Callable[[str, str], Any]
    clock: HandClock
    said: list[str]
    controller: Any = None
    events: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    published: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = MetricStore(self.clock)

    def put(self, **changed: Any) -> None:
        self.client("cloudwatch", EAST).put_metric_alarm(**{**HEALTH, **changed})

    def pass_(self, seconds: int, healthy: float | None) -> float:
        """Let time pass with a look each second and a round each quarter; gives when the alarm turned, or 0."""
        began, turned = self.clock.mono_ns(), len(self.events)
        for quarter in range(seconds * 4):
            if quarter % 4 == 0 and healthy is not None:
                self.store.put(EAST, "AWS/Route53", "HealthCheckStatus", {"HealthCheckId": "hc"}, healthy)
            self.controller.reconcile()
            if len(self.events) > turned:
                return (self.clock.mono_ns() - began) / 1e9
            self.clock.sleep(0.25)
        return 0.0

    def described(self) -> dict[str, Any]:
        [alarm] = self.client("cloudwatch", EAST).describe_alarms()["MetricAlarms"]
        return dict(alarm)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with control_plane() as client:
        ground, said = ground_in(tmp_path, scale=0.1)
        made = Stage(client, HandClock(int(1.8e18)), said)
        deliver = lambda *event: made.events.append(event)  # noqa: E731
        publish = lambda *message: made.published.append(message)  # noqa: E731
        made.controller = AlarmController(ground, deliver, publish, made.clock)
        yield made


def test_a_fresh_alarm_knows_nothing_and_tells_nobody(stage: Stage) -> None:
    stage.put()
    stage.controller.reconcile()
    assert stage.described()["StateValue"] == "INSUFFICIENT_DATA"
    assert stage.events == stage.published == []


@pytest.mark.parametrize(("lag_s", "state"), [(29.0, "OK"), (31.0, "ALARM")])
def test_the_threshold_of_a_lag_is_a_delay_and_shrinks_with_the_scale(stage: Stage, lag_s: float, state: str) -> None:
    of = {"Name": "DBInstanceIdentifier", "Value": "replica"}
    stage.put(
        Namespace="AWS/RDS", MetricName="ReplicaLag", Dimensions=[of], Threshold=300.0, EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    stage.controller.reconcile()
    stage.store.put(EAST, "AWS/RDS", "ReplicaLag", {of["Name"]: of["Value"]}, lag_s)
    stage.controller.reconcile()
    assert stage.described()["StateValue"] == state


def test_the_health_alarm_fires_twelve_seconds_after_the_last_healthy_sample(stage: Stage) -> None:
    stage.put()
    stage.pass_(1, healthy=1)
    stage.pass_(20, healthy=1)
    after_s = stage.pass_(30, healthy=0)
    assert after_s == pytest.approx(11.0, abs=0.3)  # the last healthy sample was taken 1 s before
    assert stage.described()["StateValue"] == "ALARM"
    assert stage.described()["StateReason"].startswith("Threshold Crossed: 2 out of the last 2 datapoints [0 (")


def test_it_clears_with_the_first_healthy_sample(stage: Stage) -> None:
    stage.put()
    stage.pass_(1, healthy=1)
    stage.pass_(15, healthy=0)
    assert stage.pass_(5, healthy=1) <= 1.0
    assert stage.described()["StateValue"] == "OK"


def test_silence_fires_it_too_but_not_before_it_could_have_heard_anything(stage: Stage) -> None:
    stage.put()
    assert stage.pass_(30, healthy=None) == pytest.approx(12.0, abs=0.3)


def test_turning_tells_the_topic_and_the_rules(stage: Stage) -> None:
    stage.put()
    stage.pass_(1, healthy=1)
    stage.pass_(15, healthy=0)
    [(topic, ok, _), (_, alarm, message)] = stage.published
    assert (topic, ok, alarm) == (
        TOPIC,
        'OK: "gameday-primary-health" in us-east-1',
        'ALARM: "gameday-primary-health" in us-east-1',
    )
    assert json.loads(message)["NewStateValue"] == "ALARM"
    region, bus, event = stage.events[-1]
    assert (region, bus, event["source"], event["detail-type"]) == (
        EAST, "default", "aws.cloudwatch", "CloudWatch Alarm State Change",
    )  # fmt: skip
    assert event["detail"]["alarmName"] == "gameday-primary-health"
    assert event["detail"]["state"]["value"] == "ALARM"
    assert event["detail"]["previousState"] == {"value": "OK"}
    assert event["resources"] == [stage.described()["AlarmArn"]]


def test_disabled_actions_tell_no_topic_but_the_event_goes_out(stage: Stage) -> None:
    stage.put(ActionsEnabled=False)
    stage.pass_(1, healthy=1)
    assert (stage.published, len(stage.events)) == ([], 1)


def test_an_alarm_set_by_hand_acts_and_is_then_judged_again(stage: Stage) -> None:
    stage.put()
    stage.pass_(1, healthy=1)
    stage.client("cloudwatch", EAST).set_alarm_state(
        AlarmName="gameday-primary-health", StateValue="ALARM", StateReason="a rehearsal"
    )
    stage.pass_(1, healthy=1)
    assert [event["detail"]["state"]["value"] for _, _, event in stage.events][1:] == ["ALARM"]
    stage.pass_(1, healthy=1)
    assert stage.described()["StateValue"] == "OK"


def test_a_changed_alarm_keeps_its_state(stage: Stage) -> None:
    stage.put()
    stage.pass_(1, healthy=1)
    stage.put(AlarmDescription="now with words")
    stage.controller.reconcile()
    assert stage.described()["StateValue"] == "OK"
    assert len(stage.events) == 1


def test_samples_that_others_put_through_the_api_count(stage: Stage) -> None:
    cloudwatch = stage.client("cloudwatch", WEST)
    lag = {"Name": "DBInstanceIdentifier", "Value": "gameday-replica"}
    cloudwatch.put_metric_alarm(
        AlarmName="gameday-replica-lag", Namespace="AWS/RDS", MetricName="ReplicaLag", Dimensions=[lag], Period=60,
        Statistic="Maximum", Threshold=300, EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    stage.controller.reconcile()
    moment = datetime.fromtimestamp(stage.clock.mono_ns() / 1e9, UTC) - timedelta(seconds=1)
    datum = {"MetricName": "ReplicaLag", "Dimensions": [lag], "Value": 301.0, "Timestamp": moment}
    cloudwatch.put_metric_data(Namespace="AWS/RDS", MetricData=[datum])
    stage.controller.reconcile()
    assert [event["detail"]["alarmName"] for _, _, event in stage.events] == ["gameday-replica-lag"]


def test_what_is_put_can_be_read_through_the_api(stage: Stage) -> None:
    stage.store.put(WEST, "AWS/RDS", "ReplicaLag", {"DBInstanceIdentifier": "r"}, 1.5)
    moment = datetime.fromtimestamp(stage.clock.mono_ns() / 1e9, UTC)
    stat = {
        "Metric": {
            "Namespace": "AWS/RDS", "MetricName": "ReplicaLag",
            "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "r"}],
        },
        "Period": 60, "Stat": "Maximum",
    }  # fmt: skip
    [answer] = stage.client("cloudwatch", WEST).get_metric_data(
        MetricDataQueries=[{"Id": "lag", "MetricStat": stat}],
        StartTime=moment - timedelta(minutes=1), EndTime=moment + timedelta(minutes=1),
    )["MetricDataResults"]  # fmt: skip
    assert answer["Values"] == [1.5]


def test_an_alarm_that_cannot_be_judged_here_says_so(stage: Stage) -> None:
    stage.put(Statistic="Maximum", AlarmName="p99")
    backend_of(EAST).alarms["p99"].extended_statistic, backend_of(EAST).alarms["p99"].statistic = "p99", None
    stage.pass_(20, healthy=0)
    assert stage.described()["StateValue"] == "INSUFFICIENT_DATA"
    assert "simple metric math of such, only" in stage.described()["StateReason"]


def test_an_action_that_is_no_topic_is_said(stage: Stage) -> None:
    stage.put(OKActions=["arn:aws:automate:us-east-1:ec2:stop"])
    stage.pass_(1, healthy=1)
    assert any("is not done in the local lab" in line for line in stage.said)


def test_the_store_is_bounded(stage: Stage) -> None:
    for value in range(KEPT_IN_MOTO + 1):
        stage.store.put(WEST, "n", "m", {}, value)
    stage.store.catch_up(WEST)
    assert len(backend_of(WEST).metric_data) < KEPT_IN_MOTO
    stage.store.put(WEST, "n", "m", {}, -1)
    stage.store.catch_up(WEST)
    moment = datetime.fromtimestamp(stage.clock.mono_ns() / 1e9, UTC)
    seen = stage.store.series(WEST, ("n", "m", frozenset()), moment - timedelta(seconds=1))
    assert (seen[0].largest, seen[1].largest) == (-1, KEPT_IN_MOTO)
