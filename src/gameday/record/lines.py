"""Append-only files of one JSON object a line: written so that a kill loses at most the line being written."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from gameday.errors import RecordError, RecordUnwritable
from gameday.record.entries import opened

# What decoding raises of bytes that are none of ours; of brackets a thousand deep it is a RecursionError.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# What ends a line of the undo journal that was cut, by a kill or a full disk, once another follows: ASCII's "cancel",
# which stands in no line of JSON. So it is still told from a damaged one.
CANCELLED = b"\x18\n"


class LineWriter:
    """Appends records to one file; safe between threads of one process. ``sync`` flushes each line to the disk.

    A line that was cut, by a kill before this writer or by a full disk, is ended before the next one begins, so that
    it costs nobody else's line.
    """

    cut_ends_with = b"\n"

    def __init__(self, path: Path, *, sync: bool) -> None:
        self.path, self._sync, self._lock = path, sync, Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            self._torn = _ends_torn(path)
        except OSError as cause:
            raise _unwritable(path, cause) from cause

    def append(self, record: Any) -> None:
        """Write one line, with the version of the form first; raises :class:`RecordError` when the disk refuses."""
        line = b'{"v":1,' + msgspec.json.encode(record)[1:] + b"\n"
        with self._lock:
            self.append_line(line)

    def append_line(self, line: bytes) -> None:
        """The same of a line that is encoded already, its version and its end included; not safe between threads."""
        if self._fd < 0:
            raise RecordError(f"an open file to append to {self.path}", "it was closed", "close it last")
        try:
            self._put(line)
            if self._sync:
                os.fdatasync(self._fd)
        except OSError as cause:
            raise _unwritable(self.path, cause) from cause

    def _put(self, line: bytes) -> None:
        rest, self._torn = self.cut_ends_with + line if self._torn else line, True
        if rest := rest[os.write(self._fd, rest) :]:
            write_all(self._fd, rest)
        self._torn = False

    def close(self) -> None:
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1


def _ends_torn(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if not size:
            return False
        file.seek(size - 1)
        return file.read(1) != b"\n"


def write_all(fd: int, line: bytes) -> None:
    """Write every byte, however many calls that takes."""
    while line:
        line = line[os.write(fd, line) :]


@dataclass(slots=True)
class Damage:
    """What a reader had to leave out: ``lines`` it could not read, and whether only the file's last line was cut."""

    lines: int = 0
    cut_tail: int = 0


def read_lines[T](path: Path, form: type[T], damage: Damage) -> Iterator[T]:
    """Each record of a file, in order; unreadable lines are counted in ``damage``, never guessed.

    A missing file has no lines, and an empty line is none. A last line without its newline is a cut tail: the kill's
    own mark. Raises :class:`RecordError` when there is a file and it cannot be read at all.
    """
    return decoded(raw_lines(path), form, damage)


def decoded[T](lines: Iterable[bytes], form: type[T], damage: Damage) -> Iterator[T]:
    """The same of lines that were read already."""
    decoder = msgspec.json.Decoder(form)
    for line in lines:
        if not line.endswith(b"\n"):
            damage.cut_tail += 1
        elif line.strip():
            try:
                record = decoder.decode(line)
            except UNREADABLE:
                damage.lines += 1
            else:
                yield record


def raw_lines(path: Path) -> Iterator[bytes]:
    """A file's lines as they are; a missing file has none. Raises :class:`RecordError` when it cannot be read."""
    try:
        with opened(path) as file:
            yield from file
    except FileNotFoundError:
        return
    except OSError as cause:
        raise RecordError(f"a readable {path}", f"{cause.strerror}", "make it readable, then judge again") from cause


def _unwritable(path: Path, cause: OSError) -> RecordUnwritable:
    return RecordUnwritable(
        f"to write {path}", f"{cause.strerror}", "free the disk, or choose another folder with --reports"
    )
