"""The drill's phases, in a world of our own."""

import json
from pathlib import Path

import pytest
from stub_world import PRIMARY, StubFault, StubLoad, StubWorld

from gameday.drill import Drill
from gameday.errors import (
    DeadlineError,
    FaultError,
    InputError,
    LabError,
    LabNotReady,
    LoadError,
    ReadBackError,
    RecordError,
)
from gameday.facts import EVIDENCE_CLOSED, Kind, Objectives, Verdict
from gameday.faults.replay import take_back
from gameday.preparing import LabChoice
from gameday.record.layout import Record
from gameday.record.lines import Damage, LineWriter
from gameday.recovery.runbook import Check, Runbook, Step
from gameday.seen import alarm_cleared, alarm_raised, lag_at_most

OBJECTIVES = Objectives(rto_s=1800, rpo_s=600)


def drill_in(world, tmp_path, **more):
    more = {"objectives": OBJECTIVES, "load": StubLoad(), "reports": tmp_path, **more}
    return Drill("local", world=world, clock=world.clock, **more)


def run(world, tmp_path, fault=None):
    with drill_in(world, tmp_path) as drill:
        drill.baseline()
        with drill.injected(fault or StubFault(world)):
            drill.until_recovered(within_s=1800)
    return drill


def test_a_lab_that_dies_ends_the_wait_at_once(tmp_path):
    world = StubWorld()
    with pytest.raises(LabError, match="it is gone"), drill_in(world, tmp_path) as drill:
        drill.baseline()
        drill.inject(StubFault(world))
        world.lab_died = True
        drill.until_recovered(within_s=1800)
    assert drill.verdict is Verdict.UNKNOWN


def events(drill):
    return list(drill.record.read_events(Damage()))


def told(drill, kind):
    return [event.what for event in events(drill) if event.kind is kind]


def findings(drill):
    return [finding.what for finding in drill.measurement.findings if finding.weight is not Verdict.HELD]


def test_an_outage_that_ends_in_time_and_loses_nothing_is_held(tmp_path):
    drill = run(StubWorld(), tmp_path)
    assert findings(drill) == []
    assert drill.verdict is Verdict.HELD
    assert drill.measurement.rta_s == pytest.approx(5, abs=0.1)


def test_the_phases_are_on_the_timeline_in_their_order(tmp_path):
    drill = run(StubWorld(), tmp_path)
    assert told(drill, Kind.PHASE) == ["prepare", "baseline", "inject", "recover", "observe", "heal"]


def test_everything_opened_is_closed_in_reverse_and_then_judged(tmp_path):
    world = StubWorld()
    run(world, tmp_path)
    assert world.did[:5] == ["lab", "warden", "observer", "prober", "load"]
    assert world.did[5:] == ["read back", "heal", "read back", "dismiss", "lab down", "judge", "render"]
    assert world.stopped == ["load", "prober", "observer"]


def test_the_record_is_complete_and_sealed(tmp_path):
    drill = run(StubWorld(), tmp_path)
    manifest = json.loads((drill.record.folder / "manifest.json").read_text())
    assert {"plan.json", "timeline.ndjson", "survivors.ndjson", "measurement.json", "index.html"} <= set(
        manifest["files"]
    )
    assert drill.report == drill.record.page


def test_an_event_that_is_gone_afterwards_is_missed(tmp_path):
    drill = run(StubWorld(), tmp_path)
    assert told(drill, Kind.NOTE)[-1] == EVIDENCE_CLOSED
    lines = drill.record.timeline.read_bytes().splitlines(True)
    drill.record.timeline.write_bytes(b"".join(line for line in lines if b'"kind":"warden"' not in line))
    assert drill.judge().verdict is Verdict.UNKNOWN
    assert findings(drill) == ["the record is not as the drill left it"]


def test_the_plan_names_the_fault_and_what_it_leaves_reachable(tmp_path):
    plan = run(StubWorld(), tmp_path).record.read_plan()
    assert plan.faults == (f"StubFault({PRIMARY!r})",)
    assert plan.stays_reachable == ("the moon",)
    assert plan.outputs["DatabaseId.us-west-2"] == "stub"


def test_rows_that_are_gone_are_lost(tmp_path):
    drill = run(StubWorld(loses=3), tmp_path)
    assert drill.measurement.recovery_point.lost == 3


