"""The report's section on a failback: what it took, what it cost, and that it lost nothing."""

from gameday.facts import Reprotection
from gameday.report import words
from gameday.report.parts import Cell, Column, Table, Tone


def table(back: Reprotection) -> Table:
    """Each figure of the failback, with how it is reckoned."""
    columns = (Column("Figure"), Column("Took", True), Column("From … to"))
    rows = (
        _row("time to re-protected", back.since_healing_s, back.why or "end of healing → both regions as before"),
        _row("the failback itself", back.took_s, back.why or "its first step → both regions as before"),
        _row("protected the other way round", back.reverse_s, "its first step → the rebuilt replica had caught up"),
        _row(
            "interruption by the planned switch", back.interruption_s,
            back.interruption_why or "start of the drain → clients are served and stay served; no part of the RTA",
        ),
        (Cell("writes lost by the failback"), _lost(back.lost), Cell("acknowledged since the failover, and not there")),
    )  # fmt: skip
    return Table("Return to the primary region", columns, rows)


def _row(name: str, seconds: float | None, told: str) -> tuple[Cell, ...]:
    tone = Tone.DOUBT if seconds is None else Tone.STRONG
    return Cell(name), Cell(words.duration(seconds), tone), Cell(words.plain(told))


def _lost(count: int | None) -> Cell:
    if count is None:
        return Cell("not known", Tone.DOUBT)
    return Cell(words.count(count), Tone.BAD if count else Tone.PLAIN)
