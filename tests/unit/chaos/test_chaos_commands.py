"""Chaos Toolkit's own commands, really run, on what we ship: validate and discover."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gameday.chaos import actions, probes, tolerances

CHAOS = Path(sys.executable).parent / "chaos"
SHIPPED = sorted((Path(__file__).parents[3] / "experiments").glob("*.json"))


@pytest.fixture
def chaos(tmp_path):
    def run(*words):
        home = {"HOME": str(tmp_path)}  # somebody's own settings of Chaos Toolkit are none of this test's
        command = [CHAOS, "--no-version-check", "--no-log-file", *words]
        return subprocess.run(
            command, cwd=tmp_path, env=os.environ | home, capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.mark.parametrize("experiment", SHIPPED, ids=lambda path: path.stem)
def test_chaos_validate_finds_a_shipped_experiment_valid_and_has_nothing_to_warn_of(chaos, experiment):
    done = chaos("validate", str(experiment))
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert "experiment syntax and semantic look valid" in told
    assert "WARNING" not in told


def test_chaos_validate_refuses_a_shipped_experiment_that_was_spoiled(chaos, tmp_path):
    spoiled = json.loads(SHIPPED[0].read_text())
    del spoiled["steady-state-hypothesis"]["probes"][0]["tolerance"]
    (tmp_path / "spoiled.json").write_text(json.dumps(spoiled))
    assert chaos("validate", "spoiled.json").returncode == 1


def test_chaos_discover_lists_every_action_probe_and_tolerance_with_its_words(chaos, tmp_path):
    found = tmp_path / "found.json"
    done = chaos("discover", "--no-install", "--discovery-path", str(found), "chaostoolkit-gameday")
    assert done.returncode == 0, done.stdout + done.stderr
    discovery = json.loads(found.read_text())
    told = {(each["mod"], each["type"], each["name"]): each["doc"] for each in discovery["activities"]}
    kinds = ((actions, "action"), (probes, "probe"), (tolerances, "probe"))
    assert set(told) == {(room.__name__, kind, name) for room, kind in kinds for name in room.__all__}
    assert all(told.values())
    assert discovery["extension"]["name"] == "chaostoolkit-gameday"
