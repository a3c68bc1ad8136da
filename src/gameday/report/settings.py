"""The tables that tell under what conditions: load, prober, timers, versions, configuration, and the timeline."""

import json
from collections.abc import Sequence

from gameday.clock import NS
from gameday.facts import Event, Kind, Plan, ProberQuality, Timers
from gameday.report import words
from gameday.report.parts import Cell, Column, Table
from gameday.report.tables import code, text

EVENTS_MAX = 1_000
EXPERIMENT_MAX = 60_000  # characters of the experiment's JSON on the page; the whole of it stands in plan.json
SETTING = (Column("Setting"), Column("Value", True))
LOAD_WORDS = {
    "users": "Locust users",
    "spawn_rate": "users started a second",
    "workers": "Locust workers",
    "stages": "Locust users by stages, in seconds of real time",
    "writes_per_s": "scheduled write probes a second",
    "reads_per_s": "scheduled read probes a second",
    "probe_timeout_s": "probe timeout (s)",
    "kept_alive": "kept-alive connections probed too",
    "think_s": "a user's pause between orders (s)",
    "patience_s": "a user's patience with an answer (s)",
    "read_age_s": "age of the orders that read probes ask for, at least (s)",
}


def about(plan: Plan, record_id: str) -> tuple[tuple[str, str], ...]:
    """Who did what, where and when: the lines under the title."""
    told = (
        ("Started", words.moment(plan.started_utc)),
        ("By", plan.who),
        ("Lab", f"{plan.lab} ({plan.lab_name})" if plan.lab_name else plan.lab),
        ("Regions", f"{plan.primary} → {plan.secondary}"),
        ("Record", record_id),
        ("Verified by", f"gameday verify reports/{record_id}" if record_id else ""),
    )
    return tuple((name, words.plain(value, 200)) for name, value in told if value)


def load(plan: Plan) -> Table:
    """What the load was asked to be."""
    rows = tuple((text(LOAD_WORDS.get(key, key)), code(_number(value))) for key, value in plan.load.items())
    return Table("Load", SETTING, rows, "The plan names no load.")


def _number(value: float | str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:,g}" if isinstance(value, float) else f"{value:,}"


def prober(quality: ProberQuality | None) -> Table:
    """How true the prober was to its schedule."""
    empty = "No prober reported, so nothing is known of its quality."
    if quality is None:
        return Table("Prober", SETTING, (), empty)
    sent = f"{quality.sent:,} of {quality.scheduled:,} ({words.share(quality.sent, quality.scheduled)})"
    rows = (
        (Cell("probes sent, of those scheduled"), Cell(sent)),
        (Cell("sent late by, median"), Cell(words.duration(quality.lateness_p50_ms / 1000, 1))),
        (Cell("sent late by, 99th percentile"), Cell(words.duration(quality.lateness_p99_ms / 1000, 1))),
    )
    return Table("Prober, against its own schedule", SETTING, rows, empty)


def timers(effective: Timers) -> Table:
    """Every delay that configuration dictates, as it was in force."""
    told = (
        ("timer scale", f"× {effective.scale:g}"),
        ("health check: interval", words.span(effective.health_check_interval_s)),
        ("health check: failures in a row", words.count(effective.health_check_threshold)),
        ("health check: timeout", words.span(effective.health_check_timeout_s)),
        ("DNS: time to live", words.span(effective.dns_ttl_s)),
        ("alarm: period", words.span(effective.alarm_period_s)),
        ("alarm: periods", words.count(effective.alarm_periods)),
        ("database: promotion", words.span(effective.rds_promotion_s)),
        ("task: start", words.span(effective.ecs_start_s)),
        *((f"state machine: {name}", words.span(seconds)) for name, seconds in effective.asl_wait_s.items()),
        ("window of sustained service (W)", words.span(effective.window_s)),
    )
    return Table("Timers in force, already scaled", SETTING, tuple((text(name), Cell(value)) for name, value in told))


def versions(plan: Plan) -> Table:
    """The versions of what took part."""
    rows = tuple((text(name), code(version)) for name, version in plan.versions.items())
    return Table("Versions", (Column("Part"), Column("Version", True)), rows, "The plan names no versions.")


def configuration(plan: Plan) -> Table:
    """Objectives, faults, and the lab's own outputs."""
    objectives = plan.objectives
    told = (
        ("RTO", words.span(objectives.rto_s)),
        ("RPO", words.span(objectives.rpo_s)),
        ("latency bound of a good probe", words.span(objectives.latency_bound_s)),
        ("availability asked for before the fault", f"{objectives.availability_min * 100:.10g} %"),
        ("link between the regions, one way", words.span(plan.link_latency_s)),
        ("lag metric: period", words.span(plan.metric_period_s)),
        *([("longest duration (max_duration_s)", words.span(plan.max_duration_s))] if plan.max_duration_s else []),
        *(("fault", fault) for fault in plan.faults),
        *(("expected alarm", alarm) for alarm in plan.expected_alarms),
        *(("stopped without", condition.what) for condition in plan.stop_when),
        *sorted(plan.outputs.items()),
    )
    rows = tuple((text(name), code(value)) for name, value in told)
    return Table("Configuration", (Column("Setting"), Column("Value")), rows)


def experiment(plan: Plan) -> str:
    """The experiment's JSON, as it was redacted when the plan was written; empty when there was none."""
    if not plan.experiment:
        return ""
    return words.plain(json.dumps(plan.experiment, indent=2, ensure_ascii=False, default=str), EXPERIMENT_MAX)


def timeline(
    events: Sequence[Event], start_ns: int | None, boot: str, unreadable: int, since: str = "the fault"
) -> Table:
    """What was seen, in order. Samples of the replica's lag are counted, not listed; so is what exceeds the page."""
    columns = (
        Column("Seen"), Column(f"After {since}", True), Column("UTC", True), Column("What"), Column("Region"),
        Column("Detail"),
    )  # fmt: skip
    listed = [event for event in events if event.kind is not Kind.LAG]
    rows = tuple(_event_row(event, start_ns, boot) for event in listed[:EVENTS_MAX])
    caption = f"{words.counted(len(rows), 'event')} of timeline.ndjson"
    left_out = (
        (len(events) - len(listed), "sample of the replica's lag is", "samples of the replica's lag are", "not listed"),
        (len(listed) - len(rows), "later event stands", "later events stand", "in the record only"),
        (unreadable, "line", "lines", "could not be read"),
    )
    notes = "".join(f"; {words.counted(number, one, many)} {rest}" for number, one, many, rest in left_out if number)
    return Table(caption + notes, columns, rows, "The timeline is empty.")


def _event_row(event: Event, start_ns: int | None, boot: str) -> tuple[Cell, ...]:
    at_s = (event.mono_ns - start_ns) / NS if start_ns is not None and event.boot == boot else None
    return (
        Cell(event.kind.value.replace("_", " ")),
        Cell(words.after(at_s)),
        Cell(words.clock_time(event.utc)),
        Cell(words.plain(event.what, 300)),
        code(event.region or ""),
        Cell(words.plain(words.details(event.detail), 300), code=True),
    )
