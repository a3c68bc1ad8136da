"""What an experiment can look at. Every probe answers with a number or a word, or fails; none answers with nothing."""

from chaoslib.types import Configuration

from gameday.chaos.token import drilling
from gameday.drill import Drill
from gameday.errors import LabError, LoadError

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
        return _share(drill, "write", newest)


def read_success_rate(newest: int = 100, configuration: Configuration = None) -> float:
    """The share of good probes, 0 to 1, among the newest fresh reads of the drill's own prober."""
    with drilling() as drill:
        return _share(drill, "read", newest)


def replica_lag_s(configuration: Configuration = None) -> float:
    """The newest sample of the replica's lag, in seconds."""
    from gameday.lab.status import replica_lag

    with drilling() as drill:
        seen = replica_lag(drill.lab)
        if seen is None:
            raise LabError("a sample of ReplicaLag", "none in the last 15 minutes", "is the replica still a replica?")
        return float(seen.lag_s)


def dns_answer_region(configuration: Configuration = None) -> str:
    """The region whose balancer the service's name resolves to now; "none" without answer, "unknown" for nobody's."""
    from gameday.lab.status import dns_answer, region_of

    with drilling() as drill:
        answer = dns_answer(drill.lab)
        return (region_of(drill.lab, answer) or "unknown") if answer else "none"


def health_check(configuration: Configuration = None) -> str:
    """What Route 53 says of the primary: "healthy" or "unhealthy"."""
    from gameday.lab.status import health_check as seen

    with drilling() as drill:
        return seen(drill.lab)


def database_role(region: str, configuration: Configuration = None) -> str:
    """The role of the region's database: "primary", "replica" or "gone"."""
    from gameday.lab.status import database

    with drilling() as drill:
        return database(drill.lab, region).role


def running_tasks(region: str, configuration: Configuration = None) -> int:
    """How many tasks of the service run in the region."""
    from gameday.lab.status import service_of

    with drilling() as drill:
        return int(service_of(drill.lab, region).get("runningCount", 0))


def _share(drill: Drill, target: str, newest: int) -> float:
    drill.clients.check()
    drill.clients.outside.look()
    seen = drill.clients.outside.sight(target, newest=int(newest))
    if not seen.seen:
        raise LoadError(f"at least one {target} probe", "none", "read the prober's log in the record")
    return seen.share
