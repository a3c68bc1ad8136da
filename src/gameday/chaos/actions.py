"""What an experiment can do: break a region, wait for the recovery, observe, heal. Each needs the drill's control."""

from chaoslib.types import Configuration

from gameday.chaos.token import TOKEN, drilling
from gameday.seen import alarm_cleared, alarm_raised, documents_are, lag_at_most

__all__ = [
    "fail_over",
    "fence",
    "heal",
    "hold",
    "inject_bucket_loss",
    "inject_control_plane_trouble",
    "inject_database_loss",
    "inject_health_check_trouble",
    "inject_key_unavailable",
    "inject_object_ransomware",
    "inject_partition",
    "inject_region_outage",
    "inject_replica_lag",
    "inject_replica_loss",
    "inject_secret_unavailable",
    "inject_task_loss",
    "observe",
    "run_runbook",
    "take_snapshot",
    "until_alarm",
    "until_alarm_cleared",
    "until_documents",
    "until_lag_at_most",
    "until_recovered",
]


def inject_region_outage(region: str, configuration: Configuration = None) -> str:
    """Cut a whole region off: every subnet of its VPC denies every packet. Returns what was injected.

    Its undo steps are on the disk before it touches anything; it fails when the region does not go dark.
    """
    from gameday.faults.region_outage import RegionOutage

    with drilling() as drill:
        fault = RegionOutage(region)
        drill.inject(fault)
        return repr(fault)


def inject_database_loss(region: str, how: str = "kill", confirm: str = "", configuration: Configuration = None) -> str:
    """Lose a region's database while the rest of the region lives. Returns what was injected.

    how is kill (its host dies without a goodbye; local lab only), isolate (its subnets deny every packet), reboot, or
    delete (with a final snapshot; confirm must then be the database's identifier).
    """
    from gameday.faults.database_loss import DatabaseLoss

    with drilling() as drill:
        fault = DatabaseLoss(region, how, confirm)
        drill.inject(fault)
        return repr(fault)


def inject_partition(region: str, configuration: Configuration = None) -> str:
    """Sever a region's database from the other region, both alive (local lab only). Returns what was injected."""
    from gameday.faults.partition import Partition

    with drilling() as drill:
        fault = Partition(region)
        drill.inject(fault)
        return repr(fault)


def inject_replica_loss(region: str, how: str = "delete", configuration: Configuration = None) -> str:
    """Lose the read replica in a region. Returns what was injected.

    how is delete (RDS deletes it; healing makes a new one) or kill (its host dies; local lab only).
    """
    from gameday.faults.replica_loss import ReplicaLoss

    with drilling() as drill:
        fault = ReplicaLoss(region, how)
        drill.inject(fault)
        return repr(fault)


def inject_replica_lag(
    region: str, bandwidth_bps: float = 100_000.0, latency_s: float | None = None, configuration: Configuration = None
) -> str:
    """Narrow the link over which a region's database feeds its replica (local lab only). Returns what was injected.

    bandwidth_bps is bits a second; latency_s is one way, and stays as it was when it is left out.
    """
    from gameday.faults.replica_lag import ReplicaLag

    with drilling() as drill:
        fault = ReplicaLag(region, float(bandwidth_bps), None if latency_s is None else float(latency_s))
        drill.inject(fault)
        return repr(fault)


def take_snapshot(region: str, within_s: float = 900, configuration: Configuration = None) -> str:
    """Take a snapshot of a region's database and wait until it is available, within_s × timer scale at most.

    It stands for the newest backup that there would be. Returns its name.
    """
    with drilling() as drill:
        return drill.snapshot(region, float(within_s))


def inject_health_check_trouble(region: str, says: str = "forced", configuration: Configuration = None) -> str:
    """Let the primary's health check lie. Returns what was injected.

    says is forced (a healthy primary is unhealthy) or blinded (whatever happens, it is healthy).
    """
    from gameday.faults.health_check import HealthCheckTrouble

    with drilling() as drill:
        fault = HealthCheckTrouble(region, says)
        drill.inject(fault)
        return repr(fault)


def inject_control_plane_trouble(
    region: str,
    how: str = "errors",
    service: str = "*",
    share: float = 1.0,
    latency_s: float = 2.0,
    calls_per_s: float = 1.0,
    configuration: Configuration = None,
) -> str:
    """Trouble a region's AWS APIs, all or one service's (local lab only). Returns what was injected.

    how is errors (a share of the calls), throttling (above calls_per_s), latency (latency_s more), or blackout.
    """
    from gameday.faults.control_plane import ControlPlaneTrouble

    with drilling() as drill:
        fault = ControlPlaneTrouble(region, how, service, float(share), float(latency_s), float(calls_per_s))
        drill.inject(fault)
        return repr(fault)


def inject_task_loss(region: str, share: float = 1.0, configuration: Configuration = None) -> str:
    """Stop a share of a region's running tasks, rounded up; ECS replaces them. Returns what was injected."""
    from gameday.faults.task_loss import TaskLoss

    with drilling() as drill:
        fault = TaskLoss(region, float(share))
        drill.inject(fault)
        return repr(fault)


