"""The verdict: a table of rules over what was measured. BROKEN beats UNKNOWN beats HELD.

Every rule is one small function that yields findings; the verdict is the heaviest finding. BROKEN: any corrupted,
duplicate, ghost, diverged or unexpected row, rows of a split brain, a client that went back, RTA > RTO, RPA > RPO, a
loss without a fault, a document that is gone or altered after the recovery, or that came back too late. UNKNOWN:
evidence is missing (``gameday.measure.missing``). At a timer scale other than 1, HELD also requires RTA ≤ RTO × scale:
a drill whose delays were scaled and that took longer has not shown that it would hold at scale 1, nor that it would
not, so it is UNKNOWN, unless the RTO itself is exceeded. An expected alarm that stayed silent is told, and changes
nothing: it is no objective. So is a failover that failed before the newest one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from gameday.facts import AlarmSeen, Finding, Verdict, WriteClass
from gameday.measure.at_risk import called_before_the_rpo_was_at_risk
from gameday.measure.case import Case
from gameday.measure.classes import UNEXPECTED
from gameday.measure.failovers import SUCCEEDED, arn_of, failovers
from gameday.measure.missing import MISSING
from gameday.measure.objects import object_findings
from gameday.measure.one_primary import one_primary_throughout
from gameday.measure.reprotection import RULES as FAILBACK_RULES
from gameday.measure.restore import RULES as RESTORE_RULES

WEIGHTS = (Verdict.HELD, Verdict.UNKNOWN, Verdict.BROKEN)
ALL_TIMERS_REAL = 1.0
SOME = 5  # ids in a sentence
TOO_LATE = "clients waited longer than the RTO"
IMPOSSIBLE = {
    WriteClass.DUPLICATE: "orders are there more than once",
    WriteClass.CORRUPTED: "orders came back with another checksum",
    WriteClass.DIVERGED: "orders were acknowledged by the old primary after the standby was promoted",
    WriteClass.GHOST: "orders are there although they were refused",
}


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """The heaviest finding's weight; without any finding nothing was shown: UNKNOWN."""
    return max((finding.weight for finding in findings), key=WEIGHTS.index, default=Verdict.UNKNOWN)


def findings(case: Case) -> tuple[Finding, ...]:
    """What every rule of the table has to say, the heaviest first."""
    rules = (*RULES, *FAILBACK_RULES, *RESTORE_RULES, *MISSING)
    told = [replace(finding, rule=rule.__name__) for rule in rules for finding in rule(case)]
    return tuple(sorted(told, key=lambda finding: -WEIGHTS.index(finding.weight)))


def impossible_rows(case: Case) -> Iterator[Finding]:
    """Rows that no good recovery can leave, whatever the objectives."""
    for each, what in IMPOSSIBLE.items():
        found = case.evidence.classified.counts[each.value]
        if found:
            seen = f"{found}: {_some(case.evidence.classified.ids(each.value, most=SOME + 1))}"
            yield Finding(
                Verdict.BROKEN, what, f"no {each.value} write", seen, f"look at {each.value} ids in the ledger"
            )


def unexpected_rows(case: Case) -> Iterator[Finding]:
    """Rows in the survivor that nobody sent."""
    found = case.evidence.classified.unexpected
    if found:
        seen = f"{found}: {_some(case.evidence.classified.ids(UNEXPECTED, most=SOME + 1))}"
        yield Finding(Verdict.BROKEN, "rows are there that nobody sent", "only rows of the ledger", seen)


def split_brain_rows(case: Case) -> Iterator[Finding]:
    """Commits on the old primary after the promotion, acknowledged or not."""
    promoted = case.evidence.promotion
    if case.split_brain and promoted:
        yield Finding(
            Verdict.BROKEN,
            "the old primary went on committing after the standby was promoted (split brain)",
            "no row committed on the old primary after the promotion",
            f"{case.split_brain} after {promoted.utc} ({promoted.evidence})",
            "fence the old primary before the promotion",
        )


def clients_that_went_back(case: Case) -> Iterator[Finding]:
    """After healing nobody may be served by the old primary, whose database was replaced by a promoted one; until a
    failback promotes a new one there."""
    evidence = case.evidence
    healed_ns = evidence.fault.end_mono_ns if evidence.fault else None
    if healed_ns is None or evidence.promotion is None:
        return
    until_ns = evidence.promotion.until_ns
    back = [
        probe
        for probe in evidence.probes
        if probe.good
        and probe.region == case.plan.primary
        and probe.scheduled_mono_ns > healed_ns
        and (until_ns is None or probe.done_mono_ns < until_ns)
    ]
    if back:
        yield Finding(
            Verdict.BROKEN,
            "clients went back to the old primary when its region was healed",
            f"no answer from {case.plan.primary} after healing",
            f"{len(back)} of them, the first at {back[0].utc}",
            "latch DNS before promoting, and fence before healing",
        )


