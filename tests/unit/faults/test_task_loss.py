"""Task loss against moto's ECS: the share of the tasks that was asked for is stopped, and no other."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from fault_stage import ACCOUNT, REGION, lab_of, vpc_of

from gameday.aws import Aws
from gameday.errors import GuardError, InputError
from gameday.facts import Kind
from gameday.faults import TaskLoss
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal


def with_tasks(count: int) -> list[str]:
    """So many running tasks of the service; moto's ECS starts none by itself."""
    ecs = Aws().client("ecs", REGION)
    started = ecs.run_task(
        cluster="gameday", taskDefinition="gameday", count=count, group="service:gameday", startedBy="gameday",
        launchType="FARGATE", networkConfiguration={"awsvpcConfiguration": {"subnets": [a_subnet()]}},
    )  # fmt: skip
    return sorted(task["taskArn"].rsplit("/", 1)[-1] for task in started["tasks"])


def a_subnet() -> str:
    return str(Aws().client("ec2", REGION).describe_subnets()["Subnets"][0]["SubnetId"])


@contextmanager
def stopping_what_is_asked_to() -> Iterator[None]:
    """ECS's part: a task that shall stop does. moto's own does it too, unless a lab's patches are in this process."""
    from moto.ecs.models import ecs_backends

    over = Event()

    def play() -> None:
        while not over.wait(0.02):
            for tasks in list(ecs_backends[ACCOUNT][REGION].tasks.values()):
                for task in [task for task in tasks.values() if task.desired_status == "STOPPED"]:
                    task.last_status = "STOPPED"

    player = Thread(target=play, daemon=True)
    player.start()
    try:
        yield
    finally:
        over.set()
        player.join()


def stopped(record: Record) -> list[str]:
    events = [json.loads(line) for line in record.timeline.read_text().splitlines()]
    (fault,) = [event for event in events if event["kind"] == Kind.FAULT]
    return list(fault["detail"]["tasks"])


@pytest.mark.parametrize(("share", "expected"), [(1.0, 3), (0.5, 2), (0.01, 1)])
def test_a_share_is_rounded_up(
    share: float, expected: int, ec2: Any, timeline: Timeline, undo: UndoJournal, record: Record
) -> None:
    vpc = vpc_of(ec2)
    running = with_tasks(3)
    with stopping_what_is_asked_to():
        TaskLoss(REGION, share).inject(lab_of(vpc), undo, timeline)
    assert stopped(record) == running[:expected]
    left = Aws().client("ecs", REGION).list_tasks(cluster="gameday", desiredStatus="RUNNING")["taskArns"]
    assert len(left) == 3 - expected
    assert [step.intent for _, step in undo.open_steps()] == ["service_runs"]


def test_a_service_without_tasks_has_no_targets(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    with pytest.raises(GuardError, match="no targets"):
        TaskLoss(REGION).inject(lab_of(vpc_of(ec2)), undo, timeline)
    assert undo.open_steps() == []


def test_an_account_that_was_not_said_aloud_is_refused(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    vpc = vpc_of(ec2)
    with_tasks(1)
    with pytest.raises(GuardError, match="`live`"):
        TaskLoss(REGION).inject(lab_of(vpc, live=False), undo, timeline)


@pytest.mark.parametrize("share", [0, -0.5, 1.5, True, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="share of the tasks"):
        TaskLoss(REGION, share)
