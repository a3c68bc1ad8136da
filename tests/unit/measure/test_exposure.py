"""What a loss of the region would have cost as the lag grew, and whether somebody was called in time."""

from dataclasses import replace

import pytest
from records import DrillBuilder, told

from gameday.facts import Kind, Objectives, Verdict
from gameday.measure.exposure import KEPT
from gameday.measure.judge import judge

ALARM = "gameday-replica-lag"
CALLED = "somebody was called before the RPO was at risk"
NOT_CALLED = "the RPO was at risk before anybody was called"


def lagging(*samples, alarm_at_s=None, **plan):
    """Ten orders a second for 10 s before and after the fault, and samples of the lag as (at, lag)."""
    drill = DrillBuilder().probes().planned(expected_alarms=(ALARM,), **plan)
    for number in range(200):
        drill.write(f"{number:03}", -10 + number / 10)
    for at_s, lag_s in samples:
        drill.event(Kind.LAG, f"{lag_s:.3f}", at_s, lag_s=lag_s)
    return drill if alarm_at_s is None else drill.event(Kind.ALARM, "ALARM", alarm_at_s, name=ALARM)


def test_the_writes_at_risk_are_those_acknowledged_within_the_lag(tmp_path):
    found = judge(lagging((-1, 0.0), (2, 1.0), (5, 4.0)).record(tmp_path)).exposures
    assert [(each.at_s, each.lag_s, each.writes) for each in found] == [(-1, 0, 0), (2, 1, 10), (5, 4, 40)]


def test_where_the_standby_was_promoted_nothing_is_at_risk_after_the_fault(tmp_path):
    found = judge(lagging((-2, 1.0), (2, 4.0), (5, 4.0)).promoted(3).record(tmp_path)).exposures
    assert [each.at_s for each in found] == [-2]


def test_rds_saying_that_replication_is_broken_is_no_lag(tmp_path):
    assert judge(lagging((2, -1.0)).record(tmp_path)).exposures == ()


def test_a_long_drill_is_told_in_few_samples_with_the_worst_among_them(tmp_path):
    samples = [(at / 100, 1.0) for at in range(1000)]
    samples[777] = (7.77, 9.0)
    found = judge(lagging(*samples).record(tmp_path)).exposures
    assert KEPT <= len(found) <= KEPT + 1
    assert max(each.lag_s for each in found) == 9.0


@pytest.mark.parametrize(
    ("lags", "alarm_at_s", "weight", "what"),
    [
        ([(2, 3.0), (5, 20.0)], 3, Verdict.HELD, CALLED),  # far behind only after the call
        ([(2, 3.0)], None, Verdict.HELD, CALLED),  # silent, and never at risk
        ([(2, 11.0)], 3, Verdict.BROKEN, NOT_CALLED),
        ([(2, 11.0)], None, Verdict.BROKEN, NOT_CALLED),
        ([], 3, Verdict.UNKNOWN, "nobody knows what was at risk"),
    ],
)
def test_the_alarm_must_call_before_more_than_the_rpo_is_at_risk(tmp_path, lags, alarm_at_s, weight, what):
    assert what in told(judge(lagging(*lags, alarm_at_s=alarm_at_s).record(tmp_path)), weight)


def test_between_the_scaled_rpo_and_the_rpo_nothing_is_shown(tmp_path):
    drill = lagging((2, 7.0), objectives=Objectives(30, 10))
    drill.planned(timers=replace(drill.plan.timers, scale=0.5))
    assert NOT_CALLED in told(judge(drill.record(tmp_path)), Verdict.UNKNOWN)


def test_a_fault_that_nobody_notices_sets_the_stage_and_the_next_ones_time_counts(tmp_path):
    drill = DrillBuilder().probes().write("a", -5)
    drill.event(Kind.FAULT, "ReplicaLag()", -3, "ap-southeast-2", unnoticed=True)
    drill.event(Kind.FAULT_VERIFIED, "ReplicaLag()", -2)
    fault = judge(drill.record(tmp_path)).fault
    assert fault.fault == "ReplicaLag() + RegionOutage(region='ap-southeast-2')"
    assert fault.start_mono_ns == 100_000_000_000
