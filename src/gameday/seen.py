"""What a drill has seen of the deployment so far, as far as it decides when the drill goes on."""

from dataclasses import dataclass, field

from gameday.facts import Event, Kind


@dataclass
class Seen:
    """What the timeline told so far that decides when the drill goes on; fed from several threads, each write whole."""

    executions: dict[str, str] = field(default_factory=dict)
    alarms: set[tuple[str | None, str]] = field(default_factory=set)  # region and name of those in ALARM
    fenced: set[str] = field(default_factory=set)

    def event(self, event: Event) -> None:
        if event.kind is Kind.EXECUTION:
            self.executions[str(event.detail.get("arn", ""))] = event.what
        if event.kind is Kind.ALARM:
            alarm = (event.region, str(event.detail.get("name")))
            (self.alarms.add if event.what == "ALARM" else self.alarms.discard)(alarm)
        if event.kind is Kind.FENCED and event.region:
            self.fenced.add(event.region)

    @property
    def failing_over(self) -> bool:
        return "RUNNING" in self.executions.values()

    def is_in_alarm(self, name: str) -> bool:
        """Whether an alarm of that name is in ALARM, in whichever region."""
        return any(alarm == name for _, alarm in self.alarms)
