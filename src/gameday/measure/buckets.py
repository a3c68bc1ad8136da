"""Slices for the charts over time: at most 240 a target and client, aligned so that one starts at the fault.

A slice counts the probes *scheduled* in it. Its latencies are those of all answered probes (an HTTP status was read,
good or not), from schedule to completion; the percentile is the nearest rank, so it is always a latency that was
seen.
"""

from collections import defaultdict
from collections.abc import Sequence
from math import ceil

from gameday.clock import NS
from gameday.facts import Bucket, Probe
from gameday.measure.evidence import Evidence
from gameday.measure.rto import is_good

SLICES_MAX = 240
WIDTHS_S = (0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


def buckets(evidence: Evidence) -> tuple[Bucket, ...]:
    """The slices of every target and client, in the order of time within each."""
    if not evidence.probes:
        return ()
    zero_ns = evidence.chart_zero_ns
    width_ns = slice_width_ns(evidence.probes[-1].scheduled_mono_ns - evidence.probes[0].scheduled_mono_ns)
    slices: dict[tuple[str, str, int], list[Probe]] = defaultdict(list)
    for probe in evidence.probes:
        slices[probe.target, probe.client, (probe.scheduled_mono_ns - zero_ns) // width_ns].append(probe)
    bound_s = evidence.plan.objectives.latency_bound_s
    return tuple(
        _bucket(target, client, index * width_ns / NS, slices[target, client, index], bound_s)
        for target, client, index in sorted(slices)
    )


def slice_width_ns(span_ns: int) -> int:
    """The first round width of which 239 cover the span (alignment may need one more slice)."""
    least_s = span_ns / NS / (SLICES_MAX - 2)
    return round(next((width for width in WIDTHS_S if width >= least_s), ceil(least_s)) * NS)


def _bucket(target: str, client: str, at_s: float, probes: Sequence[Probe], bound_s: float) -> Bucket:
    answered = sorted(
        (each.done_mono_ns - each.scheduled_mono_ns) / 1e6 for each in probes if each.good or each.status is not None
    )
    good = sum(is_good(each, bound_s) for each in probes)
    return Bucket(target, client, at_s, len(probes), good, percentile(answered, 50), percentile(answered, 99))


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """The nearest-rank percentile of ordered figures; None of none."""
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)] if ordered else None
