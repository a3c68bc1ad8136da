"""What a person sees while a drill runs: a live table in a terminal, plain lines elsewhere."""

import logging
import sys
import threading
import time
from collections import deque
from typing import IO, TYPE_CHECKING, Any, Protocol

from gameday.clock import NS
from gameday.facts import Event, Kind, Measurement, Plan
from gameday.facts.selftest import RecordSelfTest
from gameday.outside import Outside
from gameday.record.layout import Record

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console, RenderableType
    from rich.live import Live

LAST_EVENTS = 8
SHOWN_S = 5.0
QUIET = {Kind.LAG}  # changes with every sample: in the table, not in the log


class Display(Protocol):
    """Told of everything that happens in a drill; may be called from any thread."""

    def opened(self, record: Record, plan: Plan) -> None: ...
    def event(self, event: Event) -> None: ...
    def say(self, line: str) -> None: ...
    def closed(self) -> None: ...
    def judged(self, plan: Plan, measurement: Measurement, page: "Path", tried: RecordSelfTest | None) -> None: ...


class Silent:
    """Shows nothing: the record has it all."""

    def opened(self, record: Record, plan: Plan) -> None: ...
    def event(self, event: Event) -> None: ...
    def say(self, line: str) -> None: ...
    def closed(self) -> None: ...
    def judged(self, plan: Plan, measurement: Measurement, page: "Path", tried: RecordSelfTest | None) -> None: ...


def shown(event: Event, display: Display) -> Display:
    """Show it; what to go on with, which is silent once nobody reads any more (`gameday drill | head`)."""
    try:
        display.event(event)
    except OSError:
        return Silent()
    return display


class Lines:
    """One line an event, with the seconds since the drill began: for logs, pipes and build servers."""

    def __init__(self, out: IO[str] | None = None) -> None:
        self._out, self._begun, self._lock = out or sys.stderr, time.monotonic(), threading.Lock()

    def opened(self, record: Record, plan: Plan) -> None:
        self.say(f"record {record.folder}")

    def event(self, event: Event) -> None:
        if event.kind not in QUIET:
            self.say(line_of(event))

    def say(self, line: str) -> None:
        with self._lock:
            print(f"{time.monotonic() - self._begun:7.1f} s  {line}", file=self._out, flush=True)

    def closed(self) -> None: ...

    def judged(self, plan: Plan, measurement: Measurement, page: "Path", tried: RecordSelfTest | None) -> None:
        for line in closing_lines(plan, measurement, page, tried):
            self.say(line)


class Table:
    """A table drawn anew four times a second: phase, success, lag, DNS answer, last events."""

    def __init__(self, console: "Console") -> None:
        self._console, self._begun = console, time.monotonic()
        self._now: dict[str, str] = {"phase": "prepare"}
        self._events: deque[str] = deque(maxlen=LAST_EVENTS)
        self._outside: Outside | None = None
        self._live: Live | None = None

    def opened(self, record: Record, plan: Plan) -> None:
        from rich.live import Live

        self._outside = Outside(record.probes, plan.objectives.latency_bound_s)
        self._now["record"] = str(record.folder)
        self._live = Live(get_renderable=self._drawn, console=self._console, refresh_per_second=4, transient=True)
        self._live.start()
        _lead_logs_to(sys.stderr)  # which stands for the place above the table from now on

    def event(self, event: Event) -> None:
        if event.kind is Kind.PHASE:
            self._now.pop("doing", None)  # was said of the phase before
        self._now |= now_of(event)
        if event.kind not in QUIET:
            self._events.append(f"{time.monotonic() - self._begun:6.1f} s  {line_of(event)}")

    def say(self, line: str) -> None:
        self._now["doing"] = line

    def closed(self) -> None:
        if self._live:
            self._live.stop()
            _lead_logs_to(sys.stderr)

    def judged(self, plan: Plan, measurement: Measurement, page: "Path", tried: RecordSelfTest | None) -> None:
        for line in closing_lines(plan, measurement, page, tried):
            self._console.print(line, markup=False, highlight=False)

    def _drawn(self) -> "RenderableType":
        from rich.console import Group
        from rich.table import Table as Grid
        from rich.text import Text

        grid = Grid.grid(padding=(0, 2))
        rows = self._now | self._success()
        for name in ("phase", "doing", "writes", "reads", "lag", "DNS", "failover", "database", "record"):
            if name in rows:
                grid.add_row(Text(name, style="bold"), Text(rows[name]))
        return Group(grid, Text("\n".join(self._events), style="dim"))

    def _success(self) -> dict[str, str]:
        if self._outside is None:
            return {}
        self._outside.look()
        since = time.monotonic_ns() - int(SHOWN_S * NS)
        sights = {name: self._outside.sight(name.rstrip("s"), since_ns=since) for name in ("writes", "reads")}
        return {name: f"{seen.share:7.1%} good of the last {seen.seen}" for name, seen in sights.items() if seen.seen}


def _lead_logs_to(stream: IO[str]) -> None:
    """Chaos Toolkit's log keeps the standard error that it found at its start; it would write through the table."""
    for handler in logging.getLogger("chaostoolkit").handlers:
        if type(handler) is logging.StreamHandler:
            handler.setStream(stream)


def display_for(out: IO[str] | None = None) -> Display:
    """A table when ``out`` (standard error) is a terminal, else lines."""
    stream = out or sys.stderr
    if not stream.isatty():
        return Lines(stream)
    from rich.console import Console

    return Table(Console(file=stream))


def now_of(event: Event) -> dict[str, str]:
    """What an event changes in the table."""
    where = f" ({event.region})" if event.region else ""
    rows = {
        Kind.PHASE: ("phase", event.what),
        Kind.LAG: ("lag", f"{event.what} s"),
        Kind.DNS: ("DNS", event.what + where),
        Kind.EXECUTION: ("failover", event.what),
        Kind.STATE: ("failover", f"RUNNING, {event.what}"),
        Kind.DATABASE: ("database", f"{event.detail.get('role', '')} {event.what}{where}"),
    }
    return dict([rows[event.kind]]) if event.kind in rows else {}


def line_of(event: Event) -> str:
    """An event as one line for people."""
    name = event.detail.get("name") or event.detail.get("role") or ""
    parts: list[Any] = [f"{event.kind.value:<14}", event.what, name, f"({event.region})" if event.region else ""]
    return " ".join(str(part) for part in parts if part)


def closing_lines(plan: Plan, measurement: Measurement, page: "Path", tried: RecordSelfTest | None) -> tuple[str, ...]:
    """The verdict in the report's own words, whether it was left untried, and where the report lies."""
    from gameday.report.summary import summary_lines, untried_lines

    return (*summary_lines(plan, measurement), *untried_lines(tried), f"  report  {page}")
