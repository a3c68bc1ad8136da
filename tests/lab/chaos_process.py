"""A drill as its users run it, ``chaos run``, in a process of its own that a test can signal or kill."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gameday.clock import eventually
from gameday.facts import Event, Kind
from gameday.record.layout import Record
from gameday.record.lines import Damage

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@dataclass
class ChaosProcess:
    """``chaos run`` under way; its record appears under ``reports``."""

    process: "subprocess.Popen[bytes]"
    reports: Path
    output: Path

    @property
    def record(self) -> Record:
        """The one record that it has written so far."""
        (folder,) = self.reports.glob("*/*")
        return Record(folder)

    def events(self, kind: Kind) -> list[Event]:
        if not list(self.reports.glob("*/*/timeline.ndjson")):
            return []
        return [event for event in self.record.read_events(Damage()) if event.kind is kind]

    def until(self, kind: Kind, what: str = "", *, within_s: float = 120, every_s: float = 0.2) -> None:
        """Wait for an event; a drill that ends before it fails the test with the drill's own words."""

        def seen() -> bool:
            if any(what in event.what for event in self.events(kind)):
                return True
            assert self.process.poll() is None, self.output.read_text()[-3000:]
            return False

        eventually(seen, True, what=f"{kind} {what}", within_s=within_s, every_s=every_s)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self, within_s: float = 60) -> int:
        return self.process.wait(within_s)


@contextmanager
def heeding_ctrl_c() -> Iterator[None]:
    """A shell starts what it puts into the background with SIGINT ignored, and its children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def chaos_run(
    experiment: str,
    folder: Path,
    env: Mapping[str, str] | None = None,
    variables: Mapping[str, object] | None = None,
) -> Iterator[ChaosProcess]:
    """Run a shipped experiment with its reports under ``folder``; killed at the end if it still runs.

    ``variables`` (``users:int`` -> 5) are given as ``--var``.
    """
    reports, output = folder / "reports", folder / "output.txt"
    command = [str(Path(sys.executable).parent / "chaos"), "--no-version-check", "run", str(EXPERIMENTS / experiment)]
    command += [word for name, value in (variables or {}).items() for word in ("--var", f"{name}={value}")]
    with output.open("wb") as sink, heeding_ctrl_c():
        process = subprocess.Popen(
            [*command, "--var=users=20", "--journal-path", str(folder / "journal.json")],
            env={**os.environ, "GAMEDAY_REPORTS": str(reports), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            cwd=folder,
        )
    try:
        yield ChaosProcess(process, reports, output)
    finally:
        process.kill()
        process.wait()
