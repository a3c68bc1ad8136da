"""The undo journal: before each mutation, how to take it back. Steps are typed intents; faults replay them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from gameday.clock import NS, SYSTEM, Clock, boot_id
from gameday.record.lines import CANCELLED, Damage, LineWriter, decoded, raw_lines

LANDS_WITHIN_S = 3.0  # a call that changes something is carried out by then, also where nobody waits for its answer


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


class _UndoWriter(LineWriter):
    cut_ends_with = CANCELLED


class UndoJournal:
    """Appends to and reads ``undo.ndjson``; a step is on the disk before the caller mutates anything."""

    def __init__(self, path: Path, clock: Clock = SYSTEM) -> None:
        self.path, self._clock = path, clock
        self._next = self._own = max((line.number for line in self._read()), default=0) + 1
        self._cut_off: set[int] = set()

    @cached_property
    def _lines(self) -> LineWriter:
        """Opened by the first line written: a journal on a disk that refuses writes can still be read and replayed."""
        return _UndoWriter(self.path, sync=True)

    def before(self, step: UndoStep) -> int:
        """Write down how to take back the mutation that comes next; returns the step's number."""
        number, self._next = self._next, self._next + 1
        self._append("before", number, step)
        return number

    @contextmanager
    def mutating(self) -> Iterator[None]:
        """What is broken inside was answered when it ends; whatever it raises may have cut off a call under way."""
        first = self._next
        try:
            yield
        except BaseException:
            self._cut_off.update(range(first, self._next))
            raise

    def in_flight(self) -> dict[int, float]:
        """Open steps whose mutation may still land, by number, and in how many seconds it surely has.

        Nobody here has its answer: another process wrote the step, or was cut off while it changed something
        (:meth:`mutating`). What is taken back before its mutation lands is broken again by it, and no step says so.
        """
        now_ns, boot, open_ = self._clock.mono_ns(), boot_id(), {number for number, _ in self.open_steps()}
        left_s = {
            line.number: LANDS_WITHIN_S - (now_ns - line.mono_ns) / NS
            for line in self._read()
            if line.boot == boot and (line.number < self._own or line.number in self._cut_off)
        }
        return {number: seconds for number, seconds in left_s.items() if seconds > 0 and number in open_}

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
