"""Starts and ends the two processes of the load: Locust, and the prober."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gameday.errors import LoadError
from gameday.load.plan import LoadPlan
from gameday.processes import end, spawn
from gameday.record.layout import Record
from gameday.secrecy import bare_environment

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
STOP_MARGIN_S = 10.0  # beyond what requests in flight may take: for writing statistics on a busy machine
LOOPBACK = "127.0.0.1"
LOG_LINES_TOLD = 15
FULL_BYTES = 64 << 10  # less room than this, and a line of a record or a log does not fit for long


@dataclass(frozen=True, slots=True)
class _Child:
    what: str
    process: "subprocess.Popen[bytes]"
    log: Path
    drains_within_s: float

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def stop(self) -> None:
        """Ask it to drain and end. Raises :class:`LoadError` with its log's last lines when it did not end well.

        Safe twice, and after it died: that is told by :meth:`alive` and :meth:`check`, not again here.
        """
        if not self.alive():
            return
        code = end(self.process, within_s=self.drains_within_s + STOP_MARGIN_S)
        if code != 0:
            raise LoadError(f"{self.what} to drain and exit 0", self._seen(code), f"read {self.log}")

    def check(self) -> None:
        """Raise :class:`LoadError` when it has died."""
        if not self.alive():
            raise LoadError(f"{self.what} alive", self._seen(self.process.returncode), f"read {self.log}")

    def _seen(self, code: int) -> str:
        """How it ended. On a full disk it could not even say why: then this does."""
        is_full = shutil.disk_usage(self.log.parent).free < FULL_BYTES
        why = f"the disk of {self.log.parent} is full; " if is_full else ""
        return f"{why}exit code {code}; its log ends: {_tail(self.log)}"


class Load(_Child):
    """Locust, headless; its statistics and its log stay in the record's folder ``load/``."""

    @classmethod
    def start(cls, plan: LoadPlan, service_url: str, resolver: str, record: Record) -> "Load":
        """Start the users. Main thread only."""
        folder = _folder(record)
        command = [sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--headless", "--only-summary"]
        command += ["--host", service_url]
        command += [] if plan.stages else ["--users", str(plan.users), "--spawn-rate", f"{plan.spawn_rate:g}"]
        command += ["--csv", str(folder / "locust"), "--exit-code-on-error", "0", "--loglevel", "WARNING"]
        command += ["--stop-timeout", str(plan.stop_within_s)]
        command += _workers(plan.workers) if plan.workers else []
        env = {
            "GAMEDAY_LOAD_RECORD": str(record.folder),
            "GAMEDAY_LOAD_RESOLVER": resolver,
            "GAMEDAY_LOAD_THINK_S": f"{plan.think_s:g}",
            "GAMEDAY_LOAD_PATIENCE_S": f"{plan.patience_s:g}",
            "GAMEDAY_LOAD_STAGES": msgspec.json.encode(plan.stages).decode(),
        }
        return cls(*_start("Locust", command, folder / "locust.log", env), plan.stop_within_s)


class Prober(_Child):
    """The open-model prober in its own process; its log stays beside Locust's."""

    @classmethod
    def start(cls, plan: LoadPlan, service_url: str, resolver: str, record: Record) -> "Prober":
        """Start the schedule. Main thread only."""
        command = [sys.executable, "-m", "gameday.load.prober", "--url", service_url, "--resolver", resolver]
        command += ["--record", str(record.folder), "--timeout-s", f"{plan.probe_timeout_s:g}"]
        command += ["--writes-per-s", f"{plan.writes_per_s:g}", "--reads-per-s", f"{plan.reads_per_s:g}"]
        command += ["--read-age-s", f"{plan.read_age_s:g}"]
        command += [] if plan.kept_alive else ["--no-kept-alive"]
        return cls(*_start("the prober", command, _folder(record) / "prober.log", {}), plan.probe_timeout_s)


def _workers(count: int) -> list[str]:
    """Master and workers meet on loopback at a port of their own; by default it is 5557 of every address."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        port = str(probe.getsockname()[1])
    meet = [
        "--master-bind-host",
        LOOPBACK,
        "--master-bind-port",
        port,
        "--master-host",
        LOOPBACK,
        "--master-port",
        port,
    ]
    return ["--processes", str(count), *meet]


def _start(
    what: str, command: Sequence[str], log: Path, env: Mapping[str, str]
) -> tuple[str, "subprocess.Popen[bytes]", Path]:
    return what, spawn(command, env=bare_environment() | dict(env), log=log), log


def _folder(record: Record) -> Path:
    folder = record.folder / "load"
    folder.mkdir(exist_ok=True)
    return folder


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return " | ".join(lines[-LOG_LINES_TOLD:]) or "nothing"
