"""The instants of a recovery: a partial order, not a list (DNS may flip before the alarm).

Each is the first time it was *seen* at or after the fault, or the switch of a planned failover (a state of the state
machine: when it was entered), in seconds after it; None when it never was. **First client error**: the earliest bad
probe's completion, or indeterminate or refused attempt's settlement. **Promoted**: the stamp of
``gameday.measure.promotion``, whose evidence says what told it. **Scaled**: the standby region runs all the tasks it
desires, and desires more than before the fault.
**First good write**: the completion of the first good fresh write probe that was scheduled after the first bad one.
**Sustained**: the RTA that the RTO judges. **Full throughput**: the first acknowledgement at or after *first good
write* that opens a W in which at least 95 % of the mean rate before the fault was acknowledged, W lying wholly before
the end of observation.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from math import ceil

from gameday.clock import NS, utc_text
from gameday.facts import Event, Kind, Phase, RecoveryTime
from gameday.measure.evidence import Evidence
from gameday.measure.moments import Start, always, first, happened_ns, instant, last, number
from gameday.measure.rto import is_good

FULL = 0.95
FAULT, SWITCH = "fault", "switch"
CLIENT_ERROR, UNHEALTHY, ALARM = "first client error", "health check unhealthy", "alarm"
STARTED, LATCHED, PROMOTED, ENDPOINT = "failover started", "DNS latched", "promoted", "endpoint rewritten"
SCALED, RESOLVED, GOOD_WRITE = "scaled", "resolver answers the standby", "first good write"
SUSTAINED, FULL_THROUGHPUT = "sustained", "full throughput"
NAMES = (
    FAULT, CLIENT_ERROR, UNHEALTHY, ALARM, STARTED, LATCHED, PROMOTED, ENDPOINT, SCALED, RESOLVED, GOOD_WRITE,
    SUSTAINED, FULL_THROUGHPUT,
)  # fmt: skip
Seen = tuple[int, str] | None  # the stamp, and the evidence in words


def phases(evidence: Evidence, recovery: RecoveryTime) -> tuple[Phase, ...]:
    """Every phase of :data:`NAMES`, in that order; without a fault or a switch none was seen."""
    start = evidence.start
    if start is None or evidence.zero_ns is None:
        return tuple(Phase(name, None) for name in NAMES)
    zero_ns, good_write = evidence.zero_ns, _first_good_write(evidence)
    sustained: Seen = None
    if recovery.rta_s:
        sustained = zero_ns + round(recovery.rta_s * NS), "opens the sustained window, the later of writes and reads"
    seen: dict[str, Seen] = {
        FAULT: (zero_ns, start.what),
        CLIENT_ERROR: _first_client_error(evidence, zero_ns),
        **{name: _event(evidence, zero_ns, kind, where) for name, (kind, where) in _watched(evidence).items()},
        STARTED: _started(evidence, zero_ns),
        PROMOTED: _promoted(evidence, zero_ns),
        ENDPOINT: _endpoint(evidence, zero_ns),
        GOOD_WRITE: good_write,
        SUSTAINED: sustained,
        FULL_THROUGHPUT: _full_throughput(evidence, zero_ns, good_write[0] if good_write else None),
    }
    told = {FAULT: FAULT if evidence.fault else SWITCH}
    return tuple(_phase(told.get(name, name), seen[name], start) for name in NAMES)


def _watched(evidence: Evidence) -> dict[str, tuple[Kind, Callable[[Event], bool]]]:
    plan, expected = evidence.plan, evidence.plan.expected_alarms
    more_than = _desired_before(evidence)
    return {
        UNHEALTHY: (Kind.HEALTH_CHECK, lambda e: e.what == "unhealthy"),
        ALARM: (Kind.ALARM, lambda e: e.what == "ALARM" and (not expected or e.detail.get("name") in expected)),
        LATCHED: (Kind.LATCH, lambda e: e.detail.get("latched") is True),
        SCALED: (Kind.TASKS, lambda e: e.region == plan.secondary and _scaled(e, more_than)),
        RESOLVED: (Kind.DNS, lambda e: e.region == plan.secondary),
    }


def _desired_before(evidence: Evidence) -> float:
    zero_ns = evidence.zero_ns or 0
    before = last(evidence.events, Kind.TASKS, before_ns=zero_ns, where=lambda e: e.region == evidence.plan.secondary)
    return (number(before.detail.get("desired")) or 0) if before else 0


def _scaled(event: Event, more_than: float) -> bool:
    running, desired = number(event.detail.get("running")), number(event.detail.get("desired"))
    return running is not None and desired is not None and running >= desired > more_than


def _event(evidence: Evidence, since_ns: int, kind: Kind, where: Callable[[Event], bool]) -> Seen:
    found = first(evidence.events, kind, since_ns=since_ns, where=where)
    return (happened_ns(found), str(found.detail.get("name") or found.what)) if found else None


def _entered(evidence: Evidence, since_ns: int, state: str) -> Seen:
    return _event(evidence, since_ns, Kind.STATE, lambda event: event.what == state)


def _started(evidence: Evidence, since_ns: int) -> Seen:
    """The first state's own entry when the history tells it; the execution is only seen at the next look."""
    running = _event(evidence, since_ns, Kind.EXECUTION, lambda event: event.what == "RUNNING")
    state = _event(evidence, since_ns, Kind.STATE, lambda event: happened_ns(event) >= since_ns)
    return min((seen for seen in (running, state) if seen), default=None)


