"""What a drill must be allowed for what it does beside its faults: a failover by hand, a runbook, a fence.

The drill asks immediately before each, and its rehearsal asks the same before the baseline. Taking back asks nobody: a
heal, the warden's and ``gameday undo``'s too, fences and goes on.
"""

from gameday.clock import Clock
from gameday.errors import FaultError
from gameday.faults.acls import breakable_service
from gameday.lab.allowed import may_change
from gameday.lab.fence import fence_if_promoted
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.recovery.failover import PLANNED, check_mode
from gameday.recovery.runbook import Runbook
from gameday.recovery.switching import is_a_switch


def may_fail_over(lab: Lab, mode: str) -> None:
    """Raise :class:`GuardError` unless a failover of that mode may be started; :class:`InputError` for no mode."""
    is_planned = check_mode(mode) == PLANNED
    may_change(lab, lab.secondary)
    if is_planned:
        _may_switch(lab)


def may_walk(lab: Lab, runbook: Runbook) -> None:
    """Raise :class:`GuardError` unless a drill may walk the runbook, which changes both regions."""
    may_change(lab, *lab.regions)
    if is_a_switch(runbook):
        _may_switch(lab)


def may_fence(lab: Lab) -> None:
    """Raise :class:`GuardError` unless the old primary may be isolated because somebody asks for it."""
    breakable_service(lab, lab.primary)


def fence_the_replaced(lab: Lab, region: str, timeline: Timeline, clock: Clock) -> None:
    """Isolate the old primary because somebody asks for it; raises :class:`FaultError` where it still is the primary,
    and as :func:`may_fence` does."""
    may_fence(lab)
    if not fence_if_promoted(lab, region, timeline, clock):
        raise FaultError("the primary replaced by the other region", "it still is the primary", "fail over first")


def _may_switch(lab: Lab) -> None:
    """A switch changes both regions, which must be as breakable as for a fault."""
    for region in lab.regions:
        breakable_service(lab, region)
