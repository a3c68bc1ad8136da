"""The same recovery, told from the instants where other tools start their clocks.

Each is *sustained* minus its start: the first client error, detection (the health check unhealthy or the alarm,
whichever was seen first), the start of the failover, and approval (a note ``approved``). None when the recovery or
the start is not known, when nothing failed, or when the clients had recovered before that clock was started.
"""

from collections.abc import Sequence

from gameday.clock import NS
from gameday.facts import APPROVED, ClockTold, Kind, Phase, RecoveryTime
from gameday.measure import phases as ph
from gameday.measure.evidence import Evidence
from gameday.measure.moments import first


def clocks(evidence: Evidence, recovery: RecoveryTime, seen: Sequence[Phase]) -> tuple[ClockTold, ...]:
    """The four clocks, in the order in which an outage usually starts them."""
    at = {phase.name: phase.at_s for phase in seen}
    starts = {
        ph.CLIENT_ERROR: at[ph.CLIENT_ERROR],
        "detection": min((s for s in (at[ph.UNHEALTHY], at[ph.ALARM]) if s is not None), default=None),
        ph.STARTED: at[ph.STARTED],
        "approval": _approval(evidence),
    }
    return tuple(ClockTold(since, _told(recovery.rta_s, start_s)) for since, start_s in starts.items())


def _told(rta_s: float | None, start_s: float | None) -> float | None:
    if not rta_s or start_s is None or start_s > rta_s:
        return None
    return rta_s - start_s


def _approval(evidence: Evidence) -> float | None:
    if evidence.start is None:
        return None
    zero_ns = evidence.start.mono_ns
    note = first(evidence.events, Kind.NOTE, since_ns=zero_ns, where=lambda event: event.what == APPROVED)
    return (note.mono_ns - zero_ns) / NS if note else None