def _promoted(evidence: Evidence, since_ns: int) -> Seen:
    told = evidence.promotion
    return (told.mono_ns, told.evidence) if told and told.mono_ns >= since_ns else None


def _endpoint(evidence: Evidence, since_ns: int) -> Seen:
    """The state machine says it by the state it goes to: RewriteEndpoint, or straight on to ScaleStandby."""
    told = _event(evidence, since_ns, Kind.ENDPOINT, always)
    rewritten, scaling = (_entered(evidence, since_ns, state) for state in ("RewriteEndpoint", "ScaleStandby"))
    return told or (rewritten and (rewritten[0], "rewritten")) or (scaling and (scaling[0], "not needed"))


def _first_client_error(evidence: Evidence, since_ns: int) -> Seen:
    return min(_client_errors(evidence, since_ns), default=None)


def _client_errors(evidence: Evidence, since_ns: int) -> Iterator[tuple[int, str]]:
    bound_s = evidence.plan.objectives.latency_bound_s
    for probe in evidence.probes:
        if probe.done_mono_ns >= since_ns and not is_good(probe, bound_s):
            yield probe.done_mono_ns, f"{probe.client} {probe.target} probe: {probe.why or 'slower than the bound'}"
    failed = evidence.ledger.first_failure(since_ns)
    if failed:
        yield failed


def _first_good_write(evidence: Evidence) -> Seen:
    bound_s, zero_ns = evidence.plan.objectives.latency_bound_s, evidence.zero_ns or 0
    failing = False
    for probe in evidence.probes:
        if probe.target != "write" or probe.client != "fresh" or probe.done_mono_ns < zero_ns:
            continue
        if not is_good(probe, bound_s):
            failing = True
        elif failing:
            return (
                probe.done_mono_ns,
                f"write probe {probe.seq}, by {probe.region or 'a region that did not say its name'}",
            )
    return None


def _full_throughput(evidence: Evidence, zero_ns: int, since_ns: int | None) -> Seen:
    acked, window_ns = evidence.classified, int(evidence.plan.timers.window_s * NS)
    first_ns = acked.first_acked_ns
    if since_ns is None or evidence.end_ns is None or first_ns is None or first_ns >= zero_ns:
        return None
    (before,) = acked.acked_within([(first_ns - 1, zero_ns - 1)])
    rate = before / (zero_ns - first_ns)
    opens_ns = acked.first_to_open(max(1, ceil(FULL * rate * window_ns)), window_ns, since_ns, evidence.end_ns)
    told = f"{FULL:.0%} of {rate * NS:.1f} acknowledged writes/s, over {window_ns / NS:g} s"
    return None if opens_ns is None else (opens_ns, told)


def _phase(name: str, seen: Seen, start: Start) -> Phase:
    if seen is None:
        return Phase(name, None)
    after_ns = seen[0] - start.mono_ns
    return Phase(name, after_ns / NS, _utc(start.utc, after_ns), seen[1])


def _utc(start: str, after_ns: int) -> str | None:
    """The fault's own UTC stamp, moved on the monotonic clock; None when that stamp is no time, or there is no such."""
    since = instant(start)
    try:
        return utc_text(since + timedelta(microseconds=after_ns / 1_000)) if since else None
    except OverflowError:  # after the year 9999
        return None
