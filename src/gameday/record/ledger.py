"""The write ledger: one ``sent`` line and one settlement for each attempt at a write, one segment a writer process."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

import msgspec

from gameday.clock import SYSTEM, Clock, boot_id, utc_text
from gameday.facts import Settlement
from gameday.record.lines import LineWriter


def checksum(payload: bytes) -> str:
    """The first 16 hex digits of the payload's SHA-256: what an acknowledgement must echo."""
    return hashlib.sha256(payload).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the service said of a committed write: where, and between which WAL positions."""

    region: str | None = None
    xid: int | None = None
    lsn_before: str | None = None
    lsn_after: str | None = None


NOTHING_SAID = Acknowledgement()


class Attempt(msgspec.Struct, frozen=True, eq=False, gc=False):
    """An attempt as its line has it: the version of the form, and then :class:`Write`, field by field in their order.

    ``utc`` is the moment itself where msgspec writes it as :func:`utc_text` does.
    """

    v: int
    boot: str
    writer: str
    id: str
    attempt: int
    ev: str
    mono_ns: int
    utc: datetime | str
    sum: str
    region: str | None
    xid: int | None
    lsn_before: str | None
    lsn_after: str | None
    status: int | None
    why: str | None
    size_bytes: int | None
    line: int


_encode = msgspec.json.Encoder().encode


class Ledger:
    """One writer's segment ``writes/<writer>.ndjson``; for one thread, or for the tasks or greenlets of one.

    Not synced: it survives the kill of any process, not of the machine. Its lines are numbered from 1, so that the
    judgement sees when one is gone. A load waits for it with each request: ``python -m benchmarks ledger``.
    """

    def __init__(self, writes: Path, writer: str, clock: Clock = SYSTEM) -> None:
        self.writer, self._boot = writer, boot_id()
        self._mono_ns, self._now = clock.mono_ns, clock.now
        segment = writes / f"{writer}.ndjson"
        self._lines = LineWriter(segment, sync=False)
        self._numbers: Iterator[int] = count(_lines_in(segment) + 1)
        self._under_way: set[Attempt] = set()

    def sent(self, id: str, attempt: int, sum: str, size_bytes: int | None = None) -> Attempt:
        """Stamp an attempt immediately before its request; keep the answer for :meth:`settled`.

        ``size_bytes`` is the payload's: what a loss of this write would weigh.
        """
        mono_ns, now = self._mono_ns(), self._now()
        begun = Attempt(
            1, self._boot, self.writer, id, attempt, "sent", mono_ns, now if now.microsecond else utc_text(now),
            sum, None, None, None, None, None, None, size_bytes, next(self._numbers),
        )  # fmt: skip
        self._lines.append_line(_encode(begun) + b"\n")
        self._under_way.add(begun)
        return begun

    def settled(
        self,
        sent: Attempt,
        settlement: Settlement,
        ack: Acknowledgement | None = None,
        status: int | None = None,
        why: str | None = None,
    ) -> None:
        """Write down how the attempt ended; once: whoever comes later is not heard.

        ``ack`` only with :attr:`Settlement.ACKED`.
        """
        if sent not in self._under_way:
            return
        self._under_way.remove(sent)
        mono_ns, now, told = self._mono_ns(), self._now(), ack or NOTHING_SAID
        ended = Attempt(
            1, self._boot, self.writer, sent.id, sent.attempt, settlement._value_, mono_ns,
            now if now.microsecond else utc_text(now), sent.sum, told.region, told.xid, told.lsn_before, told.lsn_after,
            status, why, sent.size_bytes, next(self._numbers),
        )  # fmt: skip
        self._lines.append_line(_encode(ended) + b"\n")

    def under_way(self) -> tuple[Attempt, ...]:
        """The attempts that were sent and have not settled."""
        return tuple(self._under_way)

    def close(self) -> None:
        self._lines.close()


def _lines_in(segment: Path) -> int:
    """How many whole lines a segment has already: a writer that was started again goes on numbering."""
    with segment.open("rb") as file:
        return sum(line.endswith(b"\n") for line in file)
