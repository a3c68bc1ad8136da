"""Rehearsing a fault: its own ``inject`` against a lab that reads for real and changes nothing.

What it would call, and the undo steps that it would write down before, come out in their order; its guards are really
asked. Calls that depend on an answer which nobody gave are shown too. Each fault is rehearsed on the lab as it is now.
"""

import threading
from collections.abc import Callable
from dataclasses import replace

from gameday.faults.base import Fault
from gameday.lab.model import Lab
from gameday.lab.rehearsing import PlannedCall, Rehearsing
from gameday.record.timeline import NOWHERE, UnwrittenTimeline
from gameday.record.undo import UndoJournal, UndoStep

type Line = PlannedCall | UndoStep


class Script:
    """What would be done, in its order: undo steps, and the calls that they take back."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._lock = threading.Lock()

    def add(self, line: Line) -> None:
        """May be called from any thread: a fault may make calls at once."""
        with self._lock:
            self._lines.append(line)

    def taken(self) -> tuple[Line, ...]:
        """All so far; the next ones begin anew."""
        with self._lock:
            lines, self._lines = tuple(self._lines), []
            return lines


class UnwrittenJournal(UndoJournal):
    """Of a rehearsal: each undo step goes to ``note``."""

    def __init__(self, note: Callable[[UndoStep], None]) -> None:
        super().__init__(NOWHERE.undo)
        self._note, self._count = note, 0

    def before(self, step: UndoStep) -> int:
        """Tell the step; returns its number."""
        self._note(step)
        self._count += 1
        return self._count


def rehearsed(lab: Lab, script: Script) -> Lab:
    """The same lab, whose changing calls go to ``script``."""
    return replace(lab, aws=Rehearsing.of(lab.aws, script.add))


def rehearse(fault: Fault, lab: Lab) -> tuple[Line, ...]:
    """Every undo step and every changing call of ``fault.inject`` on this lab, none of which is made.

    Raises what ``inject`` itself would raise before its first change: :class:`GuardError` where it must not act.
    """
    script = Script()
    fault.inject(rehearsed(lab, script), UnwrittenJournal(script.add), UnwrittenTimeline())
    return script.taken()
