"""The lab process: brings the parts up in order, ticks the controllers from its main thread, takes all down again."""

import contextlib
import gc
import platform
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gameday.clock import SYSTEM
from gameday.errors import GamedayError, LabError, LabNotReady
from gameday.lab.local import home
from gameday.lab.local.attach import attach
from gameday.lab.local.extras import Trouble
from gameday.lab.local.ground import Controller, Delays, Ground, Ports
from gameday.lab.local.links import LinkBoard
from gameday.lab.model import Lab
from gameday.lab.status import LabStatus, look
from gameday.lab.timers import ECS_START_S, OBJECT_REPLICATION_S, RDS_PROMOTION_S
from gameday.processes import end, identify, spawn
from gameday.secrecy import bare_environment

if TYPE_CHECKING:
    from gameday.lab.local.parts import Parts

TICK_S = 0.15
READY_WITHIN_S = 60.0
LAG_METRIC_PERIOD_S = 60.0


@dataclass(frozen=True, slots=True)
class LabOptions:
    """What a local lab is asked to be. Delays are at timer scale 1; the link's latency is one way and never scaled."""

    name: str
    timer_scale: float = 0.1
    port_base: int = 24800
    link_latency_s: float = 0.07  # Sydney-Oregon: about 70 ms one way (DESIGN §8)
    rds_promotion_s: float = RDS_PROMOTION_S
    ecs_start_s: float = ECS_START_S
    private: bool = False

    def delays(self) -> Delays:
        """The delays in force: everything but the link, times the scale."""
        return Delays(
            rds_promotion_s=self.rds_promotion_s * self.timer_scale,
            ecs_start_s=self.ecs_start_s * self.timer_scale,
            link_latency_s=self.link_latency_s,
            lag_metric_period_s=max(1.0, LAG_METRIC_PERIOD_S * self.timer_scale),
            object_replication_s=OBJECT_REPLICATION_S * self.timer_scale,
        )


class LocalLab:
    """One running lab; :meth:`run` returns when it was told to stop, with everything taken down."""

    def __init__(self, options: LabOptions, tell: Callable[[str], None]) -> None:
        self.options, self._tell = options, tell
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._last_trouble: dict[str, str] = {}
        self._troubles = 0

    def run(self, on_ready: Callable[["LocalLab"], None]) -> None:
        """Bring the lab up, call ``on_ready``, tick until stopped. Raises what kept it from becoming ready."""
        with contextlib.ExitStack() as stack:
            gc.disable()  # what starts stays: looking through all of moto for garbage takes 1 s, and finds none
            stack.callback(gc.enable)
            parts = self._build(stack)
            parts.routing.looking = False
            self._listen_to_signals(stack)
            maker = threading.Thread(target=self._make, args=(parts,), name="maker", daemon=True)
            maker.start()
            announced = False
            while not self._stop.is_set():
                self._tick(parts.controllers)
                if self._failure:
                    raise self._failure
                if self._ready.is_set() and not announced:
                    announced = True
                    parts.service.delay_starts = True
                    parts.database.backs_up = True
                    gc.freeze()
                    gc.enable()
                    on_ready(self)
                self._stop.wait(TICK_S)

    def trouble(self) -> Trouble:
        """What controllers raised last, so that ``lab status`` can show it, and how often they raised in all."""
        return Trouble(dict(self._last_trouble), self._troubles)

    def stop(self) -> None:
        """Ask the lab to end; safe from any thread and from a signal handler."""
        self._stop.set()

    def _build(self, stack: contextlib.ExitStack) -> "Parts":
        from gameday.lab.local.parts import build

        options = self.options
        stack.enter_context(home.claimed_name(options.name))
        home.sweep_the_dead()
        addresses = stack.enter_context(home.claimed_slot())
        folder = stack.enter_context(_folder(options.name))
        ports = Ports(options.port_base)
        home.check_ports(addresses, ports)
        list_of_processes = home.note_process(folder)
        stack.callback(list_of_processes.close)
        log = (folder / "lab.log").open("a", buffering=1)
        stack.enter_context(log)

        def said(line: str) -> None:
            log.write(f"{SYSTEM.utc()} {line}\n")

        def start_links(command: Sequence[str], *, stdin: int, stdout: int) -> "subprocess.Popen[bytes]":
            return spawn(command, env=bare_environment(), log=folder / "links.log", stdin=stdin, stdout=stdout)

        board = LinkBoard.launch(start_links)
        stack.callback(board.stop)
        ground = Ground(
            options.name, folder, addresses, ports, options.timer_scale, options.delays(), board, said,
            started=lambda name, who: list_of_processes.append(home.Started(name, who)),
        )  # fmt: skip
        _write_state(options, ground)
        return stack.enter_context(build(ground, self.trouble))

    def _listen_to_signals(self, stack: contextlib.ExitStack) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            before = signal.signal(number, lambda *_: self.stop())
            stack.callback(signal.signal, number, before)

    def _make(self, parts: "Parts") -> None:
        """Deploy the stacks and wait until the lab is whole, while the main thread ticks the controllers."""
        try:
            self._tell("deploying the templates")
            parts.deploy()
            self._tell("waiting for databases, tasks and health checks")
            self._wait_until_ready(attach(self.options.name, parts.aws), parts)
            self._ready.set()
        except BaseException as cause:  # noqa: BLE001  handed to the main thread, which raises it
            self._failure = cause

    def _wait_until_ready(self, lab: Lab, parts: "Parts") -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not ((seen := look(lab)).is_ready and parts.routing.looking) or self._last_trouble:
            parts.routing.looking = parts.routing.looking or seen.is_in_service
            if self._stop.wait(0.2):
                return
            is_hopeless = seen.has_lost_a_database and self._last_trouble
            if is_hopeless or time.monotonic() > deadline:
                raise LabNotReady(
                    f"lab {lab.name!r} ready within {READY_WITHIN_S:g} s",
                    f"{_unready(seen)}{self._complaints()}{_log_tail(parts.ground.folder)}",
                    "read the lab's log, mend the cause, and bring it up again",
                )

    def _complaints(self) -> str:
        return "".join(f"; {name} says: {error}" for name, error in dict(self._last_trouble).items())

    def _tick(self, controllers: tuple[Controller, ...]) -> None:
        for controller in controllers:
            try:
                controller.reconcile()
            except Exception as cause:  # noqa: BLE001  one controller's trouble must not stop the others; it is shown
                self._troubles += 1
                if self._last_trouble.get(controller.name) == (why := str(cause) or repr(cause)):
                    continue
                self._last_trouble[controller.name] = why
                with (home.folder_of(self.options.name) / "lab.log").open("a") as log:
                    log.write(f"{SYSTEM.utc()} {controller.name}: {traceback.format_exc()}")
            else:
                self._last_trouble.pop(controller.name, None)


