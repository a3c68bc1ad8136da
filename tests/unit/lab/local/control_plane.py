"""A bare lab ground on this suite's own loopback slot, a patched control plane on it, and boto3 clients for that."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from beside import WORKER
from moto.moto_api._internal.models import moto_api_backend

from gameday.aws import Aws
from gameday.lab.local.gate import Gate
from gameday.lab.local.ground import Addresses, Delays, Ground, Ports
from gameday.lab.local.moto_patches import Hooks, apply_patches
from gameday.lab.local.server import serve

_bases = itertools.count(28000 + 2000 * WORKER, 10)


def bare_ground(folder: Path, *, scale: float = 1.0) -> Ground:
    """No processes, no links: what the control plane alone stands on. Each has ports of its own."""
    delays = Delays(rds_promotion_s=0.0, ecs_start_s=0.0, link_latency_s=0.0, lag_metric_period_s=1.0)
    said: list[str] = []
    board: Any = None
    return Ground("control", folder, Addresses(201), Ports(next(_bases)), scale, delays, board, said.append)


def aws_of(ground: Ground) -> Aws:
    return Aws(ground.endpoint_url)


@dataclass
class ReachedAws(Aws):
    """AWS as a client sees it, and the gate it went through."""

    gate: Gate = field(kw_only=True)


@contextmanager
def emptied() -> Iterator[None]:
    """moto is one a process: forget what earlier tests made, and afterwards whose hooks are in force."""
    moto_api_backend.reset()
    try:
        yield
    finally:
        apply_patches(Hooks())


@contextmanager
def control_plane(folder: Path, hooks: Hooks) -> Iterator[ReachedAws]:
    """An empty, patched control plane with these hooks in force."""
    ground = bare_ground(folder)
    apply_patches(replace(hooks, endpoint_url=ground.endpoint_url, said=ground.said))
    with serve(ground) as server, emptied():
        yield ReachedAws(ground.endpoint_url, gate=server.gate)
