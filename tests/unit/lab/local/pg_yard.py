"""PostgreSQL for tests: nodes in a folder of their own on this suite's loopback slot, ended and removed afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from beside import WORKER

from gameday.clock import eventually
from gameday.lab.local.links import Address
from gameday.lab.local.pg_binaries import find_binaries
from gameday.lab.local.pg_template import clone, template
from gameday.lab.local.postgres import Node, Upstream
from gameday.processes import spawn

PORT = 24714 + 1000 * WORKER
SOON_S = 30.0


class Yard:
    """Nodes in one folder, made from one template."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nodes: list[Node] = []

    def node(self, name: str, host: int, upstream: Upstream | None = None) -> Node:
        node = Node(name, self.folder / name, (f"127.202.2.{host}", PORT), find_binaries())
        blank = self.folder / f"blank-{name}"
        clone(template(find_binaries(), self.folder / "cache"), blank)
        node.create(blank, upstream)
        self.nodes.append(node)
        return node

    def log(self, node: Node) -> Path:
        return self.folder / f"{node.name}.log"

    def start(self, node: Node) -> Node:
        node.start(lambda _, command, **how: spawn(command, log=self.log(node), **how))
        node.wait_ready(within_s=SOON_S, log=self.log(node))
        return node

    def primary(self) -> Node:
        """`east`, which standbys may stream from as `west`."""
        east = self.start(self.node("east", 1))
        east.add_replicator("secret")
        east.add_slot("west")
        return east

    def standby(self, east: Node, over: Address | None = None) -> Node:
        """`west`, streaming from `east`, over a link if one is given."""
        west = self.start(self.node("west", 2, Upstream(over or east.address, "west", "secret")))
        eventually(partial(streaming, east), 1, what="standbys of east", within_s=SOON_S)
        return west


def streaming(primary: Node) -> object:
    return primary.ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")


@contextmanager
def yard() -> Iterator[Yard]:
    """A yard in a short folder (a Unix socket's path must fit 108 bytes)."""
    made = Yard(Path(tempfile.mkdtemp(prefix="gd-")))
    try:
        yield made
    finally:
        for node in made.nodes:
            node.kill()
        shutil.rmtree(made.folder)
