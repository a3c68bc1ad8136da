"""Availability: the share of scheduled probes that were good, in counts, so that nothing rounds away.

Good is the RTA's good: found good by its client, and within the latency bound of its schedule. The *baseline* is what
was scheduled and completed before the fault; a drill without a fault is all baseline. Probes after the end of
observation are left out. Fresh and kept-alive clients count alike.
"""

from collections.abc import Iterable

from gameday.facts import Availability, Probe
from gameday.measure.evidence import Evidence
from gameday.measure.rto import is_good


def availability(evidence: Evidence) -> tuple[Availability, ...]:
    """One figure for each target that was probed, in the order of their names."""
    end_ns = evidence.observed_ns
    seen = [probe for probe in evidence.probes if end_ns is None or probe.scheduled_mono_ns <= end_ns]
    return tuple(
        _of(target, [probe for probe in seen if probe.target == target], evidence)
        for target in sorted({probe.target for probe in seen})
    )


def _of(target: str, probes: list[Probe], evidence: Evidence) -> Availability:
    bound_s = evidence.plan.objectives.latency_bound_s
    baseline = [probe for probe in probes if evidence.before_fault(probe.done_mono_ns)]
    return Availability(target, _good(probes, bound_s), len(probes), _good(baseline, bound_s), len(baseline))


def _good(probes: Iterable[Probe], bound_s: float) -> int:
    return sum(is_good(probe, bound_s) for probe in probes)
