"""The table that tells what a loss of the region would have cost, as the replica's lag grew."""

from collections.abc import Sequence

from gameday.facts import Exposure
from gameday.report import words
from gameday.report.parts import Cell, Column, Table, Tone

ROWS = 24


def exposures(found: Sequence[Exposure]) -> Table:
    """Evenly chosen moments, the worst one among them and marked."""
    columns = (Column("After the fault", True), Column("Replica behind", True), Column("Orders at risk", True))
    worst = max(found, key=lambda each: each.lag_s, default=None)
    rows = tuple(
        (
            Cell(words.after(each.at_s)),
            Cell(words.duration(each.lag_s), Tone.STRONG if each is worst else Tone.PLAIN),
            Cell(words.count(each.writes), Tone.STRONG if each is worst else Tone.PLAIN),
        )
        for each in _chosen(found, worst)
    )
    caption = "What the loss of the region would have cost: orders acknowledged within the replica's lag"
    return Table(caption, columns, rows, "No lag of the replica was sampled.")


def _chosen(found: Sequence[Exposure], worst: Exposure | None) -> list[Exposure]:
    if len(found) <= ROWS:
        return list(found)
    step = len(found) / ROWS
    evenly = {int(number * step) for number in range(ROWS)}
    return [each for number, each in enumerate(found) if number in evenly or each is worst]
