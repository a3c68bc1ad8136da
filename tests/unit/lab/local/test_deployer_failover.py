"""The packaged state machine, run to its end on the patched control plane, with stand-ins for the lab's controllers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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
        self.checkers = "Failure: The health checker could not establish a connection within the timeout limit."
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
    """What is wanted runs at once; a task of no service ends with the stage's exit code."""
    done = threading.Event()

    def reconcile() -> None:
        backend = ecs_backends[ACCOUNT][WEST]
        while not done.wait(0.02):
            for service in list(backend.services.values()):
                service.running_count, service.pending_count = service.desired_count, 0
            for task in list(backend.tasks.get("gameday", {}).values()):
                task.containers[0].exitCode, task.last_status = stage.check_exit_code, "STOPPED"

    thread = threading.Thread(target=reconcile)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def deployed(tmp_path: Path, stage: Stage) -> Iterator[tuple[Aws, Outputs]]:
    """The reference deployment with its databases up, and a subscriber to its topic."""
    ground = bare_ground(tmp_path)
    apply_patches(stage.hooks(ground))
    parameters = {"ServicePort": "80", "DatabasePort": str(ground.ports.database)}
    with serve(ground), emptied():
        deploy(ground, parameters)
        for region in (EAST, WEST):
            for database in rds_backends[ACCOUNT][region].databases.values():
                database.status = "available"
        aws = aws_of(ground)
        outputs = read_outputs(aws, "gameday", EAST, WEST)
        where = {"TopicArn": outputs.shared["TopicArn"], "Protocol": "http", "Endpoint": "http://127.201.9.9:1/"}
        aws.client("sns", WEST).subscribe(**where)
        with service_controller(stage):
            yield aws, outputs


def fail_over(aws: Aws, outputs: Outputs) -> tuple[str, list[str]]:
    """Start the machine by hand; its end, and the states it entered."""
    sfn = aws.client("stepfunctions", WEST)
    machine = outputs.shared["StateMachineArn"]
    arn = sfn.start_execution(stateMachineArn=machine, input='{"mode":"unplanned"}')["executionArn"]
    status = eventually(
        lambda: str(sfn.describe_execution(executionArn=arn)["status"]),
        lambda seen: seen != "RUNNING",
        what="the failover",
        within_s=20,
    )
    history = sfn.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event]
    return status, entered


def test_a_failover_goes_through_its_states_in_order(deployed: tuple[Aws, Outputs], stage: Stage) -> None:
    aws, outputs = deployed
    status, entered = fail_over(aws, outputs)
    steps = ["LatchDns", "PromoteReplica", "WaitForPromotion", "EndpointNeeded?", "ScaleStandby", "PostCheck", "Done"]
    assert status == "SUCCEEDED", entered
    assert [name for name in entered if name in steps] == steps
    assert stage.promoted == [(WEST, "gameday-replica")]
    assert stage.told[-1]["What"] == "The standby serves."
    assert "RewriteEndpoint" not in entered


def test_a_failover_latches_dns_and_scales_the_standby(deployed: tuple[Aws, Outputs]) -> None:
    aws, outputs = deployed
    fail_over(aws, outputs)
    route53 = aws.client("route53", "us-east-1")
    records = route53.list_resource_record_sets(HostedZoneId=outputs.shared["HostedZoneId"])["ResourceRecordSets"]
    [primary] = [one for one in records if one.get("SetIdentifier") == "primary"]
    [service] = aws.client("ecs", WEST).describe_services(cluster="gameday", services=["gameday"])["services"]
    assert primary["ResourceRecords"] == [{"Value": f"{WEST}.app.gameday.example"}]
    assert service["desiredCount"] == 2


def test_a_healthy_primary_needs_no_failover(deployed: tuple[Aws, Outputs], stage: Stage) -> None:
    stage.checkers = "Success: HTTP Status Code 200, OK"
    status, entered = fail_over(*deployed)
    assert (status, stage.promoted) == ("SUCCEEDED", [])
    assert entered[-2:] == ["NotNeeded", "Done"]


def test_a_post_check_that_fails_is_told_and_fails_the_failover(deployed: tuple[Aws, Outputs], stage: Stage) -> None:
    stage.check_exit_code = 1
    status, entered = fail_over(*deployed)
    assert (status, entered[-1]) == ("FAILED", "Failed")
    assert (stage.told[-1]["What"], stage.told[-1]["Error"]) == ("Act by the runbook.", "States.TaskFailed")
