"""The write ledger: one ``sent`` line and one settlement for each attempt at a write, one segment a writer process."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import count
from pathlib import Path

import msgspec

from gameday.clock import SYSTEM, Clock, boot_id
from gameday.facts import Settlement, Write
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
    """An attempt that was sent and is still to be settled; each is only like itself."""

    id: str
    attempt: int
    sum: str
    size_bytes: int | None


# A ledger line as it is written: the version of the form, and then a Write, field by field and in their order.
_Line = msgspec.defstruct("_Line", ["v", *(each.name for each in fields(Write))], gc=False)
_encode = msgspec.json.Encoder().encode


class Ledger:
    """One writer's segment ``writes/<writer>.ndjson``; safe between threads.

    Not synced: it survives the kill of any process, not of the machine. Its lines are numbered from 1, so that the
    judgement sees when one is gone.
    """

    def __init__(self, writes: Path, writer: str, clock: Clock = SYSTEM) -> None:
        self.writer, self._clock, self._boot = writer, clock, boot_id()
        segment = writes / f"{writer}.ndjson"
        self._lines = LineWriter(segment, sync=False)
        self._numbers: Iterator[int] = count(_lines_in(segment) + 1)

    def sent(self, id: str, attempt: int, sum: str, size_bytes: int | None = None) -> Attempt:
        """Stamp an attempt immediately before its request; keep the answer for :meth:`settled`.

        ``size_bytes`` is the payload's: what a loss of this write would weigh.
        """
        begun = Attempt(id, attempt, sum, size_bytes)
        self._append(begun, "sent", NOTHING_SAID, None, None)
        return begun

    def settled(
        self,
        sent: Attempt,
        settlement: Settlement,
        *,
        ack: Acknowledgement | None = None,
        status: int | None = None,
        why: str | None = None,
    ) -> None:
        """Write down how the attempt ended; ``ack`` only with :attr:`Settlement.ACKED`."""
        self._append(sent, settlement.value, ack or NOTHING_SAID, status, why)

    def _append(self, of: Attempt, ev: str, told: Acknowledgement, status: int | None, why: str | None) -> None:
        """Every request of a load waits for this twice: it is kept short (``python -m benchmarks ledger``)."""
        stamped = self._clock.mono_ns()
        line = _Line(
            1, self._boot, self.writer, of.id, of.attempt, ev, stamped, self._clock.utc(), of.sum, told.region,
            told.xid, told.lsn_before, told.lsn_after, status, why, of.size_bytes, next(self._numbers),
        )  # fmt: skip
        self._lines.append_line(_encode(line) + b"\n")

    def close(self) -> None:
        self._lines.close()


def _lines_in(segment: Path) -> int:
    """How many whole lines a segment has already: a writer that was started again goes on numbering."""
    with segment.open("rb") as file:
        return sum(line.endswith(b"\n") for line in file)
