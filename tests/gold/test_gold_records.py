"""Records as they lie on a disk, with the measurements that a person worked out from their lines.

They freeze the record's form as well: a later version that cannot read or judges them otherwise has broken old drills.
"""

from pathlib import Path

import pytest

from gameday.facts import Verdict, Witness
from gameday.measure.judge import judge
from gameday.record.layout import Record

RECORDS = Path(__file__).parent / "records"


@pytest.fixture(scope="module")
def held():
    return judge(Record.open(RECORDS / "region-outage-held"))


@pytest.fixture(scope="module")
def killed():
    return judge(Record.open(RECORDS / "killed-during-the-outage"))


def test_the_region_outage_held(held):
    assert held.verdict is Verdict.HELD
    assert {finding.weight for finding in held.findings} == {Verdict.HELD}
    assert (held.fault.region, held.fault.verified, held.timer_scale) == ("ap-southeast-2", True, 0.1)


def test_its_recovery_time_is_the_first_sustained_probes_completion(held):
    assert held.rta_s == 0.11
    assert [(t.target, t.rta_s, t.lower_s, t.upper_s, t.failed, t.scheduled) for t in held.recovery_times] == [
        ("write", 0.11, 0.095, 0.11, 20, 242),
        ("read", 0.11, 0.095, 0.11, 20, 242),
    ]


def test_its_recovery_point_has_two_agreeing_witnesses(held):
    point = held.recovery_point
    assert (point.rpa_s, point.lost, point.lost_bytes, point.lost_ids) == (0.06, 2, 240, ("lost-1", "lost-2"))
    assert (point.wal, point.wal_lost_xids) == (Witness.AGREES, 2)
    assert point.wal_why.endswith("1 more were never acknowledged")
    assert (point.lag, point.lag_s) == (Witness.AGREES, 0.04)


def test_each_of_its_writes_has_one_class(held):
    there = {name: count for name, count in held.classes.items() if count}
    assert there == {"kept": 3, "lost": 2, "recovered": 1, "absent": 1, "refused": 1}
    assert (held.writes, held.attempts, held.acknowledged, held.unexpected, held.split_brain) == (8, 9, 5, 0, 0)


def test_its_floor_is_the_least_of_detection_then_alarm_and_promotion(held):
    assert held.floor.floor_s == pytest.approx(0.06)  # 2 × 0.02, then 2 × 0.01 − 0.02, no wait, and 0.02
    assert held.excess_s == pytest.approx(0.05)  # 0.11 − 0.06


def test_its_phases_are_in_their_partial_order(held):
    assert {phase.name: phase.at_s for phase in held.phases} == {
        "fault": 0.0,
        "first client error": 0.04,
        "health check unhealthy": 0.05,
        "alarm": 0.07,
        "failover started": 0.072,
        "DNS latched": 0.076,
        "promoted": 0.095,
        "endpoint rewritten": 0.1,
        "scaled": 0.15,
        "resolver answers the standby": 0.06,
        "first good write": 0.11,
        "sustained": 0.11,
        "full throughput": None,
    }


def test_its_alarm_fired_and_cleared(held):
    assert [(a.name, a.expected, a.fired_at_s, a.cleared_at_s) for a in held.alarms] == [
        ("gameday-primary-health", True, 0.07, 1.1)
    ]


def test_its_baseline_was_met(held):
    assert [(a.baseline_good, a.baseline_scheduled) for a in held.availability] == [(18, 18), (18, 18)]


def test_a_drill_that_was_killed_is_unknown_and_says_why(killed):
    assert killed.verdict is Verdict.UNKNOWN
    assert (killed.rta_s, killed.recovery_point.rpa_s, killed.fault.verified) == (None, None, False)
    assert {finding.what for finding in killed.findings if finding.weight is Verdict.UNKNOWN} == {
        "the recovery time is unknown",
        "the recovery point is unknown",
        "the record is damaged",
        "attempts never settled",
        "the read-back is incomplete",
        "nobody verified that the fault took effect",
        "the observation never ended",
    }


def test_a_drill_that_was_killed_keeps_what_it_saw(killed):
    assert killed.writes == 7
    assert killed.acknowledged == 4
    assert killed.fault.fault == "RegionOutage(region='ap-southeast-2')"
