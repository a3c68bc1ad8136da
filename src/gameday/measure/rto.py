"""The recovery time actual (RTA), told from the open-model prober alone.

**RTA** = fault time → completion of the first good *scheduled* probe that opens a window of max(W, 200 probes) in
which at least 99 % are good and within the latency bound, with no later outage up to the recorded end of observation.
A shorter window is UNKNOWN; no failed probe is 0 s (when a whole window was seen).

*Judged* are the probes that completed at or after the fault time and were scheduled up to the end of observation.
*Good* is a probe that its client found good and that completed within the latency bound of its schedule. A *window*
starts at a probe's schedule and holds every probe scheduled in the next W, and 200 at least. An **outage** is any
such window, wherever it starts, in which less than 99 % are good: so "no later outage" means that every window that
starts after the opening one and still fits before the end is sustained too. Bounds: from the schedule of the last bad
probe before the opening one, to the opening probe's completion. Without an opening probe the RTA is UNKNOWN, and it
is more than the lower bound: the schedule of the last bad probe before the first that might have opened a window.
A window that opens only after the drill took its own fault back (HEAL) is no recovery either: UNKNOWN, more than that.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from gameday.clock import NS
from gameday.facts import Probe, RecoveryTime

type Judged = tuple[float | None, float | None, float | None, str]  # RTA, bounds in seconds, why it is unknown
PROBES_MIN = 200
GOOD_PERCENT = 99


def is_good(probe: Probe, latency_bound_s: float) -> bool:
    """Good in its client's sight, and done within the latency bound of its *schedule*: a late start is a wait too."""
    return probe.good and probe.done_mono_ns - probe.scheduled_mono_ns <= latency_bound_s * NS


@dataclass(frozen=True, slots=True)
class Terms:
    """What a recovery is judged by: fault time, end of observation (None: not recorded), W, and the latency bound."""

    since_ns: int | None
    until_ns: int | None
    window_s: float
    latency_bound_s: float
    healing_ns: int | None = None  # when the drill began to take its fault back; None: never


def recovery_time(probes: Iterable[Probe], target: str, client: str, terms: Terms) -> RecoveryTime:
    """The RTA of one kind of probe; ``probes`` of other kinds are left out."""
    ours = sorted(
        (probe for probe in probes if probe.target == target and probe.client == client and _judged(probe, terms)),
        key=lambda probe: probe.scheduled_mono_ns,
    )
    good = [is_good(probe, terms.latency_bound_s) for probe in ours]

    def told(rta_s: float | None, lower_s: float | None, upper_s: float | None, why: str = "") -> RecoveryTime:
        return RecoveryTime(target, client, rta_s, lower_s, upper_s, good.count(False), len(good), why)

    if terms.since_ns is None:
        return told(None, None, None, "there is no fault time to start from")
    if terms.until_ns is None:
        return told(None, None, None, "the end of observation was never recorded")
    if not ours:
        return told(None, None, None, f"no {client} {target} probe completed after the fault")
    sight = Sight(ours, good, terms.until_ns, int(terms.window_s * NS))
    return told(*_unless_healed(_judge(sight, terms.since_ns), terms))


def _unless_healed(judged: Judged, terms: Terms) -> Judged:
    """What opened only after the drill healed its own fault is no recovery: one might never have come."""
    rta_s, lower_s, _, _ = judged
    if rta_s is None or terms.healing_ns is None or terms.since_ns is None:
        return judged
    healed_after_s = (terms.healing_ns - terms.since_ns) / NS
    if rta_s <= healed_after_s:
        return judged
    why = f"clients were served again only after the drill had healed its own fault, {healed_after_s:.3f} s after it"
    return None, max(lower_s or 0.0, healed_after_s), None, why


def _judged(probe: Probe, terms: Terms) -> bool:
    after = terms.since_ns is None or probe.done_mono_ns >= terms.since_ns
    return after and (terms.until_ns is None or probe.scheduled_mono_ns <= terms.until_ns)


class Sight:
    """Judged probes in the order of their schedule, and the windows over them."""

    def __init__(self, probes: Sequence[Probe], good: Sequence[bool], until_ns: int, window_ns: int) -> None:
        self.probes, self.good, self._window_ns = probes, good, window_ns
        self._at = [probe.scheduled_mono_ns for probe in probes]
        step = (self._at[-1] - self._at[0]) // max(1, len(probes) - 1)
        self._until_ns = min(until_ns, self._at[-1] + step)  # after the last probe nobody looked
        self._sums = [0, *accumulate(good)]

    def window_end(self, start: int) -> int | None:
        """The index after the last probe of the window opened at ``start``; None when the observation ends first."""
        ends_ns = self._at[start] + self._window_ns
        end = max(start + PROBES_MIN, bisect_left(self._at, ends_ns))
        return end if end <= len(self._at) and ends_ns <= self._until_ns else None

    def sustained(self, start: int, end: int) -> bool:
        return (self._sums[end] - self._sums[start]) * 100 >= GOOD_PERCENT * (end - start)

    def last_outage(self) -> int:
        """Where the last whole window that is an outage starts; −1 when there is none."""
        for start in reversed(range(len(self._at))):
            end = self.window_end(start)
            if end is not None and not self.sustained(start, end):
                return start
        return -1

    def first_good(self, after: int) -> int | None:
        return next((index for index in range(after + 1, len(self.good)) if self.good[index]), None)

    def last_bad(self, before: int) -> int | None:
        return next((index for index in reversed(range(before)) if not self.good[index]), None)


def _judge(sight: Sight, since_ns: int) -> Judged:
    """RTA, lower and upper bound in seconds, and why it is unknown."""
    opener = sight.first_good(after=sight.last_outage())
    bad = sight.last_bad(len(sight.good) if opener is None else opener)
    lower_s = 0.0 if bad is None else max(0, sight.probes[bad].scheduled_mono_ns - since_ns) / NS
    if opener is None:
        return None, lower_s, None, "no good probe followed the outage up to the end of observation"
    if sight.window_end(opener) is None:
        seen = len(sight.good) - opener
        why = (
            f"only {seen} probes were seen from the first good one to the end of observation, less than a whole window"
        )
        return None, lower_s, None, why
    if all(sight.good):
        return 0.0, 0.0, 0.0, ""
    rta_s = (sight.probes[opener].done_mono_ns - since_ns) / NS
    if rta_s < lower_s:
        return None, lower_s, None, "the first good probe was done before a bad one ahead of it was even due"
    return rta_s, lower_s, rta_s, ""


def overall(times: Iterable[RecoveryTime]) -> RecoveryTime:
    """What the RTO judges: the later of fresh writes and fresh reads; UNKNOWN when one of them is."""
    fresh = [time for time in times if time.client == "fresh"]
    known = [time.rta_s for time in fresh if time.rta_s is not None]
    lower = max((time.lower_s for time in fresh if time.lower_s is not None), default=None)
    unknown = [f"{time.target}s: {time.why}" for time in fresh if time.rta_s is None]
    rta_s = max(known) if known and not unknown else None
    return RecoveryTime(
        "later of both", "fresh", rta_s, lower, rta_s,
        sum(time.failed for time in fresh), sum(time.scheduled for time in fresh), "; ".join(unknown),
    )  # fmt: skip
