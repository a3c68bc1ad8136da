"""The undo journal: before each mutation, how to take it back. Steps are typed intents; faults replay them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from gameday.clock import SYSTEM, Clock, boot_id
from gameday.record.lines import CANCELLED, Damage, LineWriter, decoded, raw_lines


@dataclass(frozen=True, slots=True)
class UndoStep:
    """What shall be true again. ``intent`` names the kind of step; current ids are resolved when it is replayed."""

    intent: str
    region: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UndoLine:
    """One line of ``undo.ndjson``: a step (``ev`` = "before"), its end ("done"), or that the mutations of this step and
    of all before it were answered ("answered")."""

    boot: str
    mono_ns: int
    utc: str
    ev: str
    number: int
    step: UndoStep


class _UndoWriter(LineWriter):
    cut_ends_with = CANCELLED


class UndoJournal:
    """Appends to and reads ``undo.ndjson``; a step is on the disk before the caller mutates anything."""

    def __init__(self, path: Path, clock: Clock = SYSTEM) -> None:
        self.path, self._clock = path, clock
        self._next = max((line.number for line in self._read()), default=0) + 1

    @cached_property
    def _lines(self) -> LineWriter:
        """Opened by the first line written: a journal on a disk that refuses writes can still be read and replayed."""
        return _UndoWriter(self.path, sync=True)

    def before(self, step: UndoStep) -> int:
        """Write down how to take back the mutation that comes next; returns the step's number."""
        number, self._next = self._next, self._next + 1
        self._append("before", number, step)
        return number

    def answered(self) -> None:
        """Whatever was broken so far was answered: no call is under way that could still be carried out."""
        if unanswered := self.unanswered():
            self._append("answered", *unanswered[0])

    def unanswered(self) -> list[tuple[int, UndoStep]]:
        """Open steps, newest first, whose mutation nobody saw answered: its writer was killed or cut off before it was,
        so that it may still be carried out a moment later, when its step was taken back and has looked."""
        last = max((line.number for line in self._read() if line.ev == "answered"), default=0)
        return [(number, step) for number, step in self.open_steps() if number > last]

    def done(self, number: int, step: UndoStep) -> None:
        """The step was taken back, and this was seen."""
        self._append("done", number, step)

    def open_steps(self) -> list[tuple[int, UndoStep]]:
        """Steps not yet taken back, newest first: the order in which to replay them."""
        lines = self._read()
        done = {line.number for line in lines if line.ev == "done"}
        return [(line.number, line.step) for line in reversed(lines) if line.ev == "before" and line.number not in done]

    def unreadable(self) -> int:
        """How many lines cannot be read and may be steps, which nobody can replay then.

        A line that was cut is none of them: a mutation begins only once its line, newline included, is on the disk, and
        a step whose end was cut is still open. It is known by its missing newline; once another line follows, by the
        CANCELLED that its writer put between. Any other line that cannot be read counts, wherever it stands: a line
        that was whole once looks no different from a cut one that a gameday without CANCELLED went on after.
        """
        damage = Damage()
        self._read(damage)
        return damage.lines

    def is_settled(self) -> bool:
        """Whether nothing is left to take back: no step is open, and no line is unreadable that may be one."""
        return not self.open_steps() and not self.unreadable()

    def close(self) -> None:
        if "_lines" in self.__dict__:  # else nothing was ever written
            self._lines.close()

    def _read(self, damage: Damage | None = None) -> list[UndoLine]:
        lines = (line for line in raw_lines(self.path) if not line.endswith(CANCELLED))
        return list(decoded(lines, UndoLine, damage or Damage()))

    def _append(self, ev: str, number: int, step: UndoStep) -> None:
        self._lines.append(UndoLine(boot_id(), self._clock.mono_ns(), self._clock.utc(), ev, number, step))
