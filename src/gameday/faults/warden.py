"""The warden: holds a drill's pipe, and when the drill dies, takes back what it broke.

It is a process of its own in a session of its own: Ctrl-C in the drill's terminal and a kill -9 of the drill both miss
it. A drill that ends in good order dismisses it. On a lab that the drill owned it makes sure that the whole lab is
gone; on any other it fences the old primary if needed and replays the undo journal.
"""

import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gameday.clock import SYSTEM, Clock
from gameday.errors import FaultError, LabError, RecordUnwritable
from gameday.facts import Kind
from gameday.faults.replay import fence_and_replay
from gameday.lab.model import Lab
from gameday.lab.reference import LabReference, is_gone, reach
from gameday.processes import end
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal
from gameday.secrecy import bare_environment

DISMISSED = b"dismissed"
WATCHING = b"watching"
DISMISS_WITHIN_S = 5.0
WATCHES_WITHIN_S = 30.0  # a busy machine takes long to start an interpreter
TRY_AGAIN_AFTER_S = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0)


@dataclass
class Warden:
    """The drill's side of the warden."""

    process: "subprocess.Popen[bytes]"
    log: Path
    _is_watching: bool = False

    @classmethod
    def start(cls, record: Record, lab: LabReference) -> "Warden":
        """Start the warden of a drill, before its first mutation. It does not die with its owner: that is its point."""
        command = [sys.executable, "-m", "gameday.faults.warden", str(record.folder), msgspec.json.encode(lab).decode()]
        log = record.folder / "warden.log"
        env = bare_environment() if lab.kind == "local" else None  # in an account it needs the drill's credentials
        with log.open("ab") as sink:
            process = subprocess.Popen(
                command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, start_new_session=True
            )
        return cls(process, log)

    def check(self) -> None:
        """Raise :class:`FaultError` when it does not live; the first time, wait until it says that it watches."""
        if not self._is_watching:
            assert self.process.stdout is not None
            ready, _, _ = select.select([self.process.stdout], [], [], WATCHES_WITHIN_S)
            self._is_watching = bool(ready) and os.read(self.process.stdout.fileno(), 64) == WATCHING
        if not self._is_watching or self.process.poll() is not None:
            code = self.process.poll()
            seen = "it says nothing" if code is None else f"it ended with exit code {code}"
            raise FaultError("the warden to watch over this drill", seen, f"break nothing; read {self.log}")

    def dismiss(self) -> None:
        """The drill ended in good order: the warden goes without doing anything."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(DISMISSED)
            self.process.stdin.close()
        except BrokenPipeError:  # it was killed: nothing left to dismiss
            pass
        if self.process.stdout:
            self.process.stdout.close()
        end(self.process, within_s=DISMISS_WITHIN_S)


def keep(record: Record, reference: LabReference) -> int:
    """Wait for the end of the pipe; heal unless dismissed. Returns 0 when everything was taken back."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.write(1, WATCHING)
    said = b""
    while piece := os.read(0, 64):
        said += piece
    return 0 if said == DISMISSED else take_back(record, reference)


def take_back(record: Record, reference: LabReference, clock: Clock = SYSTEM) -> int:
    """Take back what the dead drill broke, and write it to the timeline; returns 0 when nothing is left to do.

    One throttled call must not leave a region dark: whatever goes wrong is written down, and tried again for minutes.
    """
    timeline = Timeline(record)
    try:
        with timeline.healing_first():
            timeline.add(Kind.WARDEN, "the drill died", lab=reference.name, private=reference.private)
            return _try_for_minutes(record, reference, timeline, clock)
    finally:
        timeline.close()
        if (record.folder / "manifest.json").exists():
            record.seal(record.timeline.name, record.undo.name, "warden.log")


def _try_for_minutes(record: Record, reference: LabReference, timeline: Timeline, clock: Clock) -> int:
    for pause_s in (*TRY_AGAIN_AFTER_S, None):
        try:
            _take_back(record, reference, timeline)
        except RecordUnwritable:
            raise  # all is taken back, and could not be written down: trying again would not help
        except Exception as cause:  # noqa: BLE001  written down, and tried again
            timeline.add(Kind.WARDEN, "could not take everything back", why=repr(cause), again_in_s=pause_s)
        else:
            return 0
        if pause_s:
            clock.sleep(pause_s)
    return 1


def _take_back(record: Record, reference: LabReference, timeline: Timeline) -> None:
    if reference.private:
        _destroy(reference)
        timeline.add(Kind.WARDEN, "the drill's own lab is gone", lab=reference.name)
    elif is_gone(reference):
        timeline.add(Kind.WARDEN, "the lab is gone, and what was broken with it", lab=reference.name)
    else:
        steps = _heal(reach(reference), record, timeline)
        timeline.add(Kind.WARDEN, "healed", steps=steps)


def _destroy(reference: LabReference) -> None:
    from gameday.lab.local.launch import stop_lab

    try:
        stop_lab(reference.name)
    except LabError:
        return  # its own sweeper was faster: nothing of that name is left


def _heal(lab: Lab, record: Record, timeline: Timeline) -> int:
    undo = UndoJournal(record.undo)
    try:
        return fence_and_replay(undo, lab, timeline)
    finally:
        undo.close()


if __name__ == "__main__":
    sys.exit(keep(Record(Path(sys.argv[1])), msgspec.json.decode(sys.argv[2], type=LabReference)))
