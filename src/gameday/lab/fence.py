"""Fencing: before a region is healed, its old primary is isolated, so that no late client writes into it."""

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gameday.clock import NS, SYSTEM, Clock, eventually, heeding
from gameday.errors import DeadlineError, FaultError
from gameday.facts import Kind
from gameday.lab import status
from gameday.lab.current_database import current_database
from gameday.lab.model import Lab
from gameday.lab.timers_of import timers_of
from gameday.record.timeline import Timeline

FENCE_WITHIN_S = 60.0
LOOK_EVERY_S = 0.2
LOOK_OUT_EVERY_S = 1.0  # beside a wait that may take an hour; Route 53 answers five calls a second for a whole account
EVENT_WITHIN_S = 5.0  # from an alarm that turned to an execution that is listed

# A replica in one of these is not being promoted (RDS user guide, "Viewing Amazon RDS DB instance status"); in any
# other (modifying, rebooting …) it may be, and soon a second primary.
FOLLOWS_OR_IS_LOST = frozenset(
    {"available", "creating", "deleting", "failed", "starting", "stopped", "stopping", "storage-full"}
)

# The failover's first states (infra): in these it has not decided yet. Where it decided against it, nobody is promoted.
DECIDES = frozenset(
    {"", "KnownMode?", "ListRunning", "First?", "CheckPrimaryHealth", "Planned?", "PrimaryStillUnhealthy?"}
)
NOT_NEEDED = ("NotNeeded", "Done")  # and after a failover its region has the place, and DNS points at it


@dataclass(frozen=True, slots=True)
class Fence:
    """What was seen after fencing; both must be so, else :func:`fence` raises."""

    region: str
    tasks_running: int
    database_open_to: int  # ingress rules left on the database's security groups


def fence_if_promoted(lab: Lab, region: str, timeline: Timeline, clock: Clock = SYSTEM) -> bool:
    """Fence ``region`` when the other region took its place, or is about to; tells whether it did.

    Raises :class:`FaultError` when the fence cannot be verified: the caller must not restore the network then.
    """
    if not was_replaced(lab, region):
        return False
    fence(lab, region, timeline, clock)
    return True


def fence_if_a_failover_follows(lab: Lab, region: str, timeline: Timeline, clock: Clock = SYSTEM) -> bool:
    """After ``region`` was healed unfenced: fence it should a failover still begin; tells whether one did.

    A health check that has counted the outage says unhealthy for threshold × interval more, and an alarm that turns in
    that time starts a failover beside a primary that lives. One that finds the check healthy again decides against it,
    and nobody must be fenced for it: each is given its time to decide. Ends when the check says healthy and no failover
    runs, or after twice that time, when one that has not decided yet is fenced for; a check that is still unhealthy
    then is noted. A look that AWS does not answer is made again, and raises only when the time is over.
    """
    own = status.database(lab, region).role
    if own == "replica" or _holds_what_it_took(lab, region, own):
        return False
    timers = timers_of(lab)
    limit_s = 2 * timers.health_check_threshold * timers.health_check_interval_s + EVENT_WITHIN_S
    deadline_ns = clock.mono_ns() + int(limit_s * NS)
    while True:
        is_over = clock.mono_ns() >= deadline_ns
        try:
            followed = _has_followed(lab, region, timeline, clock, is_over=is_over)
        except (BotoCoreError, ClientError):
            if is_over:
                raise
        else:
            if followed is not None:
                return followed
        clock.sleep(LOOK_EVERY_S)


@dataclass
class LookOut:
    """What a wait asks between its looks (:func:`gameday.clock.heeding`) once the network is restored and before
    :func:`fence_if_a_failover_follows` has the last word: one of the ``unfenced`` regions for which a failover follows
    meanwhile is fenced, and is none of them any more. A look that AWS does not answer is left to the next."""

    lab: Lab
    unfenced: list[str]
    timeline: Timeline
    clock: Clock
    next_ns: int = field(default=0, init=False)

    def __call__(self) -> None:
        if self.clock.mono_ns() < self.next_ns:
            return
        for region in tuple(self.unfenced):
            with suppress(BotoCoreError, ClientError), heeding(lambda: None):  # fencing waits, too
                if _has_followed(self.lab, region, self.timeline, self.clock, is_over=False):
                    self.unfenced.remove(region)
        self.next_ns = self.clock.mono_ns() + int(LOOK_OUT_EVERY_S * NS)

    def fence(self) -> None:
        """Now, and before anything more is restored: each region whose place was taken, or is about to be, is fenced;
        a failover that begins is given its time to decide. Raises what :func:`fence_if_promoted` does."""
        for region in tuple(self.unfenced):
            deadline_ns = self.clock.mono_ns() + int(EVENT_WITHIN_S * NS)
            while _is_deciding(self.lab, region) and self.clock.mono_ns() < deadline_ns:
                self.clock.sleep(LOOK_EVERY_S)
            if fence_if_promoted(self.lab, region, self.timeline, self.clock):
                self.unfenced.remove(region)


