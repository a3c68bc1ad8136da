"""The lag witness: the replica lag observed last before the fault.

It agrees when the RPA lies within *sample age + metric period + link latency* of it. It is unavailable when no lag was
sampled before the fault, when the standby never was promoted (its lag then says nothing of what survived), or when the
RPA itself is unknown.
"""

from gameday.clock import NS
from gameday.facts import Event, Kind, Witness
from gameday.facts.bounds import SECONDS_MAX, stamp_in
from gameday.measure.evidence import Evidence
from gameday.measure.moments import last, number
from gameday.measure.restore import chosen


def lag_witness(evidence: Evidence, rpa_s: float | None) -> tuple[Witness, str, float | None]:
    """What the lag says of the RPA, why, and the lag in seconds."""
    if evidence.fault is None:
        return Witness.UNAVAILABLE, "there was no fault", None
    fault_ns = evidence.fault.start_mono_ns
    sample = last(evidence.events, Kind.LAG, before_ns=fault_ns)
    lag_s = lag_of(sample) if sample else None
    if sample is None or lag_s is None:
        return Witness.UNAVAILABLE, "no replica lag was observed before the fault", None
    if rpa_s is None:
        return Witness.UNAVAILABLE, "the RPA is unknown", lag_s
    if chosen(evidence):
        return Witness.UNAVAILABLE, "a backup was restored: its age bounds the loss, not the replica's lag", lag_s
    if evidence.promotion is None:
        return Witness.UNAVAILABLE, "the standby was not promoted, so its lag does not bound the loss", lag_s
    age_s = max(0.0, (fault_ns - sampled_ns(sample)) / NS)
    within_s = age_s + evidence.plan.metric_period_s + evidence.plan.link_latency_s
    told = (
        f"the lag was {lag_s:g} s, sampled {age_s:.3g} s before the fault; the RPA is {rpa_s:.3g} s; "
        f"they may differ by {within_s:.3g} s (age + metric period + link latency)"
    )
    return (Witness.AGREES if abs(rpa_s - lag_s) <= within_s else Witness.DISAGREES), told, lag_s


def lag_of(sample: Event) -> float | None:
    """RDS reports −1 when replication is broken: that is no lag."""
    found = number(sample.detail.get("lag_s", sample.what))
    return found if found is not None and 0 <= found <= SECONDS_MAX else None


def sampled_ns(sample: Event) -> int:
    """When it was taken, else when it was seen."""
    stamped = stamp_in(sample.detail.get("sampled_mono_ns"))
    return sample.mono_ns if stamped is None else stamped
