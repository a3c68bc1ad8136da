"""What can be looked at while a drill runs: the probes of an experiment, and of a stop condition in any door.

Every probe answers with a number or a word, or raises; none answers with nothing.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from math import inf
from typing import Protocol

from gameday.clients import Clients
from gameday.errors import LabError, LoadError
from gameday.lab import status
from gameday.lab.model import Lab

LAG_PERIODS, LAG_AGE_S_LEAST = 5, 10.0  # CloudWatch has a sample a minute or two after it was taken


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
    """The newest sample of the replica's lag, in seconds; one older than five periods of that metric is none."""
    within_s = max(LAG_PERIODS * status.lag_period_s(at.lab), LAG_AGE_S_LEAST)
    seen = status.replica_lag(at.lab, timedelta(seconds=within_s))
    if seen is None:
        raise LabError("a sample of ReplicaLag", f"none in the last {within_s:g} s", "is the replica still a replica?")
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
    outside, now_ns = at.clients.outside, at.clients.clock.mono_ns()
    at.clients.check()
    outside.look()
    silent_s = outside.silent_s(target, now_ns)
    if silent_s >= outside.silence_s:
        seen = f"none for {silent_s:.1f} s" if silent_s < inf else "none"
        raise LoadError(
            f"a {target} probe within the last {outside.silence_s:.1f} s", seen, "read the prober's log in the record"
        )
    return outside.sight(target, newest=int(newest)).share
