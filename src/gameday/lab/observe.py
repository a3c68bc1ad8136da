"""The observer: looks at a lab from outside while a drill runs, and writes each change it sees to the timeline."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gameday.clock import NS, SYSTEM, Clock
from gameday.facts import Event, Kind
from gameday.lab import status
from gameday.lab.local import extras
from gameday.lab.model import Lab

type Say = Callable[..., Event]
FAST_S, SLOW_S = 0.3, 1.0


class Observer:
    """Polls in two threads of its own; ``say`` is :meth:`Timeline.add`. It only looks, it never helps.

    A look that fails is written down as a note once for each new reason, and tried again: a control plane that does
    not answer is itself something a drill must see.
    """

    def __init__(self, lab: Lab, say: Say, clock: Clock = SYSTEM) -> None:
        self._lab, self._say, self._clock = lab, say, clock
        self._last: dict[str, Any] = {}
        self._stop = threading.Event()
        self._broken: Exception | None = None
        self._threads = [
            threading.Thread(target=self._poll, args=(FAST_S, self.look_fast), name="observer-fast", daemon=True),
            threading.Thread(target=self._poll, args=(SLOW_S, self.look_slow), name="observer-slow", daemon=True),
        ]

    def start(self) -> None:
        """Look once at everything, so that the timeline begins with the state before the drill; then keep looking."""
        self.look_fast()
        self.look_slow()
        for thread in self._threads:
            thread.start()

    def check(self) -> None:
        """Raise what ended the looking: a drill that no longer sees its lab must not go on as if it did."""
        if self._broken:
            raise self._broken

    def stop(self) -> None:
        """Stop looking; returns when both threads have ended."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=35)

    def look_fast(self) -> None:
        """What the recovery hangs on: health check, DNS answer, the execution's states, the standby's role."""
        self._changed("health_check", status.health_check(self._lab), self._health_check)
        self._changed("dns", status.dns_answer(self._lab), self._dns)
        self._look_at_execution()
        for region in self._lab.regions:
            self._changed(f"database/{region}", status.database(self._lab, region), self._database(region))

    def look_slow(self) -> None:
        """The rest: alarms, task counts, replica lag, where the PRIMARY record points."""
        for alarm in status.alarms(self._lab):
            self._changed(f"alarm/{alarm.region}/{alarm.name}", alarm, self._alarm)
        for region in self._lab.regions:
            service = status.service_of(self._lab, region)
            counts = (service.get("runningCount", 0), service.get("desiredCount", 0))
            self._changed(f"tasks/{region}", counts, self._tasks(region))
        if self._lab.is_local:
            self._changed("trouble", dict(extras.trouble(self._lab).last), self._trouble)
        self._changed("lag", status.replica_lag(self._lab), self._lag)
        self._changed("latch", status.latched_to(self._lab), self._latch)

    def _poll(self, every_s: float, look: Callable[[], None]) -> None:
        while not self._stop.wait(every_s):
            try:
                look()
            except (BotoCoreError, ClientError) as cause:
                self._changed(f"blind/{every_s}", str(cause), self._blind)
            except Exception as cause:  # noqa: BLE001  raised in the drill's own thread by ``check``
                self._broken = cause
                return

    def _changed(self, key: str, seen: Any, tell: Callable[[Any], None]) -> None:
        if key not in self._last or self._last[key] != seen:
            self._last[key] = seen
            tell(seen)

    def _blind(self, why: str) -> None:
        self._say(Kind.NOTE, "the control plane did not answer", why=why)

    def _trouble(self, seen: dict[str, str]) -> None:
        for controller, why in seen.items():
            self._say(Kind.NOTE, f"the lab's {controller} controller is in trouble", why=why)

    def _health_check(self, seen: str) -> None:
        self._say(Kind.HEALTH_CHECK, seen, id=self._lab.shared("HealthCheckId"))

    def _dns(self, addresses: tuple[str, ...]) -> None:
        self._say(Kind.DNS, ",".join(addresses) or "no answer", region=status.region_of(self._lab, addresses))

    def _database(self, region: str) -> Callable[[status.DatabaseSeen], None]:
        def tell(seen: status.DatabaseSeen) -> None:
            self._say(Kind.DATABASE, seen.status, region=region, id=seen.id, role=seen.role, endpoint=seen.endpoint)

        return tell

    def _alarm(self, seen: status.AlarmNow) -> None:
        since = {"entered_mono_ns": self._mono_ns(seen.since)} if seen.since else {}
        self._say(Kind.ALARM, seen.state, region=seen.region, name=seen.name, **since)

    def _tasks(self, region: str) -> Callable[[tuple[int, int]], None]:
        def tell(counts: tuple[int, int]) -> None:
            self._say(Kind.TASKS, f"{counts[0]}/{counts[1]}", region=region, running=counts[0], desired=counts[1])

        return tell

    def _lag(self, seen: status.LagSeen | None) -> None:
        if seen:
            stamps = {"sampled_utc": seen.sampled_utc.isoformat(), "sampled_mono_ns": self._mono_ns(seen.sampled_utc)}
            self._say(Kind.LAG, f"{seen.lag_s:.3f}", region=self._lab.secondary, lag_s=seen.lag_s, **stamps)

    def _latch(self, region: str | None) -> None:
        self._say(Kind.LATCH, region or "unknown", region=region, latched=region == self._lab.secondary)

    def _look_at_execution(self) -> None:
        steps = self._lab.client("stepfunctions", self._lab.secondary)
        arn_of = {"stateMachineArn": self._lab.shared("StateMachineArn")}
        for run in reversed(steps.list_executions(**arn_of, maxResults=5)["executions"]):
            arn = run["executionArn"]
            if self._last.get(f"ended/{arn}"):
                continue
            if f"execution/{arn}" not in self._last:
                self._changed(f"execution/{arn}", "RUNNING", self._execution(arn))
            self._look_at_states(arn)
            self._changed(f"execution/{arn}", run["status"], self._execution(arn))
            self._last[f"ended/{arn}"] = run["status"] != "RUNNING"

    def _look_at_states(self, arn: str) -> None:
        known = self._last.get(f"states/{arn}", 0)
        for number, name, kind, when in status.states_entered(self._lab, arn):
            if number > known:
                self._last[f"states/{arn}"] = number
                self._say(Kind.STATE, name, region=self._lab.secondary, type=kind, execution=arn,
                          entered_utc=when.isoformat(), entered_mono_ns=self._mono_ns(when))  # fmt: skip

    def _execution(self, arn: str) -> Callable[[str], None]:
        return lambda seen: (self._say(Kind.EXECUTION, seen, region=self._lab.secondary, arn=arn), None)[1]

    def _mono_ns(self, when: datetime) -> int:
        """The monotonic stamp of a wall-clock instant, by this machine's clocks now."""
        ago_s = datetime.fromisoformat(self._clock.utc()).timestamp() - when.timestamp()
        return self._clock.mono_ns() - int(ago_s * NS)
