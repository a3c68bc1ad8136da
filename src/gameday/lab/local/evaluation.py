"""How an alarm is judged, as pure functions: windows over samples, a statistic of each, and m of n that breach."""

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gameday.lab.local.metrics import Sample


class State(StrEnum):
    """An alarm's state, in CloudWatch's words."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


STATISTICS: dict[str, Callable[[Sequence[Sample]], float]] = {
    "Maximum": lambda samples: max(sample.largest for sample in samples),
    "Minimum": lambda samples: min(sample.smallest for sample in samples),
    "Sum": lambda samples: sum(sample.total for sample in samples),
    "SampleCount": lambda samples: sum(sample.count for sample in samples),
    "Average": lambda samples: sum(sample.total for sample in samples) / sum(sample.count for sample in samples),
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
IN_WORDS = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


@dataclass(frozen=True, slots=True)
class Datapoint:
    """The statistic of one window, None when it is empty; an empty one from before the alarm does not count."""

    start: datetime
    value: float | None
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """What an alarm asks, at the lab's scale: ``to_alarm`` of ``periods`` windows of ``period_s`` seconds breach."""

    period_s: float
    periods: int
    to_alarm: int
    statistic: str
    comparison: str
    threshold: float
    missing: str = "missing"  # missing | breaching | notBreaching | ignore

    @property
    def range_s(self) -> float:
        return self.period_s * self.periods


def datapoints(rule: Rule, samples: Iterable[Sample], now: datetime, born: datetime) -> tuple[Datapoint, ...]:
    """The windows, oldest first; the last one ends now. A sample belongs to the window ``start < at <= end``.

    CloudWatch cuts at full periods of the clock; a window that slides sees the same and never later.
    """
    samples = tuple(samples)
    period = timedelta(seconds=rule.period_s)
    starts = [now - period * back for back in range(rule.periods, 0, -1)]
    return tuple(_datapoint(rule, samples, start, start + period, born) for start in starts)


def _datapoint(rule: Rule, samples: Sequence[Sample], start: datetime, end: datetime, born: datetime) -> Datapoint:
    inside = [sample for sample in samples if start < sample.at <= end]
    value = STATISTICS[rule.statistic](inside) if inside else None
    return Datapoint(start, value, counts=value is not None or start >= born)


def judged(rule: Rule, points: Sequence[Datapoint], before: State) -> State:
    """The state that the windows prove; what they leave open stays as it was.

    ALARM when enough windows breach, OK when that has become impossible. An empty window breaches, does not, or says
    nothing, as the alarm treats missing data; nothing but empty ones is INSUFFICIENT_DATA for ``missing``. An empty
    window from before the alarm existed says nothing in any case: a new alarm does not fire for having no past.
    """
    verdicts = [_breaches(rule, point) for point in points]
    if verdicts.count(True) >= rule.to_alarm:
        return State.ALARM
    if verdicts.count(False) > rule.periods - rule.to_alarm:
        return State.OK
    nothing_at_all = all(point.value is None and point.counts for point in points)
    return State.INSUFFICIENT_DATA if nothing_at_all and rule.missing == "missing" else before


def _breaches(rule: Rule, point: Datapoint) -> bool | None:
    if point.value is not None:
        return COMPARISONS[rule.comparison](point.value, rule.threshold)
    if not point.counts:
        return None
    return {"breaching": True, "notBreaching": False}.get(rule.missing)


def told(rule: Rule, points: Sequence[Datapoint], before: State, after: State) -> str:
    """Why, in CloudWatch's words."""
    if after is State.INSUFFICIENT_DATA:
        return f"Insufficient Data: {len(points)} datapoints were unknown."
    mattering = [point for point in points if _breaches(rule, point) is (after is State.ALARM)]
    values = ", ".join(_point_told(point) for point in mattering)
    was = "" if after is State.ALARM else "not "
    return (
        f"Threshold Crossed: {len(mattering)} out of the last {rule.periods} datapoints [{values}] were {was}"
        f"{IN_WORDS[rule.comparison]} the threshold ({rule.threshold}) (minimum {rule.to_alarm} datapoints for "
        f"{before} -> {after} transition)."
    )


def _point_told(point: Datapoint) -> str:
    value = "missing" if point.value is None else f"{point.value:g}"
    return f"{value} ({point.start:%d/%m/%y %H:%M:%S})"
