"""Whole drills through `chaos run`, one after another: length, RTA against floor, losses, leftovers."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks.figures import Figure

ROOT = Path(__file__).parent.parent
OUTAGE, DATABASE = "region-outage", "database-loss"


def figures(times: int = 10) -> Iterator[Figure]:
    """The region outage ``times`` times on fresh labs, by each record's ``measurement.json``."""
    length_s, measured, left = _drilled(OUTAGE, times)
    verdicts = [one["verdict"] for one in measured]
    yield Figure("drill, command to report", "s", tuple(length_s), at_most=90)
    yield Figure(f"verdicts: {', '.join(sorted(set(verdicts)))}", "drills", (float(len(verdicts)),))
    yield Figure("RTA", "s", _values(measured, "rta_s"))
    yield Figure(
        "floor", "s", tuple(one["floor"]["floor_s"] for one in measured if one["floor"]["floor_s"] is not None)
    )
    yield Figure("RTA − floor", "s", _values(measured, "excess_s"), at_most=1.5)
    yield Figure("lost writes by ledger", "writes", tuple(float(one["recovery_point"]["lost"]) for one in measured))
    agree = [float(one["recovery_point"]["wal"] == "agrees") for one in measured]
    yield Figure("lost by ledger == lost by WAL", "share of drills", (sum(agree) / len(agree),), at_least=1)
    yield Figure("prober lateness p99", "ms", tuple(one["prober"]["lateness_p99_ms"] for one in measured), at_most=20)
    sent = tuple(one["prober"]["sent"] / one["prober"]["scheduled"] * 100 for one in measured)
    yield Figure("scheduled probes sent", "%", sent, at_least=99.9)
    yield Figure("processes left after a drill", "processes", (float(left),), at_most=0)


def database_figures(times: int = 5) -> Iterator[Figure]:
    """The primary database killed: from the kill to the first good write, against what the configuration dictates."""
    _, measured, _ = _drilled(DATABASE, times)
    verdicts = ", ".join(sorted({one["verdict"] for one in measured}))
    yield Figure(f"database killed, first good probe; verdicts: {verdicts}", "s", _values(measured, "rta_s"))
    yield Figure("database killed, RTA − floor", "s", _values(measured, "excess_s"), at_most=1.0)


def quick_figures(times: int = 1) -> Iterator[Figure]:
    """Every @quick scenario, two at a time."""
    took_s = []
    for _ in range(times):
        start = time.perf_counter()
        pytest = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "load", "-m", "quick", "features"]
        done = subprocess.run(pytest, cwd=ROOT, capture_output=True, text=True, check=False)
        took_s.append(time.perf_counter() - start)
        if done.returncode:
            raise SystemExit(f"a quick scenario failed:\n{done.stdout[-2000:]}")
    yield Figure("all quick scenarios, two at a time", "s", tuple(took_s), at_most=600)


def _drilled(experiment: str, times: int) -> tuple[list[float], list[dict[str, Any]], int]:
    """How long each drill took, what it measured, and how many processes all of them left."""
    length_s, measured, left = [], [], 0
    with tempfile.TemporaryDirectory() as reports:
        for number in range(times):
            start = time.perf_counter()
            _run(experiment, Path(reports) / str(number))
            length_s.append(time.perf_counter() - start)
            (found,) = (Path(reports) / str(number)).glob("*/*/measurement.json")
            measured.append(json.loads(found.read_text()))
            left += len(_leftovers())
    return length_s, measured, left


def _run(experiment: str, reports: Path) -> None:
    file = ROOT / "experiments" / f"{experiment}.json"
    chaos = [str(Path(sys.executable).parent / "chaos"), "--no-version-check", "run", str(file)]
    done = subprocess.run(
        [*chaos, "--var", f"reports:str={reports}", "--journal-path", str(reports) + ".json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if not list(reports.glob("*/*/measurement.json")):
        raise SystemExit(f"a drill left no measurement; it said:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def _leftovers() -> list[psutil.Process]:
    """Processes of a lab or a drill that still run; bounded by the 10 s that a drill has to clean up."""
    for _ in range(20):
        found = [one for one in psutil.process_iter(["cmdline"]) if _is_ours(one.info)]
        if not found:
            return []
        time.sleep(0.5)
    return found


def _is_ours(info: dict[str, Any]) -> bool:
    words = " ".join(info["cmdline"] or [])
    return "gameday.lab.local" in words or "gameday.load" in words or "gameday.faults.warden" in words


def _values(measured: list[dict[str, Any]], key: str) -> tuple[float, ...]:
    return tuple(one[key] for one in measured if one[key] is not None)
