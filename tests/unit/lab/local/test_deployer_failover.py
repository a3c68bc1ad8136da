"""The packaged state machine, run to its end on the patched control plane, with stand-ins for the lab's controllers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from control_plane import aws_of, bare_ground, emptied
from moto.ecs.models import ecs_backends
from moto.rds.models import rds_backends

from gameday.aws import Aws
from gameday.clock import eventually
from gameday.lab.local.deployer import deploy
from gameday.lab.local.ground import ACCOUNT, Ground
from gameday.lab.local.moto_patches import Hooks, apply_patches
from gameday.lab.local.server import serve
from gameday.lab.model import Outputs, read_outputs

EAST, WEST = "ap-southeast-2", "us-west-2"


class Stage:
    """What happened, and what the stand-ins answer."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.promoted: list[tuple[str, str]] = []
        self.checkers = "Success: HTTP Status Code 200, OK"
        self.check_exit_code = 0

    def hooks(self, ground: Ground) -> Hooks:
        return Hooks(
            promote=lambda region, db_id: self.promoted.append((region, db_id)),
            publish=lambda subscription, message, *rest, **more: self.told.append(json.loads(message)),
            route53_status=lambda check: (self.checkers.startswith("Success"), self.checkers),
            database_endpoint=lambda region, db_id: (ground.addresses.database(region), ground.ports.database),
            asl_scale=0.01,
            endpoint_url=ground.endpoint_url,
            said=ground.said,
        )


@contextmanager
def service_controller(stage: Stage) -> Iterator[None]:
    """What is wanted runs at once; a task of no service ends well, in the standby with the stage's exit code."""
    done = threading.Event()

    def reconcile() -> None:
        while not done.wait(0.02):
            for region, exit_code in ((EAST, 0), (WEST, stage.check_exit_code)):
                backend = ecs_backends[ACCOUNT][region]
                for service in list(backend.services.values()):
                    service.running_count, service.pending_count = service.desired_count, 0
                for task in list(backend.tasks.get("gameday", {}).values()):
                    task.containers[0].exitCode, task.last_status = exit_code, "STOPPED"

    thread = threading.Thread(target=reconcile)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@dataclass(frozen=True)
class Ran:
    """How one failover ended, the states it entered, what it promoted and what it told."""

    status: str
    entered: list[str]
    promoted: list[tuple[str, str]]
    told: dict[str, Any]


@dataclass(frozen=True)
class Story:
    """Three failovers of one deployment: the primary well, the primary gone, and once more with a bad post-check."""

    aws: Aws
    outputs: Outputs
    healthy: Ran
    dark: Ran
    unproven: Ran


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    ground, stage = bare_ground(tmp_path_factory.mktemp("failover")), Stage()
    apply_patches(stage.hooks(ground))
    with serve(ground), emptied():
        deploy(aws_of(ground), {"ServicePort": "80", "DatabasePort": str(ground.ports.database)})
        aws = aws_of(ground)
        outputs = read_outputs(aws, "gameday", EAST, WEST)
        databases_up_and_a_subscriber(aws, outputs)
        with service_controller(stage):
            healthy = fail_over(aws, outputs, stage)
            stage.checkers = "Failure: The health checker could not establish a connection within the timeout limit."
            dark = fail_over(aws, outputs, stage)
            stage.check_exit_code = 1
            yield Story(aws, outputs, healthy, dark, fail_over(aws, outputs, stage))


def databases_up_and_a_subscriber(aws: Aws, outputs: Outputs) -> None:
    for region in (EAST, WEST):
        for database in rds_backends[ACCOUNT][region].databases.values():
            database.status = "available"
    where = {"TopicArn": outputs.shared["TopicArn"], "Protocol": "http", "Endpoint": "http://127.201.9.9:1/"}
    aws.client("sns", WEST).subscribe(**where)


def fail_over(aws: Aws, outputs: Outputs, stage: Stage, mode: str = "unplanned") -> Ran:
    """Start the machine by hand, and see it to its end."""
    return ended(aws, begun(aws, outputs, {"mode": mode}), stage)


def begun(aws: Aws, outputs: Outputs, given: dict[str, Any]) -> str:
    """Start the machine; the execution's ARN."""
    asked = {"stateMachineArn": outputs.shared["StateMachineArn"], "input": json.dumps(given)}
    return str(aws.client("stepfunctions", WEST).start_execution(**asked)["executionArn"])


def ended(aws: Aws, arn: str, stage: Stage) -> Ran:
    """See an execution to its end."""
    sfn = aws.client("stepfunctions", WEST)
    status = eventually(
        lambda: str(sfn.describe_execution(executionArn=arn)["status"]),
        lambda seen: seen != "RUNNING",
        what="the failover",
        within_s=60,
    )
    history = sfn.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event]
    return Ran(status, entered, list(stage.promoted), stage.told[-1])


def test_a_healthy_primary_needs_no_failover(story: Story) -> None:
    assert (story.healthy.status, story.healthy.promoted) == ("SUCCEEDED", [])
    assert story.healthy.entered[-2:] == ["NotNeeded", "Done"]


def test_a_failover_goes_through_its_states_in_order(story: Story) -> None:
    steps = ["LatchDns", "PromoteReplica", "WaitForPromotion", "EndpointNeeded?", "ScaleStandby", "PostCheck", "Done"]
    assert story.dark.status == "SUCCEEDED", story.dark.entered
    assert [name for name in story.dark.entered if name in steps] == steps
    assert story.dark.promoted == [(WEST, "gameday-replica")]
    assert story.dark.told["What"] == "The standby serves."
    assert "RewriteEndpoint" not in story.dark.entered


def test_a_failover_latches_dns_and_scales_the_standby(story: Story) -> None:
    zone = story.outputs.shared["HostedZoneId"]
    records = story.aws.client("route53", "us-east-1").list_resource_record_sets(HostedZoneId=zone)
    [primary] = [one for one in records["ResourceRecordSets"] if one.get("SetIdentifier") == "primary"]
    [service] = story.aws.client("ecs", WEST).describe_services(cluster="gameday", services=["gameday"])["services"]
    assert primary["ResourceRecords"] == [{"Value": f"{WEST}.app.gameday.example"}]
    assert service["desiredCount"] == 2


def test_a_post_check_that_fails_is_told_and_fails_the_failover(story: Story) -> None:
    assert (story.unproven.status, story.unproven.entered[-1]) == ("FAILED", "Failed")
    assert (story.unproven.told["What"], story.unproven.told["Error"]) == ("Act by the runbook.", "States.TaskFailed")


def test_a_second_failover_promotes_nothing_again(story: Story) -> None:
    assert story.unproven.promoted == [(WEST, "gameday-replica")]
    assert "PromoteReplica" not in story.unproven.entered
