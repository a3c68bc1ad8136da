"""What stops a drill before its end: a stop condition that no longer holds, or somebody who asked for it.

Each condition is looked at once a second, in a thread of its own, from the end of the baseline on; requests (``gameday
abort``, the kill switch) twice a second from the start. A look that fails, or is not answered in time, counts as a
breach: who cannot see any more does not go on. The first breach is written down and raised in the drill's main thread,
by a signal, so that whatever the drill does just then ends as it would by Ctrl-C; and by every ``check`` of any thread
from then on, so that nothing begins anew. The signal is given again for as long as the drill's own work goes on, since
what is raised in a finaliser is lost. Healing is never interrupted.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any

from gameday.clock import NS, SYSTEM, Clock, heeding
from gameday.errors import DrillStopped, GuardError, RecordUnwritable
from gameday.facts import ABORTED, Kind, StopCondition
from gameday.lab.model import GLOBAL_REGION, Lab
from gameday.probing import PROBES, Looked
from gameday.record.timeline import Timeline
from gameday.underway import Request

EVERY_S = 1.0
ASKED_EVERY_S = 0.5
ANSWER_WITHIN_S = 5.0  # a look that takes longer shows nothing any more
ENDS_WITHIN_S = 35.0  # a call of boto3 under way has 30 s
SIGNAL = signal.SIGRTMIN + 4 if hasattr(signal, "SIGRTMIN") else None  # Chaos Toolkit has SIGTERM and SIGUSR1, 2

ENDING = (signal.SIGTERM, *((SIGNAL,) if SIGNAL is not None else ()))

_INSIDE = ContextVar("unswallowed", default=False)

type Look = Callable[[StopCondition], "Sight"]


class Interruption(BaseException):
    """What a signal raised, on its way through code that catches every :class:`Exception`."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


