"""What stops a drill: conditions that no longer hold or cannot be read, and somebody who asks."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws
from stub_world import PRIMARY, StubFault, StubLoad, StubWorld

from gameday import stopping
from gameday.aws import Aws
from gameday.cli import cli
from gameday.drill import Drill
from gameday.errors import DrillStopped, GuardError, InputError, NoDrillUnderway
from gameday.facts import ABORTED, Kind, Objectives, StopCondition, Verdict
from gameday.preparing import LabChoice
from gameday.record.lines import Damage
from gameday.stopping import Door, Sight
from gameday.underway import kill_switch, the_one, underway

OBJECTIVES = Objectives(rto_s=1800, rpo_s=600)
WRITES_GO_ON = StopCondition(probe="write_success_rate", arguments={"newest": 5}, at_least=0.5)
FOREIGN = StopCondition(elsewhere={"name": "the weather"})


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch, tmp_path):
    """Real seconds are rare here: a drill of the stub's world takes less than one."""
    monkeypatch.setattr(stopping, "EVERY_S", 0.01)
    monkeypatch.setattr(stopping, "ASKED_EVERY_S", 0.01)
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path / "home"))


def drill_in(world, tmp_path, lab="local", **more):
    more = {"objectives": OBJECTIVES, "load": StubLoad(), "reports": tmp_path / "reports", **more}
    return Drill(lab, world=world, clock=world.clock, **more)


def stopped_events(drill):
    return [event for event in drill.record.read_events(Damage()) if event.kind is Kind.STOPPED]


def findings(drill):
    return " ".join(f"{each.what}: {each.expected}; {each.seen}" for each in drill.measurement.findings)


def wait_for_ever():
    """As a fault that waits for its effect, or an action of another extension: nothing of the drill is called."""
    threading.Event().wait(30)
    pytest.fail("nobody interrupted it")


@pytest.mark.parametrize("lab", ["local", "shared"])
def test_a_breach_interrupts_whatever_the_drill_does_and_heals(lab, tmp_path):
    world = StubWorld(outage_s=10**6)
    drill = drill_in(world, tmp_path, LabChoice(lab), stop_when=[WRITES_GO_ON])
    with pytest.raises(DrillStopped, match=r"write_success_rate\(newest=5\) at least 0.5; saw 0.0"), drill:
        drill.baseline()
        with drill.injected(StubFault(world)):
            world.clock.sleep(20)
            world.probe_until_now()
            wait_for_ever()
    (event,) = stopped_events(drill)
    assert (event.what, event.detail["seen"]) == (WRITES_GO_ON.what, "0.0")
    assert "heal" in world.did
    assert drill.verdict is Verdict.UNKNOWN
    assert "a stop condition no longer held, so it was aborted" in findings(drill)


def test_a_condition_that_does_not_hold_before_the_fault_lets_nothing_be_broken(tmp_path):
    world = StubWorld()
    never = StopCondition(probe="write_success_rate", at_least=1.1)
    with pytest.raises(DrillStopped), drill_in(world, tmp_path, stop_when=[never]) as drill:
        drill.baseline()
        drill.inject(StubFault(world))
    assert world.down_since is None
    assert drill.record.read_plan().stop_when == (never,)


def test_an_unreadable_condition_is_a_breach(tmp_path):
    unreadable = StopCondition(probe="replica_lag_s", at_most=10)  # the stub's AWS answers nobody
    with (
        pytest.raises(DrillStopped, match="it cannot be read"),
        drill_in(StubWorld(), tmp_path, stop_when=[unreadable]) as drill,
    ):
        drill.baseline()
    assert drill.verdict is Verdict.UNKNOWN


def test_a_look_that_is_not_answered_in_time_is_a_breach(monkeypatch, tmp_path):
    monkeypatch.setattr(stopping, "ANSWER_WITHIN_S", 0.05)
    over, looks = threading.Event(), []

    def once(condition):
        looks.append(condition)
        if len(looks) > 1:
            over.wait(20)
        return Sight(True, "fair")

    with pytest.raises(DrillStopped, match=r"no answer within 0.05 s"):  # noqa: SIM117  one line is too long
        with drill_in(StubWorld(), tmp_path, stop_when=[FOREIGN], door=Door(elsewhere=once)) as drill:
            drill.baseline()
            try:
                wait_for_ever()
            finally:
                over.set()
    assert drill.verdict is Verdict.UNKNOWN


