"""A local lab that comes up, as far as it goes without any of its parts."""

import platform
import socket
from pathlib import Path

import pytest

from gameday.errors import PortsTaken
from gameday.lab.local import home
from gameday.lab.local.lab import LabOptions, LocalLab
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
