"""However a drill ends, nothing of it is left within 10 s, its record is readable, and it never claims HELD."""

import signal
from pathlib import Path

import psutil
import pytest
from chaos_process import ChaosProcess, chaos_run
from leftovers import all_gone, everything_of_drill

from gameday.facts import Kind, Verdict
from gameday.lab.local import home
from gameday.measure.judge import judge

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
