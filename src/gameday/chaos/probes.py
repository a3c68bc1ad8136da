"""What an experiment can look at. Every probe answers with a number or a word, or fails; none answers with nothing."""

from chaoslib.types import Configuration

from gameday.chaos.token import drilling
from gameday.probing import PROBES

__all__ = [
    "database_role",
    "dns_answer_region",
    "health_check",
    "read_success_rate",
    "replica_lag_s",
    "running_tasks",
    "write_success_rate",
]


def write_success_rate(newest: int = 100, configuration: Configuration = None) -> float:
    """The share of good probes, 0 to 1, among the newest fresh writes of the drill's own prober."""
    with drilling() as drill:
        return float(PROBES["write_success_rate"](drill, newest))


def read_success_rate(newest: int = 100, configuration: Configuration = None) -> float:
    """The share of good probes, 0 to 1, among the newest fresh reads of the drill's own prober."""
    with drilling() as drill:
        return float(PROBES["read_success_rate"](drill, newest))


def replica_lag_s(configuration: Configuration = None) -> float:
    """The newest sample of the replica's lag, in seconds."""
    with drilling() as drill:
        return float(PROBES["replica_lag_s"](drill))


def dns_answer_region(configuration: Configuration = None) -> str:
    """The region whose balancer the service's name resolves to now; "none" without answer, "unknown" for nobody's."""
    with drilling() as drill:
        return str(PROBES["dns_answer_region"](drill))


def health_check(configuration: Configuration = None) -> str:
    """What Route 53 says of the primary: "healthy" or "unhealthy"."""
    with drilling() as drill:
        return str(PROBES["health_check"](drill))


def database_role(region: str, configuration: Configuration = None) -> str:
    """The role of the region's database: "primary", "replica" or "gone"."""
    with drilling() as drill:
        return str(PROBES["database_role"](drill, region))


def running_tasks(region: str, configuration: Configuration = None) -> int:
    """How many tasks of the service run in the region."""
    with drilling() as drill:
        return int(PROBES["running_tasks"](drill, region))
