"""The rules that probes kept their schedule: a recovery time is only as true as the schedule that it is told by.

The prober lays its schedule on a grid before anything happens: the n-th probe of a stream is due at the start plus n
periods, to the nanosecond, however late the ones before were sent (``gameday.load.prober``). So a stream's own median
step is its period; the plan does not have one for every stream. A step beyond :data:`STEPS` of them is a stretch in
which nobody looked, whatever the numbers say. A probe is sent when its timer has run out, which an event loop lets
happen early by the resolution of its clock, some nanoseconds: :data:`EARLY_NS` is far more.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from statistics import median_low

from gameday.clock import NS
from gameday.facts import Finding, Probe
from gameday.measure.case import Case, unknown

STEPS = 3
EARLY_NS = 1_000_000
type Stream = tuple[str, str]  # client and target


def impossible_probes(case: Case) -> Iterator[Finding]:
    """Probes sent before they were due, or done before they were sent, and numbers that two probes of a stream have."""
    probes = case.evidence.probes
    undue = sum(probe.sent_mono_ns < probe.scheduled_mono_ns - EARLY_NS for probe in probes)
    early = sum(probe.done_mono_ns < probe.sent_mono_ns for probe in probes)
    twice = len(probes) - len({(probe.target, probe.client, probe.seq) for probe in probes})
    if undue or early or twice:
        seen = f"{undue} sent before they were due, {early} done before they were sent, {twice} twice"
        yield unknown("probes contradict each other", "every probe once, due, then sent, then done", seen)


def uneven_schedule(case: Case) -> Iterator[Finding]:
    """A stream whose schedule does not rise with its numbers, step by even step: in between nobody looked."""
    for (client, target), due_ns in sorted(_streams(case.evidence.probes).items()):
        steps = list(_steps(due_ns))
        usual_ns = max(1, median_low(steps)) if steps else 1
        if steps and not (min(steps) > 0 and max(steps) <= STEPS * usual_ns):
            yield unknown(
                "the schedule of the probes is uneven",
                f"{client} {target} probes due one every {usual_ns / NS:.3g} s",
                f"steps from {min(steps) / NS:.3f} s to {max(steps) / NS:.3f} s",
                "look at the prober's log",
            )


def _streams(probes: Iterable[Probe]) -> Mapping[Stream, Mapping[int, int]]:
    """Of each stream its numbers, and when each was due."""
    found: dict[Stream, dict[int, int]] = defaultdict(dict)
    for probe in probes:
        found[probe.client, probe.target][probe.seq] = probe.scheduled_mono_ns
    return found


def _steps(due_ns: Mapping[int, int]) -> Iterator[int]:
    """From each number to the next one that is there; over a hole in the numbering, one number's share of it."""
    for (one, at_ns), (next_one, next_ns) in pairwise(sorted(due_ns.items())):
        yield (next_ns - at_ns) // (next_one - one)
