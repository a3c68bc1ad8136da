"""The recovery point at risk: what the loss of the primary region would have cost at each moment, as its lag told it.

For each sample of the replica's lag: the lag itself, and how many writes the primary had acknowledged within that lag
before the sample was taken. Where the standby was promoted, the samples end with the fault: what was at risk then is
lost or was not, and the RPA is held against the last of them (``gameday.measure.lag``).
"""

from bisect import bisect_right

from gameday.clock import NS
from gameday.facts import Exposure, Kind
from gameday.measure.evidence import Evidence
from gameday.measure.lag import lag_of, sampled_ns

KEPT = 200  # evenly chosen, the largest lag among them


def exposures(evidence: Evidence) -> tuple[Exposure, ...]:
    """In order of time; empty when there is no zero to reckon from, or no lag was sampled."""
    if evidence.zero_ns is None:
        return ()
    acked = sorted(write.acked_mono_ns for write in evidence.ledger.writes if write.acked_mono_ns is not None)
    until_ns = evidence.zero_ns if evidence.promotion else None
    found = []
    for event in evidence.events:
        lag_s = lag_of(event) if event.kind is Kind.LAG else None
        if lag_s is None or (until_ns is not None and sampled_ns(event) > until_ns):
            continue
        at_ns = sampled_ns(event)
        writes = bisect_right(acked, at_ns) - bisect_right(acked, at_ns - int(lag_s * NS))
        found.append(Exposure((at_ns - evidence.zero_ns) / NS, lag_s, writes))
    return _fewer(found)


def _fewer(found: list[Exposure]) -> tuple[Exposure, ...]:
    if len(found) <= KEPT:
        return tuple(found)
    step = len(found) / KEPT
    kept = {int(number * step) for number in range(KEPT)} | {max(range(len(found)), key=lambda at: found[at].lag_s)}
    return tuple(found[at] for at in sorted(kept))
