"""The report's section on a restore: from what, how old it was, how long it took, and that it held what it must."""

from gameday.facts import Restore
from gameday.report import words
from gameday.report.parts import Cell, Column, Table, Tone


def table(told: Restore) -> Table:
    """Each figure of the restore, with how it is reckoned."""
    columns = (Column("Figure"), Column("Seen", True), Column("From … to"))
    rows = (
        (Cell("restored from"), Cell(words.plain(told.source), code=True), Cell(f"as {words.plain(told.database)}")),
        _row("age of the backup", told.age_s, told.why or "the backup is complete up to → the fault"),
        _row("restore", told.restore_s, told.why or "the call → the new database is available"),
        _row("until clients are served", told.served_s, "the call → clients are served and stay served"),
        _held(told),
        (
            Cell("writes lost after it"), Cell(words.count(told.lost_after)),
            Cell("acknowledged after the backup, and not there; the RPA counts them"),
        ),
    )  # fmt: skip
    return Table("Restored from a backup", columns, rows)


def _row(name: str, seconds: float | None, told: str) -> tuple[Cell, ...]:
    tone = Tone.DOUBT if seconds is None else Tone.STRONG
    return Cell(name), Cell(words.duration(seconds), tone), Cell(words.plain(told))


def _held(told: Restore) -> tuple[Cell, ...]:
    name, how = Cell("verified writes"), Cell("acknowledged before the backup, and there once, with their checksum")
    if told.verified is None or told.acknowledged_before is None:
        return name, Cell("not known", Tone.DOUBT), how
    tone = Tone.GOOD if told.verified == told.acknowledged_before else Tone.BAD
    return name, Cell(f"{told.verified:,} of {told.acknowledged_before:,}", tone), how
