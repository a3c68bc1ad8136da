"""The write ledger: one ``sent`` line and one settlement for each attempt at a write, one segment a writer process."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

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

    def sent(self, id: str, attempt: int, sum: str, size_bytes: int | None = None) -> Write:
        """Stamp an attempt immediately before its request; keep the answer for :meth:`settled`.

        ``size_bytes`` is the payload's: what a loss of this write would weigh.
        """
        stamped = self._clock.mono_ns()
        number = next(self._numbers)
        write = Write(
            self._boot, self.writer, id, attempt, "sent", stamped, self._clock.utc(), sum,
            size_bytes=size_bytes, line=number,
        )  # fmt: skip
        self._lines.append(write)
        return write

    def settled(
        self,
        sent: Write,
        settlement: Settlement,
        *,
        ack: Acknowledgement | None = None,
        status: int | None = None,
        why: str | None = None,
    ) -> None:
        """Write down how the attempt ended; ``ack`` only with :attr:`Settlement.ACKED`."""
        told = ack or Acknowledgement()
        self._lines.append(
            replace(
                sent, ev=settlement.value, mono_ns=self._clock.mono_ns(), utc=self._clock.utc(), region=told.region,
                xid=told.xid, lsn_before=told.lsn_before, lsn_after=told.lsn_after, status=status, why=why,
                line=next(self._numbers),
            )
        )  # fmt: skip

    def close(self) -> None:
        self._lines.close()


def _lines_in(segment: Path) -> int:
    """How many whole lines a segment has already: a writer that was started again goes on numbering."""
    with segment.open("rb") as file:
        return sum(line.endswith(b"\n") for line in file)
