"""One process at a time: what two must not do at once in one folder of the reports."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from gameday.errors import InputError


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
