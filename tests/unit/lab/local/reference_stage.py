"""The packaged templates, deployed on a real moto server behind the gate, with no parts behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from control_plane import aws_of, bare_ground, emptied

from gameday.aws import Aws
from gameday.lab.local.deployer import deploy
from gameday.lab.local.ground import Ground
from gameday.lab.local.moto_patches import Hooks, apply_patches
from gameday.lab.local.server import serve
from gameday.lab.model import Outputs, read_outputs

EAST, WEST = "ap-southeast-2", "us-west-2"


@contextmanager
def reference_stage(folder: Path) -> Iterator[tuple[Ground, Aws, Outputs]]:
    """The ground, its clients, and the outputs of the stacks."""
    ground = bare_ground(folder)
    where = Hooks(
        endpoint_url=ground.endpoint_url,
        said=ground.said,
        database_endpoint=lambda region, db_id: (ground.addresses.database(region), ground.ports.database),
    )
    apply_patches(where)
    parameters = {
        "ServicePort": str(ground.ports.http), "TaskPort": str(ground.ports.task),
        "DatabasePort": str(ground.ports.database), "Resolver": ground.resolver,
    }  # fmt: skip
    with serve(ground), emptied():
        deploy(aws_of(ground), parameters)
        aws = aws_of(ground)
        yield ground, aws, read_outputs(aws, "gameday", EAST, WEST)
