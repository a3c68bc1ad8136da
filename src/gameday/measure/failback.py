"""The failback's instants, as the runbook told them: when it began, switched, and was done."""

from collections.abc import Sequence
from dataclasses import dataclass

from gameday.facts import (
    FAILBACK,
    FAILBACK_DRAINS,
    FAILBACK_PROMOTES,
    FAILBACK_PROTECTED,
    FAILBACK_REBUILDS,
    Event,
    Kind,
)

STARTED, DONE, STOPPED = "started", "done", "stopped"


@dataclass(frozen=True, slots=True)
class Failback:
    """A walk of the runbook ``failback``; None is an instant that was not seen. A step walked twice counts as last.

    ``rebuilt``: the replica in the primary region had caught up. ``drains``: the planned switch began. ``promotes``:
    from here on the primary region may acknowledge again. ``protected``: both regions were as before the outage.
    """

    begun_ns: int
    begun_utc: str
    rebuilt_ns: int | None
    drains_ns: int | None
    promotes_ns: int | None
    protected_ns: int | None
    stopped: str = ""


def failback(events: Sequence[Event]) -> Failback | None:
    """The failback of a drill, from its RUNBOOK events; None when none was begun."""
    own = [e for e in events if e.kind is Kind.RUNBOOK and e.detail.get("runbook") == FAILBACK]
    if not own:
        return None
    return Failback(
        own[0].mono_ns,
        own[0].utc,
        rebuilt_ns=_last(own, FAILBACK_REBUILDS, DONE),
        drains_ns=_last(own, FAILBACK_DRAINS, STARTED),
        promotes_ns=_last(own, FAILBACK_PROMOTES, STARTED),
        protected_ns=_last(own, FAILBACK_PROTECTED, DONE),
        stopped=f"{own[-1].what}: {own[-1].detail.get('why', 'no reason told')}" if _state(own[-1]) == STOPPED else "",
    )


def _state(event: Event) -> object:
    return event.detail.get("state")


def _last(own: Sequence[Event], step: str, state: str) -> int | None:
    return next((e.mono_ns for e in reversed(own) if e.what == step and _state(e) == state), None)
