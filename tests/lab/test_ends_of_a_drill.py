"""However a drill ends, nothing of it is left within 10 s, its record is readable, and it never claims HELD."""

import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from chaos_process import ChaosProcess, chaos_run
from kill_cell import Cell, play
from leftovers import all_gone, everything_of_drill

from gameday.clock import eventually
from gameday.drill import Drill
from gameday.errors import FaultError
from gameday.facts import OUTLIVED, Kind, Objectives, Verdict
from gameday.faults import RegionOutage
from gameday.lab.local import extras, home
from gameday.lab.local.launch import RunningLab
from gameday.load.plan import LoadPlan
from gameday.measure.judge import judge
from gameday.preparing import LabChoice

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]


def cut_off(drill: ChaosProcess) -> None:
    """Wait until the region is cut off, and recovery is under way."""
    drill.until(Kind.FAULT_VERIFIED)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_a_drill_that_is_ended_in_the_outage_leaves_nothing(
    number: signal.Signals, tmp_path: Path, own_home: Path
) -> None:
    with chaos_run("region-outage.json", tmp_path) as drill:
        cut_off(drill)
        family = everything_of_drill(drill.process.pid)
        assert len(family) > 10
        drill.send(number)
        assert drill.ended() != 0
        all_gone(family, own_home)
    assert judge(drill.record).verdict is not Verdict.HELD


def test_a_drill_whose_lab_is_killed_ends_and_leaves_nothing(tmp_path: Path, own_home: Path) -> None:
    with chaos_run("region-outage.json", tmp_path) as drill:
        cut_off(drill)
        family = everything_of_drill(drill.process.pid)
        (lab,) = home.list_labs()
        psutil.Process(lab.process.pid).kill()
        assert drill.ended(150) != 0
        all_gone(family, own_home)
    assert judge(drill.record).verdict is not Verdict.HELD


def test_a_drill_whose_warden_is_killed_while_it_breaks_the_region_ends_and_leaves_nothing(
    tmp_path: Path, own_home: Path
) -> None:
    assert play(Cell("warden", signal.SIGKILL, "during"), tmp_path, own_home).wrong == ()


def test_a_drill_that_outlives_its_duration_is_taken_back_and_proves_nothing(
    launch: Callable[[str], RunningLab], tmp_path: Path
) -> None:
    lab = launch("overdue").lab
    drill = Drill(
        LabChoice(lab.name), Objectives(1800, 600), load=LoadPlan(users=5), reports=tmp_path, max_duration_s=25
    )
    with pytest.raises(FaultError, match="over within its max_duration_s of 25 s"), drill:
        drill.baseline()
        drill.inject(RegionOutage(lab.primary))
        drill.hold(10_000)
    assert drill.undo.open_steps() == []
    eventually(lambda: [link.name for link in extras.links(lab) if link.is_cut], [], what="links cut", within_s=5)
    assert drill.verdict is not Verdict.HELD
    assert drill.measurement
    assert OUTLIVED in [finding.what for finding in drill.measurement.findings]
