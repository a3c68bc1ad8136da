"""The lab's metrics: moto's CloudWatch backend is the one store, for what we put and for what the API puts."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from gameday.clock import SYSTEM, Clock
from gameday.lab.local.ground import ACCOUNT

KEPT_IN_MOTO = 6_000  # samples a region, and of one series; the oldest third goes when there are more
LATE = timedelta(minutes=5)
type SeriesKey = tuple[str, str, frozenset[tuple[str, str]]]  # namespace, name, dimensions


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a series, or the four figures of a statistic set."""

    at: datetime
    smallest: float
    largest: float
    total: float
    count: float


@dataclass
class MetricStore:
    """Puts samples into moto's backend of a region, and reads a region's new ones back into series.

    ``put`` may be called from any thread. ``catch_up`` and ``series`` belong to one reader, which alone trims the list.
    """

    clock: Clock = SYSTEM
    _read: dict[str, int] = field(default_factory=dict, init=False)
    _series: dict[tuple[str, SeriesKey], deque[Sample]] = field(default_factory=dict, init=False)

    def put(self, region: str, namespace: str, name: str, dimensions: Mapping[str, str], value: float) -> None:
        """One sample, taken now. It can be read through ``GetMetricData`` at once."""
        self._put(region, namespace, name, dimensions, {"Value": value})

    def put_ones(
        self, region: str, namespace: str, name: str, dimensions: Mapping[str, str], ones: int, of: int
    ) -> None:
        """``of`` samples at once (1 at least), ``ones`` of them 1 and the others 0: failures among operations."""
        figures = {"Sum": ones, "SampleCount": of, "Minimum": int(ones == of), "Maximum": int(ones > 0)}
        self._put(region, namespace, name, dimensions, {"StatisticValues": figures})

    def _put(
        self, region: str, namespace: str, name: str, dimensions: Mapping[str, str], figures: Mapping[str, Any]
    ) -> None:
        datum = {
            "MetricName": name,
            "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
            "Timestamp": now(self.clock).replace(tzinfo=None),  # moto's own stamps are naive UTC
            **figures,
        }
        backend_of(region).put_metric_data(namespace, [datum])

    def catch_up(self, region: str) -> None:
        """Read what was put since the last call, by whomever."""
        data = backend_of(region).metric_data
        start = self._read.get(region, 0)
        fresh = data[start if start <= len(data) else 0 :]
        for datum in fresh:
            self._series.setdefault((region, _key(datum)), deque(maxlen=KEPT_IN_MOTO)).append(_sample(datum))
        read = len(fresh) + (start if start <= len(data) else 0)
        if read > KEPT_IN_MOTO:
            del data[: read // 3]
            read -= read // 3
        self._read[region] = read

    def series(self, region: str, key: SeriesKey, since: datetime) -> tuple[Sample, ...]:
        """The samples of a series after ``since``, newest first; one put later than ``LATE`` may be missed."""
        found = self._series.get((region, key), ())
        recent = takewhile(lambda sample: sample.at > since - LATE, reversed(found))
        return tuple(sample for sample in recent if sample.at > since)


def series_key(namespace: str, name: str, dimensions: Mapping[str, str]) -> SeriesKey:
    return (namespace, name, frozenset(dimensions.items()))


def now(clock: Clock) -> datetime:
    """The clock's UTC as a moment."""
    return datetime.fromisoformat(clock.utc())


def backend_of(region: str) -> Any:
    from moto.cloudwatch.models import cloudwatch_backends

    return cloudwatch_backends[ACCOUNT][region]


def _key(datum: Any) -> SeriesKey:
    return series_key(datum.namespace, datum.name, {each.name: each.value for each in datum.dimensions})


def _sample(datum: Any) -> Sample:
    stamp = datum.timestamp
    at = stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)
    if hasattr(datum, "sample_count"):
        return Sample(at, datum.min, datum.max, datum.sum, datum.sample_count)
    return Sample(at, datum.value, datum.value, datum.value, 1.0)