def test_conditions_that_hold_change_nothing(tmp_path):
    world = StubWorld()
    door = Door(elsewhere=lambda condition: Sight(True, "fair"))
    with drill_in(world, tmp_path, stop_when=[FOREIGN], door=door) as drill:
        drill.baseline()
        with drill.injected(StubFault(world)):
            drill.until_recovered(within_s=1800)
    assert (drill.verdict, stopped_events(drill)) == (Verdict.HELD, [])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("stop-")]


def test_a_condition_with_a_secret_is_looked_at_whole_and_written_down_without_it(tmp_path):
    pin, looked = "canary-of-a-pager-3c5d", []
    asked = {"name": "the pager", "provider": {"arguments": {"pin": pin, "api_token": "whatever"}}}

    def look(condition):
        looked.append(condition.elsewhere)
        return Sight(False, f"{pin} was refused")

    door = Door(elsewhere=look, hidden=frozenset({pin}))
    with (
        pytest.raises(DrillStopped),
        drill_in(StubWorld(), tmp_path, stop_when=[StopCondition(elsewhere=asked)], door=door) as drill,
    ):
        drill.baseline()
    assert looked[0] == asked
    (event,), (told,) = stopped_events(drill), drill.record.read_plan().stop_when
    assert event.detail["seen"] == "[redacted] was refused"
    assert told.elsewhere["provider"]["arguments"] == {"pin": "[redacted]", "api_token": "[redacted]"}
    assert not [path for path in drill.record.folder.rglob("*.*") if path.is_file() and pin in path.read_text()]


def test_a_breach_while_the_drill_heals_does_not_keep_it_from_healing(tmp_path):
    world, holds = StubWorld(), [True]

    class Slow(StubFault):
        def heal(self, lab, undo, timeline):
            holds.clear()
            until_stopped(timeline)
            super().heal(lab, undo, timeline)

    def until_stopped(timeline):
        while not any(event.kind is Kind.STOPPED for event in timeline._record.read_events(Damage())):
            threading.Event().wait(0.01)
        threading.Event().wait(0.1)  # the signal comes some ten times

    door = Door(elsewhere=lambda condition: Sight(bool(holds), "the weather"))
    with drill_in(world, tmp_path, stop_when=[FOREIGN], door=door) as drill:
        drill.baseline()
        drill.inject(Slow(world))
        with pytest.raises(DrillStopped):
            drill.heal()
            wait_for_ever()  # of another extension: whoever heals hears of the stop later, and not never
    assert "heal" in world.did
    assert drill.verdict is Verdict.UNKNOWN


