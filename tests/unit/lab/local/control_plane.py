"""A bare lab ground on this suite's own loopback slot, and boto3 clients for it."""

import itertools
from pathlib import Path
from typing import Any

from gameday.aws import Aws
from gameday.lab.local.ground import Addresses, Delays, Ground, Ports

_bases = itertools.count(31000, 10)


def bare_ground(folder: Path, *, scale: float = 1.0) -> Ground:
    """No processes, no links: what the control plane alone stands on. Each has ports of its own."""
    delays = Delays(rds_promotion_s=0.0, ecs_start_s=0.0, link_latency_s=0.0, lag_metric_period_s=1.0)
    said: list[str] = []
    board: Any = None
    return Ground("control", folder, Addresses(201), Ports(next(_bases)), scale, delays, board, said.append)


def aws_of(ground: Ground) -> Aws:
    return Aws(ground.endpoint_url)