def test_a_service_that_never_comes_back_is_broken_and_no_exception(tmp_path):
    drill = run(StubWorld(outage_s=10**6), tmp_path)
    assert "not recovered in time" in told(drill, Kind.NOTE)
    assert drill.verdict is not Verdict.HELD


def test_a_service_that_is_down_before_the_fault_is_never_injected(tmp_path):
    world = StubWorld(is_up=False)
    fault = StubFault(world)
    drill = drill_in(world, tmp_path)
    with pytest.raises(DeadlineError, match="0 of 100 good"), drill:
        drill.baseline()
        drill.inject(fault)
    assert world.down_since is None
    assert drill.verdict is Verdict.UNKNOWN


def test_a_fault_without_effect_is_unknown(tmp_path):
    world = StubWorld()
    fault = StubFault(world, fails=FaultError("the region dark", "it answers"))
    drill = drill_in(world, tmp_path)
    with pytest.raises(FaultError), drill:
        drill.baseline()
        with drill.injected(fault):
            pass
    assert drill.verdict is Verdict.UNKNOWN


def test_an_attached_lab_is_healed_when_the_drill_fails(tmp_path):
    world = StubWorld()
    drill = Drill(LabChoice("shared"), OBJECTIVES, load=StubLoad(), reports=tmp_path, world=world, clock=world.clock)
    with pytest.raises(KeyboardInterrupt), drill, drill.injected(StubFault(world)):
        raise KeyboardInterrupt
    assert world.did.index("heal") < world.did.index("dismiss")


def test_without_a_warden_nothing_is_broken(tmp_path):
    world = StubWorld()
    with pytest.raises(FaultError, match="warden"), drill_in(world, tmp_path) as drill:
        drill.baseline()
        world.dead.add("warden")
        drill.inject(StubFault(world))
    assert world.down_since is None
    assert drill.verdict is Verdict.UNKNOWN


def test_a_disk_that_refuses_every_word_keeps_neither_the_region_dark_nor_the_lab_up(tmp_path):
    world = StubWorld()
    drill = Drill(LabChoice("shared"), OBJECTIVES, load=StubLoad(), reports=tmp_path, world=world, clock=world.clock)
    with pytest.raises(KeyboardInterrupt) as stopped, drill, drill.injected(StubFault(world)):
        drill.timeline._lines = LineWriter(Path("/dev/full"), sync=True)
        raise KeyboardInterrupt
    assert world.did.index("heal") < world.did.index("lab down")
    assert any("No space left" in note for note in stopped.value.__notes__)


def test_what_an_attached_lab_could_not_be_healed_of_is_left_to_the_warden(tmp_path):
    class Stubborn(StubFault):
        def heal(self, lab, undo, timeline):
            raise FaultError("the region back", "it is not", "try again")

    world = StubWorld()
    drill = Drill(LabChoice("shared"), OBJECTIVES, load=StubLoad(), reports=tmp_path, world=world, clock=world.clock)
    with pytest.raises(FaultError, match="the region back"), drill, drill.injected(Stubborn(world)):
        pass
    assert "the warden takes over" in world.did
    assert "dismiss" not in world.did


def test_a_step_that_cannot_be_read_is_never_healed_in_silence(tmp_path):
    class Damages(StubFault):
        def inject(self, lab, undo, timeline):
            super().inject(lab, undo, timeline)
            undo.path.write_bytes(undo.path.read_bytes()[:40] + b"\n")

        def heal(self, lab, undo, timeline):
            take_back(self, lab, undo, timeline)

    world = StubWorld()
    with pytest.raises(FaultError, match="every line of"), drill_in(world, tmp_path) as drill:
        drill.inject(Damages(world))
        drill.heal()


def test_a_lab_of_its_own_that_was_interrupted_just_ends(tmp_path):
    world = StubWorld()
    drill = drill_in(world, tmp_path)
    with pytest.raises(KeyboardInterrupt), drill, drill.injected(StubFault(world)):
        raise KeyboardInterrupt
    assert "heal" not in world.did
    assert world.did[-4:] == ["dismiss", "lab down", "judge", "render"]
    assert "the drill stopped early" in told(drill, Kind.NOTE)


