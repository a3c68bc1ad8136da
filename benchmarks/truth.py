"""Whether the tool finds what is planted, and how far its RTA lies from an outage of a known length."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from gameday.selftest import self_test
from gameday.selftest.truths import Bench, an_outage

PROBES_PER_S = 20.0  # a drill's own rate
SHORTEST_S, LONGER_EACH_S = 1.5, 0.137  # so that outages end anywhere between two probes


def figures(times: int = 10) -> Iterator[Figure]:
    """One self-test, and ``times`` scripted outages; an RTA that is unknown counts as a truth that was missed."""
    with tempfile.TemporaryDirectory() as folder:
        tested = self_test(Path(folder) / "all")
        bench = Bench(Path(folder) / "outages", PROBES_PER_S)
        outages = [an_outage(bench, SHORTEST_S + number * LONGER_EACH_S) for number in range(times)]
    truths = (*tested.truths, *outages)
    found = 100.0 * sum(truth.exact for truth in truths) / len(truths)
    yield Figure(f"planted truths found, of {len(truths)}", "%", (found,), at_least=100)
    errors = tuple(abs(truth.error_s) * 1000 for truth in outages if truth.error_s is not None)
    yield Figure("RTA against a scripted outage, 20 probes/s", "ms", errors, at_most=60)
