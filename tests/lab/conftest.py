"""What the lab's own tests share: a home of their own, and a sharp eye for what is left behind."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from gameday.clock import eventually
from gameday.lab.local import extras
from gameday.lab.local.lab import LabOptions
from gameday.lab.local.launch import RunningLab, launch_lab
from gameday.processes import ProcessId, alive

CLEAN_WITHIN_S = 10.0  # issue 2: after any end of a drill, within 10 s nothing of it is left


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Labs of these tests live in a folder of their own, so that a developer's labs are not touched."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAMEDAY_HOME", str(home))
        yield home


def nothing(text: str) -> None:
    """Progress that nobody reads."""


@pytest.fixture
def launch() -> Iterator[Callable[[str], RunningLab]]:
    """Starts labs by name, and ends them whatever the test does."""
    running: list[RunningLab] = []

    def start(name: str) -> RunningLab:
        running.append(launch_lab(LabOptions(name, timer_scale=0.05, port_base=25100), nothing))
        return running[-1]

    yield start
    for lab in running:
        lab.stop()


def everything_of(lab: RunningLab) -> list[ProcessId]:
    """Every process of a lab: those it names, and all their descendants."""
    family = psutil.Process(lab.process.pid).children(recursive=True)
    named = list(extras.processes(lab.lab).values())
    return named + [ProcessId(process.pid, process.create_time()) for process in family]


def all_gone(family: list[ProcessId], home: Path) -> None:
    """Within 10 s no process of ``family`` runs, and no lab's folder is left."""
    eventually(lambda: [who for who in family if alive(who)], [], what="processes left", within_s=CLEAN_WITHIN_S)
    folders = home / "labs"
    eventually(lambda: sorted(path.name for path in folders.iterdir()), [], what="folders", within_s=CLEAN_WITHIN_S)
