"""The warden: holds a drill's pipe, and when the drill dies, or outlives its time, takes back what it broke.

It is a process of its own in a session of its own: Ctrl-C in the drill's terminal and a kill -9 of the drill both miss
it. A drill that ends in good order dismisses it. On a lab that the drill owned it makes sure that the whole lab is
gone; on any other it fences the old primary if needed and replays the undo journal.

A drill that outlives its ``max_duration_s`` is told so: its next look raises, and it takes back and ends by itself. One
that hangs where it never looks is killed a minute later, and then has died like any other. So never do two processes
take back at once, and nothing is broken after it was taken back: a drill under way takes back itself, and its warden
and ``gameday undo`` take turns.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from gameday.clock import NS, SYSTEM, Clock
from gameday.errors import FaultError, LabError, RecordUnwritable
from gameday.facts import OUTLIVED, Kind
from gameday.faults.replay import fence_and_replay
from gameday.lab.model import Lab
from gameday.lab.reference import LabReference, is_gone, reach
from gameday.processes import ProcessId, alive, end, identify, signal_exactly
from gameday.record.alone import TAKE_BACK, TURN_WITHIN_S, in_turn_in
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal
from gameday.secrecy import bare_environment

TAKES_OVER = "the drill died, or could not heal"
DISMISSED = b"dismissed"
WATCHING = b"watching"
UNHEEDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # what a terminal and a shutdown send
TOO_LONG = b"too long"
DISMISS_WITHIN_S = 5.0
WATCHES_WITHIN_S = 30.0  # a busy machine takes long to start an interpreter
ENDS_WITHIN_S = 60.0  # a drill that was told: it heals, and its load and prober drain
KILLED_WITHIN_S = 10.0
LOOKS_EVERY_S = 1.0  # whether the drill lives: its end closes the pipe at once, unless a child holds it on
TRY_AGAIN_AFTER_S = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0)


@dataclass(frozen=True, slots=True)
class Watch:
    """What a warden watches over: the drill's process, its lab, and for how long at most (None: for ever)."""

    owner: ProcessId
    lab: LabReference
    max_duration_s: float | None = None
    ends_within_s: float = ENDS_WITHIN_S


@dataclass
class Warden:
    """The drill's side of the warden."""

    process: "subprocess.Popen[bytes]"
    log: Path
    watch: Watch
    _said: bytes = field(default=b"", init=False)

    @classmethod
    def start(cls, record: Record, lab: LabReference, max_duration_s: float | None = None) -> "Warden":
        """Start the warden of this process's drill, before its first mutation.

        It does not die with its owner: that is its point.
        """
        owner = identify(os.getpid())
        assert owner is not None
        return cls.over(Watch(owner, lab, max_duration_s), record)

    @classmethod
    def over(cls, watch: Watch, record: Record) -> "Warden":
        """Start a warden whose watch is known in full."""
        words = msgspec.json.encode(watch).decode()
        command = [sys.executable, "-m", "gameday.faults.warden", str(record.folder), words]
        log = record.folder / "warden.log"
        env = bare_environment() if watch.lab.kind == "local" else None  # an account asks for credentials
        with log.open("ab") as sink, _held_back():
            process = subprocess.Popen(
                command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, start_new_session=True
            )
        return cls(process, log, watch)

    def check(self) -> None:
        """Raise :class:`FaultError` when it does not live, or says that the drill has lasted too long; the first time,
        wait until it says that it watches."""
        self._listen(0.0 if WATCHING in self._said else WATCHES_WITHIN_S)
        if TOO_LONG in self._said:
            raise FaultError(
                f"the drill over within its max_duration_s of {self.watch.max_duration_s:g} s",
                "it still runs",
                "everything is taken back now; find what it waited for, or allow it more",
            )
        if WATCHING not in self._said or self.process.poll() is not None:
            code = self.process.poll()
            seen = "it says nothing" if code is None else f"it ended with exit code {code}"
            raise FaultError("the warden to watch over this drill", seen, f"break nothing; read {self.log}")

    def _listen(self, within_s: float) -> None:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], within_s)
        if ready:
            self._said += os.read(self.process.stdout.fileno(), 64)

    def dismiss(self, takes_over: bool = False) -> None:
        """The drill is over: the warden goes without doing anything, or ``takes_over`` what could not be healed."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it was killed: nothing left to dismiss
            if not takes_over:
                self.process.stdin.write(DISMISSED)
            self.process.stdin.close()
        if self.process.stdout:
            self.process.stdout.close()
        if not takes_over:
            end(self.process, within_s=DISMISS_WITHIN_S)


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """A process started inside is born with these signals held back, until it has said that it does not heed them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, UNHEEDED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def keep(record: Record, watch: Watch) -> int:
    """Wait for the end of the pipe; heal unless dismissed. Returns 0 when everything was taken back."""
    for number in UNHEEDED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, UNHEEDED)
    _say(WATCHING)
    said = _last_words(watch.owner, watch.max_duration_s)
    if said is None:
        said = _ended(record, watch)
    return 0 if said == DISMISSED else take_back(record, watch.lab)


