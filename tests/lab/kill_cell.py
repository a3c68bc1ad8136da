"""One cell of the kill matrix: a region outage, one of whose processes is signalled at one moment, and what came of it.

The drill has a lab of its own, which must be gone afterwards, or acts on one that stands: there what it broke must be
taken back, and in the end one region and no other takes orders. What a cell finds wrong is told, not raised, so that
the whole matrix can be printed; a test demands that it is nothing.
"""

import contextlib
import http.client
import itertools
import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from chaos_process import ChaosProcess, chaos_run
from leftovers import CLEAN_WITHIN_S, all_gone, command_at, everything_of_drill

from gameday.clock import NS, SYSTEM, eventually
from gameday.errors import GamedayError
from gameday.facts import Event, Kind, Verdict
from gameday.faults.replay import WATCHED
from gameday.lab import status
from gameday.lab.local.attach import living
from gameday.lab.local.ground import Addresses, Ports
from gameday.lab.local.lab import LabOptions
from gameday.lab.local.launch import RunningLab, launch_lab
from gameday.measure.judge import judge
from gameday.record.undo import UndoJournal

SCALE = 0.05
SMALL = {"users:int": 5, "spawn_rate:int": 5, "writes_per_s:int": 10, "reads_per_s:int": 10}
PROGRAMS = {
    "chaos": "",  # the drill's own process
    "lab": "gameday.lab.local",
    "prober": "gameday.load.prober",
    "locust": "locust",
    "warden": "gameday.faults.warden",
}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
# The event that opens a moment, and the one that ends it. A cell whose kill came later than that says so.
MOMENTS: dict[str, tuple[tuple[Kind, str], tuple[Kind, str]]] = {
    "before": ((Kind.PHASE, "baseline"), (Kind.FAULT, "")),
    "during": ((Kind.FAULT, ""), (Kind.FAULT_VERIFIED, "")),
    "after": ((Kind.FAULT_VERIFIED, ""), (Kind.EXECUTION, "RUNNING")),
    "recovery": ((Kind.EXECUTION, "RUNNING"), (Kind.EXECUTION, "SUCCEEDED")),
}
LABS = ("own", "standing")
ENDS_WITHIN_S = 60.0  # a drill whose part was killed
RUNS_WITHIN_S = 180.0  # a drill that goes on to its end, because its warden heeds only SIGKILL
SERVES_WITHIN_S = 60.0  # a failover that was under way ends by itself


