"""Events: which rules match, which targets are reached, and that a second delivery starts nothing."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from compute_stage import WEST, control_plane, ground_in

from gameday.clock import eventually
from gameday.lab.local.events import EventDelivery, execution_name, input_of

EAST, ACCOUNT = "us-east-1", "123456789012"
MACHINE = f"arn:aws:states:{WEST}:{ACCOUNT}:stateMachine:gameday-failover"
BUS = f"arn:aws:events:{WEST}:{ACCOUNT}:event-bus/default"
PATTERN = {"source": ["aws.cloudwatch"], "detail": {"alarmName": ["health"], "state": {"value": ["ALARM"]}}}


def event(number: int = 1, state: str = "ALARM") -> dict[str, Any]:
    detail = {"alarmName": "health", "state": {"value": state}}
    return {
        "version": "0", "id": f"event-{number}", "source": "aws.cloudwatch", "account": ACCOUNT, "region": EAST,
        "detail-type": "CloudWatch Alarm State Change", "time": "2026-11-23T18:11:31Z", "resources": [],
        "detail": detail,
    }  # fmt: skip


class AlreadyThere(Exception):
    """What boto3 raises for a name that has been used."""


@dataclass
class FakeCloud:
    """boto3 as far as targets need it: remembers what was started and published; names are unique."""

    started: list[tuple[str, str, str]] = field(default_factory=list)
    published: list[tuple[str, str]] = field(default_factory=list)

    def client(self, service: str, region: str) -> "FakeCloud":
        assert (service, region) in [("stepfunctions", WEST), ("sns", WEST)]
        return self

    @property
    def exceptions(self) -> Any:
        return type("exceptions", (), {"ExecutionAlreadyExists": AlreadyThere})

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> None:
        if name in [each[1] for each in self.started]:
            raise AlreadyThere
        self.started.append((stateMachineArn, name, input))

    def publish(self, TopicArn: str, Message: str) -> None:
        self.published.append((TopicArn, Message))


@dataclass
class Stage:
    client: Callable[[str, str], Any]
    delivery: EventDelivery
    cloud: FakeCloud
    said: list[str]

    def rule(self, region: str, name: str, target: str, pattern: Any = PATTERN, **more: Any) -> None:
        events = self.client("events", region)
        events.put_rule(Name=name, EventPattern=json.dumps(pattern), State=more.pop("state", "ENABLED"))
        events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": target, "RoleArn": "arn:aws:iam::1:role/r", **more}])

    def both(self) -> None:
        """As deployed: us-east-1 forwards to the standby's bus, where a second rule starts the state machine."""
        self.rule(EAST, "forward", BUS)
        self.rule(WEST, "failover", MACHINE)

    def quiet(self) -> None:
        """Everything sent so far has been dealt with: a last event, sent after them, has arrived."""
        self.rule(WEST, "last", f"arn:aws:sns:{WEST}:{ACCOUNT}:last", {"source": ["last"]})
        for _ in range(3):  # each hop queues once more
            before = len(self.cloud.published)
            self.delivery.deliver(WEST, "default", {**event(), "source": "last"})
            eventually(lambda: len(self.cloud.published), lambda n: n > before, what="the last event", within_s=5)  # noqa: B023


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with control_plane() as client:
        ground, said = ground_in(tmp_path)
        cloud: Any = FakeCloud()
        delivery = EventDelivery(ground, cloud)
        try:
            yield Stage(client, delivery, cloud, said)
        finally:
            delivery.close()


def test_an_alarm_in_us_east_1_starts_the_state_machine_in_the_standby_region(stage: Stage) -> None:
    stage.both()
    stage.delivery.deliver(EAST, "default", event())
    stage.quiet()
    [(machine, name, given)] = stage.cloud.started
    assert (machine, name, json.loads(given)) == (MACHINE, "failover-event-1", event())


def test_a_second_delivery_of_the_same_event_starts_nothing(stage: Stage) -> None:
    stage.both()
    stage.delivery.deliver(EAST, "default", event())
    stage.delivery.deliver(EAST, "default", event())
    stage.delivery.deliver(EAST, "default", event(2))
    stage.quiet()
    assert [name for _, name, _ in stage.cloud.started] == ["failover-event-1", "failover-event-2"]
    assert stage.delivery.failures == 0


def test_an_event_that_no_rule_wants_reaches_nobody(stage: Stage) -> None:
    stage.both()
    stage.delivery.deliver(EAST, "default", event(state="OK"))
    stage.quiet()
    assert stage.cloud.started == []


def test_a_disabled_rule_does_nothing(stage: Stage) -> None:
    stage.rule(WEST, "failover", MACHINE, state="DISABLED")
    stage.delivery.deliver(WEST, "default", event())
    stage.quiet()
    assert stage.cloud.started == []


def test_a_topic_is_published_to(stage: Stage) -> None:
    topic = f"arn:aws:sns:{WEST}:{ACCOUNT}:gameday"
    stage.rule(WEST, "tell", topic, Input='"it broke"')
    stage.delivery.deliver(WEST, "default", event())
    stage.quiet()
    assert (topic, '"it broke"') in stage.cloud.published


def test_a_target_of_another_kind_is_said_and_counted(stage: Stage) -> None:
    stage.rule(WEST, "odd", f"arn:aws:lambda:{WEST}:{ACCOUNT}:function:f")
    stage.delivery.deliver(WEST, "default", event())
    stage.quiet()
    assert stage.delivery.failures == 1
    assert "rule odd" in stage.said[0]


def test_a_bus_that_is_not_there_is_said_and_counted(stage: Stage) -> None:
    stage.delivery.deliver(WEST, "none", event())
    stage.quiet()
    assert stage.delivery.failures == 1
    assert "an event bus 'none'" in stage.said[0]


def test_rules_in_a_circle_end(stage: Stage) -> None:
    stage.rule(WEST, "to-itself", BUS)
    stage.delivery.deliver(WEST, "default", event())
    eventually(lambda: stage.delivery.failures, 1, what="failures", within_s=5)
    assert "circle" in stage.said[0]


@pytest.mark.parametrize(
    ("target", "given"),
    [
        ({"Input": '{"mode": "unplanned"}'}, {"mode": "unplanned"}),
        ({"InputPath": "$.detail.state"}, {"value": "ALARM"}),
        (
            {"InputTransformer": {"InputPathsMap": {"a": "$.detail.alarmName"}, "InputTemplate": '{"why": "<a>"}'}},
            {"why": "health"},
        ),
        ({}, event()),
    ],
)
def test_a_target_is_given_what_it_asked_for(target: dict[str, Any], given: Any) -> None:
    assert json.loads(input_of(target, event())) == given


def test_an_execution_name_keeps_the_event_and_fits() -> None:
    name = execution_name("r" * 100, "0123456789ab-0123456789ab-0123456789")
    assert len(name) == 80
    assert name.endswith("-0123456789ab-0123456789ab-0123456789")
