"""What every controller of the local lab stands on: addresses, ports, a folder, processes and links."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gameday.processes import ProcessId, identify, spawn

if TYPE_CHECKING:
    from gameday.lab.local.links import LinkBoard

ACCOUNT = "123456789012"
PRIMARY, SECONDARY = "ap-southeast-2", "us-west-2"


@dataclass(frozen=True, slots=True)
class Addresses:
    """The loopback addresses of one lab: ``127.<slot>.<region>.<host>``; on Linux all of 127/8 is there already.

    Regions are numbered 1 (primary) and 2 (secondary); 0 is what belongs to no region.
    """

    slot: int

    @property
    def api(self) -> str:
        return f"127.{self.slot}.0.1"

    @property
    def dns(self) -> str:
        return f"127.{self.slot}.0.2"

    def balancer(self, region: str) -> str:
        return self._in(region, 1)

    def task(self, region: str, number: int) -> str:
        """The address of a region's n-th task since the lab began, from 0; reused after 80."""
        return self._in(region, 10 + number % 80)

    def database(self, region: str, number: int = 0) -> str:
        """Where a database's *endpoint* (its link) listens."""
        return self._in(region, 100 + number)

    def postgres(self, region: str, number: int = 0) -> str:
        """Where the PostgreSQL process itself listens, behind its links."""
        return self._in(region, 150 + number)

    def remote_database(self, region: str, number: int = 0) -> str:
        """Where, in ``region``, the *other* region's database is reached over the inter-region link."""
        return self._in(region, 200 + number)

    def _in(self, region: str, host: int) -> str:
        return f"127.{self.slot}.{ {PRIMARY: 1, SECONDARY: 2}[region] }.{host}"


@dataclass(frozen=True, slots=True)
class Ports:
    """Five ports in a row from ``base``; the same on every address of the lab."""

    base: int = 24800

    @property
    def api(self) -> int:
        return self.base

    @property
    def dns(self) -> int:
        return self.base + 1

    @property
    def http(self) -> int:
        return self.base + 2

    @property
    def task(self) -> int:
        return self.base + 3

    @property
    def database(self) -> int:
        return self.base + 4


@dataclass(frozen=True, slots=True)
class Delays:
    """The local lab's own delays, already scaled, and the link between the regions (not scaled: light is not)."""

    rds_promotion_s: float
    ecs_start_s: float
    link_latency_s: float  # one way
    lag_metric_period_s: float
    object_replication_s: float = 0.0  # from a version's writing to its copy in the other bucket, the link not counted


@dataclass
class Ground:
    """One lab's ground. ``start`` may be called from the main thread only; ``reconcile`` runs there."""

    name: str
    folder: Path
    addresses: Addresses
    ports: Ports
    scale: float
    delays: Delays
    board: "LinkBoard"
    said: Callable[[str], None]  # one line for the lab's log
    running: dict[str, ProcessId] = field(default_factory=dict)
    started: Callable[[str, ProcessId], None] = lambda name, who: None  # the lab notes it for the sweeper

    @property
    def endpoint_url(self) -> str:
        return f"http://{self.addresses.api}:{self.ports.api}"

    @property
    def resolver(self) -> str:
        return f"{self.addresses.dns}:{self.ports.dns}"

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        before_exec: Callable[[], None] | None = None,
        cwd: Path | None = None,
    ) -> "subprocess.Popen[bytes]":
        """Start a process of the lab under a name; it dies with the lab, and its output goes to ``logs/<name>.log``."""
        log = self.folder / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        process = spawn(command, env=env, log=log, cwd=cwd or self.folder, before_exec=before_exec)
        who = identify(process.pid)
        if who:
            self.running[name] = who
            self.started(name, who)
        return process

    def ended(self, name: str) -> None:
        """Forget a process that was ended and reaped."""
        self.running.pop(name, None)


class Controller(Protocol):
    """Keeps one part of the control plane's state true over real parts.

    ``reconcile`` is called by the lab's main thread every 100-200 ms. It reads moto's state in-process, must not block
    (20 ms at most; slow work goes to threads of the controller's own) and must raise rather than log and go on: the
    lab writes the error to its log, shows it in ``lab status``, and calls again.
    """

    name: str

    def reconcile(self) -> None: ...
    def close(self) -> None: ...
