"""In how many of so many kills the ledger's loss is the WAL's commits after the fork, and the rows that are lacking."""

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure

sys.path.append(str(Path(__file__).parents[1] / "tests/unit"))  # the tests' own pair of databases
sys.path.append(str(Path(__file__).parents[1] / "tests/unit/lab/local"))
from lost_orders import Lost, lost_in_a_kill, placing_orders


def figures(times: int = 20) -> Iterator[Figure]:
    """Kill a primary whose replica is 70 ms away, ``times`` times, each with databases of its own."""
    found = [_killed() for _ in range(times)]
    agreed = sum(lost.all_agree and bool(lost.by_the_ledger) for lost in found)
    yield Figure(f"of {times} kills, lost set == WAL == rows, by id", "kills", (float(agreed),), at_least=times)
    yield Figure(
        "acknowledged orders lost by a kill", "orders", tuple(float(len(lost.by_the_ledger)) for lost in found)
    )


def _killed() -> Lost:
    with placing_orders() as placing:
        return lost_in_a_kill(*placing)
