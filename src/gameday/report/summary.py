"""The closing summary for a terminal: the same words as the report's first lines, in plain text."""

from gameday.facts import Measurement, Plan, Verdict
from gameday.facts.selftest import RecordSelfTest
from gameday.report import words
from gameday.report.headline import figures, headline, reasons
from gameday.report.page import scale_badge
from gameday.report.parts import Figure
from gameday.report.selftest import trial

LINES_MAX = 12
WIDTH_MAX = 160
POINTS_MAX = 3


def summary_lines(plan: Plan, measurement: Measurement) -> tuple[str, ...]:
    """At most 12 lines: the verdict, why, the four figures, what to do, and whether timers were scaled.

    No line holds a control character, so nothing in a record can drive the terminal.
    """
    told = headline(measurement)
    scale = scale_badge(measurement.timer_scale)
    first = f"{told.word}: {told.meaning} ({', '.join(part for part in (words.plain(plan.drill, 60), scale) if part)})"
    reasons = [] if measurement.verdict is Verdict.HELD else _reasons(measurement)
    lines = [first, f"  {told.why}", *(_figure(each) for each in figures(measurement)), *reasons]
    return tuple(_one_line(line) for line in lines[:LINES_MAX])


def untried_lines(tried: RecordSelfTest | None) -> tuple[str, ...]:
    """That the measurement was not tried on its own record, or not to the end, and why; whatever the verdict."""
    return (_one_line(f"  SELF-TEST  {trial(tried).line}"),) if tried and tried.not_run else ()


def _figure(figure: Figure) -> str:
    return f"  {figure.label:<28} {figure.value:<12} {figure.standing}"


def _reasons(measurement: Measurement) -> list[str]:
    """The gravest reasons: each with its evidence, and the next step on a line of its own."""
    lines = []
    for point in reasons(measurement)[:POINTS_MAX]:
        lines.append(f"  - {point.what} {point.evidence}")
        lines += [f"    Next: {point.next_step}"] * bool(point.next_step)
    return lines


def _one_line(line: str) -> str:
    flat = " ".join(line.split("\n")).replace("\t", " ")
    return flat if len(flat) <= WIDTH_MAX else flat[: WIDTH_MAX - 1] + "…"
