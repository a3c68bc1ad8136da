"""What goes wrong on real parts: each ends with an error in three parts, not with exit code 0, and leaves nothing."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos_process import EXPERIMENTS, chaos_run
from leftovers import all_gone, everything_of_drill

from gameday.errors import LabNotReady
from gameday.facts import Kind, Verdict
from gameday.lab.local.lab import LabOptions
from gameday.lab.local.launch import launch_lab
from gameday.lab.local.pg_binaries import BINDIR_VARIABLE, NEEDED, find_binaries
from gameday.lab.model import GLOBAL_REGION

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

PORTS = 25400
ENV = {"GAMEDAY_PORT_BASE": str(PORTS)}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for a record, and for nothing else; only root can mount one."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"this machine mounts no tmpfs: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> None:
    """Leave no byte free."""
    with (disk / "filling").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            return


@pytest.fixture
def broken_binaries(tmp_path: Path) -> Path:
    """PostgreSQL's programs, of which the server itself only tells its version."""
    real, folder = find_binaries().folder, tmp_path / "bin"
    folder.mkdir()
    for name in NEEDED:
        (folder / name).symlink_to(real / name)
    server = folder / "postgres"
    server.unlink()
    server.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec {real}/postgres --version\necho no luck today\nexit 1\n'
    )
    server.chmod(0o755)
    return folder


def test_a_disk_that_fills_in_the_outage_ends_the_drill_which_heals_and_leaves_nothing(
    small_disk: Path, tmp_path: Path, own_home: Path
) -> None:
    with chaos_run("region-outage.json", tmp_path, {**ENV, "GAMEDAY_REPORTS": str(small_disk / "reports")}) as drill:
        drill.reports = small_disk / "reports"
        drill.until(Kind.FAULT_VERIFIED)
        family = everything_of_drill(drill.process.pid)
        fill(small_disk)
        assert drill.ended(90) == 1
        all_gone(family, own_home)
    said = drill.output.read_text()
    first_error = next(line for line in said.splitlines() if "expected" in line.lower())
    assert "No space left on device" in first_error or "is full" in first_error
    assert "HELD: " not in said
    assert drill.record.read_plan().drill == "region-outage"


def impatient(folder: Path) -> Path:
    """The shipped experiment with an RTO of 20 s."""
    experiment = json.loads((EXPERIMENTS / "region-outage.json").read_text())
    experiment["configuration"]["rto_s"] = 20
    path = folder / "impatient.json"
    path.write_text(json.dumps(experiment))
    return path


def test_a_failover_that_never_starts_ends_in_bounded_time_with_a_whole_record_and_is_not_held(tmp_path: Path) -> None:
    lab = launch_lab(LabOptions("stuck", 0.05, port_base=PORTS), lambda text: None)
    try:
        events = lab.lab.client("events", GLOBAL_REGION)
        for rule in events.list_rules()["Rules"]:
            events.disable_rule(Name=rule["Name"])
        with chaos_run(str(impatient(tmp_path)), tmp_path, {"GAMEDAY_LAB": "stuck"}) as drill:
            assert drill.ended(200) == 1
    finally:
        lab.stop()
    assert "not recovered in time" in [event.what for event in drill.events(Kind.NOTE)]
    assert drill.events(Kind.HEALED)
    assert drill.record.read_measurement().verdict is Verdict.BROKEN
    kept = {path.name for path in drill.record.folder.iterdir()}
    assert kept >= {"index.html", "journal.json", "manifest.json"}


def test_a_lab_that_never_becomes_healthy_says_which_part_and_leaves_nothing(
    broken_binaries: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BINDIR_VARIABLE, str(broken_binaries))
    with pytest.raises(LabNotReady, match=r"database failed.*no luck today"):
        launch_lab(LabOptions("ill", port_base=PORTS), lambda text: None)
    all_gone(everything_of_drill(), own_home)
