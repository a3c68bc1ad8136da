"""How long a lab takes to come up, and what it costs while nothing happens."""

import time
from collections.abc import Iterator

import psutil

from benchmarks.figures import Figure
from gameday.lab.local.lab import LabOptions
from gameday.lab.local.launch import RunningLab, launch_lab

IDLE_S = 20.0


def figures(times: int = 5) -> Iterator[Figure]:
    """Bring a lab up ``times`` times; in the last one, look at its processes for 20 idle seconds."""
    up_s, cpu, memory = [], 0.0, 0.0
    for number in range(times):
        start = time.perf_counter()
        lab = launch_lab(LabOptions(f"bench-{number}", private=True), lambda text: None)
        up_s.append(time.perf_counter() - start)
        try:
            if number == times - 1:
                cpu, memory = _idle(lab)
        finally:
            lab.stop()
    yield Figure("lab up to ready (warm)", "s", tuple(up_s), at_most=8)
    yield Figure("idle lab, share of one core", "%", (cpu,), at_most=5)
    yield Figure("idle lab, memory (PSS) in all", "MiB", (memory,), at_most=700)


def _idle(lab: RunningLab) -> tuple[float, float]:
    """CPU in percent of one core and memory in MiB, over the lab's whole process tree."""
    root = psutil.Process(lab.process.pid)
    family = [root, *root.children(recursive=True)]
    before = _cpu_s(family)
    start = time.perf_counter()
    time.sleep(IDLE_S)
    share = (_cpu_s(family) - before) / (time.perf_counter() - start) * 100
    return share, sum(process.memory_full_info().pss for process in family) / 2**20


def _cpu_s(family: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in family)