def test_a_prober_that_dies_ends_the_drill(tmp_path):
    world = StubWorld()
    drill = drill_in(world, tmp_path)
    with pytest.raises(LoadError, match="prober"), drill:
        world.dead.add("prober")
        drill.baseline()
    assert told(drill, Kind.PROBER) == ["started", "died"]
    assert drill.verdict is Verdict.UNKNOWN


def test_a_lab_that_never_comes_up_leaves_a_readable_record_and_nothing_running(tmp_path):
    world = StubWorld(fails_at="lab", failure=LabNotReady("a lab", "none"))
    drill = drill_in(world, tmp_path)
    with pytest.raises(LabNotReady), drill:
        pytest.fail("it must not begin")
    assert world.did == ["lab", "judge", "render"]
    assert drill.verdict is Verdict.UNKNOWN
    assert (drill.record.folder / "manifest.json").exists()
    assert Record.open(drill.record.folder).read_plan().outputs == {}
    assert told(drill, Kind.NOTE) == ["the drill stopped early", EVIDENCE_CLOSED]


def test_whatever_was_open_is_closed_when_the_load_cannot_start(tmp_path):
    world = StubWorld(fails_at="load", failure=LoadError("locust", "not found"))
    with pytest.raises(LoadError), drill_in(world, tmp_path):
        pytest.fail("it must not begin")
    assert world.stopped == ["prober", "observer"]
    assert world.did[-4:] == ["dismiss", "lab down", "judge", "render"]


def test_unwritable_reports_fail_before_any_lab_is_started(tmp_path):
    (tmp_path / "file").write_text("")
    world = StubWorld()
    with pytest.raises(RecordError), drill_in(world, tmp_path, reports=tmp_path / "file"):
        pytest.fail("it must not begin")
    assert world.did == []


def test_survivors_that_cannot_be_read_back_make_the_drill_unknown(tmp_path):
    drill = run(StubWorld(fails_at="read back", failure=ReadBackError("every page", "a timeout")), tmp_path)
    assert drill.verdict is Verdict.UNKNOWN
    assert "the read-back is incomplete" in findings(drill)


def test_a_row_that_was_there_before_healing_and_not_after_makes_the_read_back_incomplete(tmp_path):
    world = StubWorld()

    class Forgets(StubFault):
        def heal(self, lab, undo, timeline):
            super().heal(lab, undo, timeline)
            world.loses = 1

    drill = run(world, tmp_path, Forgets(world))
    assert "the read-back is incomplete" in findings(drill)


def test_clients_that_went_back_to_a_fenced_region_are_told(tmp_path):
    world = StubWorld()

    class Fences(StubFault):
        def heal(self, lab, undo, timeline):
            timeline.add(Kind.FENCED, "tasks 0", region=self.region)
            super().heal(lab, undo, timeline)

    drill = run(world, tmp_path, Fences(world))
    assert f"after healing: clients went back to {PRIMARY}" in told(drill, Kind.NOTE)


def test_the_drill_waits_for_a_running_failover(tmp_path):
    world = StubWorld(outage_s=0)
    with drill_in(world, tmp_path) as drill:
        world.timeline.add(Kind.EXECUTION, "RUNNING", arn="x")
        assert drill.until_recovered(within_s=10) is False
        world.timeline.add(Kind.EXECUTION, "SUCCEEDED", arn="x")
        assert drill.until_recovered(within_s=10) is True


def test_before_a_runbook_the_old_primarys_wal_is_kept_because_the_runbook_may_delete_it(tmp_path):
    class Kept(StubWorld):
        def wal(self, lab):
            super().wal(lab)
            return ()

    world = Kept()

    def note(scene):
        world.did.append("runbook")
        return ()

    with drill_in(world, tmp_path) as drill:
        world.timeline.add(Kind.EXECUTION, "SUCCEEDED", arn="x")
        drill.run(Runbook("moon", "", "", (Step("paint", "", "", note),)))
        drill.observe()
    assert [each for each in world.did if each in ("wal", "runbook")] == ["wal", "runbook"]


