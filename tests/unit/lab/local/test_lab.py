"""A local lab that comes up and goes, as far as it can without its deployment."""

import platform
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from control_plane import bare_ground, emptied

from gameday.aws import LOCAL_KEYS
from gameday.errors import PortsTaken
from gameday.lab.local import home
from gameday.lab.local.extras import Trouble
from gameday.lab.local.ground import PRIMARY, Ground
from gameday.lab.local.lab import LabOptions, LocalLab
from gameday.lab.local.parts import build
from gameday.lab.local.service import TaskProcess
from gameday.processes import ProcessId


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path))


def test_a_lab_that_comes_up_sweeps_what_killed_labs_of_other_names_left() -> None:
    folder = home.folder_of("drill-1234")
    folder.mkdir(parents=True)
    state = home.LabState(
        "drill-1234", ProcessId(1, 1.0), 16, 24800, "", 0.1, 0.07, 40, 20, 6, True, "", platform.node()
    )
    home.write_state(folder, state)
    with socket.socket() as held:
        held.bind(("0.0.0.0", 0))
        held.listen()
        refused = LocalLab(LabOptions("new", port_base=held.getsockname()[1]), lambda text: None)
        with pytest.raises(PortsTaken):
            refused.run(lambda lab: None)
    assert list(home.labs_folder().iterdir()) == []


@dataclass
class WatchedGround(Ground):
    """Notes, when a process has ended, whether the control plane still answers."""

    noted: list[tuple[str, bool]] = field(default_factory=list)

    def ended(self, name: str) -> None:
        with socket.socket() as client:
            answers = client.connect_ex((self.addresses.api, self.ports.api)) == 0
        self.noted.append((name, answers))


def test_a_lab_that_goes_answers_nobody_any_more_while_its_processes_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*LOCAL_KEYS, "aws_endpoint_url", "aws_ec2_metadata_disabled", "aws_default_region"):
        monkeypatch.setenv(name.upper(), "")  # the lab's process is its own; this one is not
    ground = WatchedGround(**vars(bare_ground(tmp_path)))
    with emptied(), build(ground, lambda: Trouble({}, 0)) as parts:
        sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        task = TaskProcess(SimpleNamespace(id="0123456789"), PRIMARY, "127.201.1.10", 0, False, sleeper, answers=True)
        parts.service._held["task"] = task
        ground.ended("nothing yet")
    assert ground.noted == [("nothing yet", True), ("task/ap-southeast-2/01234567", False)]