def _say(word: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # it has died, or is dismissing its warden, just now
        os.write(1, word)


def _last_words(owner: ProcessId, within_s: float | None, clock: Clock = SYSTEM) -> bytes | None:
    """What the drill said before it let go of the pipe or, as a child that it forked may hold that on, before it ended;
    None when it goes on after ``within_s``."""
    until_ns, said = clock.mono_ns() + int((within_s or 0) * NS), b""
    while said != DISMISSED:
        left_s = LOOKS_EVERY_S if within_s is None else max(0.0, (until_ns - clock.mono_ns()) / NS)
        has_ended = not alive(owner)  # asked before the pipe is read to its end, so that its last word counts
        if select.select([0], [], [], 0 if has_ended else min(left_s, LOOKS_EVERY_S))[0]:
            piece = os.read(0, 64)
            if not piece:
                return said
            said += piece
        elif has_ended:
            return said
        elif not left_s:
            return None
    return said


def _ended(record: Record, watch: Watch) -> bytes:
    """End a drill that lasted too long: by its own hand, for which it has ``ends_within_s``; else killed. Returns its
    last words."""
    _write_down_that_it_outlived(record, watch)
    _say(TOO_LONG)
    said = _last_words(watch.owner, watch.ends_within_s)
    if said is None:
        signal_exactly(watch.owner, signal.SIGKILL)
        said = _last_words(watch.owner, KILLED_WITHIN_S)
    return said or b""


def _write_down_that_it_outlived(record: Record, watch: Watch) -> None:
    """What the disk refuses must not keep the drill from ending."""
    timeline = Timeline(record)
    try:
        timeline.add(Kind.WARDEN, OUTLIVED, max_duration_s=watch.max_duration_s)
    except RecordUnwritable as cause:
        sys.stderr.write(f"{cause}\n")
    finally:
        timeline.close()


def take_back(record: Record, reference: LabReference, clock: Clock = SYSTEM) -> int:
    """Take back what the dead drill broke, and write it to the timeline; returns 0 when nothing is left to do.

    One throttled call must not leave a region dark: whatever goes wrong is written down, and tried again for minutes.
    """
    timeline = Timeline(record)
    try:
        with timeline.healing_first():
            timeline.add(Kind.WARDEN, TAKES_OVER, lab=reference.name, private=reference.private)
            return _try_for_minutes(record, reference, timeline, clock)
    finally:
        timeline.close()
        if (record.folder / "manifest.json").exists():
            record.seal(record.timeline.name, record.undo.name, "warden.log")


def _try_for_minutes(record: Record, reference: LabReference, timeline: Timeline, clock: Clock) -> int:
    for pause_s in (*TRY_AGAIN_AFTER_S, None):
        try:
            with in_turn_in(record.folder, TAKE_BACK, within_s=TURN_WITHIN_S, waits=_no_word, clock=clock):
                _take_back(record, reference, timeline, clock)
        except RecordUnwritable:
            raise  # all is taken back, and could not be written down: trying again would not help
        except Exception as cause:  # noqa: BLE001  written down, and tried again
            timeline.add(Kind.WARDEN, "could not take everything back", why=repr(cause), again_in_s=pause_s)
        else:
            return 0
        if pause_s:
            clock.sleep(pause_s)
    return 1


def _no_word() -> None:
    """Nobody listens to a warden any more."""


def _take_back(record: Record, reference: LabReference, timeline: Timeline, clock: Clock = SYSTEM) -> None:
    if reference.private:
        _destroy(reference)
        timeline.add(Kind.WARDEN, "the drill's own lab is gone", lab=reference.name)
    elif is_gone(reference):
        timeline.add(Kind.WARDEN, "the lab is gone, and what was broken with it", lab=reference.name)
    else:
        steps = _heal(reach(reference), record, timeline, clock)
        timeline.add(Kind.WARDEN, "healed", steps=steps)


def _destroy(reference: LabReference) -> None:
    from gameday.lab.local.launch import stop_lab

    try:
        stop_lab(reference.name)
    except LabError:
        return  # its own sweeper was faster: nothing of that name is left


def _heal(lab: Lab, record: Record, timeline: Timeline, clock: Clock = SYSTEM) -> int:
    undo = UndoJournal(record.undo)
    try:
        return fence_and_replay(undo, lab, timeline, clock)
    finally:
        undo.close()


if __name__ == "__main__":
    sys.exit(keep(Record(Path(sys.argv[1])), msgspec.json.decode(sys.argv[2], type=Watch)))
