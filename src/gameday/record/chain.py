"""The timeline's hash chain: every line says in ``prev`` what stood before it, so that no line can change alone.

``prev`` is the SHA-256 of the bytes before the line, back to the beginning of the last whole line; the first line has
64 zeroes. A line that a killed writer left half written is no whole line: its bytes count for the next line's ``prev``.
Several processes may append: each reads the end of the file and writes its line under an exclusive lock on the file.
"""

import contextlib
import fcntl
import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gameday.record.lines import UNREADABLE, LineWriter, raw_lines, write_all

BEGINNING = "0" * 64
BLOCK_BYTES = 64 << 10


class ChainedWriter(LineWriter):
    """Appends lines that are chained; safe between threads and between processes. A writer that dies frees the lock."""

    def _put(self, line: bytes) -> None:
        with _locked(self._fd):
            before = _since_the_last_whole_line(self._fd)
            end = b"\n" if before and not before.endswith(b"\n") else b""
            prev = f',"prev":"{_digest(before + end)}"}}\n'
            write_all(self._fd, end + line.removesuffix(b"}\n") + prev.encode())


@dataclass(frozen=True, slots=True)
class Chain:
    """What a file's chain shows: ``head`` is the ``prev`` that a next line would have; line numbers count from 1."""

    lines: int
    head: str
    unlinked: tuple[int, ...] = ()  # whole lines without ``prev``: written before there was a chain, or altered
    broken: tuple[int, ...] = ()  # lines whose ``prev`` is not what stands before them


def read_chain(path: Path) -> Chain:
    """Follow a file's chain to its end; a missing file has none. Raises :class:`RecordError` when it is unreadable."""
    before, number, unlinked, broken = b"", 0, [], []
    for number, line in enumerate(raw_lines(path), 1):
        link = _link_in(line)
        if link is None:
            before += line
            continue
        if link.prev is None:
            unlinked.append(number)
        elif link.prev != _digest(before):
            broken.append(number)
        before = line
    return Chain(number, _digest(before), tuple(unlinked), tuple(broken))


class _Link(msgspec.Struct):
    prev: str | None = None


def _link_in(line: bytes) -> _Link | None:
    """The link of a whole line; a beginning of a JSON object is never one itself."""
    try:
        return msgspec.json.decode(line, type=_Link)
    except UNREADABLE:
        return None


def _digest(before: bytes) -> str:
    return hashlib.sha256(before).hexdigest() if before else BEGINNING


@contextlib.contextmanager
def _locked(fd: int) -> Iterator[None]:
    fcntl.flock(fd, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(fd, fcntl.LOCK_UN)


def _since_the_last_whole_line(fd: int) -> bytes:
    """The end of the file, from its last whole line on; all of it when it has none."""
    end, wanted = os.fstat(fd).st_size, BLOCK_BYTES
    while True:
        start = max(0, end - wanted)
        lines = io.BytesIO(os.pread(fd, end - start, start)).readlines()
        for number in range(len(lines) - 1, 0 if start else -1, -1):  # the first one may have begun before ``start``
            if _link_in(lines[number]):
                return b"".join(lines[number:])
        if start == 0:
            return b"".join(lines)
        wanted *= 4
