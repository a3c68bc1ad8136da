"""A planned failover that is walked as a runbook is measured from its switch: the drain, from which clients wait."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gameday.clock import Clock, heeding
from gameday.facts import Event, Kind
from gameday.record.timeline import Timeline
from gameday.recovery.planned_failover import DRAIN, RUNBOOK
from gameday.recovery.runbook import Call, Onlooker, Runbook, Scene, Step, walk


def is_a_switch(runbook: Runbook) -> bool:
    """Whether a runbook breaks nothing and moves the service on purpose."""
    return runbook.name == RUNBOOK.name


@dataclass
class SwitchStamp(Onlooker):
    """Stamps the switch on the timeline, immediately before the first call of the drain."""

    timeline: Timeline
    region: str
    stamped: list[Event] = field(default_factory=list)

    def calling(self, step: Step, number: int, call: Call, found: Mapping[str, str]) -> None:
        if step.name == DRAIN.name and not self.stamped:
            self.stamped.append(self.timeline.add(Kind.SWITCH, f"runbook {RUNBOOK.name}", region=self.region))


@dataclass(frozen=True, slots=True)
class Heeding(Onlooker):
    """Lets no call be made against which ``may_go_on`` raises."""

    may_go_on: Callable[[], None]

    def calling(self, step: Step, number: int, call: Call, found: Mapping[str, str]) -> None:
        self.may_go_on()


def walk_heeding(runbook: Runbook, scene: Scene, clock: Clock, may_go_on: Callable[[], None]) -> int | None:
    """Walk it for as long as ``may_go_on`` raises nothing; returns when its switch was stamped, if it had one."""
    switch = SwitchStamp(scene.timeline, scene.lab.primary)
    with heeding(may_go_on):
        walk(runbook, scene, clock=clock, onlookers=(Heeding(may_go_on), switch))
    return switch.stamped[0].mono_ns if switch.stamped else None
