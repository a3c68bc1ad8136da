"""A planned failover that is walked: its switch is stamped right before the drain, and once."""

from contextlib import closing
from pathlib import Path

from gameday.facts import Kind
from gameday.record.layout import Record
from gameday.record.lines import Damage
from gameday.record.timeline import Timeline
from gameday.recovery.failback import RUNBOOK as FAILBACK
from gameday.recovery.planned_failover import DRAIN, HOLD, RUNBOOK
from gameday.recovery.runbook import Call
from gameday.recovery.switching import SwitchStamp, is_a_switch

CALL = Call("ecs", "update_service", "ap-southeast-2", {"desiredCount": 0})


def test_the_switch_is_stamped_before_the_drains_first_call_and_only_there(tmp_path: Path) -> None:
    record = Record.create(tmp_path, "switch")
    with closing(Timeline(record)) as timeline:
        stamp = SwitchStamp(timeline, "ap-southeast-2")
        stamp.calling(HOLD, 0, CALL, {})
        assert stamp.stamped == []
        stamp.calling(DRAIN, 0, CALL, {})
        stamp.calling(DRAIN, 1, CALL, {})
    (event,) = record.read_events(Damage())
    assert (event.kind, event.what, event.region) == (Kind.SWITCH, "runbook planned-failover", "ap-southeast-2")
    assert stamp.stamped == [event]


def test_only_the_planned_failover_moves_the_service_on_purpose_and_breaks_nothing() -> None:
    assert is_a_switch(RUNBOOK)
    assert not is_a_switch(FAILBACK)
    assert DRAIN in RUNBOOK.steps
