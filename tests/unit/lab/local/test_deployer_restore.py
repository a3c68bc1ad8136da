"""The packaged failover's restore on the patched control plane: the newest copy becomes the database that is served."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from control_plane import aws_of, bare_ground, emptied
from moto.rds.models import rds_backends
from test_deployer_failover import (
    EAST,
    WEST,
    Ran,
    Stage,
    databases_up_and_a_subscriber,
    fail_over,
    service_controller,
)

from gameday.aws import Aws
from gameday.lab.local.deployer import deploy
from gameday.lab.local.ground import ACCOUNT, Ground
from gameday.lab.local.moto_patches import apply_patches
from gameday.lab.local.server import serve
from gameday.lab.model import Outputs, read_outputs


@dataclass(frozen=True)
class Story:
    """A failover without replica and snapshot, one with two copies, and once more after it."""

    without: Ran
    restored: Ran
    again: Ran
    databases: list[dict[str, Any]]
    endpoint: dict[str, Any]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    ground, stage = bare_ground(tmp_path_factory.mktemp("restore")), Stage()
    stage.checkers = "Failure: The health checker could not establish a connection within the timeout limit."
    apply_patches(replace(stage.hooks(ground), database_endpoint=partial(endpoint_of, ground)))
    with serve(ground), emptied():
        deploy(aws_of(ground), {"ServicePort": "80", "DatabasePort": str(ground.ports.database)})
        aws = aws_of(ground)
        outputs = read_outputs(aws, "gameday", EAST, WEST)
        databases_up_and_a_subscriber(aws, outputs)
        rds_backends[ACCOUNT][WEST].databases.pop("gameday-replica")
        with service_controller(stage), databases_come_up():
            without = fail_over(aws, outputs, stage)
            for name in ("first", "second"):
                copy_across(aws, name)
            restored, again = fail_over(aws, outputs, stage), fail_over(aws, outputs, stage)
            yield Story(without, restored, again, *seen(aws, outputs))


def endpoint_of(ground: Ground, region: str, db_id: str) -> tuple[str, int]:
    """What is restored is reached elsewhere, as on AWS."""
    return (ground.addresses.database(region, 1 if "restored" in db_id else 0), ground.ports.database)


@contextmanager
def databases_come_up() -> Iterator[None]:
    """A new database of the standby's region is available in a moment."""
    done = threading.Event()

    def reconcile() -> None:
        while not done.wait(0.02):
            for database in list(rds_backends[ACCOUNT][WEST].databases.values()):
                database.status = "available"

    thread = threading.Thread(target=reconcile)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def copy_across(aws: Aws, name: str) -> None:
    taken = aws.client("rds", EAST).create_db_snapshot(
        DBInstanceIdentifier="gameday-primary", DBSnapshotIdentifier=name
    )
    source = taken["DBSnapshot"]["DBSnapshotArn"]
    aws.client("rds", WEST).copy_db_snapshot(
        SourceDBSnapshotIdentifier=source, TargetDBSnapshotIdentifier=f"copy-of-{name}", SourceRegion=EAST
    )


def seen(aws: Aws, outputs: Outputs) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    databases = aws.client("rds", WEST).describe_db_instances()["DBInstances"]
    secret = outputs.regions[WEST]["EndpointSecret"]
    text = aws.client("secretsmanager", WEST).get_secret_value(SecretId=secret)["SecretString"]
    return databases, json.loads(text)


def test_without_a_snapshot_it_fails_and_names_the_runbook(story: Story) -> None:
    assert (story.without.status, story.without.entered[-3]) == ("FAILED", "RestoreUnavailable")
    assert "database-restore" in story.without.told["Cause"]


def test_the_newest_copy_is_restored_and_the_endpoint_leads_to_it(story: Story) -> None:
    steps = ["ChooseSnapshot", "RestoreSnapshot", "RewriteEndpoint", "ScaleStandby", "PostCheck", "Done"]
    (database,) = story.databases
    assert story.restored.status == "SUCCEEDED", story.restored.entered
    assert [name for name in story.restored.entered if name in steps] == steps
    assert database["DBInstanceIdentifier"].startswith("gameday-restored-")
    assert story.endpoint == {
        "host": database["Endpoint"]["Address"],
        "port": database["Endpoint"]["Port"],
        "dbname": "app",
    }


def test_a_second_failover_restores_nothing_again(story: Story) -> None:
    assert story.again.status == "SUCCEEDED", story.again.entered
    assert "TakeExisting" in story.again.entered
    assert "RestoreSnapshot" not in story.again.entered