def inject_object_ransomware(
    region: str, share: float = 1.0, seed: int = 1, prefix: str = "", configuration: Configuration = None
) -> str:
    """Delete and overwrite a share of the objects of a region's bucket, drawn by seed. Returns what was injected.

    Refused on a bucket without versioning: nothing could be taken back.
    """
    from gameday.faults.object_ransomware import ObjectRansomware

    with drilling() as drill:
        fault = ObjectRansomware(region, float(share), int(seed), prefix)
        drill.inject(fault)
        return repr(fault)


def inject_bucket_loss(region: str, confirm: str, configuration: Configuration = None) -> str:
    """Empty a region's bucket, versions and all. Returns what was injected.

    Refused unless confirm is the bucket's name, and while the other region's bucket lacks any of the objects.
    """
    from gameday.faults.bucket_loss import BucketLoss

    with drilling() as drill:
        fault = BucketLoss(region, confirm)
        drill.inject(fault)
        return repr(fault)


def inject_key_unavailable(region: str, configuration: Configuration = None) -> str:
    """Disable the KMS key of a region's bucket and secrets. Returns what was injected."""
    from gameday.faults.key_unavailable import KeyUnavailable

    with drilling() as drill:
        fault = KeyUnavailable(region)
        drill.inject(fault)
        return repr(fault)


def inject_secret_unavailable(region: str, configuration: Configuration = None) -> str:
    """Deny the region's service its database endpoint's secret. Returns what was injected."""
    from gameday.faults.secret_unavailable import SecretUnavailable

    with drilling() as drill:
        fault = SecretUnavailable(region)
        drill.inject(fault)
        return repr(fault)


def until_documents(are: str, within_s: float, configuration: Configuration = None) -> str:
    """Wait until the canary reads its documents good or bad, within_s × timer scale at most; it fails otherwise."""
    with drilling() as drill:
        drill.until(documents_are(are), float(within_s))
        return f"the canary's documents are {are}"


def until_alarm(name: str, within_s: float, configuration: Configuration = None) -> str:
    """Wait until an alarm is in ALARM, within_s × timer scale at most; it fails when the alarm stays silent."""
    with drilling() as drill:
        drill.until(alarm_raised(name), float(within_s))
        return f"{name} is in ALARM"


def until_alarm_cleared(name: str, within_s: float, configuration: Configuration = None) -> str:
    """Wait until an alarm is no longer in ALARM, within_s × timer scale at most; it fails when the alarm stays."""
    with drilling() as drill:
        drill.until(alarm_cleared(name), float(within_s))
        return f"{name} has cleared"


def until_lag_at_most(lag_s: float, within_s: float, configuration: Configuration = None) -> str:
    """Wait until the replica's lag is lag_s seconds at most, within_s × timer scale; it fails when it stays behind."""
    with drilling() as drill:
        drill.until(lag_at_most(float(lag_s)), float(within_s))
        return f"the replica is at most {float(lag_s):g} s behind"


def fail_over(mode: str = "unplanned", configuration: Configuration = None) -> str:
    """Start the failover by hand. mode is unplanned (approved, with force: where no health check sees the loss) or
    planned (a switch on purpose: nothing is broken, and nothing may be lost)."""
    with drilling() as drill:
        drill.fail_over(mode)
        return f"the {mode} failover was started"


def fence(configuration: Configuration = None) -> str:
    """Isolate the old primary once the other region took its place; it fails when that one did not."""
    with drilling() as drill:
        drill.fence()
        return f"{drill.lab.primary} is fenced"


def run_runbook(name: str, options: dict[str, str] | None = None, configuration: Configuration = None) -> str:
    """Walk a runbook of gameday runbook list, every step of it, without asking; it fails where a step cannot be taken.

    options is a table of the runbook's own options, which gameday runbook show NAME names.
    """
    from gameday.recovery import runbook

    with drilling() as drill:
        drill.run(runbook(name), options or {})
        return f"the runbook {name} was walked to its end"


def until_recovered(within_s: float, configuration: Configuration = None) -> bool:
    """Wait until fresh writes and reads are good again, within_s × timer scale at most; returns whether they were.

    Too late is not a failure of this action: the verdict says what it is.
    """
    with drilling() as drill:
        return drill.until_recovered(float(within_s))


def observe(configuration: Configuration = None) -> str:
    """Watch on for max(W, 200 probes), then read the survivors back while the fault lasts. Returns what was seen."""
    with drilling() as drill:
        drill.observe()
        return drill.clients.told(newest=200)


def heal(configuration: Configuration = None) -> str:
    """Take back whatever the drill broke, the old primary fenced first. For an experiment's rollbacks.

    Does nothing when nothing is broken, and when the control refused to begin.
    """
    if TOKEN.refused and not TOKEN.is_open:
        return f"nothing was broken: {TOKEN.refused}"
    with drilling() as drill:
        broken = drill.undo.open_steps()
        drill.heal()
        return f"{len(broken)} steps taken back" if broken else "nothing was broken"


def hold(seconds: float, configuration: Configuration = None) -> float:
    """Wait so many seconds × timer scale; unlike Chaos Toolkit's pauses it ends at once on SIGTERM."""
    with drilling() as drill:
        drill.hold(float(seconds))
        return float(seconds)
