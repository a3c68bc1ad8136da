"""Faults that only the local lab can have: refused in an account before anything is written down, and checked."""

from dataclasses import replace
from typing import Any

import pytest
from fault_stage import REGION, lab_of, vpc_of
from fence_stage import EAST, Account, lab_on

from gameday.aws import Aws
from gameday.errors import FaultError, GuardError, InputError
from gameday.faults import ControlPlaneTrouble, ReplicaLag, control_plane, database_loss, replica_lag
from gameday.faults.control_plane import control_plane_calm
from gameday.faults.database_loss import database_runs
from gameday.faults.replica_lag import replication_unslowed
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

TAKES_BACK = replica_lag.TAKES_BACK | control_plane.TAKES_BACK | database_loss.TAKES_BACK


@pytest.mark.parametrize("fault", [ReplicaLag(REGION), ControlPlaneTrouble(REGION)])
def test_in_an_account_they_are_refused(fault: Any, ec2: Any, undo: UndoJournal, timeline: Timeline) -> None:
    with pytest.raises(GuardError, match="a local lab"):
        fault.inject(lab_of(vpc_of(ec2)), undo, timeline)
    assert undo.open_steps() == []


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (replication_unslowed(EAST, "b"), r"unslowed.*Next: see that the lab runs"),
        (control_plane_calm(EAST, "ecs"), r"calm.*Next: see that the lab runs"),
        (database_runs(EAST, "a"), r"running again.*Next: read its own log"),
    ],
)
def test_a_lab_that_cannot_take_them_back_is_told_with_what_to_do_next(step: UndoStep, told: str) -> None:
    """A closed port of this machine: nothing answers."""
    nobody = replace(lab_on(Account()), aws=Aws("http://127.0.0.1:9"))
    with pytest.raises(FaultError, match=told):
        TAKES_BACK[step.intent](nobody, step)


@pytest.mark.parametrize(
    ("kind", "wrong", "told"),
    [
        (ReplicaLag, {"bandwidth_bps": 0}, "above 0 bits"),
        (ReplicaLag, {"latency_s": -1}, "0 s or more"),
        (ControlPlaneTrouble, {"how": "sulking"}, "errors, throttling, latency, blackout"),
        (ControlPlaneTrouble, {"service": "braket"}, "a service of ecs"),
        (ControlPlaneTrouble, {"share": 0}, "a share of the calls"),
        (ControlPlaneTrouble, {"latency_s": 0}, "a latency and a rate above 0"),
    ],
)
def test_what_cannot_be_is_refused(kind: Any, wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        kind(REGION, **wrong)
