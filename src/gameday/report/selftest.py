"""The tool's own test as a table: what was planted, what was found, and whether they are the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from gameday.facts.selftest import PlantedTruth, RecordSelfTest
from gameday.report import words
from gameday.report.parts import Cell, Column, Table, Tone

COLUMNS = (Column("Planted truth"), Column("Found exactly"), Column("Planted"), Column("Found"))
UNSHOWN = "Nothing here shows that its measurement finds what is there."
NONE = "The tool was not tested on itself, so nothing that it measured here is proved."


def truths_table(caption: str, truths: Sequence[PlantedTruth]) -> Table:
    """One row a truth; ``NONE`` where nothing was planted."""
    return Table(caption, COLUMNS, tuple(map(_row, truths)), NONE)


@dataclass(frozen=True, slots=True)
class Trial:
    """A drill's own self-test: one line, whether it needs a look, and the table that the line can be unfolded to."""

    line: str
    tone: Tone
    left_out: tuple[str, ...]
    table: Table
    is_open: bool


def trial(tried: RecordSelfTest | None) -> Trial:
    """The section of a drill's report; None: the record was judged before there was such a test."""
    truths = tried.truths if tried else ()
    told = truths_table("Planted into copies of this record, and judged again", truths)
    left_out = tuple(words.plain(each, 200) for each in tried.left_out) if tried else ()
    if tried and tried.missed:
        names = ", ".join(each.name for each in tried.missed)
        many = words.counted(len(truths), "planted truth")
        line = f"Missed {len(tried.missed)} of {many}: {names}. Trust no figure of this report."
        return Trial(words.plain(line, 600), Tone.BAD, left_out, told, is_open=True)
    if tried is None or tried.not_run or not truths:
        why = tried.not_run if tried else "it was judged before there was such a test; gameday judge runs it"
        how = "Not run to its end" if truths else "Not run"
        line = f"{how} on this record: {why}. {UNSHOWN}"
        return Trial(words.plain(line, 600), Tone.DOUBT, left_out, told, is_open=False)
    if not tried.has_planted:
        line = f"Nothing was planted: this record had no place for it. {UNSHOWN}"
        return Trial(line, Tone.DOUBT, left_out, told, is_open=False)
    more = f"; {words.counted(len(left_out), 'truth')} had no place in it" if left_out else ""
    line = f"Each of {words.counted(len(truths), 'truth')} planted into copies of this record was found exactly{more}."
    return Trial(line, Tone.GOOD, left_out, told, is_open=False)


def _row(truth: PlantedTruth) -> tuple[Cell, ...]:
    return (
        Cell(words.plain(truth.name, 60)),
        Cell("yes", Tone.GOOD) if truth.exact else Cell("no", Tone.BAD),
        Cell(words.plain(truth.planted, 300)),
        Cell(words.plain(truth.found, 300)),
    )
