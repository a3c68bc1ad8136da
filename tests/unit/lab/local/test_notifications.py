"""Notifications: posted, written into the outbox, filtered, and never in the publisher's way."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from compute_stage import SLOT, WEST, answering, control_plane, free_ports, ground_in
from moto.sns.models import sns_backends

from gameday.clock import eventually
from gameday.lab.local.notifications import Notifications

ADDRESS = f"127.{SLOT}.0.1"


@dataclass
class Stage:
    client: Callable[[str, str], Any]
    notifications: Notifications
    said: list[str]
    topic: str = ""

    def subscribe(self, protocol: str, endpoint: str, **attributes: str) -> Any:
        sns = self.client("sns", WEST)
        self.topic = sns.create_topic(Name="gameday")["TopicArn"]
        arn = sns.subscribe(
            TopicArn=self.topic, Protocol=protocol, Endpoint=endpoint, Attributes=attributes, ReturnSubscriptionArn=True
        )["SubscriptionArn"]
        return sns_backends["123456789012"][WEST].subscriptions[arn]

    def outbox(self) -> list[dict[str, Any]]:
        file = self.notifications.ground.folder / "outbox.ndjson"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def letters(self, count: int) -> list[dict[str, Any]]:
        return eventually(self.outbox, lambda seen: len(seen) == count, what="the outbox", within_s=5)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with control_plane() as client:
        ground, said = ground_in(tmp_path, scale=0.01)
        notifications = Notifications(ground)
        try:
            yield Stage(client, notifications, said)
        finally:
            notifications.close()


def test_a_web_hook_is_posted_to_as_sns_does(stage: Stage) -> None:
    port = free_ports()
    with answering(ADDRESS, port) as asked:
        stage.notifications.accept(
            stage.subscribe("http", f"http://{ADDRESS}:{port}/hook"), "it broke", "id-1", "Alarm"
        )
        eventually(lambda: len(asked), 1, what="posts", within_s=10)
    path, _, body = asked[0]
    told = json.loads(body)
    assert (path, told["Type"], told["Subject"], told["Message"]) == ("/hook", "Notification", "Alarm", "it broke")
    assert told["TopicArn"] == stage.topic


def test_a_web_hook_that_comes_back_is_reached(stage: Stage) -> None:
    port, status = free_ports(), iter([500, 503, 200])
    with answering(ADDRESS, port, lambda: next(status)) as asked:
        stage.notifications.accept(stage.subscribe("http", f"http://{ADDRESS}:{port}/"), "m", "id-1")
        eventually(lambda: len(asked), 3, what="posts", within_s=10)
    assert stage.notifications.failures == 0


def test_a_dead_subscriber_is_said_and_counted_and_blocks_nobody(stage: Stage) -> None:
    dead = stage.subscribe("http", f"http://{ADDRESS}:{free_ports()}/")
    stage.notifications.accept(dead, "m", "id-1")
    stage.notifications.accept(stage.subscribe("email", "ann@gameday.example"), "m", "id-2", "Alarm")
    stage.letters(1)
    eventually(lambda: stage.notifications.failures, 1, what="failures", within_s=10)
    assert "notification id-1 to http" in stage.said[0]


def test_an_e_mail_lands_in_the_outbox(stage: Stage) -> None:
    stage.notifications.accept(stage.subscribe("email", "ann@gameday.example"), "it broke", "id-1", "Alarm")
    [letter] = stage.letters(1)
    assert (letter["topic"], letter["to"], letter["subject"], letter["message"]) == (
        stage.topic, "ann@gameday.example", "Alarm", "it broke",
    )  # fmt: skip
    assert letter["utc"].endswith("Z")


def test_a_structured_message_is_taken_apart(stage: Stage) -> None:
    ann = stage.subscribe("email", "ann@gameday.example")
    text = json.dumps({"default": "short", "email": "Dear Ann"})
    stage.notifications.accept(ann, text, "id-1", message_structure="json")
    assert stage.letters(1)[0]["message"] == "Dear Ann"


def test_a_filter_policy_is_honoured(stage: Stage) -> None:
    ann = stage.subscribe("email", "ann@gameday.example", FilterPolicy='{"kind": ["drill"]}')
    for number, kind in enumerate(("noise", "drill")):
        attributes = {"kind": {"Type": "String", "Value": kind}}
        stage.notifications.accept(ann, kind, f"id-{number}", message_attributes=attributes)
    assert [letter["message"] for letter in stage.letters(1)] == ["drill"]


def test_publishing_goes_through_the_topic(stage: Stage) -> None:
    stage.subscribe("email", "ann@gameday.example")
    stage.notifications.publish(stage.topic, "Alarm", "it broke")
    topic = sns_backends["123456789012"][WEST].topics[stage.topic]
    sent = eventually(lambda: list(topic.sent_notifications), bool, what="notifications", within_s=5)
    assert sent[0][1:3] == ("it broke", "Alarm")


def test_publishing_to_a_topic_that_is_gone_is_said_and_counted(stage: Stage) -> None:
    stage.notifications.publish(f"arn:aws:sns:{WEST}:123456789012:none", "Alarm", "it broke")
    eventually(lambda: stage.notifications.failures, 1, what="failures", within_s=5)
    assert "publishing to" in stage.said[0]
