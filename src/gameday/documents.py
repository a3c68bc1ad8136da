"""A drill's documents: stored before the fault, watched by a canary, and read back before anything is healed."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gameday.errors import GamedayError, LoadError
from gameday.facts import Event, Kind
from gameday.facts.documents import DOCUMENTS_READ_BACK, Document, DocumentRead
from gameday.lab.model import Lab
from gameday.load.plan import LoadPlan
from gameday.record.layout import Record
from gameday.record.lines import Damage, LineWriter
from gameday.record.timeline import Timeline

if TYPE_CHECKING:
    from gameday.load.documents import Shelf

CANARIES = 5  # documents that it reads, spread over all of them
EVERY_S, EVERY_MIN_S = 1.0, 0.2  # at timer scale 1, and at the least
NOT_THERE = 404
GOOD, BAD, UNANSWERED = "good", "bad", "unanswered"


def documents_of(plan: LoadPlan, lab: Lab, record: Record, timeline: Timeline, stack: ExitStack) -> "Documents":
    """Store the load's documents and let the canary watch them until ``stack`` ends; without any, nothing is done.

    Raises :class:`LoadError` when the service does not acknowledge every one of them.
    """
    if not plan.documents:
        return Documents(record, timeline, None, ())
    from gameday.load.documents import Shelf

    shelf = Shelf(lab.shared("ServiceUrl"), lab.shared("Resolver"))
    with closing(LineWriter(record.objects, sync=False)) as writer:
        stored = shelf.store(record.folder.name, plan.documents, plan.document_bytes, writer)
    if stored < plan.documents:
        raise LoadError(
            f"{plan.documents} documents acknowledged", f"{stored}", "look at the service's log, and at its bucket"
        )
    found = tuple(sorted(record.read_objects(Damage()), key=lambda document: document.key))
    canary = Canary(shelf.read, found, timeline.add, max(EVERY_S * lab.timer_scale, EVERY_MIN_S))
    canary.start()
    stack.callback(canary.stop)
    return Documents(record, timeline, shelf, found)


@dataclass
class Documents:
    """What the drill stored, and how it is read back."""

    record: Record
    timeline: Timeline
    shelf: "Shelf | None"
    stored: tuple[Document, ...]

    def read_back(self) -> None:
        """Read every document and note how many; one reading counts, the last. Does nothing without documents."""
        if self.shelf is None:
            return
        self.record.objects_survivors.unlink(missing_ok=True)
        try:
            with closing(LineWriter(self.record.objects_survivors, sync=False)) as writer:
                count = self.shelf.read_all(self.stored, writer)
        except GamedayError as cause:
            self.timeline.add(Kind.NOTE, "documents not read back", why=str(cause))
        else:
            self.timeline.add(Kind.NOTE, DOCUMENTS_READ_BACK, documents=count)


@dataclass
class Canary:
    """Reads some documents over and over, from a thread of its own, and writes down each change of what it sees.

    *bad*: one is not there, or has another checksum. *unanswered*: one could not be read, which says nothing of it.
    """

    read: Callable[[str], DocumentRead]
    documents: tuple[Document, ...]
    say: Callable[..., Event]
    every_s: float
    _last: str = field(default="", init=False)

    def __post_init__(self) -> None:
        step = max(1, len(self.documents) // CANARIES)
        self.watched = self.documents[::step][:CANARIES]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="canary", daemon=True)

    def start(self) -> None:
        """Look once, so that the timeline begins with the state before the drill; then keep looking."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; returns when the thread has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=35)

    def look(self) -> None:
        """Read each watched document once."""
        seen = [(document, self.read(document.key)) for document in self.watched]
        bad = [read for document, read in seen if is_bad(document, read)]
        silent = [read for _, read in seen if read.sum is None and read.status != NOT_THERE]
        now = BAD if bad else UNANSWERED if silent else GOOD
        if now != self._last:
            self._last = now
            why = [f"{read.key}: {read.why or read.status or read.sum}" for read in (bad or silent)]
            self.say(Kind.DOCUMENTS, now, why="; ".join(why), watched=len(self.watched))

    def _run(self) -> None:
        while not self._stop.wait(self.every_s):
            self.look()


def is_bad(document: Document, read: DocumentRead) -> bool:
    """Whether a document is known to be gone or altered."""
    return read.status == NOT_THERE or (read.sum is not None and read.sum != document.sum)
