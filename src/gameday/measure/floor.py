"""The floor: the least that the configuration dictates of an RTA, before any work is done. RTA − floor is the excess.

It is a lower bound, so every part is the least that it can be, and ``parts`` sum to the floor:

* the health check turns at its failure number *threshold*. A fault falls somewhere within an interval, and the first
  failing look may come right after it: *interval × (threshold − 1)*;
* the alarm fires when every sample of its windows is bad. The last good one was taken at most one sample's interval
  before the check turned, since every look before that told a healthy check: *period × periods − that interval*. In the
  local lab each look is a sample, and windows slide; on AWS the metric is told by the minute (Route 53 developer guide,
  "Monitoring health checks using CloudWatch"), and periods cut at the clock's minutes never fire earlier than sliding
  ones. A failover that came to its promotion without an unhealthy check and the alarm waited for neither;
* a fault that leaves the health path silent (its event says so) makes every failing look wait for its *timeout to
  connect*, and a look is told when it is over. So the last good sample, told by the failing look before the one that
  turns the check, is that much later, where there is such a look: *from a threshold of 2 on*;
* a planned failover waits for no detection: its times count from the switch, which is the decision. Before it promotes,
  a task writes the mark into the drained primary and another awaits it in the replica, one after the other: *2 × the
  start of a task*, once the second was asked for. The drain's own machine, whose states nobody records, and its waits
  are left out;
* a failover that somebody started by hand waited for the decision: *from the fault to the approval*;
* the state machine's Wait states that were entered before ``PromoteReplica`` by the execution that came to it, as the
  timeline tells;
* the promotion's own delay: the local lab waits so long; on AWS, which gives no figure, it is an assumption.

Left out, because each may be nothing: what is left of the resolvers' TTL (a cache may run out just when the name
turns), and scaling (the standby's running task takes writes from the promotion on). Every figure is ``plan.json``'s,
already scaled.
"""

from collections.abc import Sequence

from gameday.clock import NS
from gameday.facts import APPROVED, SILENT_HEALTH_PATH, Event, Floor, Kind, Plan, RecoveryTime
from gameday.measure.evidence import Evidence
from gameday.measure.moments import first, happened_ns

LOCAL_LAB, PROMOTE = "local", "PromoteReplica"
AWAIT_MARK, MARK_TASKS = "AwaitMark", 2
AWS_SAMPLE_S = 60.0
Parts = tuple[tuple[str, float], ...]


def floor(evidence: Evidence, recovery: RecoveryTime) -> Floor:
    """The floor of this drill, or why the configuration dictates none."""
    since_ns = evidence.zero_ns or 0
    if recovery.rta_s == 0:
        return Floor(0.0, (), "no client saw an outage")
    if first(evidence.events, Kind.EXECUTION, since_ns=since_ns) is None:
        return Floor(None, (), "no failover ran, so its configuration dictated nothing")
    promote = first(evidence.events, Kind.STATE, since_ns=since_ns, where=lambda event: event.what == PROMOTE)
    if promote is None:
        return Floor(None, (), f"the failover never came to {PROMOTE}")
    if recovery.rta_s is not None and since_ns + recovery.rta_s * NS < happened_ns(promote):
        return Floor(None, (), f"clients were served again before the failover came to {PROMOTE}")
    waits = _waits_before(evidence.events, since_ns, promote)
    unknown = sorted(set(waits) - set(evidence.plan.timers.asl_wait_s))
    if unknown:
        return Floor(None, (), f"plan.json does not tell how long {', '.join(unknown)} waits")
    parts = (*_before_it_began(evidence, since_ns, promote), *_promotion(evidence.plan, waits))
    return Floor(sum(seconds for _, seconds in parts), parts)


def _before_it_began(evidence: Evidence, since_ns: int, promote: Event) -> Parts:
    """What the promotion waited for beside the machine itself: the marks, the decision, or the detection."""
    if evidence.plan.switches:
        return _marks(evidence, since_ns, promote)
    approved = first(evidence.events, Kind.NOTE, since_ns=since_ns, where=lambda event: event.what == APPROVED)
    if approved is not None and approved.mono_ns <= happened_ns(promote):
        return (("the decision: from the fault to the approval", (approved.mono_ns - since_ns) / NS),)
    return _detection(evidence) if _detected_before(evidence, since_ns, promote) else ()


def _waits_before(events: Sequence[Event], since_ns: int, promote: Event) -> list[str]:
    """The Wait states entered between the fault and the promotion's call, once for each time."""
    return [event.what for event in _states_before(events, since_ns, promote) if event.detail.get("type") == "Wait"]


def _states_before(events: Sequence[Event], since_ns: int, promote: Event) -> list[Event]:
    """The states that the promoting execution entered before; another that waits beside it is on no path."""
    own = promote.detail.get("execution")
    states = (event for event in events if event.kind is Kind.STATE and event.detail.get("execution") == own)
    return [event for event in states if since_ns <= happened_ns(event) <= happened_ns(promote)]


def _marks(evidence: Evidence, since_ns: int, promote: Event) -> Parts:
    awaited = any(event.what == AWAIT_MARK for event in _states_before(evidence.events, since_ns, promote))
    each_s = evidence.plan.timers.ecs_start_s
    return (("tasks: to write the mark, and to await it", MARK_TASKS * each_s if awaited else 0.0),)


def _detected_before(evidence: Evidence, since_ns: int, promote: Event) -> bool:
    """Whether the health check turned, and an expected alarm fired, before the promotion's call."""
    expected = evidence.plan.expected_alarms
    early = [event for event in evidence.events if since_ns <= happened_ns(event) <= happened_ns(promote)]
    is_unhealthy = any(event.kind is Kind.HEALTH_CHECK and event.what == "unhealthy" for event in early)
    return is_unhealthy and any(
        event.kind is Kind.ALARM and event.what == "ALARM" and (not expected or event.detail.get("name") in expected)
        for event in early
    )


def _detection(evidence: Evidence) -> Parts:
    timers = evidence.plan.timers
    interval_s = timers.health_check_interval_s
    sample_s = interval_s if evidence.plan.lab == LOCAL_LAB else AWS_SAMPLE_S
    fault = first(evidence.events, Kind.FAULT)
    waits = fault is not None and fault.detail.get(SILENT_HEALTH_PATH) is True and timers.health_check_threshold > 1
    return (
        ("health check: interval × (threshold − 1)", interval_s * (timers.health_check_threshold - 1)),
        ("health check: timeout of a look without an answer", timers.health_check_timeout_s if waits else 0.0),
        ("alarm: period × periods − one sample", max(0.0, timers.alarm_period_s * timers.alarm_periods - sample_s)),
    )


def _promotion(plan: Plan, waits: Sequence[str]) -> Parts:
    return (
        ("state machine: waits before the promotion", sum((plan.timers.asl_wait_s[name] for name in waits), 0.0)),
        ("database: promotion", plan.timers.rds_promotion_s),
    )
