"""What a drill has seen of the deployment so far, as far as it decides when the drill goes on."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gameday.facts import Event, Kind


@dataclass
class Seen:
    """What the timeline told so far that decides when the drill goes on; fed from several threads, each write whole."""

    executions: dict[str, str] = field(default_factory=dict)
    alarms: set[tuple[str | None, str]] = field(default_factory=set)  # region and name of those in ALARM
    fenced: set[str] = field(default_factory=set)
    lag_s: float | None = None  # the newest sample of the replica's lag
    switches: int = 0  # planned failovers that were begun
    documents: str = ""  # how the canary's documents were read last: good, bad or unanswered

    def event(self, event: Event) -> None:
        if event.kind is Kind.EXECUTION:
            self.executions[str(event.detail.get("arn", ""))] = event.what
        if event.kind is Kind.ALARM:
            alarm = (event.region, str(event.detail.get("name")))
            (self.alarms.add if event.what == "ALARM" else self.alarms.discard)(alarm)
        if event.kind is Kind.LAG:
            self.lag_s = float(event.detail["lag_s"])
        if event.kind is Kind.SWITCH:
            self.switches += 1
        if event.kind is Kind.DOCUMENTS:
            self.documents = event.what
        if event.kind is Kind.FENCED and event.region:
            self.fenced.add(event.region)

    @property
    def failing_over(self) -> bool:
        return "RUNNING" in self.executions.values()

    @property
    def may_have_forked(self) -> bool:
        """Whether the standby may have been promoted: by the state machine, or by hand."""
        return bool(self.executions or self.fenced or self.switches)

    def is_in_alarm(self, name: str) -> bool:
        """Whether an alarm of that name is in ALARM, in whichever region."""
        return any(alarm == name for _, alarm in self.alarms)


@dataclass(frozen=True, slots=True)
class Awaited:
    """Something that a drill can wait for; ``what`` names it in an error."""

    what: str
    has_come: Callable[[Seen], bool]


def alarm_raised(name: str) -> Awaited:
    """The alarm is in ALARM."""
    return Awaited(f"the alarm {name}", lambda seen: seen.is_in_alarm(name))


def alarm_cleared(name: str) -> Awaited:
    """The alarm is no longer in ALARM."""
    return Awaited(f"the alarm {name} cleared", lambda seen: not seen.is_in_alarm(name))


def lag_at_most(lag_s: float) -> Awaited:
    """The newest sample of the replica's lag is so low; a lag that nobody measured is not."""
    return Awaited(f"a replica lag of {lag_s:g} s at most", lambda seen: seen.lag_s is not None and seen.lag_s <= lag_s)


def documents_are(how: str) -> Awaited:
    """The canary reads its documents so: ``good``, as they were stored, or ``bad``, gone or altered."""
    return Awaited(f"documents that are {how}", lambda seen: seen.documents == how)
