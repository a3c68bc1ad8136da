"""The timeline: everything that was done or seen to change, each line synced before anything else happens."""

from collections.abc import Callable
from typing import Any

from gameday.clock import SYSTEM, Clock, boot_id
from gameday.facts import Event, Kind
from gameday.record.layout import Record


class Timeline:
    """Appends events to one record; several processes may append to the same file. ``watch`` sees each event."""

    def __init__(self, record: Record, clock: Clock = SYSTEM, watch: Callable[[Event], None] | None = None) -> None:
        self._clock, self._boot, self._watch = clock, boot_id(), watch
        # the drill's id: what a fault makes is tagged with it, and found again by it
        self.drill = f"{record.folder.parent.name}/{record.folder.name}"
        self._lines = record.line_writer(record.timeline)

    def add(self, kind: Kind, what: str, *, region: str | None = None, **detail: Any) -> Event:
        """Stamp and write an event now; it is on the disk when this returns."""
        return self.add_event(Event(self._boot, self._clock.mono_ns(), self._clock.utc(), kind, what, region, detail))

    def add_event(self, event: Event) -> Event:
        """Write an event that was stamped elsewhere."""
        self._lines.append(event)
        if self._watch:
            self._watch(event)
        return event

    def close(self) -> None:
        self._lines.close()
