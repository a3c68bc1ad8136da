"""What the judged files held when the drill ended: its last note tells each one's SHA-256, so no part can go unseen.

Lines are numbered in the ledger and counted in the read-back, but an event that is gone leaves no hole, and neither do
the last lines of a segment. What is appended to the timeline after the note (``gameday undo``) belongs to no drill.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gameday.errors import RecordError
from gameday.facts import EVIDENCE_CLOSED, Event, Kind
from gameday.record.entries import name_in, read_whole
from gameday.record.layout import Record
from gameday.record.lines import UNREADABLE, Damage
from gameday.record.manifest import sha256_of
from gameday.record.timeline import Timeline

JUDGED = (
    "plan.json", "survivors.ndjson", "wal.ndjson", "objects.ndjson", "objects-survivors.ndjson", "writes/*.ndjson",
    "probes/*.ndjson",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Closing:
    """Whether the record tells what its files held, and the names of those that hold something else, or are gone."""

    is_told: bool = False
    changed: tuple[str, ...] = ()


def close_evidence(record: Record, timeline: Timeline) -> None:
    """Write the note: the sum of every judged file, and of the timeline so far. Every writer must have ended."""
    before = hashlib.sha256(read_whole(record.timeline)).hexdigest() if record.timeline.exists() else ""
    timeline.add(Kind.NOTE, EVIDENCE_CLOSED, files=_sums(record.folder), timeline=before)


def closing_of(record: Record) -> Closing:
    """Compare the files with the last such note; raises :class:`RecordError` when one cannot be read."""
    try:
        text = read_whole(record.timeline) if record.timeline.exists() else b""
        found = _last_note(text)
        if found is None:
            return Closing()
        start, told = found
        sums = _sums(record.folder)
    except OSError as cause:
        seen = f"{cause.strerror}: {cause.filename}"
        raise RecordError(f"a readable record {record.folder}", seen, "make it readable, then judge again") from cause
    files = told.get("files")
    was = dict(files) if isinstance(files, dict) else {}
    changed = {name for name in {*was, *sums} if was.get(name) != sums.get(name)}
    if told.get("timeline") != hashlib.sha256(text[:start]).hexdigest():
        changed.add(record.timeline.name)
    return Closing(True, tuple(sorted(changed)))


def read_up_to_the_note(record: Record, damage: Damage) -> tuple[Event, ...]:
    """The events that belong to the drill, and the damage among them: all of the timeline where there is no note."""
    events, note = list[Event](), None
    for event in record.read_events(damage):
        events.append(event)
        if _is_note(event):
            note = len(events), damage.lines, damage.cut_tail
    if note is None:
        return tuple(events)
    until, damage.lines, damage.cut_tail = note
    return tuple(events[:until])


def _is_note(event: Event) -> bool:
    return event.kind is Kind.NOTE and event.what == EVIDENCE_CLOSED


def _last_note(text: bytes) -> tuple[int, dict[str, Any]] | None:
    """Where the last note's line begins, and its detail."""
    end = len(text)
    while (at := text.rfind(EVIDENCE_CLOSED.encode(), 0, end)) >= 0:
        start = text.rfind(b"\n", 0, at) + 1
        event = _event(text[start:].partition(b"\n")[0])
        if event and _is_note(event):
            return start, dict(event.detail)
        end = start
    return None


def _event(line: bytes) -> Event | None:
    try:
        return msgspec.json.decode(line, type=Event)
    except UNREADABLE:
        return None


def _sums(folder: Path) -> dict[str, str]:
    files = sorted(path for pattern in JUDGED for path in folder.glob(pattern))
    return {name_in(folder, path): sha256_of(path) for path in files}
