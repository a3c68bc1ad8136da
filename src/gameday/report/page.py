"""The page of a drill: everything that the report prints, in its order, each string ready to print.

Nothing is measured here. The figures are the measurement's; this module words them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gameday.clock import NS
from gameday.facts import Bucket, Event, FaultWindow, Kind, Measurement, Plan
from gameday.facts.selftest import RecordSelfTest
from gameday.report import failback, headline, objects, restored, settings, tables, words
from gameday.report.exposure import exposures
from gameday.report.parts import Figure, Fold, Headline, OverTime, Slice, Table, Waterfall
from gameday.report.selftest import Trial, trial

CLIENTS = {"fresh": "fresh connections", "kept": "kept-alive connections"}
PANELS = {"write": "Writes", "read": "Reads"}
ROUTE_53 = (
    "The failover leans on Route 53's control plane in us-east-1: the DNS latch is a change of a record, "
    "and no drill here takes that region away."
)


@dataclass(frozen=True, slots=True)
class Page:
    """One report, section by section; the template prints it and decides nothing."""

    title: str
    drill: str
    about: tuple[tuple[str, str], ...]
    scale_badge: str  # "timers × 0.1"; empty at scale 1
    scale_notice: str
    headline: Headline
    figures: tuple[Figure, ...]
    findings: Table
    waterfall: Waterfall
    phases: Table
    self_test: Trial
    over_time: OverTime
    recovery_times: Table
    availability: Table
    losses: Table
    witnesses: Table
    lost_ids: Fold
    exposures: Table
    documents: Table
    document_keys: Fold
    clocks: Table
    floor: Table
    alarms: Table
    failback: Table | None  # None: nobody failed back
    restore: Table | None  # None: no backup was restored
    effects: Table
    reachable: tuple[str, ...]
    limits_heading: str
    limits: tuple[str, ...]
    load: Table
    prober: Table
    timers: Table
    versions: Table
    configuration: Table
    experiment: str
    timeline: Table


def page(
    plan: Plan,
    measurement: Measurement,
    events: Sequence[Event],
    *,
    record_id: str = "",
    unreadable: int = 0,
    tried: RecordSelfTest | None = None,
) -> Page:
    """The whole report of one drill; ``unreadable`` counts the timeline's damaged lines."""
    return Page(
        title=words.plain(plan.title or plan.drill, 300),
        drill=words.plain(plan.drill, 200),
        about=settings.about(plan, record_id),
        scale_badge=scale_badge(measurement.timer_scale),
        scale_notice=scale_notice(measurement.timer_scale),
        headline=headline.headline(measurement),
        figures=headline.figures(measurement),
        findings=tables.findings(measurement.findings),
        waterfall=waterfall(measurement),
        phases=tables.phases(measurement.phases, measurement.since),
        self_test=trial(tried),
        over_time=over_time(measurement),
        recovery_times=tables.recovery_times(measurement.recovery_times),
        availability=tables.availability(measurement.availability, measurement.since),
        losses=tables.losses(measurement),
        witnesses=tables.witnesses(measurement.recovery_point),
        lost_ids=tables.lost_ids(measurement.recovery_point),
        exposures=exposures(measurement.exposures),
        clocks=tables.clocks(measurement.rta_s, measurement.clocks, measurement.since),
        documents=objects.outcome(measurement),
        document_keys=objects.keys(measurement),
        floor=tables.floor(measurement.floor, measurement.rta_s, measurement.excess_s),
        alarms=tables.alarms(measurement.alarms, measurement.since),
        failback=failback.table(measurement.reprotection) if measurement.reprotection else None,
        restore=restored.table(measurement.restore) if measurement.restore else None,
        effects=tables.effects(events),
        reachable=tuple(words.sentence(each) for each in plan.stays_reachable),
        limits_heading="What the local lab does not prove" if plan.lab == "local" else "What this drill does not prove",
        limits=limits(plan),
        load=settings.load(plan),
        prober=settings.prober(measurement.prober),
        timers=settings.timers(plan.timers),
        versions=settings.versions(plan),
        configuration=settings.configuration(plan),
        experiment=settings.experiment(plan),
        timeline=settings.timeline(events, _start_ns(measurement, events), plan.boot, unreadable, measurement.since),
    )


def scale_badge(scale: float) -> str:
    """``timers × 0.1``; nothing at scale 1."""
    return "" if scale == 1 else f"timers × {scale:g}"


def scale_notice(scale: float) -> str:
    """What scaled timers mean for whoever reads the figures."""
    if scale == 1:
        return ""
    return (
        f"Every delay that configuration dictates ran at {scale:g} of its real length. The times below are this lab's, "
        "not those of an account; to be HELD, the RTA must also stay within the RTO multiplied by the scale."
    )


def limits(plan: Plan) -> tuple[str, ...]:
    """What this lab cannot prove; outside the local lab, whose limits say so, also what the failover leans on."""
    leans = (ROUTE_53,) if plan.lab != "local" and "HealthCheckId" in plan.outputs else ()
    return (*(words.sentence(each) for each in plan.limits), *leans)


def waterfall(measurement: Measurement) -> Waterfall:
    """The phases as a drawing, and the same in words."""
    bars = tables.bars(measurement.phases)
    seen = [f"{bar.name} {bar.label}" for bar in bars if bar.at_s is not None]
    missing = [bar.name for bar in bars if bar.at_s is None]
    told = f"In order of time after {measurement.since}: {', '.join(seen)}." if seen else "No phase was seen."
    if missing:
        told += f" Not seen: {', '.join(missing)}."
    return Waterfall(bars, measurement.rta_s, measurement.floor.floor_s, told, measurement.since)


def over_time(measurement: Measurement) -> OverTime:
    """The chart over time: every bucket as a slice, and the fault window as a band."""
    slices = tuple(_slice(each) for each in measurement.buckets)
    rates = [
        f"{row[0].text}: {row[4].text} good of scheduled in the whole drill"
        for row in tables.availability(measurement.availability).rows
    ]
    told = f"Share of good probes and their latency, before and after {measurement.since}. {'; '.join(rates)}."
    return OverTime(
        slices,
        fault_end_s=_fault_end_s(measurement.fault),
        has_fault=measurement.fault is not None,
        rta_s=measurement.rta_s,
        bound_ms=measurement.objectives.latency_bound_s * 1000,
        told=told,
        since=measurement.since,
    )


def _slice(bucket: Bucket) -> Slice:
    return Slice(
        PANELS.get(bucket.target, words.plain(bucket.target, 30)),
        CLIENTS.get(bucket.client, words.plain(bucket.client, 30)),
        bucket.at_s,
        bucket.good / bucket.scheduled if bucket.scheduled else None,
        bucket.latency_p50_ms,
        bucket.latency_p99_ms,
    )


def _start_ns(measurement: Measurement, events: Sequence[Event]) -> int | None:
    """The stamp that the timeline's seconds count from: the fault's, else the switch's."""
    if measurement.fault:
        return measurement.fault.start_mono_ns
    return next((event.mono_ns for event in events if event.kind is Kind.SWITCH), None)


def _fault_end_s(fault: FaultWindow | None) -> float | None:
    if fault is None or fault.end_mono_ns is None:
        return None
    return (fault.end_mono_ns - fault.start_mono_ns) / NS