@contextlib.contextmanager
def unswallowed() -> Iterator[None]:
    """While inside, nobody takes a stop for one more failed try; at the end it is raised as it was.

    boto3 sends a call again after any exception in it, dnspython asks the next server, and each would go on as if
    nobody had asked to end. In any thread but the main one this does nothing: signals reach only that one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in ENDING}
    before, outer = {number: handler for number, handler in handlers.items() if callable(handler)}, _INSIDE.get()
    late: BaseException | None = None
    try:
        _INSIDE.set(True)
        for number, handler in before.items():
            signal.signal(number, partial(_carried, handler))
        yield
    except Interruption as interruption:
        raise interruption.cause from interruption.cause.__cause__
    finally:  # however many signals come meanwhile; in no function of its own, or one may come before its first line
        while True:
            try:
                _INSIDE.set(outer)
                for number, handler in before.items():
                    if signal.getsignal(number) is not handler:
                        signal.signal(number, handler)
                break
            except BaseException as cause:  # noqa: BLE001  what a signal raised; it is raised below
                late = cause.cause if isinstance(cause, Interruption) else cause
        if late:
            raise late


def _carried(handler: Callable[[int, FrameType | None], Any], number: int, frame: FrameType | None) -> None:
    try:
        handler(number, frame)
    except Exception as cause:
        if not _INSIDE.get():
            raise
        raise Interruption(cause) from cause


def _is_on_its_way(since: BaseException | None = None) -> bool:
    """Whether what this thread does just now comes of a stop: its clean-up is not to be interrupted again.

    ``since`` was being handled before: what it comes of is another drill's.
    """
    error = sys.exception()
    while error and error is not since and not isinstance(error, Interruption | DrillStopped):
        error = error.__context__
    return error is not None and error is not since


@dataclass(frozen=True, slots=True)
class Door:
    """How a drill's door has it stopped: the error that ends it there, who looks at probes that are none of gameday's,
    and which texts (secrets) the drill must not write down."""

    error: type[DrillStopped] = DrillStopped
    elsewhere: Look | None = None
    hidden: frozenset[str] = frozenset()


LIBRARY = Door()


class _Healing(threading.local):
    """Of each thread its own: in how many healings it is just now, one within the other."""

    depth = 0


@dataclass(frozen=True, slots=True)
class Sight:
    """Whether a condition held when it was looked at, and what was seen."""

    holds: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Breach:
    """What stopped a drill: the condition, or that somebody asked; what was seen, and who asked."""

    what: str
    seen: str
    who: str = ""


@dataclass
class Watch:
    """One condition under way; ``asked_ns`` is when its look was begun that has not answered yet."""

    condition: StopCondition
    look: Look
    asked_ns: int | None = None

    def sight(self, clock: Clock = SYSTEM) -> Sight:
        """Look now; a look that fails is a sight of nothing, and does not hold."""
        self.asked_ns = clock.mono_ns()
        try:
            return self.look(self.condition)
        except (Exception, SystemExit) as cause:  # noqa: BLE001  unreadable, or a probe that exits: a breach
            return Sight(False, f"it cannot be read: {cause}")
        finally:
            self.asked_ns = None

    def unanswered_s(self, clock: Clock = SYSTEM) -> float:
        """For how long its look has been waiting for an answer."""
        asked_ns = self.asked_ns
        return 0.0 if asked_ns is None else (clock.mono_ns() - asked_ns) / NS


class Stopping:
    """Watches over one drill. Threads of its own look; ``close`` ends them."""

    def __init__(
        self,
        timeline: Timeline,
        asked: Callable[[], Request | None],
        door: Door = LIBRARY,
    ) -> None:
        self._timeline, self._asked, self._door = timeline, asked, door
        self._end, self._lock = threading.Event(), threading.Lock()
        self._watches: list[Watch] = []
        self._threads: list[threading.Thread] = []
        self._breach: Breach | None = None
        self._signals = self._is_over = self._is_raised = False
        self._healing = _Healing()
        self._handled: BaseException | None = None  # when it began: a drill may be tried again where one was stopped
        # Whoever breaks or heals holds it, so that no step is replayed whose mutation is still to come. To be entered
        # as it is: a signal cannot come between its being taken and the ``with``, as it can in a function around it.
        self.changing = threading.RLock()

    @property
    def breached(self) -> bool:
        """Whether the drill was stopped."""
        return self._breach is not None

    @contextlib.contextmanager
    def watching(self) -> Iterator["Stopping"]:
        """Heed requests while inside, and conditions once they are armed. Where this is not the main thread, a breach
        is raised by ``check`` only."""
        self._handled = sys.exception()
        is_main = threading.current_thread() is threading.main_thread() and SIGNAL is not None
        before = signal.signal(SIGNAL, self._interrupted) if is_main and SIGNAL is not None else None
        self._signals = is_main
        try:
            self._start(self._heed_requests, "stop-requests")
            yield self
        finally:
            self.stand_down()
            for thread in self._threads:
                thread.join(ENDS_WITHIN_S)
            if is_main and SIGNAL is not None:
                signal.signal(SIGNAL, before)

    def arm(self, conditions: Sequence[StopCondition], look: Look) -> None:
        """Look at each condition now, and then every second; raises when one does not hold even now."""
        known = [watch.condition for watch in self._watches]
        for condition in conditions:
            if condition not in known:
                watch = Watch(condition, look)
                self._judge(watch, watch.sight())
                self._watches.append(watch)
                self._start(lambda watch=watch: self._sample(watch), f"stop-{len(self._watches)}")  # type: ignore[misc]  # a default binds it now
        self.check()

    def check(self) -> None:
        """Raise the breach, whenever and wherever it is asked; never in a thread that heals. Once the drill ends, any
        other thread is told so as well.

        Without a lock: the signal may come while one is held.
        """
        if self._healing.depth:
            return
        if breach := self._breach:
            told = f"{breach.seen}{f' (asked by {breach.who})' if breach.who else ''}"
            expected = "nobody to ask for the drill's end" if breach.what == ABORTED else breach.what
            raise self._door.error(expected, told, "the drill was aborted; look at its report before you run it again")
        if self._end.is_set():
            raise self._door.error("a drill in progress", "it has ended", "begin nothing more in its other threads")

    @contextlib.contextmanager
    def heeded(self) -> Iterator[None]:
        """Raise the breach now, and while inside by every wait of this thread, which no signal ends if it is not the
        main one."""
        self.check()
        with heeding(self.check):
            yield

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """While inside, nothing is raised in this thread: it heals. Every other one still hears of the breach."""
        self._healing.depth += 1
        try:
            yield
        finally:
            self._healing.depth -= 1

    def stand_down(self) -> None:
        """From now on nothing is raised in this thread, which ends the drill anyway. Looking ends too."""
        self._healing.depth += 1
        self._end.set()

    def _start(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _sample(self, watch: Watch) -> None:
        """A look begins a second after the one before began, or at once where that one took longer."""
        next_ns = SYSTEM.mono_ns() + int(EVERY_S * NS)
        while not self._end.wait(max(0.0, (next_ns - SYSTEM.mono_ns()) / NS)):
            next_ns = SYSTEM.mono_ns() + int(EVERY_S * NS)
            with contextlib.suppress(RecordUnwritable):
                self._judge(watch, watch.sight())

    def _heed_requests(self) -> None:
        """A disk that refuses the breach ends neither this thread nor the signals: whoever notes the drill's end has
        the error again."""
        while not self._end.wait(ASKED_EVERY_S):
            with contextlib.suppress(RecordUnwritable):
                if request := self._request():
                    self._stop(Breach(ABORTED, request.why, request.who))
                self._signal()
                for watch in list(self._watches):
                    if watch.unanswered_s() > ANSWER_WITHIN_S:
                        self._judge(watch, Sight(False, f"it cannot be read: no answer within {ANSWER_WITHIN_S:g} s"))

    def _request(self) -> Request | None:
        try:
            return self._asked()
        except Exception as cause:  # noqa: BLE001  who cannot be asked to end any more, ends
            return Request("nobody", f"whether somebody asks cannot be read: {cause!r}")

    def _judge(self, watch: Watch, sight: Sight) -> None:
        if not sight.holds:
            self._stop(Breach(watch.condition.what, sight.seen))

    def _stop(self, breach: Breach) -> None:
        """Write the first breach down, and then interrupt the drill's own thread: not before, it may be this one."""
        with self._lock:
            if self._is_over or self._end.is_set():
                return
            self._is_over = True
        try:
            who = {"who": breach.who} if breach.who else {}
            self._timeline.add(Kind.STOPPED, breach.what, seen=breach.seen, **who)
        finally:
            self._breach = breach
            self._signal()

    def _signal(self) -> None:
        if self._breach and self._signals and SIGNAL is not None:
            signal.pthread_kill(threading.main_thread().ident or 0, SIGNAL)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        """Once wherever the thread is, and then only in the drill's own work: Chaos Toolkit has heard the first. Never
        while it heals or ends for a stop: the signal comes again."""
        if self._healing.depth or _is_on_its_way(self._handled):
            return
        if not self._is_raised or _INSIDE.get():
            self._is_raised = True
            self.check()


