"""A drill's clients: the load and the prober beside it, started, waited with, seen from outside, and stopped."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from gameday.clock import NS, Clock, eventually
from gameday.facts import Kind
from gameday.outside import KEPT_PROBES, Outside
from gameday.record.timeline import Timeline
from gameday.world import Client

EVERY_S = 0.1
TARGETS = ("write", "read")


@dataclass
class Clients:
    """Whoever waits, waits here: a client that dies ends the wait with a :class:`LoadError`, a lab that dies, with what
    ``check_lab`` raises."""

    outside: Outside
    timeline: Timeline
    clock: Clock
    check_lab: Callable[[], None]
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

    def told(self, newest: int) -> str:
        """What was seen last, as words: ``writes: 3 of 100 good, reads: 100 of 100 good``."""
        return ", ".join(f"{target}s: {self.outside.sight(target, newest=newest)}" for target in TARGETS)

    def check(self) -> None:
        """Raise :class:`LabError` when the lab died, :class:`LoadError` when a client did."""
        self.check_lab()
        for client in self._running:
            client.check()

    def _stop(self, kind: Kind, client: Client) -> None:
        died = not client.alive()
        try:
            client.stop()
        except BaseException as cause:
            self.timeline.add(kind, "died", why=str(cause))
            raise
        self.timeline.add(kind, "died" if died else "stopped")
