"""The undo journal: before each mutation, how to take it back. Steps are typed intents; faults replay them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from gameday.clock import SYSTEM, Clock, boot_id
from gameday.record.lines import Damage, LineWriter, read_lines


@dataclass(frozen=True, slots=True)
class UndoStep:
    """What shall be true again. ``intent`` names the kind of step; current ids are resolved when it is replayed."""

    intent: str
    region: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UndoLine:
    """One line of ``undo.ndjson``: a step (``ev`` = "before"), or its end (``ev`` = "done")."""

    boot: str
    mono_ns: int
    utc: str
    ev: str
    number: int
    step: UndoStep


class UndoJournal:
    """Appends to and reads ``undo.ndjson``; a step is on the disk before the caller mutates anything."""

    def __init__(self, path: Path, clock: Clock = SYSTEM) -> None:
        self.path, self._clock = path, clock
        self._next = max((line.number for line in self._read()), default=0) + 1

    @cached_property
    def _lines(self) -> LineWriter:
        """Opened by the first line written: a journal on a disk that refuses writes can still be read and replayed."""
        return LineWriter(self.path, sync=True)

    def before(self, step: UndoStep) -> int:
        """Write down how to take back the mutation that comes next; returns the step's number."""
        number, self._next = self._next, self._next + 1
        self._append("before", number, step)
        return number

    def done(self, number: int, step: UndoStep) -> None:
        """The step was taken back, and this was seen."""
        self._append("done", number, step)

    def open_steps(self) -> list[tuple[int, UndoStep]]:
        """Steps not yet taken back, newest first: the order in which to replay them."""
        lines = list(self._read())
        done = {line.number for line in lines if line.ev == "done"}
        return [(line.number, line.step) for line in reversed(lines) if line.ev == "before" and line.number not in done]

    def unreadable(self) -> int:
        """How many whole lines cannot be read: steps that nobody can replay. (A cut tail's mutation never began.)"""
        damage = Damage()
        list(read_lines(self.path, UndoLine, damage))
        return damage.lines

    def close(self) -> None:
        if "_lines" in self.__dict__:  # else nothing was ever written
            self._lines.close()

    def _read(self) -> list[UndoLine]:
        return list(read_lines(self.path, UndoLine, Damage()))

    def _append(self, ev: str, number: int, step: UndoStep) -> None:
        self._lines.append(UndoLine(boot_id(), self._clock.mono_ns(), self._clock.utc(), ev, number, step))
