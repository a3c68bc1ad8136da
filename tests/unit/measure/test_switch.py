"""A planned failover: its times count from the switch, any loss is BROKEN, and a switch taken back proves nothing."""

from pathlib import Path

import pytest
from records import OUTAGE, PLAN, SECONDARY, DrillBuilder, at_ns, told

from gameday.facts import Kind, Objectives, Verdict
from gameday.measure.judge import judge
from gameday.report.page import page

OWN, OTHER = "arn:planned", "arn:beside"


def switching(**changes: object) -> DrillBuilder:
    """Clients are refused from 1 s to 4 s after the switch, and the standby is promoted at 3.5 s."""
    drill = DrillBuilder(faulted=False).planned(faults=(), switches=True, expected_alarms=(), **changes)
    drill.event(Kind.SWITCH, "planned failover", 0.0).probes(bad=(1.0, 4.0))
    drill.write("a", -5.0).write("b", 0.5).write("c", 5.0, region=SECONDARY)
    drill.event(Kind.EXECUTION, "RUNNING", 0.1, SECONDARY, arn=OWN)
    drill.event(Kind.EXECUTION, "SUCCEEDED", 6.0, SECONDARY, arn=OWN)
    return drill.commits()


def entering(drill: DrillBuilder, execution: str, *states: tuple[str, str, float]) -> DrillBuilder:
    for name, kind, at_s in states:
        detail = {"type": kind, "execution": execution, "entered_mono_ns": at_ns(at_s)}
        drill.event(Kind.STATE, name, at_s + 0.2, SECONDARY, **detail)
    return drill


def test_the_interruption_counts_from_the_switch(tmp_path: Path):
    measurement = judge(switching().promoted(3.5).record(tmp_path))
    assert measurement.verdict is Verdict.HELD, told(measurement, Verdict.UNKNOWN)
    assert measurement.rta_s == pytest.approx(4.01)
    assert measurement.fault is None
    assert measurement.since == "the switch"
    assert [each.at_s for each in measurement.phases if each.name == "switch"] == [0.0]


def test_one_lost_order_is_broken_whatever_the_rpo_allows(tmp_path: Path):
    drill = switching(objectives=Objectives(rto_s=30.0, rpo_s=600.0)).promoted(3.5)
    measurement = judge(drill.write("lost", 0.4, there=False).record(tmp_path))
    assert measurement.verdict is Verdict.BROKEN
    assert told(measurement, Verdict.BROKEN) == ["acknowledged writes are gone although nothing was broken"]


def test_an_order_that_the_old_primary_took_after_the_promotion_is_broken(tmp_path: Path):
    drill = switching().promoted(3.5).write("late", 6.0)
    assert judge(drill.record(tmp_path)).verdict is Verdict.BROKEN


def test_a_switch_that_promoted_nothing_proves_nothing(tmp_path: Path):
    drill = switching()
    drill.attempts = [each for each in drill.attempts if each.id != "c"]
    assert "the planned failover promoted nothing" in told(judge(drill.record(tmp_path)), Verdict.UNKNOWN)


def test_a_switch_that_was_never_asked_for_proves_nothing(tmp_path: Path):
    drill = switching().promoted(3.5)
    drill.events = [event for event in drill.events if event.kind is not Kind.SWITCH]
    assert "the planned failover was never asked for" in told(judge(drill.record(tmp_path)), Verdict.UNKNOWN)


def test_a_primary_that_was_down_before_the_switch_makes_it_unknown(tmp_path: Path):
    drill = switching().promoted(3.5).event(Kind.HEALTH_CHECK, "unhealthy", -3.0)
    assert "the primary was already down before the fault" in told(judge(drill.record(tmp_path)), Verdict.UNKNOWN)


def test_a_fault_beside_a_switch_is_what_times_count_from(tmp_path: Path):
    drill = switching().promoted(3.5).planned(faults=(OUTAGE,))
    drill.event(Kind.FAULT, OUTAGE, 1.0).event(Kind.FAULT_VERIFIED, OUTAGE, 1.2)
    assert judge(drill.record(tmp_path)).since == "the fault"


def test_its_floor_is_the_marks_the_waits_of_its_own_execution_and_the_promotion(tmp_path: Path):
    timers = PLAN.timers
    drill = switching().promoted(9.5)
    drill.all_probes.clear()
    drill.probes(bad=(1.0, 10.0))
    drill.event(Kind.HEALTH_CHECK, "unhealthy", 2.0).event(Kind.ALARM, "ALARM", 2.5, name="gameday-primary-health")
    entering(drill, OTHER, ("Settle", "Wait", 2.6), ("Settle", "Wait", 2.7))  # started by the alarm, and waits beside
    entering(drill, OWN, ("DrainPrimary", "Task", 0.1), ("AwaitMark", "Task", 2.0), ("PromoteReplica", "Task", 3.0))
    measurement = judge(drill.record(tmp_path))
    assert dict(measurement.floor.parts) == {
        "tasks: to write the mark, and to await it": 2 * timers.ecs_start_s,
        "state machine: waits before the promotion": 0.0,
        "database: promotion": timers.rds_promotion_s,
    }


def test_the_report_says_after_the_switch(tmp_path: Path):
    record = switching().promoted(3.5).record(tmp_path)
    events = [event for event in switching().events if event.kind is Kind.SWITCH]
    shown = page(record.read_plan(), judge(record), events)
    assert shown.headline.why.startswith("Clients were served again 4.01 s after the switch")
    assert [column.name for column in shown.phases.columns][1] == "After the switch"
    assert shown.timeline.rows[0][1].text == "+0.000 s"
