"""Probes that contradict their own schedule are no evidence of when clients were served."""

from dataclasses import replace

import pytest
from records import DrillBuilder, at_ns, good_drill, told

from gameday.facts import Objectives, Verdict
from gameday.measure.judge import judge
from gameday.measure.schedule import EARLY_NS

HELD, BROKEN, UNKNOWN = Verdict.HELD, Verdict.BROKEN, Verdict.UNKNOWN


@pytest.fixture
def judged(tmp_path):
    return lambda drill: judge(drill.record(tmp_path))


def changed(drill: DrillBuilder, at_s: float, **stamps_s: float) -> DrillBuilder:
    """The probes that are due then, with other stamps."""
    stamps = {f"{name}_mono_ns": at_ns(stamp_s) for name, stamp_s in stamps_s.items()}
    drill.all_probes = [
        replace(probe, **stamps) if probe.scheduled_mono_ns == at_ns(at_s) else probe for probe in drill.all_probes
    ]
    return drill


def outage(*, rto_s: float = 30.0) -> DrillBuilder:
    return DrillBuilder().probes(bad=(0.0, 2.0)).write("a", -1.0).planned(objectives=Objectives(rto_s, 10.0))


def test_a_probe_that_was_sent_before_it_was_due_tells_no_recovery_time(judged):
    assert judged(outage()).rta_s == pytest.approx(2.01)
    found = judged(changed(outage(), 2.0, sent=0.001, done=0.001))
    assert (found.verdict, found.rta_s) == (UNKNOWN, None)
    assert "probes contradict each other" in told(found, UNKNOWN)
    assert "the recovery time is unknown" in told(found, UNKNOWN)


def test_an_outage_beyond_the_rto_stays_broken_whenever_its_first_good_probe_was_sent(judged):
    assert judged(changed(outage(rto_s=1.9), 2.0, sent=0.001, done=0.001)).verdict is BROKEN


def test_a_timer_may_run_out_early_by_its_clocks_resolution(judged):
    drill = outage()
    drill.all_probes = [replace(each, sent_mono_ns=each.scheduled_mono_ns - EARLY_NS) for each in drill.all_probes]
    assert judged(drill).verdict is HELD


def test_an_outage_in_which_nothing_was_scheduled_is_unknown_whatever_the_numbers_say(judged):
    drill = outage()
    seen = [each for each in drill.all_probes if not at_ns(-0.01) < each.scheduled_mono_ns < at_ns(2.2)]
    numbers = {"write": iter(range(len(seen))), "read": iter(range(len(seen)))}
    drill.all_probes = [replace(each, seq=next(numbers[each.target])) for each in seen]
    found = judged(drill)
    assert (found.verdict, told(found, UNKNOWN)) == (UNKNOWN, ["the schedule of the probes is uneven"] * 2)
    finding = next(each for each in found.findings if each.weight is UNKNOWN)
    assert finding.expected == "fresh read probes due one every 0.05 s"
    assert finding.seen == "steps from 0.050 s to 2.250 s"


def test_a_schedule_that_goes_back_is_unknown(judged):
    found = judged(changed(outage(), 20.0, scheduled=15.01))
    assert told(found, UNKNOWN) == ["the schedule of the probes is uneven"] * 2


def test_numbers_that_are_missing_are_told_as_missing_only(judged):
    drill = good_drill()
    drill.all_probes = [each for each in drill.all_probes if each.seq % 10 < 6]
    assert told(judged(drill), UNKNOWN) == ["probes are missing"]
