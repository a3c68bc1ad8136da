"""How soon a region outage is healed once it is stopped: by a condition, by `gameday abort`, by the kill switch.

Whole drills by `chaos run`. Those stopped as soon as the fault is seen to work share a lab. During a failover the old
primary is fenced first, and the lab is used up: each of those has its own. Somebody's wish counts from the moment at
which it stands in its file. A breach counts from the look that saw it (looks are a second apart), from the probe that
made the condition false, and from the first failed probe of that window; a probe has failed when it is done.

*Taken back*: the undo journal's last line. *Healed*: the drill said so; where the health check was unhealthy and nobody
was promoted, it first watches until no failover can follow.
"""

import json
import os
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.figures import Figure
from gameday.clock import NS, SYSTEM
from gameday.facts import Kind, StopCondition
from gameday.faults.replay import WATCHED
from gameday.lab.local.lab import LabOptions
from gameday.lab.local.launch import launch_lab
from gameday.measure.floor import PROMOTE
from gameday.outside import FRESH, Outside
from gameday.record.lines import Damage, read_lines
from gameday.record.undo import UndoJournal, UndoLine
from gameday.underway import KILL_SWITCH, Request, ask_to_end, the_one

sys.path.append(str(Path(__file__).parent.parent / "tests" / "lab"))  # as pytest does: drills are the tests' own

from chaos_process import EXPERIMENTS, ChaosProcess, chaos_run

LAB, SCALE = "bench-stops", 0.1
CONDITION = StopCondition(probe="write_success_rate", arguments={"newest": 20}, at_least=0.5)
STOP_WHEN = [{"probe": CONDITION.probe, "arguments": CONDITION.arguments, "at_least": CONDITION.at_least}]
ENDED_WITHIN_S = 120.0
BEFORE = (Kind.FAULT_VERIFIED, "")
MOMENTS = {  # and the event that opens each; DNS is latched before the promotion
    "once the health check was unhealthy": (Kind.HEALTH_CHECK, "unhealthy"),
    "as the failover began": (Kind.EXECUTION, "RUNNING"),
    "as the standby was promoted": (Kind.STATE, PROMOTE),
    "after the promotion": (Kind.STATE, "ScaleStandby"),
}


def figures(times: int = 5) -> Iterator[Figure]:
    """Each way, and each moment, ``times`` times."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        os.environ["GAMEDAY_HOME"], os.environ[KILL_SWITCH] = str(folder / "home"), str(folder / "kill-switch")
        with _lab():
            yield from _breaches([_breached(folder / f"condition {number}") for number in range(times)])
            for way, ask in {"gameday abort": _abort, "the kill switch": _switch}.items():
                yield from _told(way, [_asked(folder / f"{way} {number}", ask, BEFORE) for number in range(times)])
        for when, moment in MOMENTS.items():
            took = [_asked_amid(folder / f"{when} {number}", moment) for number in range(times)]
            yield from _told(f"gameday abort {when}", took)


def _breaches(took: list[tuple[float, ...]]) -> Iterator[Figure]:
    yield from _told("a condition, from the look", [each[:2] for each in took])
    falling_s, failing_s = tuple(each[2] for each in took), tuple(each[3] for each in took)
    name = "stopped by a condition, from the {} until all was taken back"
    yield Figure(name.format("probe that made it false"), "s", falling_s, at_most=2)
    yield Figure(name.format("first failed probe of its window"), "s", failing_s)


def _told(way: str, took: list[tuple[float, ...]]) -> Iterator[Figure]:
    for until, took_s in zip(("all was taken back", "healed"), zip(*took, strict=True), strict=True):
        yield Figure(f"stopped by {way}, until {until}", "s", took_s, at_most=2)


@contextmanager
def _lab() -> Iterator[None]:
    lab = launch_lab(LabOptions(LAB, SCALE), lambda text: None)
    try:
        yield
    finally:
        lab.stop()


@contextmanager
def _drill(folder: Path, **configuration: object) -> Iterator[ChaosProcess]:
    folder.mkdir(parents=True)
    tree = json.loads((EXPERIMENTS / "region-outage.json").read_text())
    tree["configuration"] |= configuration
    experiment = folder / "experiment.json"
    experiment.write_text(json.dumps(tree))
    with chaos_run(str(experiment), folder, {"GAMEDAY_LAB": LAB}) as drill:
        yield drill


def _asked_amid(folder: Path, moment: tuple[Kind, str]) -> tuple[float, ...]:
    with _lab():
        return _asked(folder, _abort, moment)


def _asked(folder: Path, ask: Callable[[], None], moment: tuple[Kind, str]) -> tuple[float, ...]:
    """From somebody's wish at that moment until all was taken back, and until the drill told that it healed."""
    with _drill(folder) as drill:
        drill.until(*moment, every_s=0.02)
        asked_ns = SYSTEM.mono_ns()
        ask()
        ends_ns = _healed_ns(drill)
    with suppress(FileNotFoundError):
        _kill_switch().unlink()
    return tuple((end_ns - asked_ns) / NS for end_ns in ends_ns)


def _breached(folder: Path) -> tuple[float, ...]:
    """From the look until all was taken back, and until healed; from both probes until all was taken back."""
    with _drill(folder, stop_when=STOP_WHEN) as drill:
        back_ns, healed_ns = _healed_ns(drill)
        (stopped,), (fault,) = drill.events(Kind.STOPPED), drill.events(Kind.FAULT)
        falling_ns, failing_ns = _breach_ns(drill, fault.mono_ns)
    since_look = ((back_ns - stopped.mono_ns) / NS, (healed_ns - stopped.mono_ns) / NS)
    return *since_look, (back_ns - falling_ns) / NS, (back_ns - failing_ns) / NS


def _breach_ns(drill: ChaosProcess, fault_ns: int) -> tuple[int, int]:
    """When the condition ceased to hold after the fault, and when the first failed probe of that window was done."""
    outside = Outside(drill.record.probes, drill.record.read_plan().objectives.latency_bound_s)
    newest = deque(maxlen=CONDITION.arguments["newest"])
    for probe in drill.record.read_probes(Damage()):
        if (probe.target, probe.client) == ("write", FRESH):
            newest.append(probe)
            failed = [one for one in newest if not outside.is_good(one)]
            if probe.done_mono_ns > fault_ns and not CONDITION.holds(1 - len(failed) / len(newest)):
                return probe.done_mono_ns, failed[0].done_mono_ns
    raise SystemExit(f"the drill was stopped, and no window of its probes is below {CONDITION.at_least}")


def _healed_ns(drill: ChaosProcess) -> tuple[int, int]:
    """When the last step was taken back, and when the drill told so; it ended, and nothing is left to take back."""
    drill.ended(ENDED_WITHIN_S)
    (healed,) = drill.events(Kind.HEALED)
    if left := UndoJournal(drill.record.undo).open_steps():
        raise SystemExit(f"the drill told that it healed, and {len(left)} steps are not taken back")
    lines = read_lines(drill.record.undo, UndoLine, Damage())
    return max(line.mono_ns for line in lines if line.step.intent != WATCHED), healed.mono_ns


def _abort() -> None:
    ask_to_end(the_one(LAB), Request("a benchmark", "measured"))


def _switch() -> None:
    _kill_switch().write_text("measured")


def _kill_switch() -> Path:
    return Path(os.environ[KILL_SWITCH])
