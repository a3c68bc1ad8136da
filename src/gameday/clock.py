"""The one clock of a drill: UTC for people, monotonic nanoseconds for arithmetic, and waiting that says what it saw."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Protocol

from gameday.errors import DeadlineError

NS = 1_000_000_000


class Clock(Protocol):
    """What a drill needs of time; tests pass a clock they turn by hand."""

    def mono_ns(self) -> int: ...
    def now(self) -> datetime: ...
    def utc(self) -> str: ...
    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """This machine's clock. ``mono_ns`` is shared by every process of one boot (CLOCK_MONOTONIC)."""

    mono_ns = staticmethod(time.monotonic_ns)
    now = staticmethod(partial(datetime.now, UTC))

    def utc(self) -> str:
        return utc_text(self.now())

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass
class HandClock:
    """A clock for tests: it moves only when told to, or when somebody sleeps on it."""

    now_ns: int = 0

    def mono_ns(self) -> int:
        return self.now_ns

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_ns / NS, UTC)

    def utc(self) -> str:
        return utc_text(self.now())

    def sleep(self, seconds: float) -> None:
        self.now_ns += int(seconds * NS)


SYSTEM = SystemClock()
_MAY_GO_ON: ContextVar[Callable[[], None]] = ContextVar("may_go_on", default=lambda: None)


def utc_text(moment: datetime) -> str:
    """ISO-8601 in UTC with microseconds and a trailing Z: ``2026-11-23T18:11:31.000000Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@cache
def boot_id() -> str:
    """Names the boot whose monotonic clock the stamps belong to; stamps of two boots cannot be subtracted."""
    linux = Path("/proc/sys/kernel/random/boot_id")
    if linux.exists():
        return linux.read_text().strip()
    return f"booted-{round(time.time() - time.monotonic()) // 10}"


@contextlib.contextmanager
def heeding(may_go_on: Callable[[], None]) -> Iterator[None]:
    """While inside, every wait of this thread asks before each look, and each of many calls before it is made: what
    ``may_go_on`` raises ends them."""
    outer = _MAY_GO_ON.set(may_go_on)
    try:
        yield
    finally:
        _MAY_GO_ON.reset(outer)


def who_is_heeded() -> Callable[[], None]:
    """What raises where this thread may not go on; threads that it starts ask nobody unless it hands this to them."""
    return _MAY_GO_ON.get()


def eventually[T](
    look: Callable[[], T],
    want: T | Callable[[T], bool],
    *,
    what: str,
    within_s: float,
    every_s: float = 0.05,
    clock: Clock = SYSTEM,
    next_step: str = "",
) -> T:
    """Look until the answer is wanted, and return it.

    ``want`` is a value or a predicate. Raises :class:`DeadlineError` that names the last thing seen:
    ``west: expected 'primary' within 20 s; saw 'in recovery'``. An exception raised by ``look`` passes through, and so
    does what ends the wait inside :func:`heeding`.
    """
    good = want if callable(want) else lambda seen: bool(seen == want)
    deadline = clock.mono_ns() + int(within_s * NS)
    may_go_on = who_is_heeded()
    while True:
        may_go_on()
        seen = look()
        if good(seen):
            return seen
        if clock.mono_ns() >= deadline:
            told = getattr(want, "__doc__", None) or repr(want) if callable(want) else repr(want)
            raise DeadlineError(f"{what}: {told} within {within_s:g} s", repr(seen), next_step)
        clock.sleep(every_s)
