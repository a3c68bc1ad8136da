"""Whole region-outage drills through `chaos run`, one after another: length, RTA against floor, losses, leftovers."""

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

EXPERIMENT = Path(__file__).parent.parent / "experiments" / "region-outage.json"


def figures(times: int = 10) -> Iterator[Figure]:
    """Run the shipped experiment ``times`` times on fresh labs, and read each record's ``measurement.json``."""
    length_s, measured, verdicts, left = [], [], [], 0
    with tempfile.TemporaryDirectory() as reports:
        for number in range(times):
            start = time.perf_counter()
            _run(Path(reports) / str(number))
            length_s.append(time.perf_counter() - start)
            (found,) = (Path(reports) / str(number)).glob("*/*/measurement.json")
            measured.append(json.loads(found.read_text()))
            verdicts.append(measured[-1]["verdict"])
            left += len(_leftovers())
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


def _run(reports: Path) -> None:
    chaos = [str(Path(sys.executable).parent / "chaos"), "--no-version-check", "run", str(EXPERIMENT)]
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