def look_at(at: Looked, door: Door = LIBRARY) -> Look:
    """How a condition is looked at in this drill."""

    def look(condition: StopCondition) -> Sight:
        if condition.alarm:
            return _alarm(at.lab, condition)
        if condition.elsewhere:
            if door.elsewhere is None:
                raise GuardError("a probe of gameday", condition.what, "only an experiment has others")
            return door.elsewhere(condition)
        seen: Any = PROBES[condition.probe](at, **condition.arguments)
        return Sight(condition.holds(seen), str(seen))

    return look


def _alarm(lab: Lab, condition: StopCondition) -> Sight:
    """Every alarm of that name, metric or composite, must be OK; none of that name shows nothing."""
    regions = [condition.region] if condition.region else dict.fromkeys((*lab.regions, GLOBAL_REGION))
    states: list[tuple[str, str]] = []
    for region in regions:
        kinds = ["MetricAlarm", "CompositeAlarm"]
        told = lab.client("cloudwatch", region).describe_alarms(AlarmNames=[condition.alarm], AlarmTypes=kinds)
        found = [*told.get("MetricAlarms", []), *told.get("CompositeAlarms", [])]
        states += [(region, str(alarm["StateValue"])) for alarm in found]
    seen = ", ".join(f"{state} in {region}" for region, state in states)
    return Sight({state for _, state in states} == {"OK"}, seen or "no alarm of that name")


def heals_after(cause: BaseException, is_private: bool) -> bool:
    """Whether a drill that ended early heals: one that was stopped always does; else a lab of its own just ends."""
    return isinstance(cause, DrillStopped) or not is_private


def note_the_end(timeline: Timeline, cause: BaseException) -> None:
    """Write down what ended a drill before its end."""
    timeline.add(Kind.NOTE, "the drill stopped early", why=f"{type(cause).__name__}: {cause}")
