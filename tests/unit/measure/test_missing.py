"""Evidence that only some drills must have: the reading before healing, a failover that proved itself."""

import pytest
from records import OUTAGE, PRIMARY, DrillBuilder, good_drill, told

from gameday.errors import ReadBackError
from gameday.facts import Kind, Verdict
from gameday.measure.judge import judge
from gameday.measure.missing import FIRST_READING, FIRST_READING_FAILED
from gameday.record.lines import Damage
from gameday.record.timeline import Timeline
from gameday.survivors import read_before_healing

HELD, UNKNOWN = Verdict.HELD, Verdict.UNKNOWN


@pytest.fixture
def judged(tmp_path):
    return lambda drill: judge(drill.record(tmp_path))


# The failover.


def runs(drill: DrillBuilder, **ended: str) -> DrillBuilder:
    """Executions that began one second after the other and ended so; RUNNING: never."""
    for number, (arn, status) in enumerate(ended.items()):
        drill.event(Kind.EXECUTION, "RUNNING", 1.0 + number, arn=arn)
        if status != "RUNNING":
            drill.event(Kind.EXECUTION, status, 10.0 - number, arn=arn)
    return drill


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED", "RUNNING"])
def test_a_failover_that_did_not_succeed_is_unknown_and_its_history_is_the_next_step(judged, status):
    found = judged(runs(good_drill(), first="SUCCEEDED", second=status))
    assert (found.verdict, told(found, UNKNOWN)) == (UNKNOWN, ["the failover did not succeed"])
    (finding,) = [each for each in found.findings if each.weight is UNKNOWN]
    assert finding.seen.startswith(status)
    assert finding.next_step.startswith("read the history of execution second:")


def test_a_failover_that_succeeded_after_one_that_failed_holds_and_the_failed_one_is_told(judged):
    found = judged(runs(good_drill(), first="FAILED", second="SUCCEEDED"))
    assert found.verdict is HELD
    (finding,) = [each for each in found.findings if each.what == "an earlier failover did not succeed"]
    assert finding.next_step == "read the history of execution first"


def test_a_failover_that_the_fence_itself_set_off_says_nothing_of_the_recovery(judged):
    drill = runs(good_drill(), first="SUCCEEDED").event(Kind.FENCED, "fenced", 20.0, PRIMARY)
    found = judged(drill.event(Kind.EXECUTION, "RUNNING", 28.0, arn="after the fence"))
    assert "the failover did not succeed" not in told(found, UNKNOWN)


def test_a_failover_that_ran_into_the_fence_is_still_the_recoverys(judged):
    drill = good_drill().event(Kind.EXECUTION, "RUNNING", 19.0, arn="first").event(Kind.FENCED, "fenced", 20.0, PRIMARY)
    found = judged(drill.event(Kind.EXECUTION, "FAILED", 25.0, arn="first"))
    assert "the failover did not succeed" in told(found, UNKNOWN)


def test_a_failover_that_had_failed_before_the_fault_says_nothing_of_this_drill(judged):
    found = judged(good_drill().event(Kind.EXECUTION, "FAILED", -5.0, arn="last week's"))
    assert found.verdict is HELD
    assert not any("failover" in finding.what for finding in found.findings)


# Every fault's effects.


def test_an_effect_of_a_later_fault_that_was_only_inferred_is_unknown_too(judged):
    drill = good_drill().planned(faults=(OUTAGE, "Lag()")).event(Kind.FAULT, "Lag()", 0.3)
    drill.event(Kind.FAULT_VERIFIED, "Lag()", 0.4, **{"replication has stopped": "inferred from the network ACLs"})
    found = judged(drill)
    assert (found.verdict, told(found, UNKNOWN)) == (UNKNOWN, ["effects of the fault were only inferred"])
    (finding,) = [each for each in found.findings if each.weight is UNKNOWN]
    assert finding.seen == "replication has stopped"


# The reading before healing.


READINGS = {
    "failed": (lambda d: d.event(Kind.NOTE, FIRST_READING_FAILED, 20, why="no answer"), "no answer"),
    "none": (lambda d: d, "no such reading"),
    "empty": (lambda d: d.event(Kind.NOTE, FIRST_READING, 20, rows=0), "no such reading"),
    "too late": (lambda d: d.event(Kind.NOTE, FIRST_READING, 22, rows=3), "no such reading"),
    "before the promotion": (lambda d: d.event(Kind.NOTE, FIRST_READING, 2, rows=3), "no such reading"),
}


@pytest.mark.parametrize(("read", "seen"), READINGS.values(), ids=READINGS.keys())
def test_a_healed_drill_whose_standby_was_not_read_back_before_healing_is_unknown(judged, read, seen):
    found = judged(healed(read(good_drill())))
    assert (found.verdict, told(found, UNKNOWN)) == (UNKNOWN, ["the survivors were not read back before healing"])
    assert any(finding.seen.startswith(seen) for finding in found.findings)


def test_a_healed_drill_whose_standby_was_read_back_before_healing_holds(judged):
    assert judged(healed(good_drill().event(Kind.NOTE, FIRST_READING, 20, rows=3))).verdict is HELD


def test_without_a_promotion_there_is_no_other_database_that_could_have_answered(judged):
    assert judged(healed(DrillBuilder().probes(bad=(0.0, 4.0)).write("a", -1.0))).verdict is HELD


def test_the_first_reading_is_noted_in_the_words_that_the_judgement_looks_for(tmp_path):
    def half(writer, within_s):
        raise ReadBackError("every row", "half of them", "ask again")

    record = DrillBuilder().record(tmp_path)
    timeline = Timeline(record)
    read_before_healing(lambda writer, within_s: 3, record, timeline, are_served=True)
    read_before_healing(half, record, timeline, are_served=True)
    timeline.close()
    read, failed = list(record.read_events(Damage()))[-2:]
    assert (read.what, read.detail["rows"]) == (FIRST_READING, 3)
    assert (failed.what, "half of them" in failed.detail["why"]) == (FIRST_READING_FAILED, True)


def test_where_no_client_is_served_the_first_reading_is_tried_for_some_seconds_only(tmp_path):
    allowed_s: list[float] = []

    def noted(writer, within_s):
        allowed_s.append(within_s)
        return 0

    record = DrillBuilder().record(tmp_path)
    timeline = Timeline(record)
    for served in (True, False):
        read_before_healing(noted, record, timeline, are_served=served)
    timeline.close()
    assert allowed_s == [60, 5]


def healed(drill: DrillBuilder) -> DrillBuilder:
    return drill.event(Kind.HEAL, OUTAGE, 21.0, PRIMARY).event(Kind.HEALED, OUTAGE, 21.5, PRIMARY)
