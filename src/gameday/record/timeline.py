"""The timeline: everything that was done or seen to change, each line synced before anything else happens."""

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from gameday.clock import SYSTEM, Clock, boot_id
from gameday.errors import RecordUnwritable
from gameday.facts import Event, Kind
from gameday.record.chain import ChainedWriter
from gameday.record.layout import Record
from gameday.secrecy import environment_secrets, hide, hide_in

NOWHERE = Record(Path("<drill>", "<time>"))  # what a drill that does not take place is tagged with


class Timeline:
    """Appends chained events to one record; several processes may append to the same file. ``watch`` sees each.

    ``hidden`` is what no event may tell, beside what this process's environment holds under telling names.
    ``is_rehearsal``: nothing is done, so nobody may wait for an effect.
    """

    is_rehearsal = False

    def __init__(
        self,
        record: Record,
        clock: Clock = SYSTEM,
        watch: Callable[[Event], None] | None = None,
        hidden: Collection[str] = (),
    ) -> None:
        self._clock, self._boot, self._watch = clock, boot_id(), watch
        self._hidden = environment_secrets() | set(hidden)
        # the drill's id: what a fault makes is tagged with it, and found again by it
        self.drill = f"{record.folder.parent.name}/{record.folder.name}"
        self._record = record
        self._refused: list[RecordUnwritable] | None = None  # what the disk refused, while healing comes first

    @cached_property
    def _lines(self) -> ChainedWriter:
        """Opened by the first event: who only heals can do without."""
        return ChainedWriter(self._record.timeline, sync=True)

    def add(self, kind: Kind, what: str, *, region: str | None = None, **detail: Any) -> Event:
        """Stamp and write an event now; it is on the disk when this returns."""
        return self.add_event(Event(self._boot, self._clock.mono_ns(), self._clock.utc(), kind, what, region, detail))

    def add_event(self, event: Event) -> Event:
        """Write an event that was stamped elsewhere."""
        event = self._without_secrets(event)
        try:
            self._lines.append(event)
        except RecordUnwritable as cause:
            if self._refused is None:
                raise
            self._refused.append(cause)
        if self._watch:
            self._watch(event)
        return event

    def _without_secrets(self, event: Event) -> Event:
        """An error quotes whatever it was told, and a probe says what it likes: no secret reaches the record."""
        if not self._hidden:
            return event
        return replace(event, what=hide(event.what, self._hidden), detail=hide_in(event.detail, self._hidden))

    @contextlib.contextmanager
    def healing_first(self) -> Iterator[None]:
        """Inside, an event that the disk refuses raises only at the end: a full disk must not leave a region dark."""
        refused: list[RecordUnwritable] = []
        outer, self._refused = self._refused, refused
        try:
            yield
        except BaseException as cause:
            if refused:
                cause.add_note(f"and the timeline could not be written: {refused[0]}")
            raise
        finally:
            self._refused = outer
        if refused:
            raise refused[0]

    def close(self) -> None:
        if "_lines" in self.__dict__:  # else nothing was ever written
            self._lines.close()


class UnwrittenTimeline(Timeline):
    """Of a rehearsal, or of a runbook that is only shown: nothing happens, so nothing is written, and nobody waits."""

    is_rehearsal = True

    def __init__(self) -> None:
        super().__init__(NOWHERE)

    def add_event(self, event: Event) -> Event:
        """The event, unwritten."""
        return event