def recovery_time_objective(case: Case) -> Iterator[Finding]:
    """RTA ≤ RTO, and ≤ RTO × scale where timers are scaled. An unknown RTA is BROKEN by a lower bound > RTO."""
    rto_s, scale = case.plan.objectives.rto_s, case.plan.timers.scale
    rta_s = case.recovery.rta_s if case.recovery.rta_s is not None else case.recovery.lower_s
    known = case.recovery.rta_s is not None
    expected = f"the recovery time actual to be at most {_s(rto_s)} (RTO)"
    if rta_s is not None and rta_s > rto_s:
        seen = f"{_s(rta_s)}" if known else f"more than {_s(rta_s)}: {case.recovery.why}"
        yield Finding(Verdict.BROKEN, TOO_LATE, expected, seen)
    elif not known:
        yield Finding(Verdict.UNKNOWN, "the recovery time is unknown", expected, case.recovery.why)
    elif rta_s is not None and scale != ALL_TIMERS_REAL and rta_s > rto_s * scale:
        yield Finding(
            Verdict.UNKNOWN,
            f"at timer scale {scale:g} the recovery took longer than the RTO × scale",
            f"the recovery time actual to be at most {_s(rto_s * scale)}",
            _s(rta_s),
            "run the drill at timer scale 1",
        )
    elif rta_s is not None:
        yield Finding(Verdict.HELD, "clients were served again within the RTO", expected, _s(rta_s))


def recovery_point_objective(case: Case) -> Iterator[Finding]:
    """RPA ≤ RPO."""
    point, rpo_s = case.recovery_point, case.plan.objectives.rpo_s
    expected = f"the recovery point actual to be at most {_s(rpo_s)} (RPO)"
    if point.rpa_s is None:
        yield Finding(Verdict.UNKNOWN, "the recovery point is unknown", expected, point.why)
    elif point.rpa_s > rpo_s:
        seen = f"{_s(point.rpa_s)}, {point.lost} acknowledged writes lost"
        yield Finding(Verdict.BROKEN, "more was lost than the RPO allows", expected, seen)
    else:
        seen = f"{_s(point.rpa_s)}, {point.lost} acknowledged writes lost"
        yield Finding(Verdict.HELD, "what was lost lies within the RPO", expected, seen)


def loss_without_fault(case: Case) -> Iterator[Finding]:
    """A drill that broke nothing has no fault time that an RPO could be reckoned from: there, any loss is BROKEN."""
    lost = case.recovery_point.lost
    if lost and case.evidence.fault is None and not case.plan.faults and case.evidence.read_back.complete:
        seen = f"{lost}: {_some(case.recovery_point.lost_ids)}"
        yield Finding(Verdict.BROKEN, "acknowledged writes are gone although nothing was broken", "nothing lost", seen)


def documents(case: Case) -> Iterator[Finding]:
    """Documents that are gone, altered, not read back, or back too late (``gameday.measure.objects``)."""
    yield from object_findings(case.evidence, case.objects)


def silent_alarms(case: Case) -> Iterator[Finding]:
    """Told, and without weight: an alarm that the plan expects and that never fired after the fault."""
    for alarm in case.alarms if case.evidence.fault else ():
        if alarm.expected and not _fired_after_the_fault(alarm):
            seen = "it did not fire" if alarm.fired_at_s is None else "it had fired before the fault"
            yield Finding(
                Verdict.HELD, "an expected alarm stayed silent", f"{alarm.name} to fire after the fault", seen
            )


def failed_before(case: Case) -> Iterator[Finding]:
    """Told, and without weight: a failover that did not succeed and was followed by another."""
    for run in failovers(case.evidence)[:-1]:
        if run.what != SUCCEEDED:
            expected = "every failover to succeed, its post-check and its notification included"
            seen = f"{run.what}, seen last at {run.utc}"
            history = f"read the history of execution {arn_of(run)}"
            yield Finding(Verdict.HELD, "an earlier failover did not succeed", expected, seen, history)


def _fired_after_the_fault(alarm: AlarmSeen) -> bool:
    return alarm.fired_at_s is not None and alarm.fired_at_s >= 0


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    impossible_rows,
    unexpected_rows,
    split_brain_rows,
    clients_that_went_back,
    recovery_time_objective,
    recovery_point_objective,
    loss_without_fault,
    called_before_the_rpo_was_at_risk,
    one_primary_throughout,
    documents,
    silent_alarms,
    failed_before,
)


def _s(seconds: float) -> str:
    """Seconds for a sentence; what is not 0 never reads 0."""
    return f"{seconds:.3f} s" if seconds >= 0.001 else f"{seconds:.3g} s"


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:SOME]) + (" …" if len(ids) > SOME else "")
