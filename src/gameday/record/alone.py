"""One process at a time: what two must not do at once in one folder of the reports, and folders of one process."""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from gameday.errors import InputError

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
def own_folder(prefix: str) -> Iterator[Path]:
    """A temporary folder of this process alone, gone afterwards. What killed processes left is removed first."""
    for folder in Path(gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(InputError, OSError):  # somebody is in it, or it is not ours
            if time.time() - folder.stat().st_mtime > LEFT_AFTER_S:
                with alone_in(folder, "work in"):
                    shutil.rmtree(folder)
    with TemporaryDirectory(prefix=prefix) as name, alone_in(Path(name), "work in"):
        yield Path(name)
