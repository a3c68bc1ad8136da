"""The life of a local lab: it comes up whole, and however it ends, nothing of it is left."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from leftovers import all_gone, everything_of, everything_of_drill

from gameday.clock import eventually
from gameday.errors import LabError, LabExists, NoPostgres, PortsTaken
from gameday.lab import status
from gameday.lab.local import extras
from gameday.lab.local.lab import LabOptions
from gameday.lab.local.launch import RunningLab, launch_lab, stop_lab

pytestmark = pytest.mark.lab

type Launch = Callable[[str], RunningLab]


def test_a_lab_comes_up_whole_and_goes_without_a_trace(launch: Launch, own_home: Path) -> None:
    lab = launch("whole")
    seen = status.look(lab.lab)
    assert seen.is_ready
    assert [region.database.role for region in seen.regions] == ["primary", "replica"]
    assert [region.running for region in seen.regions] == [2, 1]
    assert seen.dns_region == lab.lab.primary
    assert not seen.latched
    assert extras.trouble(lab.lab).last == {}
    family = everything_of(lab)
    lab.stop()
    all_gone(family, own_home)


def test_a_killed_lab_leaves_nothing(launch: Launch, own_home: Path) -> None:
    lab = launch("killed")
    family = everything_of(lab)
    lab.process.kill()
    lab.process.wait()
    all_gone(family, own_home)


def test_a_lab_dies_with_its_owner(own_home: Path) -> None:
    script = (
        "import sys, time\n"
        "from gameday.lab.local.lab import LabOptions\n"
        "from gameday.lab.local.launch import launch_lab\n"
        "lab = launch_lab(LabOptions('owned', timer_scale=0.05, port_base=25100), lambda text: None)\n"
        "print(lab.process.pid, flush=True)\n"
        "time.sleep(120)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline().strip().isdigit()
            family = everything_of_drill(owner.pid)
        finally:
            owner.kill()
    assert len(family) > 5
    all_gone(family, own_home)


def test_a_second_lab_of_the_same_name_is_refused_and_the_first_goes_on(launch: Launch) -> None:
    first = launch("twice")
    with pytest.raises(LabExists, match="one is up"):
        launch_lab(LabOptions("twice", timer_scale=0.05, port_base=25100), lambda text: None)
    eventually(lambda: status.look(first.lab).is_ready, True, what="the first lab", within_s=15, every_s=0.5)


def test_two_labs_live_side_by_side(launch: Launch) -> None:
    assert status.look(launch("east").lab).is_ready
    assert status.look(launch("west").lab).is_ready


def test_a_taken_port_range_is_named_and_nothing_is_left(own_home: Path) -> None:
    with socket.socket() as held:
        held.bind(("0.0.0.0", 25202))
        held.listen()
        with pytest.raises(PortsTaken, match="25202"):
            launch_lab(LabOptions("taken", port_base=25200), lambda text: None)
    all_gone([], own_home)


def test_without_postgres_binaries_the_error_says_what_to_do(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMEDAY_PG_BINDIR", "/nowhere")
    with pytest.raises(NoPostgres, match="GAMEDAY_PG_BINDIR"):
        launch_lab(LabOptions("bare", port_base=25100), lambda text: None)
    all_gone([], own_home)


def test_a_leftover_of_a_killed_lab_is_cleaned_by_the_next_one(launch: Launch, own_home: Path) -> None:
    leftover = own_home / "labs" / "again"
    leftover.mkdir(parents=True)
    (leftover / "lab.json").write_text("{half")
    assert status.look(launch("again").lab).is_ready


def test_ending_a_lab_that_is_not_up_says_which_are() -> None:
    with pytest.raises(LabError, match="labs up: none"):
        stop_lab("nobody")


def test_a_dead_task_is_replaced(launch: Launch) -> None:
    lab = launch("replacing")
    name, task = next(item for item in extras.processes(lab.lab).items() if item[0].startswith("task/ap-southeast-2"))
    os.kill(task.pid, signal.SIGKILL)
    eventually(lambda: name in extras.processes(lab.lab), False, what=f"{name} forgotten", within_s=10)
    eventually(lambda: status.look(lab.lab).is_ready, True, what="the lab whole again", within_s=30, every_s=0.5)
