"""The failovers of a drill: each execution of the state machine seen after the fault, and how it was seen last.

A failover proves the standby by itself: its post-check places a real order, and somebody is told. One that did not
succeed has not shown that. The newest one counts; an earlier one that failed is told only. One that began after the
old primary was fenced is not the recovery's: a fenced region no longer answers its health check, and the deployment,
which cannot know of the fence, fails over to where it is already.
"""

from gameday.facts import Event, Kind
from gameday.measure.evidence import Evidence
from gameday.measure.moments import first

SUCCEEDED = "SUCCEEDED"


def failovers(evidence: Evidence) -> tuple[Event, ...]:
    """The last sight of each execution that began before the fence, in the order in which they began; one that had
    ended before the fault is left out."""
    fenced = first(evidence.events, Kind.FENCED, since_ns=evidence.zero_ns or 0)
    seen: dict[str, Event] = {}
    for event in evidence.events:
        is_late = fenced is not None and event.mono_ns > fenced.mono_ns
        if event.kind is Kind.EXECUTION and (arn_of(event) in seen or not is_late):
            seen[arn_of(event)] = event
    return tuple(event for event in seen.values() if event.mono_ns >= (evidence.zero_ns or 0))


def arn_of(execution: Event) -> str:
    return str(execution.detail.get("arn", "without an ARN"))
