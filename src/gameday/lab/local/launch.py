"""Starting a local lab: as a process of a drill's own, or in the foreground; and ending one by name."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

from gameday.clock import eventually
from gameday.errors import DeadlineError, GamedayError, LabNotReady, kind_named
from gameday.lab.local import home
from gameday.lab.local.attach import attach, living
from gameday.lab.local.lab import READY_WITHIN_S, LabOptions, LocalLab, failure_of
from gameday.lab.local.told import Told
from gameday.lab.model import Lab
from gameday.processes import end, signal_exactly, spawn
from gameday.secrecy import bare_environment

STOP_WITHIN_S = 15.0
KILLED_WITHIN_S = 5.0


@dataclass
class RunningLab:
    """A lab that this process owns; it dies with its owner, and :meth:`stop` ends it in good order."""

    lab: Lab
    process: "subprocess.Popen[bytes]"

    def stop(self) -> None:
        """End the lab; when this returns, no process and no folder of it is left."""
        end(self.process, within_s=STOP_WITHIN_S)
        home.sweep_unless_held(self.lab.name)


def launch_lab(options: LabOptions, progress: Callable[[str], None]) -> RunningLab:
    """Start a lab process and wait until it is ready. Call from the main thread.

    Raises what the lab itself raised (:class:`LabExists`, :class:`PortsTaken`, :class:`NoPostgres`, …), or
    :class:`LabNotReady` when it died or did not answer in time; nothing is left of it then.
    """
    command = [sys.executable, "-m", "gameday.lab.local", msgspec.json.encode(options).decode()]
    log = home.make_room() / f"{options.name}.err"
    with log.open("w+b") as last_words:
        process = spawn(command, log=log, stdout=subprocess.PIPE, env=bare_environment())
        log.unlink()  # both hold it open: should this process be killed, no file stays
        return _launched(options, process, last_words, progress)


def _launched(
    options: LabOptions, process: "subprocess.Popen[bytes]", last_words: BinaryIO, progress: Callable[[str], None]
) -> RunningLab:
    try:
        _until_ready(process, last_words, progress)
        return RunningLab(attach(options.name), process)
    except BaseException:
        end(process, within_s=STOP_WITHIN_S)
        home.sweep_unless_held(options.name)
        raise
    finally:
        if process.stdout:
            process.stdout.close()  # it has said what it had to say


def run_in_foreground(options: LabOptions, progress: Callable[[str], None], on_ready: Callable[[Lab], None]) -> None:
    """``gameday lab up``: this process becomes the lab, until SIGINT or SIGTERM."""
    home.make_room()
    try:
        LocalLab(options, progress).run(lambda _: on_ready(attach(options.name)))
    except ModuleNotFoundError as cause:
        raise failure_of(cause) from cause


def stop_lab(name: str, *, within_s: float = STOP_WITHIN_S) -> None:
    """``gameday lab down``: end a lab by name, or clean up what a killed one left; :class:`LabError` without either.

    A lab that hangs is killed after ``within_s``; what it leaves then is swept.
    """
    state = home.read_state(name)
    if state and state.is_alive:
        _end(state, within_s)
    elif not home.folder_of(name).exists():
        living(name)
    home.sweep_unless_held(name)


def _end(state: home.LabState, within_s: float) -> None:
    what = f"lab {state.name!r} ending"
    signal_exactly(state.process, signal.SIGTERM)
    try:
        eventually(lambda: state.is_alive, False, what=what, within_s=within_s)
    except DeadlineError:
        signal_exactly(state.process, signal.SIGKILL)
        then = f"see what process {state.process.pid} waits for: it was killed, and has not ended"
        eventually(lambda: state.is_alive, False, what=what, within_s=KILLED_WITHIN_S, next_step=then)


def _until_ready(process: "subprocess.Popen[bytes]", last_words: BinaryIO, progress: Callable[[str], None]) -> None:
    for told in _told(process, READY_WITHIN_S + 30):
        if told.ev == "ready":
            return
        if told.ev == "failed":
            raise _raised(told)
        progress(told.text)
    tail = last_words.read().decode(errors="replace")[-1500:].strip()
    process.poll()
    raise LabNotReady(
        "the lab process to say it is ready", f"it ended: {tail or 'without a word'}", "read its words, and try again"
    )


def _told(process: "subprocess.Popen[bytes]", within_s: float) -> Iterator[Told]:
    assert process.stdout is not None
    deadline = time.monotonic() + within_s
    pending = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([process.stdout], [], [], left)[0]:
            break
        piece = os.read(process.stdout.fileno(), 65536)
        if not piece:
            return
        *lines, pending = (pending + piece).split(b"\n")
        yield from (msgspec.json.decode(line, type=Told) for line in lines)
    raise LabNotReady(
        f"the lab ready within {within_s:g} s", "it still starts", "look at the load of this machine, then try again"
    )


def _raised(told: Told) -> GamedayError:
    return kind_named(told.text, LabNotReady)(told.expected, told.seen, told.next_step)
