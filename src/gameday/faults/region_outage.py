"""Region outage: nothing enters or leaves a region's network."""

from dataclasses import dataclass, field
from functools import partial

from gameday.faults import effects
from gameday.faults.acls import breakable_subnets, cut_off
from gameday.faults.replay import take_back
from gameday.faults.replication_pause import pause_replication
from gameday.lab.model import Lab
from gameday.lab.timers_of import HEALTH_ALARM
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal


@dataclass(frozen=True, slots=True)
class RegionOutage:
    """Every subnet of the region's VPC denies every packet.

    In AWS: all subnets of the VPC are associated with a network ACL, made for the drill, that denies all.
    S3 does not run through the VPC, so the replication of the region's bucket is paused first, through FIS.
    In the local lab: the same calls; the network controller then cuts every link with an end in the region, silently.
    """

    region: str
    effect_within_s: float = field(default=effects.WITHIN_S, repr=False)  # until each of its effects must be seen

    @property
    def stays_reachable(self) -> tuple[str, ...]:
        """What network ACLs do not filter (AWS VPC user guide, "Network ACLs")."""
        return (
            "traffic between hosts of one subnet",
            "DNS of the VPC and the instance metadata service",
            "the region's AWS APIs (RDS, ECS, S3, Secrets Manager …), and RDS's own management of the database",
        )

    @property
    def alarms(self) -> tuple[str, ...]:
        """Nobody answers the primary's health check any more."""
        return (HEALTH_ALARM,)

    def inject(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Associate every subnet with a deny-all ACL and verify three effects: the health path is dark, tasks cannot
        reach the database, replication has stopped. Raises :class:`FaultError` when one was not seen in time."""
        subnets = breakable_subnets(lab, self.region)
        pause_replication(lab, self.region, undo, timeline)
        cut_off(lab, self.region, subnets, undo, timeline, repr(self), silences_health_path=True)
        looks: effects.Looks = {
            effects.DARK: partial(effects.is_dark, lab, self.region),
            **effects.cut_from_the_database(lab, self.region, subnets),
        }
        inferred = effects.inferred_in(lab)
        effects.verify(looks, undo, timeline, repr(self), self.region, inferred=inferred, within_s=self.effect_within_s)

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Fence the region if the other one was promoted, then give every subnet its ACL back, and let
        replication go on."""
        take_back(self, lab, undo, timeline)
