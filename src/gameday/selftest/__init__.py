"""The tool tried on itself: truths are planted in a stand-in service, and a drill must find exactly those.

If it does not, nothing that the tool says on this machine is proved, and a campaign is UNKNOWN.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from gameday.clock import NS, SYSTEM, Clock
from gameday.errors import GamedayError
from gameday.facts.selftest import PlantedTruth, SelfTest
from gameday.preparing import versions
from gameday.selftest.truths import TRUTHS, Bench

PROBES_PER_S = 80.0  # a window of 200 probes takes 2.5 s


def self_test(
    reports: Path,
    probes_per_s: float = PROBES_PER_S,
    *,
    said: Callable[[PlantedTruth], None] = lambda truth: None,
    truths: Sequence[Callable[[Bench], PlantedTruth]] = TRUTHS,
    clock: Clock = SYSTEM,
) -> SelfTest:
    """Plant every truth, one drill after another with its record under ``reports``, and say each when it is found.

    A drill that ends with an error has found nothing: its truth is told as missed, with the error. Main thread only.
    """
    begun_ns, utc = clock.mono_ns(), clock.utc()
    bench, found = Bench(reports, probes_per_s), []
    for plant in truths:
        found.append(_tried(plant, bench))
        said(found[-1])
    took_s = round((clock.mono_ns() - begun_ns) / NS, 3)
    return SelfTest(utc, took_s, probes_per_s, versions(), tuple(found))


def _tried(plant: Callable[[Bench], PlantedTruth], bench: Bench) -> PlantedTruth:
    try:
        return plant(bench)
    except GamedayError as cause:
        return PlantedTruth(plant.__name__.replace("_", " "), "to be found", str(cause), exact=False)
