"""The promotion's stamp is the earlier of the observer's sight and the standby's first acknowledgement."""

from dataclasses import replace

import pytest
from records import PLAN, SECONDARY, DrillBuilder, good_drill, told

from gameday.facts import Verdict
from gameday.measure.judge import judge

HELD, BROKEN, UNKNOWN = Verdict.HELD, Verdict.BROKEN, Verdict.UNKNOWN


@pytest.fixture
def judged(tmp_path):
    return lambda drill: judge(drill.record(tmp_path))


def served_before_it_was_seen() -> DrillBuilder:
    """The standby acknowledged 0.19 s before the observer's next look."""
    return good_drill().write("early", 3.3, region=SECONDARY, xid=701)


def test_a_standby_that_acknowledges_and_was_never_seen_promoted_is_unknown(judged):
    drill = DrillBuilder().probes(bad=(0.0, 4.0)).write("a", -1.0).write("d", 5.0, region=SECONDARY).commits()
    found = judged(drill)
    assert (found.verdict, told(found, UNKNOWN)) == (UNKNOWN, ["the promotion was not seen"])
    assert judged(drill.promoted(3.5)).verdict is HELD


def test_what_the_old_primary_acknowledges_after_the_standbys_first_acknowledgement_is_diverged(judged):
    drill = served_before_it_was_seen().write("x", 3.32, xid=703).commits(703, at_s=3.25)
    found = judged(drill)
    assert (found.verdict, found.classes["diverged"], found.split_brain) == (BROKEN, 1, 1)


def test_what_the_old_primary_commits_after_the_standbys_first_acknowledgement_is_a_split_brain(judged):
    drill = served_before_it_was_seen().write("x", -1.0, "unknown").commits(703, at_s=3.4)
    found = judged(drill)
    assert (found.verdict, found.split_brain) == (BROKEN, 1)
    (finding,) = [each for each in found.findings if each.weight is BROKEN]
    assert finding.seen.startswith("1 after 1970-01-01T00:01:43.310000Z (the first write acknowledged by us-west-2")


def test_without_a_fault_an_acknowledgement_of_the_standby_is_no_promotion(judged):
    drill = DrillBuilder(plan=replace(PLAN, faults=(), expected_alarms=()), faulted=False).probes()
    found = judged(drill.write("a", -5.0).write("c", 6.0, region=SECONDARY))
    assert (found.verdict, found.split_brain) == (HELD, 0)
