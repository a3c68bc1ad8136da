"""A local lab's files: names and slots are claimed by the kernel, and a killed lab's leftover can be swept."""

import os
import platform
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gameday.clock import eventually
from gameday.errors import LabError, LabExists, PortsTaken
from gameday.lab.local import home
from gameday.lab.local.ground import Addresses, Ports
from gameday.processes import ProcessId, identify


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path))


def test_a_name_can_be_held_once() -> None:
    with home.claimed_name("east"), pytest.raises(LabExists, match="one is up"), home.claimed_name("east"):
        pass


def test_a_name_is_free_again_when_its_holder_is_gone() -> None:
    with home.claimed_name("east"):
        pass
    with home.claimed_name("east"):
        pass


def test_two_labs_never_share_a_slot() -> None:
    with home.claimed_slot() as first, home.claimed_slot() as second:
        assert first.slot != second.slot


@pytest.mark.parametrize("name", ["", "../etc", "a b", "a/b"])
def test_a_name_that_is_no_plain_word_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="choose another name"):
        home.folder_of(name)


def test_a_taken_port_is_named_before_anything_is_started() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    with socket.socket() as held:
        held.bind(("0.0.0.0", port))
        held.listen()
        with pytest.raises(PortsTaken, match=f"{port} is in use"):
            home.check_ports(Addresses(210), Ports(port - 2))


def test_sweeping_ends_the_processes_that_a_killed_lab_left_and_removes_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "labs" / "dead"
    folder.mkdir(parents=True)
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        who = identify(orphan.pid)
        assert who is not None
        list_of_processes = home.note_process(folder)
        list_of_processes.append(home.Started("task", who))
        list_of_processes.close()
        assert home.sweep(folder) == 1
        eventually(orphan.poll, lambda code: code is not None, what="the orphan", within_s=5)
        assert not folder.exists()
    finally:
        orphan.kill()
        orphan.wait()


def test_sweeping_leaves_a_stranger_with_a_reused_process_id_alone(tmp_path: Path) -> None:
    folder = tmp_path / "labs" / "dead"
    folder.mkdir(parents=True)
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        who = identify(stranger.pid)
        assert who is not None
        earlier = ProcessId(who.pid, who.started_s - 1000)
        list_of_processes = home.note_process(folder)
        list_of_processes.append(home.Started("task", earlier))
        list_of_processes.close()
        assert home.sweep(folder) == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


SWEEPER = (sys.executable, "-m", "gameday.lab.local.sweeper")


@contextmanager
def sweeper_of(folder: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """The sweeper of a lab that dies at once."""
    with subprocess.Popen([*SWEEPER, str(folder)], stdin=subprocess.DEVNULL) as sweeper:
        try:
            yield sweeper
        finally:
            sweeper.kill()


def test_a_dead_labs_sweeper_leaves_the_folder_of_its_successor_alone(tmp_path: Path) -> None:
    with home.claimed_name("again"):
        folder = tmp_path / "labs" / "again"
        folder.mkdir(parents=True)
        with sweeper_of(folder) as sweeper:
            assert sweeper.wait(30) == 0
        assert folder.exists()


def test_a_dead_labs_sweeper_sweeps_when_it_has_no_successor(tmp_path: Path) -> None:
    folder = tmp_path / "labs" / "alone"
    folder.mkdir(parents=True)
    with sweeper_of(folder) as sweeper:
        assert sweeper.wait(30) == 0
    assert not folder.exists()


def test_a_successor_waits_for_a_sweep_under_way(tmp_path: Path) -> None:
    folder = tmp_path / "labs" / "again"
    folder.mkdir(parents=True)
    name = home._claim(home._key("again"))  # the dead lab's, which the kernel gives back a moment later
    assert name
    with name, sweeper_of(folder):
        eventually(lambda: _is_claimed(f"{home._key('again')}!"), True, what="a sweep", within_s=20)
        threading.Timer(0.3, name.close).start()
        with home.claimed_name("again"):
            assert not folder.exists()


def _is_claimed(key: str) -> bool:
    if sock := home._claim(key):
        sock.close()
    return sock is None


def test_what_no_lab_holds_is_swept_and_what_one_holds_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "labs" / "left"
    folder.mkdir(parents=True)
    with home.claimed_name("left"):
        assert not home.sweep_unless_held("left")
        assert folder.exists()
    assert home.sweep_unless_held("left")
    assert not folder.exists()
    assert home.sweep_unless_held("left")


def left_by(name: str, who: ProcessId, *, host: str = platform.node()) -> Path:
    """The folder of a lab whose process is or was ``who``."""
    folder = home.folder_of(name)
    folder.mkdir(parents=True)
    state = home.LabState(name, who, 16, 24800, "http://127.16.0.1:24800", 0.1, 0.07, 40, 20, 6, True, "", host)
    home.write_state(folder, state)
    return folder


def living() -> ProcessId:
    who = identify(os.getpid())
    assert who is not None
    return who


DEAD = ProcessId(os.getpid(), 1.0)


def test_what_killed_labs_left_is_swept_whatever_their_names() -> None:
    left = [left_by("drill-1234", DEAD), left_by("lab", DEAD)]
    home.sweep_the_dead()
    assert not any(folder.exists() for folder in left)


def test_a_lab_that_lives_comes_up_or_is_another_machines_is_not_swept() -> None:
    lives, elsewhere = left_by("lives", living()), left_by("elsewhere", DEAD, host="another")
    comes_up = left_by("comes-up", DEAD)
    with home.claimed_name("comes-up"):
        home.sweep_the_dead()
    assert all(folder.exists() for folder in (lives, elsewhere, comes_up))


def test_what_is_no_killed_labs_folder_is_not_swept(tmp_path: Path) -> None:
    nobodys = tmp_path / "labs" / "nobodys"
    nobodys.mkdir(parents=True)
    kept = left_by("drill-1234", DEAD).rename(tmp_path / "labs" / "kept-for-a-look")
    odd = (tmp_path / "labs" / "an.odd.name").resolve()
    odd.mkdir()
    home.sweep_the_dead()
    assert all(folder.exists() for folder in (nobodys, kept, odd))


def test_a_home_too_long_for_a_claim_is_no_lab_that_is_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path / ("long" * 30)))
    with pytest.raises(LabError, match=r"too long.*GAMEDAY_HOME"), home.claimed_name("east"):
        pass


def test_an_unreadable_state_counts_as_no_lab(tmp_path: Path) -> None:
    folder = tmp_path / "labs" / "odd"
    folder.mkdir(parents=True)
    (folder / "lab.json").write_text("{half")
    assert home.read_state("odd") is None
    assert home.list_labs() == ()


def test_a_home_that_cannot_be_written_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path / "file"))
    with pytest.raises(LabError, match=r"a writable folder .*; saw Not a directory: .*GAMEDAY_HOME"):
        home.make_room()


def test_a_port_that_is_taken_for_dns_only_is_named_too() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as held:
        held.bind(("0.0.0.0", 0))
        port = held.getsockname()[1]
        with pytest.raises(PortsTaken, match=f"{port} is in use by process .*port_base"):
            home.check_ports(Addresses(199), Ports(port - 1))
