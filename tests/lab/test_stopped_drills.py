"""A drill on a lab that is up: planned without a change, stopped by a condition, aborted by somebody; always healed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from chaos_process import EXPERIMENTS, ChaosProcess, chaos_run

from gameday.facts import ABORTED, Kind, Verdict
from gameday.faults import ControlPlaneTrouble, DatabaseLoss, Partition, ReplicaLag
from gameday.faults.rehearsal import rehearse
from gameday.lab import status
from gameday.lab.local import extras
from gameday.lab.local.launch import RunningLab
from gameday.lab.rehearsing import LOCAL_LAB, PlannedCall
from gameday.measure.judge import judge

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

GAMEDAY = Path(sys.executable).with_name("gameday")
NAME = "stopped"
STOP_WHEN = [{"probe": "write_success_rate", "arguments": {"newest": 20}, "at_least": 0.5}]


def experiment_in(folder: Path, **configuration: object) -> str:
    """The shipped region outage with more in its configuration; a path that ``chaos_run`` takes."""
    tree = json.loads((EXPERIMENTS / "region-outage.json").read_text())
    tree["configuration"] |= {"users": 5, **configuration}
    path = folder / "experiment.json"
    path.write_text(json.dumps(tree))
    return str(path)


def is_healed(drill: ChaosProcess, lab: RunningLab) -> None:
    """It ended without success, and the region's network is as before; what was seen to stop it came before that."""
    assert drill.ended(120) != 0
    assert judge(drill.record).verdict is Verdict.UNKNOWN
    assert [event.kind for event in drill.events(Kind.HEALED)] == [Kind.HEALED]
    assert not [link.name for link in extras.links(lab.lab) if link.is_cut]
    (stopped,), (healing,) = drill.events(Kind.STOPPED), drill.events(Kind.HEAL)
    assert stopped.mono_ns < healing.mono_ns


def test_a_drill_is_planned_stopped_and_aborted(launch: Callable[[str], RunningLab], tmp_path: Path) -> None:
    lab = launch(NAME)
    env = {"GAMEDAY_LAB": NAME}
    plan_changes_nothing(lab)
    for folder in (tmp_path / "breach", tmp_path / "abort"):
        folder.mkdir()
    with chaos_run(experiment_in(tmp_path / "breach", stop_when=STOP_WHEN), tmp_path / "breach", env) as drill:
        drill.until(Kind.STOPPED, "write_success_rate")
        is_healed(drill, lab)
    with chaos_run(experiment_in(tmp_path / "abort"), tmp_path / "abort", env) as drill:
        drill.until(Kind.FAULT_VERIFIED)
        done = subprocess.run([GAMEDAY, "abort", NAME], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert ABORTED in done.stdout
        is_healed(drill, lab)


def plan_changes_nothing(lab: RunningLab) -> None:
    """Neither a whole experiment's plan nor the rehearsal of the faults that only a local lab can have."""
    done = subprocess.run(
        [GAMEDAY, "plan", str(EXPERIMENTS / "region-outage.json"), "--lab", NAME],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = [line.split()[1:4] for line in done.stdout.splitlines() if line.startswith("    call")]
    assert ["aws", "fis", "create-experiment-template"] in told
    assert told.count(["aws", "ec2", "replace-network-acl-association"]) == 6
    only_here = {
        "kill-database": DatabaseLoss(lab.lab.primary),
        "shape-replication": ReplicaLag(lab.lab.primary),
        "trouble-control-plane": ControlPlaneTrouble(lab.lab.primary),
    }
    for what, fault in only_here.items():
        (call,) = [line for line in rehearse(fault, lab.lab) if isinstance(line, PlannedCall)]
        assert (call.service, call.operation) == (LOCAL_LAB, what)
    calls = [line.operation for line in rehearse(Partition(lab.lab.primary), lab.lab) if isinstance(line, PlannedCall)]
    assert dict.fromkeys(calls) == dict.fromkeys(
        ["create_network_acl", "create_network_acl_entry", "replace_network_acl_association"]
    )
    assert status.look(lab.lab).is_ready
