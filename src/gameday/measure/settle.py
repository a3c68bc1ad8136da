"""Attempts settle, writes are judged: the ledger's lines joined to attempts, and the attempts of one id to a write.

An attempt is *acknowledged* when the client read a success that echoes id and checksum; *refused* when it definitely
did not happen; else *indeterminate*, also when it never settled. A **write** is acknowledged if any of its attempts
was, else indeterminate if any was, else refused.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from gameday.facts import Settlement, Write

SENT = "sent"
EVENTS = frozenset({SENT, *Settlement})  # what a ledger line may say; any other is no line of a ledger
STRENGTH = (Settlement.REFUSED, Settlement.UNKNOWN, Settlement.ACKED)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. ``sent_mono_ns`` or ``settled_mono_ns`` is None when the ledger holds no such line."""

    writer: str
    number: int
    sum: str
    sent_mono_ns: int | None = None
    settled_mono_ns: int | None = None
    settlement: Settlement = Settlement.UNKNOWN
    region: str | None = None
    xid: int | None = None
    lsn_before: str | None = None
    lsn_after: str | None = None
    size_bytes: int | None = None
    settled_utc: str = ""


@dataclass(frozen=True, slots=True)
class SettledWrite:
    """A write: everything that was attempted under one order id."""

    id: str
    settlement: Settlement
    attempts: tuple[Attempt, ...]

    @property
    def acks(self) -> tuple[Attempt, ...]:
        return tuple(each for each in self.attempts if each.settlement is Settlement.ACKED)

    @property
    def acked_mono_ns(self) -> int | None:
        """When a client first read an acknowledgement of it; None when none did."""
        return min((each.settled_mono_ns for each in self.acks if each.settled_mono_ns is not None), default=None)

    @property
    def sums(self) -> frozenset[str]:
        """The checksums that a row of it may have: the acknowledged ones, else every one that was sent."""
        return frozenset(each.sum for each in self.acks or self.attempts)


@dataclass(frozen=True, slots=True)
class LedgerGaps:
    """What the ledger does not tell: attempts that never settled, lines that must have been there and are gone."""

    unsettled: int = 0  # sent, and no settlement
    unsent: int = 0  # settled, and no line that it was sent
    contradictory: int = 0  # more than one settlement, or sending, of one attempt; settled before it was sent
    missing_attempts: int = 0  # attempt 3 is there and attempt 2 is not
    missing_lines: int = 0  # holes in the numbering of a segment

    @property
    def gone(self) -> int:
        """How many pieces are wrong besides the unsettled ones."""
        return self.unsent + self.contradictory + self.missing_attempts + self.missing_lines


@dataclass(frozen=True, slots=True)
class Ledger:
    """The whole ledger, settled."""

    writes: tuple[SettledWrite, ...]
    gaps: LedgerGaps
    attempts: int


def settle(lines: Iterable[Write]) -> Ledger:
    """Join the lines of every segment; one pass, any order. Raises ValueError for one that is none of ``EVENTS``."""
    joined: dict[str, dict[tuple[str, int], Attempt]] = defaultdict(dict)
    numbers: dict[str, set[int]] = defaultdict(set)
    contradictory = 0
    for line in lines:
        if line.line is not None:
            numbers[line.writer].add(line.line)
        attempts, key = joined[line.id], (line.writer, line.attempt)
        before = attempts.get(key, Attempt(line.writer, line.attempt, line.sum, size_bytes=line.size_bytes))
        attempts[key], clash = _join(before, line)
        contradictory += clash
    writes = tuple(_write(id, tuple(attempts.values())) for id, attempts in joined.items())
    return Ledger(writes, _gaps(writes, numbers, contradictory), sum(len(write.attempts) for write in writes))


def _join(attempt: Attempt, line: Write) -> tuple[Attempt, bool]:
    """The attempt with one more line, and whether that contradicts what was there; the stronger settlement stays."""
    if line.ev == SENT:
        return replace(attempt, sent_mono_ns=line.mono_ns), attempt.sent_mono_ns is not None
    settlement = Settlement(line.ev)
    clash = attempt.settled_mono_ns is not None
    if clash and STRENGTH.index(settlement) <= STRENGTH.index(attempt.settlement):
        return attempt, True
    settled = replace(
        attempt, settled_mono_ns=line.mono_ns, settlement=settlement, region=line.region,
        xid=line.xid, lsn_before=line.lsn_before, lsn_after=line.lsn_after, settled_utc=line.utc,
    )  # fmt: skip
    return settled, clash


def _write(id: str, attempts: tuple[Attempt, ...]) -> SettledWrite:
    strongest = max((each.settlement for each in attempts), key=STRENGTH.index)
    return SettledWrite(id, strongest, attempts)


def _gaps(writes: tuple[SettledWrite, ...], numbers: dict[str, set[int]], contradictory: int) -> LedgerGaps:
    every = [attempt for write in writes for attempt in write.attempts]
    return LedgerGaps(
        unsettled=sum(each.settled_mono_ns is None for each in every),
        unsent=sum(each.sent_mono_ns is None for each in every),
        contradictory=contradictory + sum(_is_early(each) for each in every),
        missing_attempts=sum(_holes({each.number for each in write.attempts}) for write in writes),
        missing_lines=sum(_holes(seen | {1}) + (1 not in seen) for seen in numbers.values()),
    )


def _is_early(attempt: Attempt) -> bool:
    sent, settled = attempt.sent_mono_ns, attempt.settled_mono_ns
    return sent is not None and settled is not None and settled < sent


def _holes(numbers: set[int]) -> int:
    return max(numbers) - min(numbers) + 1 - len(numbers)