@dataclass(frozen=True, slots=True)
class Cell:
    """Who is signalled, how, when, and on whose lab."""

    victim: str
    number: signal.Signals
    moment: str
    lab: str = "own"

    def __str__(self) -> str:
        return f"{self.victim} {self.number.name} {self.moment} {self.lab}"

    @property
    def goes_on(self) -> bool:
        """The warden ignores what a terminal and a shutdown send: the drill must go on as if nothing had been."""
        return self.victim == "warden" and self.number is not signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a cell; times in seconds since the signal. Nothing in ``wrong``: as it should be."""

    cell: Cell
    healed_s: float
    ended_s: float
    code: int
    verdict: str
    undo: str
    wrong: tuple[str, ...]


def matrix() -> Iterator[Cell]:
    """Every victim, signal, moment and lab."""
    for lab, victim, moment, number in itertools.product(LABS, PROGRAMS, MOMENTS, SIGNALS):
        yield Cell(victim, number, moment, lab)


def play(cell: Cell, folder: Path, own_home: Path) -> Outcome:
    """Run the drill, send the signal, and look at everything that must be true afterwards."""
    wrong: list[str] = []
    with _lab(cell) as lab, _drill(folder, lab) as drill:
        opening, _ = MOMENTS[cell.moment]
        drill.until(*opening, every_s=0.02)
        family = everything_of_drill(drill.process.pid)
        psutil.Process(_victim(cell, drill, lab)).send_signal(cell.number)
        sent_ns = SYSTEM.mono_ns()
        healed_s = _healed(cell, drill, sent_ns, lambda: _listening(own_home), wrong)
        code = _ended(cell, drill, wrong)
        ended_s = _since_s(sent_ns)
        undo = _undone(drill, wrong) if lab else ""
        if lab:
            wrong += _not_served(lab) if cell.victim != "lab" else ()
            lab.stop()
        _noticing(lambda: all_gone(family, own_home), wrong)
        _noticing(lambda: eventually(lambda: _listening(own_home), set(), what="ports", within_s=CLEAN_WITHIN_S), wrong)
    verdict, undo = _judged(cell, drill, code, wrong), undo or _undone(drill, wrong)
    wrong += _missed(cell, drill, sent_ns)
    return Outcome(cell, healed_s, ended_s, code, verdict, undo, tuple(wrong))


@contextlib.contextmanager
def _lab(cell: Cell) -> Iterator[RunningLab | None]:
    """The lab that stands; None where the drill has its own."""
    if cell.lab == "own":
        yield None
        return
    lab = launch_lab(LabOptions("kills", SCALE), lambda text: None)
    try:
        yield lab
    finally:
        lab.stop()


def _drill(folder: Path, lab: RunningLab | None) -> contextlib.AbstractContextManager[ChaosProcess]:
    where = {"GAMEDAY_LAB": lab.lab.name} if lab else {"GAMEDAY_TIMER_SCALE": str(SCALE)}
    return chaos_run("region-outage.json", folder, where, SMALL)


def _victim(cell: Cell, drill: ChaosProcess, lab: RunningLab | None) -> int:
    if cell.victim == "chaos":
        return drill.process.pid
    if cell.victim == "lab" and lab:
        return lab.process.pid
    program = PROGRAMS[cell.victim]
    children = psutil.Process(drill.process.pid).children()
    (found,) = [child.pid for child in children if program in child.cmdline()]
    return found


def _not_served(lab: RunningLab) -> Iterator[str]:
    """One region takes orders once no failover runs any more, and at no look both do."""
    seen: list[list[str]] = []

    def failing_over() -> bool:
        execution = status.execution(lab.lab)
        return execution is not None and execution.status == "RUNNING"

    def taking() -> int:
        seen.append([region for region in lab.lab.regions if _takes_orders(lab, region)])
        return len(seen[-1])

    told: list[str] = []
    _noticing(lambda: eventually(failing_over, False, what="a failover", within_s=SERVES_WITHIN_S), told)
    _noticing(lambda: eventually(taking, 1, what="regions that take orders", within_s=SERVES_WITHIN_S), told)
    yield from told
    if any(len(each) > 1 for each in seen):
        yield f"two regions took orders: {', '.join(lab.lab.regions)}"


def _takes_orders(lab: RunningLab, region: str) -> bool:
    state = living(lab.lab.name)
    at = http.client.HTTPConnection(Addresses(state.slot).balancer(region), Ports(state.port_base).http, timeout=3)
    body = json.dumps({"id": f"after-{uuid.uuid4()}", "payload": "after"})
    try:
        at.request("POST", "/orders", body, {"Content-Type": "application/json"})
        return at.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        at.close()


def _healed(cell: Cell, drill: ChaosProcess, sent_ns: int, serving: Callable[[], object], wrong: list[str]) -> float:
    """How long until nothing was broken any more: every step taken back, or no part of the drill's own lab serves. That
    a failover is watched for afterwards breaks nothing.

    A drill that goes on takes back at its end what it broke; it has the time of a whole drill.
    """

    def is_broken() -> bool:
        open_steps = UndoJournal(drill.record.undo).open_steps()
        return any(step.intent != WATCHED for _, step in open_steps) and bool(serving())

    within_s = RUNS_WITHIN_S if cell.goes_on else CLEAN_WITHIN_S
    _noticing(lambda: eventually(is_broken, False, what="broken", within_s=within_s), wrong)
    return _since_s(sent_ns)


def _ended(cell: Cell, drill: ChaosProcess, wrong: list[str]) -> int:
    try:
        return drill.ended(RUNS_WITHIN_S if cell.goes_on else ENDS_WITHIN_S)
    except subprocess.TimeoutExpired as cause:
        wrong.append(f"the drill did not end: {cause}")
        drill.process.kill()
        return drill.ended()


def _judged(cell: Cell, drill: ChaosProcess, code: int, wrong: list[str]) -> str:
    """The verdict of the record alone. HELD needs a drill that went to its end; any other exit code needs no HELD."""
    try:
        verdict = judge(drill.record).verdict
    except GamedayError as cause:
        wrong.append(f"the record cannot be judged: {cause}")
        return "unreadable"
    if verdict is Verdict.HELD and not cell.goes_on:
        wrong.append("HELD, although the drill was cut short")
    if verdict is not Verdict.HELD and cell.goes_on:
        wrong.append(f"{verdict.value}, although the drill had to go on")
    if (code == 0) is not (verdict is Verdict.HELD):
        wrong.append(f"exit code {code} for {verdict.value}")
    return verdict.value


def _undone(drill: ChaosProcess, wrong: list[str]) -> str:
    command = [sys.executable, "-m", "gameday", "undo", str(drill.record.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        wrong.append(f"gameday undo failed: {done.stderr.strip()[-300:]}")
    return done.stdout.strip()


def _missed(cell: Cell, drill: ChaosProcess, sent_ns: int) -> list[str]:
    """A signal that came after its moment had passed tested another cell."""
    kind, what = MOMENTS[cell.moment][1]
    over: list[Event] = [event for event in drill.events(kind) if what in event.what and event.mono_ns < sent_ns]
    return [f"missed its moment: {kind} was {(sent_ns - over[0].mono_ns) / NS:.2f} s earlier"] if over else []


def _listening(home: Path) -> set[tuple[str, int]]:
    """Where processes of this home listen: a lab of another test may have taken over the very addresses meanwhile."""
    found = [one for one in psutil.net_connections("inet") if one.status == psutil.CONN_LISTEN and one.pid]
    return {(one.laddr.ip, one.laddr.port) for one in found if _is_at(home, one.pid)}


def _is_at(home: Path, pid: int) -> bool:
    try:
        return bool(command_at(home, psutil.Process(pid)))
    except psutil.NoSuchProcess:
        return False


def _noticing(look: Callable[[], object], wrong: list[str]) -> None:
    try:
        look()
    except GamedayError as cause:  # a deadline, or a lab that is not there any more
        wrong.append(str(cause))


def _since_s(sent_ns: int) -> float:
    return (SYSTEM.mono_ns() - sent_ns) / NS
