"""What a fault is: something that can be injected and taken back, and that says what it leaves untouched."""

from typing import Protocol

from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal


class Fault(Protocol):
    """Two verbs. Healing is safe twice, and after half an injection."""

    @property
    def region(self) -> str: ...

    @property
    def stays_reachable(self) -> tuple[str, ...]:
        """What the fault does not cut off; the report lists it."""
        ...

    @property
    def alarms(self) -> tuple[str, ...]:
        """The alarms of the reference deployment that it should set off, by name."""
        ...

    def inject(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Break it, each undo step on the disk before its mutation; raises :class:`FaultError` when no effect was seen.

        ``FAULT`` is stamped immediately before the first destructive call; ``FAULT_FAILED`` goes before the error.
        """
        ...

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Take it back; first fences the region when its database was replaced by a promoted one."""
        ...
