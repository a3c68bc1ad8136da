"""What the lab's own tests share: a home of their own, and labs that end whatever the test does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gameday.lab.local.lab import LabOptions
from gameday.lab.local.launch import RunningLab, launch_lab


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Labs of these tests live in a folder of their own, so that a developer's labs are not touched."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAMEDAY_HOME", str(home))
        yield home


@pytest.fixture
def launch() -> Iterator[Callable[[str], RunningLab]]:
    """Starts labs by name, and ends them whatever the test does."""
    running: list[RunningLab] = []

    def start(name: str) -> RunningLab:
        running.append(launch_lab(LabOptions(name, port_base=25100), lambda text: None))
        return running[-1]

    yield start
    for lab in running:
        lab.stop()
