"""Secrets that are planted before a drill, and an eye for where they turn up beside its record."""

import contextlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PAGER_API_TOKEN")
PLAIN = "CANARY_OF_NO_TELLING_NAME"


def planted() -> dict[str, str]:
    """Variables for the environment of whoever starts a drill, each with a value that stands nowhere else."""
    return {name: f"canary-{secrets.token_hex(16)}" for name in (*CREDENTIALS, PLAIN)}


@dataclass
class Seen:
    """What the processes of a drill were told, and what its lab wrote into its logs, as long as they were there."""

    commands: set[str] = field(default_factory=set)
    environments: dict[int, tuple[str, bytes]] = field(default_factory=dict)  # the newest of each process, its command
    logs: dict[Path, bytes] = field(default_factory=dict)

    def look(self, lab_folders: Path) -> None:
        own = psutil.Process()
        for process in own.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, OSError):  # it ended meanwhile
                command = " ".join(process.cmdline())
                environment = Path(f"/proc/{process.pid}/environ").read_bytes()
                self.commands.add(command)
                if command != " ".join(own.cmdline()):  # else it was forked and did not become another program yet
                    self.environments[process.pid] = (command, environment)
        for log in _logs(lab_folders):
            with contextlib.suppress(OSError):  # the lab ended meanwhile
                self.logs[log] = log.read_bytes()


def _logs(lab_folders: Path) -> Iterable[Path]:
    """Everything that a lab writes, its databases' own files apart."""
    return [path for pattern in ("*/*", "*/logs/**/*") for path in lab_folders.glob(pattern) if path.is_file()]


def found(canaries: Mapping[str, str], texts: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Which canary stands in which text."""
    return [
        (name, where) for name, value in canaries.items() for where, text in texts.items() if value.encode() in text
    ]