def _has_followed(lab: Lab, region: str, timeline: Timeline, clock: Clock, *, is_over: bool) -> bool | None:
    """One look: True when a failover followed and the region is fenced, False when none will, None when it may."""
    is_healthy = status.health_check(lab) == "healthy"  # asked first: a failover may have begun a moment before
    if was_replaced(lab, region):
        if (is_over or not _is_deciding(lab, region)) and fence_if_promoted(lab, region, timeline, clock):
            return True
    elif is_healthy:
        return False
    if not is_over:
        return None
    if not is_healthy:
        timeline.add(Kind.NOTE, "healed, and the health check is still unhealthy: a failover may follow")
    return False


def _is_deciding(lab: Lab, region: str) -> bool:
    """Whether nothing but a failover that has not decided yet could take the region's place."""
    execution = status.execution(lab)
    is_deciding = execution is not None and execution.status == "RUNNING" and execution.state in DECIDES
    return is_deciding and not _has_the_place(lab, lab.other(region))


def was_replaced(lab: Lab, region: str) -> bool:
    """Whether ``region`` held the primary database and has lost that place, or may lose it at any moment.

    A failover that runs and has not decided against it, and a PRIMARY record that points elsewhere, count: what is
    healed a moment before the other database is promoted would be a second primary. A replica that is gone, failed or
    not made yet took no place. A region whose own database is a replica has no place to lose, nor has a standby whose
    replica is gone, nor one that took the place and holds it.
    """
    own = status.database(lab, region).role
    if own == "replica" or (own == "gone" and region == lab.secondary and status.latched_to(lab) != region):
        return False
    if _holds_what_it_took(lab, region, own):
        return False
    if _has_the_place(lab, lab.other(region)):
        return True
    execution = status.execution(lab)
    return execution is not None and execution.status == "RUNNING" and execution.state not in NOT_NEEDED


def _holds_what_it_took(lab: Lab, region: str, own: str) -> bool:
    """Whether ``region`` was the standby, was promoted, and serves: clients are sent there, and it wants tasks.

    The old primary says primary of itself for ever, fenced or not, and its health check stays unhealthy: neither takes
    the place back. A failback does, and it drains this region before it promotes the other.
    """
    if region != lab.secondary or own != "primary" or status.latched_to(lab) != region:
        return False
    return bool(status.service_of(lab, region).get("desiredCount", 0))


def _has_the_place(lab: Lab, region: str) -> bool:
    """Whether a region's database is or becomes the primary, or clients are sent there."""
    own = status.database(lab, region)
    is_promoted = own.role == "primary" or (own.role == "replica" and own.status not in FOLLOWS_OR_IS_LOST)
    return is_promoted or status.latched_to(lab) == region


def fence(lab: Lab, region: str, timeline: Timeline, clock: Clock = SYSTEM) -> Fence:
    """Scale the region's tasks to 0, close its database's security group, and verify both, else :class:`FaultError`."""
    isolate(lab, region)
    by_hand = "do not heal the network; scale the service to 0 and close the database's security group by hand"
    look = partial(seen, lab, region)
    try:
        fenced = eventually(
            look, is_fenced, what=f"fencing {region}", within_s=FENCE_WITHIN_S, every_s=LOOK_EVERY_S, clock=clock
        )
    except DeadlineError as cause:
        raise FaultError(cause.expected, cause.seen, by_hand) from cause
    timeline.add(
        Kind.FENCED, "tasks 0, database closed", region=region, tasks_running=fenced.tasks_running,
        database_open_to=fenced.database_open_to,
    )  # fmt: skip
    return fenced


def isolate(lab: Lab, region: str) -> None:
    """What fencing calls; whether it helped is verified by :func:`fence`."""
    cluster, service = lab.of(region, "ClusterName"), lab.of(region, "EcsServiceName")
    lab.client("ecs", region).update_service(cluster=cluster, service=service, desiredCount=0)
    close_database(lab, region)


def is_fenced(fence: Fence) -> bool:
    """no running task and no open database"""
    return fence.tasks_running == 0 and fence.database_open_to == 0


def seen(lab: Lab, region: str) -> Fence:
    """How far the region is fenced now."""
    running = sum(1 for _ in status.tasks(lab, region)) + sum(1 for _ in status.tasks_stopping(lab, region))
    running += status.service_of(lab, region).get("runningCount", 0)
    return Fence(region, running, sum(len(group["IpPermissions"]) for group in database_groups(lab, region)))


def close_database(lab: Lab, region: str) -> None:
    """Take every ingress rule from the security groups of the region's database."""
    ec2 = lab.client("ec2", region)
    for group in database_groups(lab, region):
        if group["IpPermissions"]:
            ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])


def database_groups(lab: Lab, region: str) -> list[dict[str, Any]]:
    """The security groups of the region's database; raises :class:`FaultError` when there are none to close."""
    name, found = current_database(lab, region)
    ids = [group["VpcSecurityGroupId"] for group in (found or {}).get("VpcSecurityGroups", [])]
    if not ids:
        raise FaultError(
            f"security groups of the database {name} in {region}",
            "none",
            "give the database a group of its own, see infra/",
        )
    return list(lab.client("ec2", region).describe_security_groups(GroupIds=ids)["SecurityGroups"])
