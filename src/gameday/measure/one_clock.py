"""The rule that wall clock and monotonic clock ran together: a recovery is told on the one, a split brain on the other.

Every line has both stamps, taken one right after the other, so the wall clock is ahead of the monotonic one by the same
amount throughout. That amount changes when somebody sets the wall clock, and when the machine sleeps: CLOCK_MONOTONIC
"does not count time that the system is suspended" (clock_gettime(2)), so an outage that was slept through is too short.

It may also drift: NTP slews a clock by at most 500 ppm (adjtimex(2), RFC 5905), on Linux both alike and elsewhere the
wall clock alone. :data:`DRIFT` is twice that. A busy machine may stop a process between the two stamps of a line: 14 ms
were the most in twenty drills of a busy lab; :data:`STEP_NS` leaves room for far worse. Both bound *any two* stamps by
the time between them, so that a drill of many hours hides no larger step than one of a minute.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gameday.clock import NS
from gameday.facts import Finding
from gameday.measure.case import Case, unknown
from gameday.measure.evidence import Evidence
from gameday.measure.moments import instant

STEP_NS = NS // 2
DRIFT = 1_000  # one part in so many
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Jump:
    """Two stamps whose clocks did not run together: when each was, and how much the wall clock gained in between."""

    since_ns: int
    until_ns: int
    gained_ns: int


def one_clock(case: Case) -> Iterator[Finding]:
    """The wall clock was set, or the machine slept, during the drill; or lines tell no time at all."""
    stamps, timeless = _stamps(case.evidence)
    if timeless:
        yield unknown("stamps tell no time", "the time in UTC on every line", f"{timeless} lines without")
    found = jump(stamps)
    if found:
        zero_ns = case.evidence.chart_zero_ns
        since_s, until_s = ((at_ns - zero_ns) / NS for at_ns in (found.since_ns, found.until_ns))
        yield unknown(
            "the clock jumped",
            f"wall clock and monotonic clock to run together, to {STEP_NS / NS:g} s and {1 / DRIFT:.1%} of their time",
            f"the wall clock {'gained' if found.gained_ns > 0 else 'lost'} {abs(found.gained_ns) / NS:.3f} s "
            f"between {since_s:+.3f} s and {until_s:+.3f} s of the drill",
            "keep the machine awake and its clock from being set (NTP may slew it), then run the drill again",
        )


def jump(stamps: Iterable[tuple[int, int]]) -> Jump | None:
    """The first two stamps that are further apart than step and drift allow; each is told with its clocks' distance."""
    least = most = None  # of those before: who allows the wall clock the least gain, and the least loss
    for at_ns, ahead_ns in sorted(stamps):
        drift_ns = at_ns // DRIFT
        least = min(least or (ahead_ns - drift_ns, at_ns, ahead_ns), (ahead_ns - drift_ns, at_ns, ahead_ns))
        most = max(most or (ahead_ns + drift_ns, at_ns, ahead_ns), (ahead_ns + drift_ns, at_ns, ahead_ns))
        gained, lost = ahead_ns - drift_ns - least[0], most[0] - ahead_ns - drift_ns
        if max(gained, lost) > STEP_NS:
            _, since_ns, was_ns = least if gained > lost else most
            return Jump(since_ns, at_ns, ahead_ns - was_ns)
    return None


def _stamps(evidence: Evidence) -> tuple[list[tuple[int, int]], int]:
    """When each line of the drill's own boot was stamped, and how far ahead its wall clock was; and how many are none.

    Of the ledger only its extremes: it is large, and wherever it was written there were probes.
    """
    boot, stamps, timeless = evidence.plan.boot, list(evidence.ledger.clocks), 0
    lines = [(event.mono_ns, event.utc) for event in evidence.events if event.boot == boot]
    lines += [(probe.done_mono_ns, probe.utc) for probe in evidence.probes if probe.boot == boot]
    for mono_ns, utc in lines:
        told = instant(utc)
        if told is None:
            timeless += 1
        else:
            stamps.append((mono_ns, (told - EPOCH) // MICROSECOND * 1_000 - mono_ns))
    return stamps, timeless
