"""What only the local lab can tell, beside AWS's API: its links, its processes, and the WAL of its old primary."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import msgspec

from gameday.errors import LabError
from gameday.facts import WalCommit
from gameday.lab.model import Lab
from gameday.lab.rehearsing import LOCAL_LAB, PlannedCall, Rehearsing
from gameday.processes import ProcessId


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """One link of the local lab: whether it is cut, and whether it lets new connections in."""

    name: str
    is_cut: bool
    admits: bool
    connections: int
    bytes_passed: int


@dataclass(frozen=True, slots=True)
class Fork:
    """What the old primary committed after the standby's timeline forked; ``commits`` is None when nothing forked."""

    commits: tuple[WalCommit, ...] | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """What the lab's controllers raised last, by controller, and how often in all."""

    last: Mapping[str, str]
    count: int


def links(lab: Lab) -> tuple[LinkSeen, ...]:
    """Every link of a local lab, as it is now."""
    return _ask(lab, "links", tuple[LinkSeen, ...])


def processes(lab: Lab) -> dict[str, ProcessId]:
    """Every process of a local lab by name, the lab's own included."""
    return _ask(lab, "processes", dict[str, ProcessId])


def trouble(lab: Lab) -> Trouble:
    """What the lab's controllers complain about."""
    return _ask(lab, "trouble", Trouble)


def wal_after_fork(lab: Lab) -> tuple[WalCommit, ...] | None:
    """The old primary's commits after the fork point; None where WAL cannot be read (AWS), or nothing was promoted."""
    return _ask(lab, "wal", Fork, within_s=60).commits if lab.is_local else None


def kill_database(lab: Lab, region: str, database: str) -> None:
    """Kill a database's host: nothing under way is delivered, its processes get SIGKILL; returns when they are dead."""
    _change(lab, "kill-database", region=region, database=database)


def start_database(lab: Lab, region: str, database: str) -> None:
    """Start a database that was killed; returns at once, and its status says when it is available. One that runs goes
    on."""
    _change(lab, "start-database", region=region, database=database)


def slow_replication(lab: Lab, replica: str, *, bandwidth_bps: float, latency_s: float | None = None) -> None:
    """Let the replica's replication link carry so many bits a second at most, ``latency_s`` one way if it is given."""
    shape = {"bandwidth_bps": bandwidth_bps, "latency_s": latency_s}
    _change(lab, "shape-replication", replica=replica, **{k: v for k, v in shape.items() if v is not None})


def unslow_replication(lab: Lab, replica: str) -> None:
    """Give the replica's replication link the width and the latency that the lab made it with."""
    _change(lab, "shape-replication", replica=replica)


def trouble_control_plane(lab: Lab, region: str, service: str, how: Mapping[str, float]) -> None:
    """Put a rule in force at the control plane's door (:class:`gameday.lab.local.gate.Rule`, by its fields' names)."""
    _change(lab, "trouble-control-plane", region=region, service=service, **how)


def calm_control_plane(lab: Lab, region: str, service: str) -> None:
    """Take the rule for exactly this service and region away."""
    _change(lab, "calm-control-plane", region=region, service=service)


def _change(lab: Lab, what: str, **arguments: Any) -> None:
    """Have the lab do something; in a rehearsal it is noted instead, as a call of AWS is."""
    if isinstance(lab.aws, Rehearsing):
        lab.aws.note(PlannedCall(LOCAL_LAB, what, str(arguments.get("region", "")), arguments))
        return
    _ask(lab, f"{what}?{urlencode(arguments)}", bool)


def _ask[T](lab: Lab, what: str, form: type[T], within_s: float = 10) -> T:
    url = f"{lab.aws.endpoint_url}/_gameday/{what}"
    try:
        with urlopen(url, timeout=within_s) as answer:
            return msgspec.json.decode(answer.read(), type=form)
    except (URLError, OSError, msgspec.DecodeError) as cause:
        raise LabError(f"the local lab to tell its {what}", str(cause), "look at it: gameday lab status") from cause
