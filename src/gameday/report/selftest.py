"""The tool's own test as a table: what was planted, what was found, and whether they are the same."""

from collections.abc import Sequence

from gameday.facts.selftest import PlantedTruth
from gameday.report import words
from gameday.report.parts import Cell, Column, Table, Tone

COLUMNS = (Column("Planted truth"), Column("Found exactly"), Column("Planted"), Column("Found"))
NONE = "The tool was not tested on itself, so nothing that it measured here is proved."


def truths_table(caption: str, truths: Sequence[PlantedTruth]) -> Table:
    """One row a truth; ``NONE`` where nothing was planted."""
    return Table(caption, COLUMNS, tuple(map(_row, truths)), NONE)


def _row(truth: PlantedTruth) -> tuple[Cell, ...]:
    return (
        Cell(words.plain(truth.name, 60)),
        Cell("yes", Tone.GOOD) if truth.exact else Cell("no", Tone.BAD),
        Cell(words.plain(truth.planted, 300)),
        Cell(words.plain(truth.found, 300)),
    )
