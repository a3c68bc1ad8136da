"""The floor: what the configuration dictates of an RTA before any work is done. RTA − floor is the excess.

The health check needs *interval × threshold*. From then on two things run side by side, and the later one counts: the
resolvers' caches living out the TTL, and *alarm periods + the ASL waits executed before PromoteReplica + the
promotion's own delay*. The standby's running task takes writes from then on, so scaling is not on this path. Every
figure is ``plan.json``'s, already scaled; which waits were executed is read from the timeline. ``parts`` sum to the
floor.
"""

from collections.abc import Sequence

from gameday.facts import Event, Floor, Kind, RecoveryTime, Timers
from gameday.measure.evidence import Evidence
from gameday.measure.moments import first, happened_ns

PROMOTE = "PromoteReplica"


def floor(evidence: Evidence, recovery: RecoveryTime) -> Floor:
    """The floor of this drill, or why the configuration dictates none."""
    since_ns = evidence.zero_ns or 0
    if first(evidence.events, Kind.EXECUTION, since_ns=since_ns) is None:
        if recovery.rta_s == 0:
            return Floor(0.0, (), "no failover ran, and no client saw an outage")
        return Floor(None, (), "no failover ran, so its configuration dictated nothing")
    promote = first(evidence.events, Kind.STATE, since_ns=since_ns, where=lambda event: event.what == PROMOTE)
    if promote is None:
        return Floor(None, (), f"the failover never came to {PROMOTE}")
    waits = _waits_before(evidence.events, since_ns, promote)
    unknown = sorted(set(waits) - set(evidence.plan.timers.asl_wait_s))
    if unknown:
        return Floor(None, (), f"plan.json does not tell how long {', '.join(unknown)} waits")
    parts = _parts(evidence.plan.timers, waits)
    return Floor(sum(seconds for _, seconds in parts), parts)


def _waits_before(events: Sequence[Event], since_ns: int, promote: Event) -> list[str]:
    """The Wait states entered between the fault and the promotion's call, once for each time."""
    return [
        event.what
        for event in events
        if event.kind is Kind.STATE
        and event.detail.get("type") == "Wait"
        and since_ns <= happened_ns(event) <= happened_ns(promote)
    ]


def _parts(timers: Timers, waits: Sequence[str]) -> tuple[tuple[str, float], ...]:
    waited_s = sum(timers.asl_wait_s[name] for name in waits)
    promoted_s = timers.alarm_period_s * timers.alarm_periods + waited_s + timers.rds_promotion_s
    return (
        ("health check: interval × threshold", timers.health_check_interval_s * timers.health_check_threshold),
        ("alarm: period × periods", timers.alarm_period_s * timers.alarm_periods),
        ("state machine: waits before the promotion", waited_s),
        ("database: promotion", timers.rds_promotion_s),
        ("DNS: what is left of the TTL", max(0.0, timers.dns_ttl_s - promoted_s)),
    )
