"""What can be looked at while a drill runs: the probes of an experiment, and of a stop condition in any door.

Every probe answers with a number or a word, or raises; none answers with nothing.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from gameday.clients import Clients
from gameday.errors import LabError, LoadError
from gameday.lab import status
from gameday.lab.model import Lab


class Looked(Protocol):
    """What a probe looks at: the lab, and the service as its clients see it. A drill is one."""

    lab: Lab
    clients: Clients


def write_success_rate(at: Looked, newest: int = 100) -> float:
    """The share of good probes, 0 to 1, among the newest fresh writes of the drill's own prober."""
    return _share(at, "write", newest)


def read_success_rate(at: Looked, newest: int = 100) -> float:
    """The share of good probes, 0 to 1, among the newest fresh reads of the drill's own prober."""
    return _share(at, "read", newest)


def replica_lag_s(at: Looked) -> float:
    """The newest sample of the replica's lag, in seconds."""
    seen = status.replica_lag(at.lab)
    if seen is None:
        raise LabError("a sample of ReplicaLag", "none in the last 15 minutes", "is the replica still a replica?")
    return float(seen.lag_s)


def dns_answer_region(at: Looked) -> str:
    """The region whose balancer the service's name resolves to now; "none" without answer, "unknown" for nobody's."""
    answer = status.dns_answer(at.lab)
    return (status.region_of(at.lab, answer) or "unknown") if answer else "none"


def health_check(at: Looked) -> str:
    """What Route 53 says of the primary: "healthy" or "unhealthy"."""
    return status.health_check(at.lab)


def database_role(at: Looked, region: str) -> str:
    """The role of the region's database: "primary", "replica" or "gone"."""
    return status.database(at.lab, region).role


def running_tasks(at: Looked, region: str) -> int:
    """How many tasks of the service run in the region."""
    return int(status.service_of(at.lab, region).get("runningCount", 0))


PROBES: Mapping[str, Callable[..., float | str]] = {
    probe.__name__: probe
    for probe in (
        write_success_rate,
        read_success_rate,
        replica_lag_s,
        dns_answer_region,
        health_check,
        database_role,
        running_tasks,
    )
}


def _share(at: Looked, target: str, newest: int) -> float:
    at.clients.check()
    at.clients.outside.look()
    seen = at.clients.outside.sight(target, newest=int(newest))
    if not seen.seen:
        raise LoadError(f"at least one {target} probe", "none", "read the prober's log in the record")
    return seen.share
