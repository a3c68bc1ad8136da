"""Alarms, expected and seen: when each fired and when it cleared, in seconds after the fault.

*Fired* is the first time after the fault that it was seen in ALARM; an alarm that was already in ALARM at the fault
fired at a negative time. *Cleared* is the first OK after that. INSUFFICIENT_DATA is neither.
"""

from collections.abc import Sequence

from gameday.clock import NS
from gameday.facts import AlarmSeen, Event, Kind
from gameday.measure.evidence import Evidence
from gameday.measure.moments import happened_ns


def alarms(evidence: Evidence) -> tuple[AlarmSeen, ...]:
    """Every alarm that the plan expects or the timeline names; expected ones first, in the plan's order."""
    changes: dict[str, list[Event]] = {name: [] for name in evidence.plan.expected_alarms}
    for event in evidence.events:
        name = event.detail.get("name")
        if event.kind is Kind.ALARM and isinstance(name, str):
            changes.setdefault(name, []).append(event)
    return tuple(_seen(name, events, evidence) for name, events in changes.items())


def _seen(name: str, events: Sequence[Event], evidence: Evidence) -> AlarmSeen:
    zero_ns = evidence.chart_zero_ns
    fired = _fired(events, zero_ns)
    cleared = next((e for e in events if fired and e.mono_ns > fired.mono_ns and e.what == "OK"), None)
    return AlarmSeen(name, name in evidence.plan.expected_alarms, _after(fired, zero_ns), _after(cleared, zero_ns))


def _fired(events: Sequence[Event], zero_ns: int) -> Event | None:
    before = [event for event in events if event.mono_ns < zero_ns]
    if before and before[-1].what == "ALARM":
        return before[-1]
    return next((event for event in events if event.mono_ns >= zero_ns and event.what == "ALARM"), None)


def _after(event: Event | None, zero_ns: int) -> float | None:
    return (happened_ns(event) - zero_ns) / NS if event else None
