"""A SIGTERM that comes before anything is broken: it is heard, through libraries that catch every error, and told."""

import os
import signal
import threading
from copy import deepcopy

import pytest
from chaoslib.exceptions import InterruptExecution
from chaoslib.exit import exit_signals
from stub_world import StubWorld
from test_chaos_run import EXPERIMENT
from test_stop_heard import waited_for_ever

from gameday.chaos.actions import heal
from gameday.chaos.controls.drill import begin, cleanup_control
from gameday.chaos.token import TOKEN
from gameday.errors import LabError


class Greedy(StubWorld):
    """Its ``at`` catches every error and tries again; meanwhile somebody ends the experiment."""

    at = ""

    def _do(self, what):
        super()._do(what)
        self._is_ended(what)

    def check_lab(self, lab):
        self._is_ended("baseline")

    def _is_ended(self, what):
        if what == self.at:
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
            waited_for_ever()


@pytest.mark.parametrize("at", ["lab", "observer", "baseline"])
def test_a_sigterm_while_the_drill_begins_ends_it_and_is_called_an_interruption(at, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path / "home"))
    experiment, world = deepcopy(EXPERIMENT), Greedy()
    world.at = at
    with exit_signals():
        with pytest.raises(InterruptExecution, match="SIGTERM signal received") as told:
            begin(experiment, experiment["configuration"], {}, world=world, clock=world.clock)
        assert "defect" not in str(told.value)
        assert TOKEN.refused == "it was interrupted"
        assert heal() == "nothing was broken" + ("" if TOKEN.is_open else ": it was interrupted")
        cleanup_control()
    assert "lab down" in world.did or at == "lab"


def test_what_is_no_interruption_is_still_a_defect(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world = StubWorld(fails_at="lab", failure=RuntimeError("a crash"))
    with pytest.raises(InterruptExecution, match="defect of gameday"):
        begin(deepcopy(EXPERIMENT), EXPERIMENT["configuration"], {}, world=world, clock=world.clock)
    world = StubWorld(fails_at="lab", failure=LabError("a lab", "none"))
    with pytest.raises(InterruptExecution, match="expected a lab"):
        begin(deepcopy(EXPERIMENT), EXPERIMENT["configuration"], {}, world=world, clock=world.clock)
    cleanup_control()
