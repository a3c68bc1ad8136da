"""How true the prober was to its schedule: lateness of its sends, and what of the schedule it sent at all."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from gameday.facts import Probe, ProberQuality
from gameday.facts.bounds import MOST
from gameday.measure.buckets import percentile


def prober_quality(probes: Sequence[Probe]) -> ProberQuality | None:
    """*Scheduled* counts the holes in each stream's numbering too; lateness is actual − scheduled send. None of no
    probe.
    """
    if not probes:
        return None
    late_ms = sorted((probe.sent_mono_ns - probe.scheduled_mono_ns) / 1e6 for probe in probes)
    p50, p99 = percentile(late_ms, 50), percentile(late_ms, 99)
    scheduled = min(MOST, len(probes) + sequence_holes(probes))  # a damaged number tells of more than can be held
    return ProberQuality(scheduled, len(probes), p50 or 0.0, p99 or 0.0)


def sequence_holes(probes: Iterable[Probe]) -> int:
    """How many numbers are missing from 0 to the last of each target's and client's stream."""
    streams: dict[tuple[str, str], set[int]] = defaultdict(set)
    for probe in probes:
        streams[probe.target, probe.client].add(probe.seq)
    return sum(max(seen) + 1 - len(seen) for seen in streams.values())
