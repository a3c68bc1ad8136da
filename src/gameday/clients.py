"""A drill's clients: the load and the prober beside it, started, waited with, seen from outside, and stopped."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime

from gameday.clock import NS, Clock, eventually
from gameday.errors import DeadlineError
from gameday.facts import BASELINE_NOT_MET, Kind
from gameday.outside import KEPT_PROBES, Outside
from gameday.record.timeline import Timeline
from gameday.world import Client

EVERY_S = 0.1
BASELINE_PROBES = 100  # of writes, and as many of reads
BASELINE_SHARE = 0.999
RECOVERED_SHARE = 0.99
TARGETS = ("write", "read")


@dataclass(frozen=True, slots=True)
class HeedingClock:
    """A clock on which a wait first looks whether it may go on: what ``look`` raises ends it."""

    clock: Clock
    look: Callable[[], None]

    def mono_ns(self) -> int:
        return self.clock.mono_ns()

    def now(self) -> datetime:
        return self.clock.now()

    def utc(self) -> str:
        return self.clock.utc()

    def sleep(self, seconds: float) -> None:
        self.look()
        self.clock.sleep(seconds)


@dataclass
class Clients:
    """Whoever waits, waits here: a client that dies ends the wait with a :class:`LoadError`, and so does what one of
    ``checks`` raises: of a lab that died, of a drill that was stopped."""

    outside: Outside
    timeline: Timeline
    clock: Clock
    checks: Sequence[Callable[[], None]]
    _running: list[Client] = field(default_factory=list)

    def add(self, kind: Kind, client: Client, stack: ExitStack) -> None:
        """Take over a client that was just started; ``stack`` stops it."""
        stack.callback(self._stop, kind, client)
        self._running.append(client)
        self.timeline.add(kind, "started")

    def until(self, look: Callable[[], bool], what: str, within_s: float) -> None:
        """Wait until ``look`` says yes; raises :class:`DeadlineError` when it does not within ``within_s``."""

        def looked() -> bool:
            self.check()
            self.outside.look()
            return look()

        eventually(looked, True, what=what, within_s=within_s, every_s=EVERY_S, clock=self.clock)

    def demand_baseline(self, within_s: float) -> None:
        """Wait until 99.9 % of the last 200 fresh probes, writes and reads, are good; else :class:`DeadlineError`."""
        n, share = BASELINE_PROBES, BASELINE_SHARE
        try:
            self.until(lambda: self.are_good(share, at_least=n, newest=n), "good probes", within_s)
        except DeadlineError as cause:
            seen = self.told(newest=n)
            self.timeline.add(Kind.NOTE, BASELINE_NOT_MET, seen=seen)
            raise DeadlineError(
                f"the last {n} writes and {n} reads good by {share:.1%} within {within_s:g} s, before any fault",
                seen,
                "mend the service first: a drill on a broken one proves nothing",
            ) from cause

    def until_a_good_window(self, window_s: float, *, since_ns: int) -> None:
        """Wait until the last ``window_s``, and no more than what came after ``since_ns``, were good; three windows at
        most, else :class:`DeadlineError`."""
        begun = self.clock.mono_ns()

        def settled() -> bool:
            now = self.clock.mono_ns()
            since = max(since_ns, now - int(window_s * NS))
            return self.are_good(RECOVERED_SHARE, at_least=1, since_ns=since) and now - begun >= window_s * NS

        self.until(settled, "a good window", 3 * window_s)

    def hold(self, seconds: float) -> None:
        """Wait so many seconds; a signal interrupts it at once."""
        end_ns = self.clock.mono_ns() + int(seconds * NS)
        while (left_s := (end_ns - self.clock.mono_ns()) / NS) > 0:
            self.check()
            self.clock.sleep(min(left_s, EVERY_S))

    def are_good(self, share: float, *, at_least: int, newest: int = KEPT_PROBES, since_ns: int = 0) -> bool:
        """Whether writes and reads each have ``at_least`` so many probes, and ``share`` of them good."""
        sights = [self.outside.sight(target, newest=newest, since_ns=since_ns) for target in TARGETS]
        return all(sight.seen >= at_least and sight.share >= share for sight in sights)

    def are_good_again(self, writes_per_s: float, *, since_ns: int) -> bool:
        """Whether the newest second's probes (20 at least), all of them after ``since_ns``, are good by 99 %."""
        n = max(20, round(writes_per_s))
        return self.are_good(RECOVERED_SHARE, at_least=n, newest=n, since_ns=since_ns)

    def told(self, newest: int) -> str:
        """What was seen last, as words: ``writes: 3 of 100 good, reads: 100 of 100 good``."""
        return ", ".join(f"{target}s: {self.outside.sight(target, newest=newest)}" for target in TARGETS)

    def check(self) -> None:
        """Raise what one of ``checks`` does; :class:`LoadError` when a client died."""
        for check in self.checks:
            check()
        for client in self._running:
            client.check()

    def heeding_clock(self) -> Clock:
        """For waits elsewhere, which end as one here would: in a runbook's steps."""
        return HeedingClock(self.clock, self.check)

    def _stop(self, kind: Kind, client: Client) -> None:
        died = not client.alive()
        try:
            client.stop()
        except BaseException as cause:
            self.timeline.add(kind, "died", why=str(cause))
            raise
        self.timeline.add(kind, "died" if died else "stopped")
