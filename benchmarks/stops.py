"""How soon a region outage is healed once it is stopped: by a condition, by `gameday abort`, by the kill switch.

Whole drills by `chaos run` on one lab that outlives them, stopped as soon as the fault is seen to work and before the
standby is promoted: there the old primary would be fenced first. A breach counts from the look that saw it; looks are a
second apart. Somebody's wish counts from the moment at which it stands in its file.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from benchmarks.figures import Figure
from gameday.clock import NS, SYSTEM
from gameday.facts import Kind
from gameday.lab.local.lab import LabOptions
from gameday.lab.local.launch import launch_lab
from gameday.underway import KILL_SWITCH, Request, ask_to_end, the_one

sys.path.append(str(Path(__file__).parent.parent / "tests" / "lab"))  # as pytest does: drills are the tests' own

from chaos_process import EXPERIMENTS, ChaosProcess, chaos_run

LAB, SCALE = "bench-stops", 0.1
STOP_WHEN = [{"probe": "write_success_rate", "arguments": {"newest": 20}, "at_least": 0.5}]
ENDED_WITHIN_S = 120.0

type Stop = Callable[[ChaosProcess], int]  # stops a drill; the stamp of the moment at which it should


def figures(times: int = 5) -> Iterator[Figure]:
    """Each way ``times`` times."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        os.environ["GAMEDAY_HOME"], os.environ[KILL_SWITCH] = str(folder / "home"), str(folder / "kill-switch")
        lab = launch_lab(LabOptions(LAB, SCALE), lambda text: None)
        try:
            for way, stop in {"a condition": _breach, "gameday abort": _abort, "the kill switch": _switch}.items():
                took_s = tuple(_stopped(folder / f"{way} {number}", stop) for number in range(times))
                yield Figure(f"stopped by {way}, until healed", "s", took_s, at_most=2)
        finally:
            lab.stop()


def _stopped(folder: Path, stop: Stop) -> float:
    """From the moment of the stop to the event that tells that everything was taken back."""
    folder.mkdir(parents=True)
    tree = json.loads((EXPERIMENTS / "region-outage.json").read_text())
    tree["configuration"] |= {"stop_when": STOP_WHEN} if stop is _breach else {}
    experiment = folder / "experiment.json"
    experiment.write_text(json.dumps(tree))
    with chaos_run(str(experiment), folder, {"GAMEDAY_LAB": LAB}) as drill:
        drill.until(Kind.FAULT_VERIFIED)
        stopped_ns = stop(drill)
        drill.ended(ENDED_WITHIN_S)
        with suppress(FileNotFoundError):
            _kill_switch().unlink()
        (healed,) = drill.events(Kind.HEALED)
        return (healed.mono_ns - stopped_ns) / NS


def _breach(drill: ChaosProcess) -> int:
    drill.until(Kind.STOPPED)
    return drill.events(Kind.STOPPED)[0].mono_ns


def _abort(_drill: ChaosProcess) -> int:
    asked_ns = SYSTEM.mono_ns()
    ask_to_end(the_one(LAB), Request("a benchmark", "measured"))
    return asked_ns


def _switch(_drill: ChaosProcess) -> int:
    asked_ns = SYSTEM.mono_ns()
    _kill_switch().write_text("measured")
    return asked_ns


def _kill_switch() -> Path:
    return Path(os.environ[KILL_SWITCH])
