"""Faults that only the local lab can have: refused in an account before anything is written down, and checked."""

from typing import Any

import pytest
from fault_stage import REGION, lab_of, vpc_of

from gameday.errors import GuardError, InputError
from gameday.faults import ControlPlaneTrouble, ReplicaLag
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal


@pytest.mark.parametrize("fault", [ReplicaLag(REGION), ControlPlaneTrouble(REGION)])
def test_in_an_account_they_are_refused(fault: Any, ec2: Any, undo: UndoJournal, timeline: Timeline) -> None:
    with pytest.raises(GuardError, match="a local lab"):
        fault.inject(lab_of(vpc_of(ec2)), undo, timeline)
    assert undo.open_steps() == []


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
