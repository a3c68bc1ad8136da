"""The packaged planned failover on the patched control plane: its events cross the regions, its token comes back."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from control_plane import aws_of, bare_ground, emptied
from test_deployer_failover import (
    EAST,
    WEST,
    Ran,
    Stage,
    begun,
    databases_up_and_a_subscriber,
    ended,
    fail_over,
    service_controller,
)

from gameday.aws import Aws
from gameday.lab.local.deployer import deploy
from gameday.lab.local.events import EventDelivery
from gameday.lab.local.moto_patches import apply_patches
from gameday.lab.local.server import serve
from gameday.lab.model import Outputs, read_outputs


@dataclass(frozen=True)
class Seen:
    """What a failover left: how many tasks the primary wants, and where its record points."""

    primary_tasks: int
    record: str


@dataclass(frozen=True)
class Story:
    """A planned failover whose replica never shows the mark, then a good one, with an alarm's one beside it."""

    undone: Ran
    after_undone: Seen
    good: Ran
    beside: Ran
    after_good: Seen


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    ground, stage = bare_ground(tmp_path_factory.mktemp("planned")), Stage()
    events = EventDelivery(ground)
    apply_patches(replace(stage.hooks(ground), event=events.deliver))
    with serve(ground), emptied():
        deploy(aws_of(ground), {"ServicePort": "80", "DatabasePort": str(ground.ports.database)})
        aws = aws_of(ground)
        outputs = read_outputs(aws, "gameday", EAST, WEST)
        databases_up_and_a_subscriber(aws, outputs)
        with service_controller(stage):
            stage.check_exit_code = 1
            undone, after_undone = fail_over(aws, outputs, stage, "planned"), seen(aws, outputs)
            stage.check_exit_code = 0
            planned = begun(aws, outputs, {"mode": "planned"})
            beside = ended(aws, begun(aws, outputs, {"detail": {"alarmName": "gameday-primary-health"}}), stage)
            yield Story(undone, after_undone, ended(aws, planned, stage), beside, seen(aws, outputs))
    events.close()


def seen(aws: Aws, outputs: Outputs) -> Seen:
    [service] = aws.client("ecs", EAST).describe_services(cluster="gameday", services=["gameday"])["services"]
    zone: dict[str, Any] = {"HostedZoneId": outputs.shared["HostedZoneId"]}
    records = aws.client("route53", "us-east-1").list_resource_record_sets(**zone)["ResourceRecordSets"]
    [primary] = [one for one in records if one.get("SetIdentifier") == "primary"]
    return Seen(service["desiredCount"], primary["ResourceRecords"][0]["Value"])


def test_a_replica_that_never_shows_the_mark_is_not_promoted_and_the_primary_goes_on(story: Story) -> None:
    assert (story.undone.status, story.undone.promoted) == ("FAILED", [])
    assert story.undone.told["What"].startswith("Nothing was promoted; the primary has its tasks")
    assert story.after_undone == Seen(2, f"{EAST}.app.gameday.example")


def test_a_good_one_drains_the_other_region_and_promotes_after_the_mark(story: Story) -> None:
    steps = ["DrainPrimary", "AwaitMark", "LatchDns", "PromoteReplica", "ScaleStandby", "PostCheck", "Done"]
    assert story.good.status == "SUCCEEDED", story.good.entered
    assert [name for name in story.good.entered if name in steps] == steps
    assert story.good.promoted == [(WEST, "gameday-replica")]
    assert story.after_good == Seen(0, f"{WEST}.app.gameday.example")


def test_the_alarms_execution_beside_it_waits_and_finds_nothing_to_do(story: Story) -> None:
    assert (story.beside.status, story.beside.entered[-2:]) == ("SUCCEEDED", ["AlreadyDone", "Done"])
    assert "WaitForTheOther" in story.beside.entered
    assert not {"LatchDns", "PromoteReplica"} & set(story.beside.entered)
