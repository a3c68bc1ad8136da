"""One process at a time in a folder: whoever comes second is refused, and whoever ends lets the next one in."""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from fence_stage import Turning

from gameday.clock import NS, HandClock
from gameday.errors import InputError
from gameday.record.alone import LEFT_AFTER_S, alone_in, in_turn_in, own_folder


def test_a_second_one_is_refused_and_told_what_is_going_on(tmp_path: Path) -> None:
    with alone_in(tmp_path, "run"), pytest.raises(InputError, match=r"nobody else to run .*another process does"):
        alone_in(tmp_path, "run").__enter__()


def test_after_the_first_has_ended_even_with_an_error_the_next_one_may(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), alone_in(tmp_path, "run"):
        raise ZeroDivisionError
    with alone_in(tmp_path, "run"):
        pass


def test_a_folder_that_is_not_there_is_left_to_its_reader(tmp_path: Path) -> None:
    with alone_in(tmp_path / "none", "run"):
        pass


def test_whoever_waits_for_its_turn_says_so_once_and_goes_on_when_the_other_has_ended(tmp_path: Path) -> None:
    other, told = ExitStack(), list[str]()
    other.enter_context(alone_in(tmp_path, "heal"))
    clock = Turning(5.0, other.close)
    with in_turn_in(tmp_path, "heal", within_s=10, waits=lambda: told.append("waits"), clock=clock):
        assert told == ["waits"]
        with pytest.raises(InputError):
            alone_in(tmp_path, "heal").__enter__()
    assert 5 <= clock.now_ns / NS < 6


def test_a_turn_that_does_not_come_in_time_is_refused(tmp_path: Path) -> None:
    clock, turn = HandClock(), partial(in_turn_in, tmp_path, "heal", within_s=10, waits=list)
    with alone_in(tmp_path, "heal"), pytest.raises(InputError, match="another process does"):
        turn(clock=clock).__enter__()
    assert clock.now_ns / NS >= 10
    with turn(clock=clock):
        pass


WORKER = """
import sys
from gameday.record.alone import own_folder
with own_folder("at-work-") as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def test_what_a_killed_worker_left_is_removed_by_the_next_and_what_a_living_one_holds_is_not() -> None:
    with subprocess.Popen([sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdout
        held = Path(worker.stdout.readline().decode().strip())
        (held / "spilled").write_text("much")
        long_ago = held.stat().st_mtime - 2 * LEFT_AFTER_S
        os.utime(held, (long_ago, long_ago))
        with own_folder("at-work-") as mine:
            assert mine.is_dir()
            assert held.is_dir()
        worker.kill()
    assert (held.is_dir(), mine.exists()) == (True, False)
    with own_folder("at-work-"):
        assert not held.exists()
