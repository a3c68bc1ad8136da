"""The warden: holds a drill's pipe, and when the drill dies, takes back what it broke.

It is a process of its own in a session of its own: Ctrl-C in the drill's terminal and a kill -9 of the drill both miss
it. A drill that ends in good order dismisses it. On a lab that the drill owned it makes sure that the whole lab is
gone; on any other it fences the old primary if needed and replays the undo journal.
"""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gameday.errors import FaultError, GamedayError, LabError
from gameday.facts import Kind
from gameday.faults.replay import replay
from gameday.lab.fence import fence_if_promoted
from gameday.lab.model import Lab
from gameday.lab.reference import LabReference, reach
from gameday.processes import end
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal

DISMISSED = b"dismissed"
DISMISS_WITHIN_S = 5.0


@dataclass
class Warden:
    """The drill's side of the warden."""

    process: "subprocess.Popen[bytes]"

    @classmethod
    def start(cls, record: Record, lab: LabReference) -> "Warden":
        """Start the warden of a drill, before its first mutation. It does not die with its owner: that is its point."""
        command = [sys.executable, "-m", "gameday.faults.warden", str(record.folder), msgspec.json.encode(lab).decode()]
        with (record.folder / "warden.log").open("ab") as log:
            return cls(
                subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
                )
            )

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def dismiss(self) -> None:
        """The drill ended in good order: the warden goes without doing anything."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(DISMISSED)
            self.process.stdin.close()
        except BrokenPipeError:  # it was killed: nothing left to dismiss
            pass
        end(self.process, within_s=DISMISS_WITHIN_S)


def keep(record: Record, reference: LabReference) -> int:
    """Wait for the end of the pipe; heal unless dismissed. Returns 0 when everything was taken back."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    said = b""
    while piece := os.read(0, 64):
        said += piece
    return 0 if said == DISMISSED else take_back(record, reference)


def take_back(record: Record, reference: LabReference) -> int:
    """Take back what the dead drill broke, and write it to the timeline; returns 0 when nothing is left to do."""
    timeline = Timeline(record)
    timeline.add(Kind.WARDEN, "the drill died", lab=reference.name, private=reference.private)
    try:
        if reference.private:
            _destroy(reference)
            timeline.add(Kind.WARDEN, "the drill's own lab is gone", lab=reference.name)
        else:
            steps = _heal(reach(reference), record, timeline)
            timeline.add(Kind.WARDEN, "healed", steps=steps)
    except GamedayError as cause:
        timeline.add(Kind.WARDEN, "could not take everything back", why=str(cause))
        return 1
    finally:
        timeline.close()
    return 0


def _destroy(reference: LabReference) -> None:
    from gameday.lab.local.launch import stop_lab

    try:
        stop_lab(reference.name)
    except LabError:
        return  # its own sweeper was faster: nothing of that name is left


def _heal(lab: Lab, record: Record, timeline: Timeline) -> int:
    undo = UndoJournal(record.undo)
    try:
        return take_back_on(lab, undo, timeline)
    finally:
        undo.close()


def take_back_on(lab: Lab, undo: UndoJournal, timeline: Timeline) -> int:
    """Fence every region with an open step whose database was replaced, then replay: ``gameday undo``.

    Raises :class:`FaultError` when a step failed, or when a line of the journal cannot be read.
    """
    for region in dict.fromkeys(step.region for _, step in undo.open_steps()):
        fence_if_promoted(lab, region, timeline)
    steps = replay(undo, lab)
    if torn := undo.unreadable():
        raise FaultError(
            f"every line of {undo.path} readable", f"{torn} that are not", "compare the region with infra/ by hand"
        )
    return steps


if __name__ == "__main__":
    sys.exit(keep(Record(Path(sys.argv[1])), msgspec.json.decode(sys.argv[2], type=LabReference)))
