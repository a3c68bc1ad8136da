"""One process at a time: what two must not do at once in one folder of the reports, and folders of one process."""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from gameday.clock import NS, SYSTEM, Clock
from gameday.errors import InputError

TAKE_BACK = "take back what was broken, as told in"  # what a warden and `gameday undo` never do at once
TURN_WITHIN_S = 300.0
LOOK_EVERY_S = 0.2
LEFT_AFTER_S = 60.0  # a folder so old that nobody holds; one just made may not be held yet


@contextlib.contextmanager
def alone_in(folder: Path, what: str) -> Iterator[None]:
    """Nobody else does ``what`` in ``folder`` meanwhile, else :class:`InputError`. A kill frees it.

    A folder that is not there, or cannot be opened, is left to whoever reads it next: that error says more.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as cause:
        raise InputError(
            f"nobody else to {what} {folder}", "another process does", "wait until it ends, or end it"
        ) from cause
    else:
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def in_turn_in(
    folder: Path, what: str, *, within_s: float, waits: Callable[[], object], clock: Clock = SYSTEM
) -> Iterator[None]:
    """As :func:`alone_in`, and waits for whoever does it already; ``waits`` is called when that begins.

    On a file system that knows no locks it goes on without: what is broken must be taken back there too.
    """
    deadline_ns, has_told = clock.mono_ns() + int(within_s * NS), False
    with contextlib.ExitStack() as held:
        while True:
            try:
                held.enter_context(alone_in(folder, what))
                break
            except InputError:
                if clock.mono_ns() >= deadline_ns:
                    raise
            except OSError:
                break
            if not has_told:
                waits()
                has_told = True
            clock.sleep(LOOK_EVERY_S)
        yield


@contextlib.contextmanager
def own_folder(prefix: str) -> Iterator[Path]:
    """A temporary folder of this process alone, gone afterwards. What killed processes left is removed first."""
    for folder in Path(gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(InputError, OSError):  # somebody is in it, or it is not ours
            if time.time() - folder.stat().st_mtime > LEFT_AFTER_S:
                with alone_in(folder, "work in"):
                    shutil.rmtree(folder)
    with TemporaryDirectory(prefix=prefix) as name, alone_in(Path(name), "work in"):
        yield Path(name)