@pytest.fixture
def alarms(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        watch = boto3.client("cloudwatch", region_name=PRIMARY)
        watch.put_metric_alarm(
            AlarmName="errors", ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, MetricName="m",
            Namespace="n", Period=60, Statistic="Sum", Threshold=1,
        )  # fmt: skip
        yield lambda state: watch.set_alarm_state(AlarmName="errors", StateValue=state, StateReason="a test")


def sight_of(condition):
    from stub_world import stub_lab

    class At:
        lab = replace(stub_lab(), aws=Aws())

    return stopping.look_at(At())(condition)


@pytest.mark.parametrize(("state", "holds"), [("OK", True), ("ALARM", False), ("INSUFFICIENT_DATA", False)])
def test_an_alarm_lets_a_drill_go_on_only_while_it_is_ok(state, holds, alarms):
    alarms(state)
    assert sight_of(StopCondition(alarm="errors")) == Sight(holds, f"{state} in {PRIMARY}")


def test_an_alarm_that_there_is_not_is_a_breach(alarms):
    assert sight_of(StopCondition(alarm="other")) == Sight(False, "no alarm of that name")


@pytest.mark.parametrize(
    ("bounds", "seen", "holds"),
    [
        ({"at_least": 0.5}, 0.5, True), ({"at_least": 0.5}, 0.49, False), ({"at_most": 3}, 3, True),
        ({"at_most": 3}, 3.1, False), ({"equals": "healthy"}, "healthy", True), ({"equals": "healthy"}, "gone", False),
        ({"at_least": 1}, "two", False), ({"at_least": 0, "at_most": 1}, True, False), ({"at_least": 0}, None, False),
        ({"at_most": 1}, float("nan"), False),
    ],
)  # fmt: skip
def test_what_a_probe_answers_is_held_to_its_bounds(bounds, seen, holds):
    assert StopCondition(probe="health_check", **bounds).holds(seen) is holds


@pytest.mark.parametrize(
    "wrong", [{}, {"alarm": "a", "probe": "b", "at_least": 1}, {"probe": "b"}, {"alarm": "a", "at_most": 1}]
)
def test_a_condition_that_is_none_is_refused(wrong):
    with pytest.raises(InputError, match=r"stop condition|bounds"):
        StopCondition(**wrong)


# ---- somebody asks


def abort_in_a_thread(*words):
    told = []
    thread = threading.Thread(target=lambda: told.append(CliRunner().invoke(cli, ["abort", *words])))
    thread.start()
    return thread, told


@pytest.mark.parametrize("by", ["nothing", "record", "lab"])
def test_a_drill_that_is_aborted_heals_and_its_record_says_who_asked(by, tmp_path):
    world = StubWorld()
    drill = drill_in(world, tmp_path, LabChoice("shared"))
    with pytest.raises(DrillStopped, match="the pager is burning"), drill, drill.injected(StubFault(world)):
        words = {"nothing": [], "record": [str(drill.record.folder)], "lab": ["shared"]}[by]
        thread, told = abort_in_a_thread(*words, "--why", "the pager is burning")
        wait_for_ever()
    thread.join()
    assert told[0].exit_code == 0, told[0].output
    assert "heals and ends: somebody asked it to end" in told[0].output
    (event,) = stopped_events(drill)
    assert (event.what, event.detail["seen"]) == (ABORTED, "the pager is burning")
    assert "@" in event.detail["who"]
    assert "heal" in world.did
    assert f"asked by {event.detail['who']}" in findings(drill)
    assert drill.verdict is Verdict.UNKNOWN


def test_a_kill_switch_ends_a_drill_in_progress_and_lets_none_begin(tmp_path):
    world = StubWorld()
    drill = drill_in(world, tmp_path)
    with pytest.raises(DrillStopped, match="maintenance"), drill, drill.injected(StubFault(world)):
        kill_switch().write_text("maintenance\n")
        wait_for_ever()
    assert "heal" in world.did
    other = StubWorld()
    with pytest.raises(GuardError, match=r"no kill switch; saw .*maintenance"), drill_in(other, tmp_path / "second"):
        pytest.fail("it must not begin")
    assert (other.did, (tmp_path / "second").exists()) == ([], False)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("nowhere")], ids=["a folder", "a dead link"])
def test_a_kill_switch_that_cannot_be_read_is_one_all_the_same(make, tmp_path, monkeypatch):
    monkeypatch.setenv("GAMEDAY_KILL_SWITCH", str(tmp_path / "switch"))
    make(tmp_path / "switch")
    with pytest.raises(GuardError, match="no kill switch"), drill_in(StubWorld(), tmp_path):
        pytest.fail("it must not begin")


def test_without_a_drill_in_progress_there_is_nothing_to_abort(tmp_path):
    with pytest.raises(NoDrillUnderway, match="no drill in progress"):
        CliRunner().invoke(cli, ["abort"], catch_exceptions=False, standalone_mode=False)


def test_where_several_are_in_progress_one_must_be_named(tmp_path):
    with drill_in(StubWorld(), tmp_path, LabChoice("one")) as first, drill_in(StubWorld(), tmp_path, LabChoice("two")):
        with pytest.raises(NoDrillUnderway, match="2 in progress"):
            the_one(None)
        with pytest.raises(NoDrillUnderway, match="in three"):
            the_one("three")
        assert the_one("one").record == str(first.record.folder.resolve())
    assert underway() == ()


def test_the_note_of_a_drill_that_was_killed_is_no_drill_in_progress(tmp_path):
    with drill_in(StubWorld(), tmp_path):
        (note,) = (tmp_path / "home" / "drills").glob("*.json")
        told = json.loads(note.read_text())
        told["process"]["started_s"] -= 1000
        note.write_text(json.dumps(told))
        assert underway() == ()
        assert not note.exists()
