"""Phases are a partial order; the same recovery is told from other clocks."""

import pytest
from records import OUTAGE, SECONDARY, DrillBuilder, failing_over, good_drill

from gameday.facts import APPROVED, Kind
from gameday.measure.judge import judge
from gameday.measure.phases import NAMES


@pytest.fixture
def judged(tmp_path):
    return lambda drill: judge(drill.record(tmp_path))


def test_every_phase_is_told_in_seconds_after_the_fault(judged):
    found = judged(failing_over(good_drill()))
    assert tuple(phase.name for phase in found.phases) == NAMES
    assert {phase.name: phase.at_s for phase in found.phases} == {
        "fault": 0.0,
        "first client error": 1.0,  # the first probe's timeout
        "health check unhealthy": 1.5,
        "alarm": 2.6,  # the expected one
        "failover started": 2.7,  # its first state's own entry, before the execution was seen
        "DNS latched": 2.95,
        "promoted": 3.5,
        "endpoint rewritten": 3.7,
        "scaled": 4.5,
        "resolver answers the standby": 1.6,
        "first good write": 4.01,
        "sustained": 4.01,
        "full throughput": None,  # one write in 3 s is less than the three in 5 s before
    }
    by_name = {phase.name: phase for phase in found.phases}
    assert by_name["endpoint rewritten"].evidence == "not needed"
    assert by_name["fault"].evidence == OUTAGE
    assert by_name["promoted"].utc == "1970-01-01T00:01:43.500000Z"
    assert by_name["promoted"].evidence == "the observer saw us-west-2's database as primary"
    assert by_name["first good write"].evidence == f"write probe 280, by {SECONDARY}"


def test_a_phase_that_was_never_seen_has_no_time(judged):
    found = {phase.name: phase.at_s for phase in judged(good_drill()).phases}
    assert [name for name, at_s in found.items() if at_s is None] == [
        "health check unhealthy", "alarm", "failover started", "DNS latched", "endpoint rewritten", "scaled",
        "resolver answers the standby",
        "full throughput",
    ]  # fmt: skip


def test_a_rewritten_endpoint_is_told_by_its_state(judged):
    drill = failing_over(good_drill()).event(Kind.STATE, "RewriteEndpoint", 3.6, type="Task")
    assert next(p for p in judged(drill).phases if p.name == "endpoint rewritten").evidence == "rewritten"


def test_the_promotion_is_told_by_the_standbys_first_acknowledgement_when_nobody_saw_it_earlier(judged):
    drill = good_drill().write("later", 3.4, region=SECONDARY).write("early", 3.3, region=SECONDARY, writer="locust-1")
    phase = next(phase for phase in judged(drill).phases if phase.name == "promoted")
    assert (phase.at_s, phase.utc) == (3.31, "1970-01-01T00:01:43.310000Z")
    assert phase.evidence == (
        "the first write acknowledged by us-west-2 (to locust-1), before the observer saw its database as primary"
    )


def test_what_the_standbys_region_acknowledged_before_the_fault_tells_no_promotion(judged):
    drill = good_drill().write("early", -2.0, region=SECONDARY)
    assert next(phase for phase in judged(drill).phases if phase.name == "promoted").at_s == 3.5


def test_a_refused_attempt_can_be_the_first_client_error(judged):
    found = judged(good_drill().write("x", 0.2, "refused", there=False))
    assert found.phases[1].at_s == 0.21
    assert found.phases[1].evidence == "prober: an attempt settled refused"


def test_full_throughput_waits_for_the_rate_before_the_fault(judged):
    drill = DrillBuilder().probes(bad=(0.0, 4.0))
    for n in range(100):
        drill.write(f"before-{n:03}", -10.0 + n / 10)  # 10/s, acknowledged 10 ms later
    for n in range(40):
        drill.write(f"slow-{n:03}", 5.0 + n / 5, region=SECONDARY)  # 5/s up to 13 s
    for n in range(100):
        drill.write(f"full-{n:03}", 13.0 + n / 10, region=SECONDARY)
    phase = judged(drill).phases[-1]
    assert phase.at_s == pytest.approx(12.81)  # 2 slow ones, then 28 of the full rate: 29 of 30.03 in 3 s
    assert phase.evidence == "95% of 10.0 acknowledged writes/s, over 3 s"


def test_without_a_fault_there_are_no_phases(judged):
    found = judged(DrillBuilder(faulted=False).planned(faults=()).probes().write("a", -5.0))
    assert [phase.at_s for phase in found.phases] == [None] * len(NAMES)


def test_the_recovery_is_also_told_from_where_other_tools_start_their_clocks(judged):
    drill = failing_over(good_drill()).event(Kind.NOTE, APPROVED, 2.01)
    told = {clock.since: clock.at_s for clock in judged(drill).clocks}
    assert told == pytest.approx(
        {"first client error": 3.01, "detection": 2.51, "failover started": 1.31, "approval": 2.0}
    )


def test_a_clock_that_was_never_started_or_started_too_late_tells_nothing(judged):
    drill = good_drill().event(Kind.EXECUTION, "RUNNING", 4.5)
    told = {clock.since: clock.at_s for clock in judged(drill).clocks}
    assert told == {
        "first client error": pytest.approx(3.01),
        "detection": None,
        "failover started": None,
        "approval": None,
    }


def test_alarms_are_told_when_they_fired_and_when_they_cleared(judged):
    drill = failing_over(good_drill()).event(Kind.ALARM, "OK", 25.0, name="gameday-primary-health")
    first, second = judged(drill).alarms
    assert (first.name, first.expected, first.fired_at_s, first.cleared_at_s) == (
        "gameday-primary-health",
        True,
        2.6,
        25.0,
    )
    assert (second.name, second.expected, second.fired_at_s, second.cleared_at_s) == (
        "gameday-replica-lag",
        False,
        2.5,
        None,
    )


def test_an_alarm_that_fired_before_the_fault_is_told_so_and_does_not_count_as_fired(judged):
    found = judged(good_drill().event(Kind.ALARM, "ALARM", -3.0, name="gameday-primary-health"))
    assert found.alarms[0].fired_at_s == -3.0
    assert "it had fired before the fault" in [finding.seen for finding in found.findings]


def test_an_expected_alarm_that_never_was_seen_is_listed_without_times(judged):
    (alarm,) = judged(good_drill()).alarms
    assert (alarm.fired_at_s, alarm.cleared_at_s) == (None, None)
