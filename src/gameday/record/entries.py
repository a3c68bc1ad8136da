"""What lies in the folder of a record: regular files, whose names are spelled so that every one can be written down.

Nothing else is part of a record. A link leads out of it, so that an archived copy holds nothing there; a FIFO, a socket
or a device has no content that could be the same tomorrow, and may keep its reader waiting for ever.
"""

import os
import stat
from io import BufferedReader
from pathlib import Path

from gameday.errors import RecordError

ENDLESS = {
    stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip
STRANGE = {stat.S_IFLNK: "a symbolic link"} | ENDLESS
NEXT = "put the file itself in its place, or take it away, then try again"


def name_in(folder: Path, path: Path) -> str:
    """A file's name in ``folder`` as manifest, note and findings spell it: two files never have the same one.

    A byte that is no UTF-8 is told in hex, as ``\\xff``, and a backslash is doubled.
    """
    name = os.fsencode(path.relative_to(folder))
    return name.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def strangers_in(folder: Path) -> dict[str, str]:
    """The names of what is neither a regular file nor a folder, and what it is instead. Nothing is opened.

    Raises :class:`RecordError` when something cannot be looked at.
    """
    try:
        kinds = {name_in(folder, path): _kind(path.lstat()) for path in sorted(folder.rglob("*"))}
    except OSError as cause:
        seen = f"{cause.strerror}: {cause.filename}"
        raise RecordError(f"everything in {folder} to be seen", seen, "make it readable, then try again") from cause
    return {name: STRANGE[kind] for name, kind in kinds.items() if kind in STRANGE}


def refuse_strangers(folder: Path) -> None:
    """Raises :class:`RecordError` where a record holds anything but regular files and folders."""
    for name, kind in strangers_in(folder).items():
        raise RecordError(f"regular files only in {folder}", f"{name} is {kind}", NEXT)


def opened(path: Path) -> BufferedReader:
    """Open a file to read all of it; raises :class:`RecordError` when that might never end. A link is followed."""
    kind = _kind(path.stat())
    if kind in ENDLESS:
        raise RecordError(f"a regular file {path}", f"it is {ENDLESS[kind]}", NEXT)
    return path.open("rb")


def read_whole(path: Path) -> bytes:
    """The content of a file; raises as :func:`opened`."""
    with opened(path) as file:
        return file.read()


def _kind(seen: os.stat_result) -> int:
    return stat.S_IFMT(seen.st_mode)
