"""Labs that cannot start, and ending one by name, with stand-ins for the lab's process."""

import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gameday.errors import LabError
from gameday.lab.local import home
from gameday.lab.local.lab import failure_of
from gameday.lab.local.launch import stop_lab
from gameday.processes import ProcessId, identify

ENDS = "import time; print('up', flush=True); time.sleep(60)"
HANGS = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {ENDS}"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path))


@contextmanager
def process(program: str) -> "Iterator[subprocess.Popen[bytes]]":
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as started:
        try:
            assert started.stdout is not None
            assert started.stdout.readline() == b"up\n"
            yield started
        finally:
            started.kill()


def folder_of(name: str, pid: int, *, earlier_s: float = 0.0) -> Path:
    """What a lab of that process wrote; with ``earlier_s``, a process of that number that began earlier."""
    who = identify(pid)
    assert who is not None
    who = ProcessId(pid, who.started_s - earlier_s)
    folder = home.folder_of(name)
    folder.mkdir(parents=True)
    state = home.LabState(name, who, 16, 24800, "", 0.1, 0.07, 40, 20, 6, False, "", platform.node())
    home.write_state(folder, state)
    return folder


@pytest.mark.parametrize(("program", "ended_by"), [(ENDS, -15), (HANGS, -9)], ids=["asked", "killed"])
def test_a_lab_is_asked_to_end_and_killed_when_it_hangs(program: str, ended_by: int) -> None:
    with process(program) as lab:
        folder = folder_of("hung", lab.pid)
        stop_lab("hung", within_s=1.0)
        assert lab.wait(5) == ended_by
    assert not folder.exists()


def test_a_stranger_with_a_dead_labs_process_id_is_left_alone() -> None:
    with process(ENDS) as stranger:
        folder = folder_of("dead", stranger.pid, earlier_s=1000)
        stop_lab("dead", within_s=0.1)
        assert stranger.poll() is None
    assert not folder.exists()


def test_ending_a_lab_that_never_was_says_which_are_up() -> None:
    with process(ENDS) as lab:
        folder_of("other", lab.pid)
        with pytest.raises(LabError, match="labs up: other"):
            stop_lab("nobody")


def test_without_the_extra_local_the_error_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['moto'] = None\n"
        "from gameday.lab.local.lab import LabOptions\n"
        "from gameday.lab.local.launch import run_in_foreground\n"
        "run_in_foreground(LabOptions('bare', port_base=25700), print, print)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    told = done.stderr.splitlines()[-1]
    assert told.startswith("gameday.errors.LabError: expected the local lab's libraries")
    assert "'moto'" in told
    assert told.endswith("Next: pip install 'chaostoolkit-gameday[local]'")
    assert list(home.labs_folder().iterdir()) == []


def test_a_module_of_ours_that_is_missing_is_a_defect() -> None:
    missing = ModuleNotFoundError("No module named 'gameday.lab.nothing'", name="gameday.lab.nothing")
    assert failure_of(missing).next_step == "this is a defect: report it"
