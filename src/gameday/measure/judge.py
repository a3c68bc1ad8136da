"""Judge a record: read it once, measure by the definitions, give the verdict. Nothing is written here."""

from gameday.facts import Kind, Measurement, RecoveryTime
from gameday.measure.alarms import alarms
from gameday.measure.availability import availability
from gameday.measure.buckets import buckets
from gameday.measure.case import Case
from gameday.measure.clocks import clocks
from gameday.measure.evidence import Evidence, read
from gameday.measure.exposure import exposures
from gameday.measure.floor import floor
from gameday.measure.moments import first
from gameday.measure.objects import objects_outcome
from gameday.measure.phases import phases
from gameday.measure.prober import prober_quality
from gameday.measure.reprotection import reprotection
from gameday.measure.restore import restore
from gameday.measure.rpo import recovery_point
from gameday.measure.rto import Terms, overall, recovery_time
from gameday.measure.verdict import findings, verdict_of
from gameday.measure.wal import split_brain
from gameday.record.layout import Record

KINDS = (("write", "fresh"), ("read", "fresh"), ("write", "kept"), ("read", "kept"))


def judge(record: Record) -> Measurement:
    """Everything that the record shows, with its verdict.

    Raises :class:`RecordError` when there is no readable plan; any other damage makes the verdict UNKNOWN.
    """
    with read(record) as evidence:
        return measure(evidence)


def measure(evidence: Evidence) -> Measurement:
    """The same of evidence that was read."""
    times = recovery_times(evidence)
    case = Case(
        evidence=evidence,
        recovery=overall(times),
        recovery_point=recovery_point(evidence),
        availability=availability(evidence),
        alarms=alarms(evidence),
        split_brain=split_brain(evidence),
        exposures=exposures(evidence),
        reprotection=reprotection(evidence),
        objects=objects_outcome(evidence),
        restore=restore(evidence, overall(times)),
    )
    return _measurement(case, times)


def recovery_times(evidence: Evidence) -> tuple[RecoveryTime, ...]:
    """Fresh writes and reads always; kept-alive clients where they were probed."""
    plan = evidence.plan
    healing = first(evidence.events, Kind.HEAL, since_ns=evidence.zero_ns or 0)
    terms = Terms(
        evidence.zero_ns,
        evidence.end_ns,
        plan.timers.window_s,
        plan.objectives.latency_bound_s,
        healing.mono_ns if healing else None,
    )
    probed = {(probe.target, probe.client) for probe in evidence.probes}
    return tuple(
        recovery_time(evidence.probes, target, client, terms)
        for target, client in KINDS
        if client == "fresh" or (target, client) in probed
    )


def _measurement(case: Case, times: tuple[RecoveryTime, ...]) -> Measurement:
    evidence, rta_s = case.evidence, case.recovery.rta_s
    seen, least, found = phases(evidence, case.recovery), floor(evidence, case.recovery), findings(case)
    return Measurement(
        drill=case.plan.drill,
        verdict=verdict_of(found),
        objectives=case.plan.objectives,
        timer_scale=case.plan.timers.scale,
        fault=evidence.fault,
        rta_s=rta_s,
        excess_s=None if rta_s is None or least.floor_s is None else round(rta_s - least.floor_s, 9),
        recovery_times=times,
        recovery_point=case.recovery_point,
        floor=least,
        classes=evidence.classified.counts,
        unexpected=evidence.classified.unexpected,
        split_brain=case.split_brain,
        attempts=evidence.ledger.attempts,
        writes=evidence.classified.writes,
        acknowledged=evidence.classified.acknowledged,
        phases=seen,
        clocks=clocks(evidence, case.recovery, seen),
        availability=case.availability,
        alarms=case.alarms,
        findings=found,
        buckets=buckets(evidence),
        prober=prober_quality(evidence.probes),
        exposures=case.exposures,
        since=evidence.start.since if evidence.start else "the fault",
        reprotection=case.reprotection,
        objects=case.objects,
        restore=case.restore,
    )
