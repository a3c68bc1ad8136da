"""A planned failover that is walked as a runbook is measured from its switch: the drain, from which clients wait."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gameday.facts import Event, Kind
from gameday.record.timeline import Timeline
from gameday.recovery.planned_failover import DRAIN, RUNBOOK
from gameday.recovery.runbook import Call, Onlooker, Runbook, Step


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
