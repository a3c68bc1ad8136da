"""The guard outside the local lab: asked before a drill starts anything, and again by each fault."""

from typing import Any

import pytest
from fault_stage import ACCOUNT, OTHER, REGION, lab_of, vpc_of
from stub_world import StubFault, StubLoad, StubWorld

from gameday import faults
from gameday.drill import Drill
from gameday.errors import GuardError
from gameday.facts import Objectives, Verdict
from gameday.faults.guard import may_change, may_drill
from gameday.lab.model import Lab


class Account(StubWorld):
    """A world whose lab is an account."""

    account: Lab

    def lab(self, choice, stack, progress):
        super().lab(choice, stack, progress)
        return self.account


def drill_on(lab: Lab, tmp_path: Any) -> Drill:
    world = Account()
    world.account = lab
    return Drill("aws", Objectives(1800, 600), load=StubLoad(), reports=tmp_path, world=world, clock=world.clock)


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"allowed": False}, f"account {ACCOUNT} on the experiment's allow-list; saw an empty list"),
     ({"live": False}, f"{ACCOUNT}:{REGION} or {ACCOUNT}:{OTHER} in the experiment's `live`; saw nothing")],
)  # fmt: skip
def test_a_drill_in_an_account_that_was_not_allowed_or_not_said_aloud_starts_nothing(
    changed: dict[str, bool], told: str, ec2: Any, tmp_path: Any
):
    drill = drill_on(lab_of(vpc_of(ec2), **changed), tmp_path)
    with pytest.raises(GuardError, match=told), drill:
        pytest.fail("it must not begin")
    assert drill._world.did == ["lab", "lab down", "judge", "render"]
    assert drill.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("made", "told"),
    [({"tagged": False}, "gameday:target=true"), ({"subnets": 0}, "no targets")],
)
def test_what_a_fault_may_not_break_is_refused_before_the_baseline(
    made: dict[str, Any], told: str, ec2: Any, tmp_path: Any
):
    drill = drill_on(lab_of(vpc_of(ec2, **made)), tmp_path)
    with pytest.raises(GuardError, match=told), drill:
        drill.baseline(faults=[faults.RegionOutage(REGION)])
    assert "baseline" not in (drill.record.timeline).read_text()


def test_an_account_that_may_be_drilled_is(ec2: Any, tmp_path: Any):
    drill = drill_on(lab_of(vpc_of(ec2)), tmp_path)
    with drill:
        drill.baseline()
        drill.inject(StubFault(drill._world))
    assert drill._world.down_since is not None


def test_only_a_region_that_was_said_aloud_may_be_changed(ec2: Any):
    lab = lab_of(vpc_of(ec2))
    may_drill(lab)
    may_change(lab, REGION)
    with pytest.raises(GuardError, match=f"{ACCOUNT}:{OTHER} in the experiment's `live`"):
        may_change(lab, REGION, OTHER)


def test_a_failover_by_hand_changes_the_other_region_so_that_must_be_said_aloud_too(ec2: Any, tmp_path: Any):
    with pytest.raises(GuardError, match=f"{ACCOUNT}:{OTHER}"), drill_on(lab_of(vpc_of(ec2)), tmp_path) as drill:
        drill.fail_over()
