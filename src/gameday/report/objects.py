"""The report's words of a drill's documents."""

from gameday.facts import Measurement
from gameday.facts.documents import ObjectsOutcome
from gameday.report import words
from gameday.report.parts import Cell, Column, Fold, Table, Tone

EMPTY = "The drill stored no documents."


def outcome(measurement: Measurement) -> Table:
    """What became of the documents; empty for a drill without any."""
    found = measurement.objects
    columns = (Column("Documents"), Column("Figure", True), Column("Meaning"))
    return Table("The drill's documents in the bucket", columns, _rows(found) if found else (), EMPTY)


def keys(measurement: Measurement) -> Fold:
    """The keys of documents that were not there, or altered."""
    found = measurement.objects.bad_keys if measurement.objects else ()
    shown = tuple(words.plain(each, 200) for each in found)
    return Fold(f"Keys of documents that are gone or altered ({words.count(len(found))})", shown, "")


def _rows(found: ObjectsOutcome) -> tuple[tuple[Cell, ...], ...]:
    return (
        _row("stored", found.stored, "acknowledged by the service before any fault"),
        _row("broken", found.broken, "deleted, overwritten or lost, as the fault says"),
        _row("restored", found.restored, "of those, as they were stored"),
        _row("unrecovered", found.unrecovered, "not there after the recovery", is_forbidden=True),
        _row("altered", found.altered, "there, with another checksum", is_forbidden=True),
        _row("unread", found.unread, "never answered when they were read back", is_forbidden=True),
        (Cell("noticed"), _seconds(found.detected_s), Cell("from the fault to the canary's first bad answer")),
        (
            Cell("recovered"), _seconds(found.recovery_s),
            Cell(words.plain(found.why) or "from the fault to the end of the recovery, proved by the read-back"),
        ),
    )  # fmt: skip


def _row(name: str, figure: int | None, meaning: str, *, is_forbidden: bool = False) -> tuple[Cell, ...]:
    tone = Tone.BAD if is_forbidden and figure else Tone.PLAIN
    return Cell(name), Cell(words.DASH if figure is None else words.count(figure), tone), Cell(meaning)


def _seconds(seconds: float | None) -> Cell:
    return Cell("not known", Tone.DOUBT) if seconds is None else Cell(words.after(seconds), Tone.STRONG)
