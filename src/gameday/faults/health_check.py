"""Health check trouble: what DNS and the alarm go by says the wrong thing, while the primary is what it was."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gameday.errors import InputError
from gameday.facts import Kind
from gameday.faults import effects
from gameday.faults.acls import breakable_service
from gameday.faults.guard import may_break
from gameday.faults.replay import Verb, take_back
from gameday.lab import status
from gameday.lab.model import GLOBAL_REGION, Lab
from gameday.lab.timers_of import HEALTH_ALARM
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

INTENT = "health_check_is"
SAYS_UNHEALTHY, LOOKS_NO_MORE = "the check says unhealthy", "the check looks no more"


class Says(StrEnum):
    """What becomes of the check."""

    FORCED = "forced"
    BLINDED = "blinded"


def health_check_is(region: str, check: str, *, inverted: bool, disabled: bool) -> UndoStep:
    """The health check is inverted, and disabled, as it was."""
    return UndoStep(INTENT, region, {"check": check, "inverted": inverted, "disabled": disabled})


@dataclass(frozen=True, slots=True)
class HealthCheckTrouble:
    """The primary's Route 53 health check lies, in AWS and in the local lab by the same call (UpdateHealthCheck).

    ``forced``: it is inverted, so a healthy primary is unhealthy: DNS leads clients to the standby, whose database
    takes no writes, and the alarm calls. ``blinded``: it is disabled; Route 53 then counts it as healthy whatever
    happens (Route 53 developer guide, "Disabled"), so an outage that comes now is not detected.

    In AWS each checker goes on telling its own look, so a failover that an inverted check starts finds the primary
    answering and ends without one; in the local lab one checker stands for all, and tells what DNS goes by.
    """

    region: str
    says: str = Says.FORCED
    effect_within_s: float = field(default=60.0, repr=False)

    def __post_init__(self) -> None:
        if self.says not in tuple(Says):
            raise InputError(f"a health check that is {' or '.join(Says)}", repr(self.says), "correct `says`")

    @property
    def stays_reachable(self) -> tuple[str, ...]:
        """Everything, on purpose: only the check lies."""
        return ("both regions, for whoever does not go by the service's name", "the AWS APIs of both")

    @property
    def alarms(self) -> tuple[str, ...]:
        """A check that is forced sets off the alarm on it; a blinded one keeps it silent."""
        return (HEALTH_ALARM,) if self.says == Says.FORCED else ()

    def inject(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Make it lie, and see that it does; raises :class:`FaultError` when that was not seen in time."""
        check, routes = lab.shared("HealthCheckId"), lab.client("route53", GLOBAL_REGION)
        tags = routes.list_tags_for_resource(ResourceType="healthcheck", ResourceId=check)["ResourceTagSet"]["Tags"]
        may_break(lab, self.region, [{"Tags": tags}], "health checks")
        breakable_service(lab, self.region)
        undo.before(_before(lab, self.region, check, undo))
        timeline.add(Kind.FAULT, repr(self), region=self.region, check=check)
        lie = {"Inverted": True} if self.says == Says.FORCED else {"Disabled": True}
        routes.update_health_check(HealthCheckId=check, **lie)
        looks: effects.Looks = (
            {SAYS_UNHEALTHY: lambda: status.health_check(lab) == "unhealthy"}
            if self.says == Says.FORCED
            else {LOOKS_NO_MORE: lambda: bool(_configuration(lab, check).get("Disabled"))}
        )
        effects.verify(looks, undo, timeline, repr(self), self.region, within_s=self.effect_within_s)

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Let it tell the truth again; the region is fenced first, should the other one have been promoted."""
        take_back(self, lab, undo, timeline)


def _configuration(lab: Lab, check: str) -> dict[str, Any]:
    found = lab.client("route53", GLOBAL_REGION).get_health_check(HealthCheckId=check)
    return dict(found["HealthCheck"]["HealthCheckConfig"])


def _before(lab: Lab, region: str, check: str, undo: UndoJournal) -> UndoStep:
    """The check as it was before the drill, so also before another fault that lies by it: its oldest open step."""
    steps = [step for _, step in undo.open_steps() if step.intent == INTENT and step.args["check"] == check]
    if steps:
        return steps[-1]
    now = _configuration(lab, check)
    return health_check_is(region, check, inverted=now.get("Inverted", False), disabled=now.get("Disabled", False))


def _as_it_was(lab: Lab, step: UndoStep) -> None:
    lab.client("route53", GLOBAL_REGION).update_health_check(
        HealthCheckId=step.args["check"], Inverted=step.args["inverted"], Disabled=step.args["disabled"]
    )


TAKES_BACK: dict[str, Verb] = {INTENT: _as_it_was}
