"""Replica lag: replication goes on, too slowly for what is written, and the replica falls behind."""

from dataclasses import dataclass, field

from gameday.errors import FaultError, GuardError, InputError, LabError
from gameday.facts import UNNOTICED, Kind
from gameday.faults import effects
from gameday.faults.acls import breakable_service
from gameday.faults.guard import only_in_the_local_lab
from gameday.faults.partition import LAG_ALARM, RDS_OWN
from gameday.faults.replay import Verb, take_back
from gameday.lab import status
from gameday.lab.local import extras
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

FALLS_BEHIND, STILL_STREAMS = "the replica falls behind", "replication is not cut"
BEHIND_S = 2.0  # more than a second's sampling and the link's own latency explain


def replication_unslowed(region: str, replica: str) -> UndoStep:
    """The link over which the region's database feeds this replica is as quick as the lab made it."""
    return UndoStep("replication_unslowed", region, {"replica": replica})


@dataclass(frozen=True, slots=True)
class ReplicaLag:
    """The replication link of ``region``'s database gets so narrow that the replica cannot keep up.

    In the local lab: the real link carries ``bandwidth_bps`` bits a second at most, and ``latency_s`` one way if given.
    Refused in AWS: replication between regions runs over RDS's own channel. An ACL of ours can cut the path of a
    connection, none can slow one, and RDS offers no call that does.
    """

    region: str
    bandwidth_bps: float = 100_000.0
    latency_s: float | None = None
    effect_within_s: float = field(default=60.0, repr=False)  # a lag takes its time to grow

    def __post_init__(self) -> None:
        if not self.bandwidth_bps > 0:
            raise InputError("a bandwidth above 0 bits a second", repr(self.bandwidth_bps), "to cut it, use Partition")
        if self.latency_s is not None and self.latency_s < 0:
            raise InputError("a latency of 0 s or more", repr(self.latency_s), "correct latency_s")

    @property
    def stays_reachable(self) -> tuple[str, ...]:
        """Everything; only the replica gets older."""
        return ("both regions, for their clients and within themselves", "the replica, which gets older and older")

    @property
    def alarms(self) -> tuple[str, ...]:
        """The replica falls behind for as long as it lasts."""
        return (LAG_ALARM,)

    def inject(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Narrow the link, and see the lag grow; raises :class:`FaultError` when it does not in time."""
        only_in_the_local_lab(lab, "to slow replication in", RDS_OWN, "drill replica lag in the local lab")
        breakable_service(lab, self.region)
        replica = status.database(lab, lab.other(self.region))
        if replica.role != "replica":
            seen = f"no targets: {replica.id} is {replica.role}"
            raise GuardError(f"a replica of {self.region} to slow", seen, "slow the region that the primary is in")
        before_s = _lag_s(lab)
        undo.before(replication_unslowed(self.region, replica.id))
        timeline.add(Kind.FAULT, repr(self), region=self.region, replica=replica.id, **{UNNOTICED: True})
        extras.slow_replication(lab, replica.id, bandwidth_bps=self.bandwidth_bps, latency_s=self.latency_s)
        looks: effects.Looks = {
            STILL_STREAMS: lambda: not effects.link_is_cut(lab, "replication/", lab.other(self.region)),
            FALLS_BEHIND: lambda: _lag_s(lab) >= before_s + BEHIND_S,
        }
        effects.verify(looks, undo, timeline, repr(self), self.region, within_s=self.effect_within_s)

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Give the link its width again; the region is fenced first, should the other one have been promoted."""
        take_back(self, lab, undo, timeline)


def _lag_s(lab: Lab) -> float:
    """The newest sample; without one the replica is not known to be behind."""
    seen = status.replica_lag(lab)
    return seen.lag_s if seen else 0.0


def _unslow(lab: Lab, step: UndoStep) -> None:
    try:
        extras.unslow_replication(lab, step.args["replica"])
    except LabError as cause:
        next_step = "see that the lab runs (gameday lab status), then gameday undo RECORD"
        raise FaultError(f"replication to {step.args['replica']} unslowed", str(cause), next_step) from cause


TAKES_BACK: dict[str, Verb] = {"replication_unslowed": _unslow}
