"""The recovery point at risk: what the loss of the primary region would have cost at each moment, as its lag told it.

For each sample of the replica's lag: the lag itself, and how many writes the primary had acknowledged within that lag
before the sample was taken. Where the standby was promoted, the samples end with the fault: what was at risk then is
lost or was not, and the RPA is held against the last of them (``gameday.measure.lag``).
"""

from gameday.clock import NS
from gameday.facts import Exposure, Kind
from gameday.measure.evidence import Evidence
from gameday.measure.lag import lag_of, sampled_ns

BEFORE_ALL_NS = -1  # stamps count from 0
KEPT = 200  # evenly chosen, the largest lag among them


def exposures(evidence: Evidence) -> tuple[Exposure, ...]:
    """In order of time; empty when there is no zero to reckon from, or no lag was sampled."""
    if evidence.zero_ns is None:
        return ()
    until_ns = evidence.zero_ns if evidence.promotion else None
    sampled = []
    for event in evidence.events:
        lag_s = lag_of(event) if event.kind is Kind.LAG else None
        if lag_s is None or (until_ns is not None and sampled_ns(event) > until_ns):
            continue
        sampled.append((sampled_ns(event), lag_s))
    kept = _fewer(sampled)
    spans = [(max(BEFORE_ALL_NS, at_ns - int(lag_s * NS)), at_ns) for at_ns, lag_s in kept]
    counted = evidence.classified.acked_within(spans)
    return tuple(
        Exposure((at_ns - evidence.zero_ns) / NS, lag_s, writes)
        for (at_ns, lag_s), writes in zip(kept, counted, strict=True)
    )


def _fewer(found: list[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    if len(found) <= KEPT:
        return tuple(found)
    step = len(found) / KEPT
    kept = {int(number * step) for number in range(KEPT)} | {max(range(len(found)), key=lambda at: found[at][1])}
    return tuple(found[at] for at in sorted(kept))
