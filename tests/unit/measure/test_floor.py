"""The floor is the least that the configuration dictates of a recovery: no drill can be faster."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from records import OUTAGE, PRIMARY, TIMERS, DrillBuilder, failing_over, good_drill

from gameday.facts import APPROVED, Kind
from gameday.lab.local.evaluation import Query, Rule, State, datapoints
from gameday.lab.local.evaluation import judged as alarm_state
from gameday.lab.local.metrics import Sample
from gameday.lab.local.watching import Strikes
from gameday.measure.judge import judge

ALARM = "alarm: period × periods − one sample"


@pytest.fixture
def judged(tmp_path):
    return lambda drill: judge(drill.record(tmp_path))


FAST = replace(
    TIMERS, health_check_interval_s=0.5, alarm_period_s=1.0, rds_promotion_s=0.6, asl_wait_s={"Settle": 0.1}
)  # a configuration that lets failing_over happen as it did


def test_the_floor_is_the_least_that_the_configuration_dictates(judged):
    found = judged(failing_over(good_drill()).planned(timers=FAST))
    assert found.floor.parts == (
        ("health check: interval × (threshold − 1)", 1.0),  # 0.5 × 2
        ("health check: timeout of a look without an answer", 0.0),  # the fault does not say that it is silent
        ("alarm: period × periods − one sample", 1.5),  # 1 × 2 − 0.5
        ("state machine: waits before the promotion", 0.1),  # Settle; WaitForPromotion comes after the call
        ("database: promotion", 0.6),
    )
    assert found.floor.floor_s == pytest.approx(3.2)
    assert found.excess_s == pytest.approx(0.81)  # of an RTA of 4.01


def silent(drill: DrillBuilder) -> DrillBuilder:
    """The same drill, whose fault leaves the health check without any answer."""
    drill.faulted = False
    return drill.event(Kind.FAULT, OUTAGE, 0.0, PRIMARY, silent_health_path=True)


def test_a_silent_fault_makes_each_look_wait_for_its_timeout(judged):
    found = judged(silent(failing_over(good_drill())).planned(timers=FAST))
    assert dict(found.floor.parts)["health check: timeout of a look without an answer"] == 0.4
    assert found.floor.floor_s == pytest.approx(3.6)
    once = replace(FAST, health_check_threshold=1)
    assert judged(silent(failing_over(good_drill())).planned(timers=once)).floor.floor_s == pytest.approx(2.2)


def test_a_ttl_dictates_nothing_since_a_cache_may_run_out_just_when_the_name_turns(judged):
    found = judged(failing_over(good_drill()).planned(timers=replace(FAST, dns_ttl_s=300)))
    assert found.floor.floor_s == pytest.approx(3.2)


def test_on_aws_the_alarm_may_have_seen_its_last_good_sample_a_minute_before_the_check_turned(judged):
    real = replace(FAST, alarm_period_s=60.0, alarm_periods=2)
    assert dict(judged(failing_over(good_drill()).planned(lab="aws", timers=real)).floor.parts)[ALARM] == 60.0
    assert dict(judged(failing_over(good_drill()).planned(lab="aws", timers=FAST)).floor.parts)[ALARM] == 0.0


def test_a_failover_that_needed_no_alarm_waited_for_no_detection(judged):
    drill = failing_over(good_drill()).planned(timers=FAST)
    drill.events = [event for event in drill.events if event.detail.get("name") != "gameday-primary-health"]
    found = judged(drill.event(Kind.ALARM, "ALARM", 9.0, name="gameday-primary-health"))
    assert [name for name, _ in found.floor.parts] == [
        "state machine: waits before the promotion",
        "database: promotion",
    ]


def test_a_failover_started_by_hand_waited_for_the_decision_and_for_no_health_check(judged):
    drill = failing_over(good_drill()).planned(timers=FAST, expected_alarms=("gameday-5xx",))
    found = judged(drill.event(Kind.ALARM, "ALARM", 1.2, name="gameday-5xx").event(Kind.NOTE, APPROVED, 1.5))
    assert found.floor.parts[:2] == (
        ("the decision: from the fault to the approval", 1.5),
        ("state machine: waits before the promotion", 0.1),
    )
    assert {each.since: each.at_s for each in found.clocks}["approval"] == pytest.approx(2.51)


def test_an_alarm_beside_a_healthy_check_dictated_nothing(judged):
    drill = failing_over(good_drill()).planned(timers=FAST)
    drill.events = [event for event in drill.events if event.kind is not Kind.HEALTH_CHECK]
    assert [name for name, _ in judged(drill).floor.parts] == [
        "state machine: waits before the promotion",
        "database: promotion",
    ]


def test_clients_that_were_served_again_before_the_promotion_did_not_wait_for_it(judged):
    drill = failing_over(DrillBuilder().probes(bad=(0.0, 2.0)).write("a", -5.0))  # the promotion is called at 2.9 s
    found = judged(drill)
    assert (found.rta_s, found.floor.floor_s, found.excess_s) == (2.01, None, None)
    assert found.floor.why == "clients were served again before the failover came to PromoteReplica"


def test_without_a_failover_there_is_no_floor_unless_nobody_saw_an_outage(judged):
    assert judged(good_drill()).floor.floor_s is None
    quiet = DrillBuilder().probes().write("a", -5.0)
    found = judged(quiet)
    assert (found.floor.floor_s, found.excess_s, found.floor.why) == (0.0, 0.0, "no client saw an outage")


def test_a_failover_that_no_client_noticed_has_a_floor_of_nothing(judged):
    found = judged(failing_over(DrillBuilder().probes().write("a", -5.0)))
    assert (found.rta_s, found.floor.floor_s, found.excess_s) == (0.0, 0.0, 0.0)


def test_a_failover_that_never_promoted_has_no_floor(judged):
    found = judged(good_drill().event(Kind.EXECUTION, "RUNNING", 2.0))
    assert found.floor.why == "the failover never came to PromoteReplica"


def test_a_wait_that_the_plan_does_not_tell_leaves_no_floor(judged):
    found = judged(failing_over(good_drill()).planned(timers=replace(TIMERS, asl_wait_s={})))
    assert found.floor.why == "plan.json does not tell how long Settle waits"


# The lab's own health check and alarm never are quicker.


def fired_after_s(timers, phase_s: float, look_s: float) -> float:
    """When the lab's alarm fires for a fault that falls ``phase_s`` before a look; it takes ``look_s``."""
    strikes, samples = Strikes(True, timers.health_check_threshold, timers.health_check_threshold), []
    series = ("AWS/Route53", "HealthCheckStatus", frozenset[tuple[str, str]]())
    health = Query("m1", series, "Maximum", timers.alarm_period_s)
    rule = Rule((health,), "m1", timers.alarm_periods, timers.alarm_periods, "LessThanThreshold", 1.0, "breaching")
    born = at(-1000.0)
    looks = [phase_s + number * timers.health_check_interval_s for number in range(-100, 100)]
    for due_s in looks:
        strikes.saw(due_s < 0)
        told = float(strikes.healthy)
        samples.append(Sample(at(due_s + look_s * (due_s >= 0)), told, told, told, 1.0))
    for step in range(10_000):
        now = at(step / 100)
        seen = [sample for sample in samples if sample.at <= now]
        if alarm_state(rule, datapoints(rule, {"m1": seen}, now, born), State.OK) is State.ALARM:
            return step / 100
    raise AssertionError("it never fired")


def at(after_fault_s: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=after_fault_s)


@pytest.mark.parametrize("threshold", [1, 2, 3])
@pytest.mark.parametrize("periods", [1, 2, 3])
@pytest.mark.parametrize("look_s", [0.0, 0.2])
def test_no_alarm_of_the_lab_fires_earlier_and_one_fires_just_then(judged, threshold, periods, look_s):
    timers = replace(
        FAST, health_check_threshold=threshold, alarm_periods=periods, health_check_timeout_s=look_s
    )  # a silent fault: a look takes just its timeout
    least_s = sum(s for _, s in judged(silent(failing_over(good_drill())).planned(timers=timers)).floor.parts[:3])
    fired_s = [fired_after_s(timers, phase_s, look_s) for phase_s in (0.001, 0.1, 0.25, 0.4, 0.499)]
    assert least_s <= min(fired_s) < least_s + 0.02  # the loop's own step, and the phase's
