"""The instants of a timeline that more than one definition needs: fault or switch, and end of observation."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gameday.facts import REPLAY_LSN, UNNOTICED, Event, FaultWindow, Kind
from gameday.facts.bounds import MOST, stamp_in

LSN = re.compile(r"([0-9a-fA-F]{1,8})/([0-9a-fA-F]{1,8})")


def happened_ns(event: Event) -> int:
    """When an event happened: a state's own entry where the lab's history tells it, else when it was seen."""
    entered = stamp_in(event.detail.get("entered_mono_ns"))
    return event.mono_ns if entered is None else entered


def always(_: Event) -> bool:
    return True


def first(
    events: Sequence[Event], kind: Kind, *, since_ns: int = 0, where: Callable[[Event], bool] = always
) -> Event | None:
    """The earliest event of a kind at or after ``since_ns``; ``events`` are in order of their stamps."""
    return next((e for e in events if e.kind is kind and e.mono_ns >= since_ns and where(e)), None)


def last(
    events: Sequence[Event], kind: Kind, *, before_ns: int | None = None, where: Callable[[Event], bool] = always
) -> Event | None:
    """The latest event of a kind, before ``before_ns`` if that is given."""
    found = (
        e for e in reversed(events) if e.kind is kind and (before_ns is None or e.mono_ns < before_ns) and where(e)
    )
    return next(found, None)


def fault_window(events: Sequence[Event]) -> FaultWindow | None:
    """From the stamp before the first destructive call to the end of healing; verified: every fault's check held.

    A fault that no client is meant to notice (a lag that grows) only sets the stage for one that follows it: the fault
    time is then that one's.
    """
    faults = [event for event in events if event.kind is Kind.FAULT]
    if not faults:
        return None
    start = next((event for event in faults if event.detail.get(UNNOTICED) is not True), faults[0])
    healed = last(events, Kind.HEALED, where=lambda event: event.mono_ns >= start.mono_ns)
    names = " + ".join(dict.fromkeys(event.what for event in faults))
    return FaultWindow(
        names, start.region, start.mono_ns, start.utc, healed.mono_ns if healed else None, _verified(events, faults)
    )


@dataclass(frozen=True, slots=True)
class Start:
    """Where a drill's times start: the fault, or, where nothing was broken, the switch of a planned failover.

    The switch is stamped immediately before the planned failover is asked for: it is what a person decides, and from
    there on clients may be refused. ``since`` is how a sentence names it.
    """

    what: str
    mono_ns: int
    utc: str
    since: str


def start_of(events: Sequence[Event], fault: FaultWindow | None) -> Start | None:
    """The fault's stamp, else the first switch's; None when there was neither."""
    if fault:
        return Start(fault.fault, fault.start_mono_ns, fault.start_utc, "the fault")
    switch = first(events, Kind.SWITCH)
    return Start(switch.what, switch.mono_ns, switch.utc, "the switch") if switch else None


def _verified(events: Sequence[Event], faults: Sequence[Event]) -> bool:
    held = [e for e in events if e.kind is Kind.FAULT_VERIFIED and e.mono_ns >= faults[0].mono_ns]
    return len(held) >= len(faults) and first(events, Kind.FAULT_FAILED) is None


def observation_end(events: Sequence[Event], before_ns: int | None = None) -> int | None:
    """The last stamp of the end of observation, before ``before_ns`` if that is given; None when there is none."""
    end = last(events, Kind.OBSERVATION_END, before_ns=before_ns)
    return end.mono_ns if end else None


def number(value: Any) -> float | None:
    """A number of an event's detail, or None when it is none (a damaged or foreign record may hold anything)."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if abs(found) < float("inf") else None


def instant(utc: str) -> datetime | None:
    """The moment that a stamp tells; None where it is none, or does not say of which zone."""
    try:
        found = datetime.fromisoformat(utc)
    except ValueError:
        return None
    return found if found.tzinfo else None


def counted(value: Any) -> int | None:
    """The same of a count: none is below 0, and what is more than a record can tell counts as the most that it can."""
    found = number(value)
    return None if found is None or found < 0 else int(min(found, MOST))


def replayed(events: Sequence[Event]) -> int | None:
    """The WAL position that the standby had replayed, as it was read last before the promotion; None: nobody read."""
    note = last(events, Kind.NOTE, where=lambda event: event.what == REPLAY_LSN)
    return lsn(note.detail.get("lsn")) if note else None


def lsn(text: object) -> int | None:
    """A WAL position as a number: ``0/3000148`` is high and low 32 bits in hex. None when it is none.

    Each has "up to 8 digits" (PostgreSQL's manual, pg_lsn type).
    """
    found = LSN.fullmatch(text) if isinstance(text, str) else None
    return (int(found[1], 16) << 32) + int(found[2], 16) if found else None
