"""The kill matrix: `python -m benchmarks kills [--kills "N/OF WORD …"]`, one drill a cell, printed cell by cell.

Who is killed (chaos, lab, prober, Locust, warden), how (SIGINT, SIGTERM, SIGKILL) and when (before, during and after
the injection, and during the recovery), on a lab of the drill's own and on one that stands: 120 drills of some 20 s.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchmarks.figures import Figure

sys.path.append(str(Path(__file__).parent.parent / "tests" / "lab"))  # as pytest does: the cell is the tests' own

from kill_cell import Cell, Outcome, matrix, play


def figures(times: int = 1, chosen: str = "0/1") -> Iterator[Figure]:
    """The cells that are ``chosen``: how many ended as they should, and how long healing and ending took."""
    outcomes = [_played(cell) for _ in range(times) for cell in _cells(chosen)]
    right = sum(not one.wrong for one in outcomes)
    yield Figure(
        f"kills: cells as they should be, of {len(outcomes)}", "cells", (float(right),), at_least=len(outcomes)
    )
    killed = [one for one in outcomes if not one.cell.goes_on]
    yield Figure("kills: from the signal to nothing broken", "s", tuple(one.healed_s for one in killed), at_most=10)
    yield Figure("kills: from the signal to the drill's end", "s", tuple(one.ended_s for one in killed))


def _cells(chosen: str) -> Iterator[Cell]:
    """Of those whose name has every word, the ones numbered N, N + OF, N + 2 OF, …, from 0."""
    number, of, *words = chosen.replace("/", " ").split()
    cells = (cell for cell in matrix() if all(word in str(cell).split() for word in words))
    return islice(cells, int(number), None, int(of))


def _played(cell: Cell) -> Outcome:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        os.environ["GAMEDAY_HOME"] = str(folder / "home")
        outcome = play(cell, folder, folder / "home")
    print(_row(outcome), flush=True)
    return outcome


def _row(one: Outcome) -> str:
    times = f"healed {one.healed_s:5.1f} s  ended {one.ended_s:5.1f} s"
    wrong = "ok" if not one.wrong else "WRONG: " + "; ".join(one.wrong)
    return f"{one.cell!s:33} {times}  exit {one.code:4} {one.verdict:8} {one.undo:34} {wrong}"
