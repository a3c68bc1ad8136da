"""Partition: the regions no longer reach each other's databases, and both go on living."""

from dataclasses import dataclass, field
from functools import partial

from gameday.faults import effects
from gameday.faults.acls import DATABASE_TIER, breakable_subnets, cut_off
from gameday.faults.guard import only_in_the_local_lab
from gameday.faults.replay import take_back
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal

LAG_ALARM = "gameday-replica-lag"
RDS_OWN = "whose replication between regions is RDS's own"
BOTH_ANSWER, OWN_TASKS_REACH_IT = "both regions answer", "the region's own tasks reach its database"


@dataclass(frozen=True, slots=True)
class Partition:
    """The database's subnets of ``region`` deny what comes from or goes to the other region's network, nothing else.

    Local lab only: it cuts the real replication link, and no other. In AWS the replication between regions runs over
    RDS's own channel, which no network ACL of ours names.
    """

    region: str
    effect_within_s: float = field(default=effects.WITHIN_S, repr=False)  # until each of its effects must be seen

    @property
    def stays_reachable(self) -> tuple[str, ...]:
        """Everything but replication, on purpose."""
        return ("both regions, for their clients and within themselves", "the AWS APIs of both")

    @property
    def alarms(self) -> tuple[str, ...]:
        """The replica falls behind for as long as it lasts."""
        return (LAG_ALARM,)

    def inject(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Sever replication, and see that it alone is severed; raises :class:`FaultError` when that was not seen."""
        only_in_the_local_lab(lab, "to sever replication in", RDS_OWN, "drill a partition in the local lab")
        subnets = breakable_subnets(lab, self.region, DATABASE_TIER)
        other = lab.other(self.region)
        cut_off(lab, self.region, subnets, undo, timeline, repr(self), only_from=effects.network_of(lab, other))
        looks: effects.Looks = {
            effects.NO_REPLICATION: lambda: effects.link_is_cut(lab, "replication/", lab.secondary),
            OWN_TASKS_REACH_IT: lambda: not effects.link_is_cut(lab, "db/", self.region),
            BOTH_ANSWER: lambda: not any(map(partial(effects.is_dark, lab), lab.regions)),
        }
        effects.verify(looks, undo, timeline, repr(self), self.region, within_s=self.effect_within_s)

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Join the regions again; the region is fenced first, should the other one have been promoted meanwhile."""
        take_back(self, lab, undo, timeline)
