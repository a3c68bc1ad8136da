"""How an alarm is judged, as pure functions: windows over samples, a value of each, and m of n that breach."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gameday.lab.local.metric_math import evaluated
from gameday.lab.local.metrics import Sample, SeriesKey


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
    """The value of one window, None when it is missing; a missing one from before the alarm does not count."""

    start: datetime
    value: float | None
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Query:
    """One metric that an alarm looks at: a plain statistic of what the series got within ``period_s`` seconds."""

    id: str
    series: SeriesKey
    statistic: str
    period_s: float


@dataclass(frozen=True, slots=True)
class Rule:
    """What an alarm asks, at the lab's scale: ``to_alarm`` of ``periods`` windows breach.

    A window is worth what ``expression`` (:mod:`gameday.lab.local.metric_math`) makes of the queries, each over its own
    period at the window's end; one metric alone is the expression that is its id.
    """

    queries: tuple[Query, ...]
    expression: str
    periods: int
    to_alarm: int
    comparison: str
    threshold: float
    missing: str = "missing"  # missing | breaching | notBreaching | ignore

    @property
    def period_s(self) -> float:
        """The length of a window: the longest period."""
        return max(query.period_s for query in self.queries)

    @property
    def range_s(self) -> float:
        return self.period_s * self.periods


type Samples = Mapping[str, Sequence[Sample]]  # by the query's id


def datapoints(rule: Rule, samples: Samples, now: datetime, born: datetime) -> tuple[Datapoint, ...]:
    """The windows, oldest first; the last one ends now. A sample belongs to the window ``start < at <= end``.

    CloudWatch cuts at full periods of the clock; a window that slides sees the same and never later.
    """
    period = timedelta(seconds=rule.period_s)
    ends = [now - period * back for back in range(rule.periods - 1, -1, -1)]
    return tuple(_datapoint(rule, samples, end, born) for end in ends)


def _datapoint(rule: Rule, samples: Samples, end: datetime, born: datetime) -> Datapoint:
    start = end - timedelta(seconds=rule.period_s)
    value = evaluated(rule.expression, {query.id: _value(query, samples[query.id], end) for query in rule.queries})
    return Datapoint(start, value, counts=value is not None or start >= born)


def _value(query: Query, samples: Sequence[Sample], end: datetime) -> float | None:
    start = end - timedelta(seconds=query.period_s)
    inside = [sample for sample in samples if start < sample.at <= end]
    return STATISTICS[query.statistic](inside) if inside else None


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
