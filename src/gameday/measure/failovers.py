"""The failovers of a drill: each execution of the state machine seen after the fault, and how it was seen last.

A failover proves the standby by itself: its post-check places a real order, and somebody is told. One that did not
succeed has not shown that. The newest one counts; an earlier one that failed is told only.
"""

from gameday.facts import Event, Kind
from gameday.measure.evidence import Evidence

SUCCEEDED = "SUCCEEDED"


def failovers(evidence: Evidence) -> tuple[Event, ...]:
    """The last sight of each execution, in the order in which they began; one that had ended before is left out."""
    seen: dict[str, Event] = {}
    for event in evidence.events:
        if event.kind is Kind.EXECUTION:
            seen[arn_of(event)] = event
    return tuple(event for event in seen.values() if event.mono_ns >= (evidence.zero_ns or 0))


def arn_of(execution: Event) -> str:
    return str(execution.detail.get("arn", "without an ARN"))