@contextlib.contextmanager
def _folder(name: str) -> Iterator[Path]:
    """The lab's folder, with the sweeper that removes it should this process die. A leftover goes first.

    Its name must be held: then nobody else makes or removes a folder there.
    """
    folder = home.folder_of(name)
    if folder.exists():
        home.sweep(folder)
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "gameday.lab.local.sweeper", str(folder)]
    # Not tied to this process's life, of course: it is the one that stays to clean up.
    sweeper = subprocess.Popen(
        command, env=bare_environment(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield folder
        home.remove(folder)
    except BaseException:
        home.sweep(folder)
        raise
    finally:
        assert sweeper.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            sweeper.stdin.write(b"done")
            sweeper.stdin.close()
        end(sweeper, within_s=10)


def _write_state(options: LabOptions, ground: Ground) -> None:
    import os

    me = identify(os.getpid())
    assert me is not None
    home.write_state(
        ground.folder,
        home.LabState(
            options.name, me, ground.addresses.slot, options.port_base, ground.endpoint_url, options.timer_scale,
            options.link_latency_s, options.rds_promotion_s, options.ecs_start_s, ground.delays.lag_metric_period_s,
            options.private, datetime.now(UTC).isoformat(timespec="seconds"), platform.node(),
        ),
    )  # fmt: skip


def _unready(seen: LabStatus) -> str:
    regions = [
        f"{region.region}: database {region.database.status}, tasks {region.running}/{region.desired} running, "
        f"{region.targets_healthy} in service"
        for region in seen.regions
    ]
    return "; ".join(
        [*regions, f"health check {seen.health_check}", f"DNS {', '.join(seen.dns_answer) or 'no answer'}"]
    )


def _log_tail(folder: Path, lines: int = 5) -> str:
    try:
        tail = (folder / "lab.log").read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        return ""
    return "; its log ends: " + " | ".join(tail) if tail else ""


def failure_of(cause: BaseException) -> GamedayError:
    """Any failure of a lab as one of ours, so that whoever launched it can raise it again."""
    if isinstance(cause, GamedayError):
        return cause
    if isinstance(cause, ModuleNotFoundError) and not (cause.name or "").startswith("gameday"):
        return LabError("the local lab's libraries", str(cause), "pip install 'chaostoolkit-gameday[local]'")
    return LabNotReady(
        "the lab to come up", "".join(traceback.format_exception(cause))[-1500:], "this is a defect: report it"
    )