def test_a_runbooks_wait_ends_when_the_warden_says_that_the_drill_may_not_go_on(tmp_path):
    world = StubWorld()

    def look(scene):
        world.dead.add("warden")
        return "dark"

    never = Check("the moon to shine", look, lambda seen: False, within_s=3600)
    waits = Runbook("moon", "", "", (Step("paint", "", "", lambda scene: (), after=(never,)),))
    with pytest.raises(FaultError, match="the warden to watch"), drill_in(world, tmp_path) as drill:
        drill.run(waits)
    told = [event for event in drill.record.read_events(Damage()) if event.kind is Kind.RUNBOOK]
    (stopped,) = [event for event in told if event.detail["state"] == "stopped"]
    assert stopped.detail["why"].startswith("expected the warden to watch")


def test_without_a_failover_there_is_no_wal_to_keep(tmp_path):
    world = StubWorld()
    with drill_in(world, tmp_path) as drill:
        drill.run(Runbook("moon", "", "", ()))
        drill.observe()
    assert "wal" not in world.did


def test_an_alarm_is_waited_for_in_whichever_region_it_goes_off_and_its_silence_is_an_error(tmp_path):
    with pytest.raises(DeadlineError, match="the alarm gameday-5xx"), drill_in(StubWorld(), tmp_path) as drill:
        drill.timeline.add(Kind.ALARM, "ALARM", region=PRIMARY, name="gameday-5xx")
        drill.timeline.add(Kind.ALARM, "OK", region="us-west-2", name="gameday-5xx")
        drill.until(alarm_raised("gameday-5xx"), within_s=300)
        drill.timeline.add(Kind.ALARM, "OK", region=PRIMARY, name="gameday-5xx")
        drill.until(alarm_cleared("gameday-5xx"), within_s=300)
        drill.until(alarm_raised("gameday-5xx"), within_s=300)
    assert drill.verdict is Verdict.UNKNOWN


def test_a_replica_that_nobody_measured_has_not_caught_up(tmp_path):
    with pytest.raises(DeadlineError, match="a replica lag of 1 s at most"), drill_in(StubWorld(), tmp_path) as drill:
        drill.until(lag_at_most(1.0), within_s=300)
    with drill_in(StubWorld(), tmp_path) as drill:
        drill.timeline.add(Kind.LAG, "0.070", region="us-west-2", lag_s=0.07)
        drill.until(lag_at_most(1.0), within_s=300)


def test_a_fault_names_the_alarms_that_its_plan_expects_unless_the_plan_names_its_own(tmp_path):
    assert run(StubWorld(), tmp_path).record.read_plan().expected_alarms == ("gameday-primary-health",)
    world = StubWorld()
    with drill_in(world, tmp_path, expected_alarms=("mine",)) as drill:
        drill.baseline()
        with drill.injected(StubFault(world)):
            drill.until_recovered(within_s=1800)
    assert drill.record.read_plan().expected_alarms == ("mine",)


def test_no_fault_at_all_loses_nothing_and_recovers_in_no_time(tmp_path):
    with drill_in(StubWorld(), tmp_path) as drill:
        drill.baseline()
        drill.observe()
    assert (drill.verdict, drill.measurement.rta_s) == (Verdict.HELD, 0)


@pytest.mark.parametrize("scale", [0, -1, "fast", float("nan")])
def test_a_timer_scale_that_is_no_scale_is_refused_before_anything_is_made(scale, tmp_path):
    with pytest.raises(InputError, match="timer scale"):
        LabChoice(timer_scale=scale)


def test_a_drill_without_objectives_is_refused():
    with pytest.raises(InputError, match="objectives"):
        Drill()


def test_a_drill_may_last_four_recoveries_of_scaled_timers_and_half_an_hour_at_least(tmp_path):
    for rto_s, expected_s in ((1800, 1800.0), (6000, 2400.0)):  # at timer scale 0.1
        world = StubWorld()
        drill = run_with(world, tmp_path, objectives=Objectives(rto_s, 600))
        assert drill.record.read_plan().max_duration_s == world.max_duration_s == expected_s


def test_a_declared_duration_is_never_scaled(tmp_path):
    world = StubWorld()
    assert run_with(world, tmp_path, max_duration_s=90.0).record.read_plan().max_duration_s == 90.0
    assert world.max_duration_s == 90.0


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), float("inf")])
def test_a_duration_that_is_none_is_refused(tmp_path, wrong):
    with pytest.raises(InputError, match="a max_duration_s above 0"):
        drill_in(StubWorld(), tmp_path, max_duration_s=wrong)


def run_with(world, tmp_path, **more):
    with drill_in(world, tmp_path, **more) as drill:
        pass
    return drill
