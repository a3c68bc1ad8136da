"""The recovery time actual, by probes on a schedule."""

import pytest
from records import DrillBuilder, at_ns

from gameday.facts import RecoveryTime
from gameday.measure.rto import Terms, overall, recovery_time

END_S = 30.0


def rta(drill, *, target="write", client="fresh", window_s=3.0, bound_s=1.0, end_s=END_S, since_s=0.0):
    until = None if end_s is None else at_ns(end_s)
    since = None if since_s is None else at_ns(since_s)
    return recovery_time(drill.all_probes, target, client, Terms(since, until, window_s, bound_s))


def test_without_a_failed_probe_the_rta_is_zero():
    found = rta(DrillBuilder().probes())
    assert found == RecoveryTime("write", "fresh", 0.0, 0.0, 0.0, 0, 600)


def test_the_rta_ends_when_the_first_good_probe_of_a_sustained_window_completes():
    found = rta(DrillBuilder().probes(bad=(0.0, 4.0)))
    assert (found.rta_s, found.lower_s, found.upper_s) == (4.01, 3.95, 4.01)
    assert (found.failed, found.scheduled) == (80, 600)


def test_a_probe_scheduled_before_the_fault_that_fails_after_it_has_failed():
    drill = DrillBuilder().probes(bad=(-0.5, 4.0))
    assert rta(drill).failed == 90


def test_a_probe_that_failed_before_the_fault_is_no_part_of_the_recovery():
    assert rta(DrillBuilder().probes(bad=(-5.0, -4.0))).rta_s == 0.0


def test_an_outage_after_a_recovery_moves_the_recovery_behind_it():
    drill = DrillBuilder().probes(bad=(0.0, 4.0))
    second = DrillBuilder().probes(bad=(16.0, 16.5))
    drill.all_probes = [b if not b.good else a for a, b in zip(drill.all_probes, second.all_probes, strict=True)]
    found = rta(drill)
    assert (found.rta_s, found.lower_s) == (16.51, 16.45)


def test_two_bad_probes_of_two_hundred_are_no_outage_and_three_are():
    assert rta(DrillBuilder().probes(bad=(10.0, 10.1))).rta_s == 0.01  # it opened at the fault, and stayed sustained
    assert rta(DrillBuilder().probes(bad=(10.0, 10.15))).rta_s == 10.16


def test_a_single_good_probe_in_the_outage_is_no_recovery():
    drill = DrillBuilder().probes(bad=(0.0, 4.0))
    lucky = DrillBuilder().probe("write", 240, 2.0).all_probes[0]
    drill.all_probes = [lucky if p.target == "write" and p.seq == 240 else p for p in drill.all_probes]
    assert rta(drill).rta_s == 4.01


def test_an_answer_slower_than_the_latency_bound_is_not_good():
    drill = DrillBuilder().probes(span=(0.0, 30.0), took_s=0.3)
    assert rta(drill, bound_s=0.2).rta_s is None
    assert rta(drill, bound_s=0.3).rta_s == 0.0


def test_a_window_of_less_than_two_hundred_probes_is_unknown():
    found = rta(DrillBuilder().probes(bad=(0.0, 20.05)))  # 199 probes from 20.05 s to the end
    assert found.rta_s is None
    assert found.lower_s == 20.0
    assert found.why.startswith("only 199 probes were seen")


def test_a_window_of_exactly_two_hundred_probes_is_enough():
    assert rta(DrillBuilder().probes(bad=(0.0, 20.0))).rta_s == 20.01


def test_a_window_shorter_than_w_is_unknown_however_many_probes_it_has():
    found = rta(DrillBuilder().probes(bad=(0.0, 4.0)), window_s=27.0)
    assert (found.rta_s, found.lower_s) == (None, 3.95)


def test_no_failed_probe_but_less_than_a_window_is_unknown_not_zero():
    assert rta(DrillBuilder().probes(span=(-1.0, 5.0)), end_s=5.0).rta_s is None


def test_a_service_that_never_comes_back_is_unknown_with_the_last_bad_probe_as_its_lower_bound():
    found = rta(DrillBuilder().probes(bad=(0.0, 99.0)))
    assert (found.rta_s, found.lower_s, found.upper_s) == (None, 29.95, None)
    assert "no good probe" in found.why


def test_nobody_looked_after_the_last_probe_so_a_later_end_of_observation_completes_no_window():
    assert rta(DrillBuilder().probes(bad=(0.0, 4.0), span=(-10.0, 10.0)), end_s=500.0).rta_s is None


def test_probes_after_the_end_of_observation_are_not_judged():
    drill = DrillBuilder().probes(bad=(25.0, 30.0))
    assert rta(drill, end_s=20.0).rta_s == 0.0


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"end_s": None}, "the end of observation was never recorded"),
        ({"since_s": None}, "there is no fault time"),
        ({"client": "kept"}, "no kept write probe"),
    ],
)
def test_without_what_it_is_defined_by_the_rta_is_unknown(changes, why):
    found = rta(DrillBuilder().probes(), **changes)
    assert found.rta_s is None
    assert why in found.why


def test_the_rto_judges_the_later_of_fresh_writes_and_fresh_reads():
    drill = DrillBuilder().probes(targets=("write",), bad=(0.0, 4.0)).probes(targets=("read",), bad=(0.0, 6.0))
    drill.probes(targets=("write",), client="kept", bad=(0.0, 9.0))
    times = [rta(drill), rta(drill, target="read"), rta(drill, client="kept")]
    assert [time.rta_s for time in times] == [4.01, 6.01, 9.01]
    both = overall(times)
    assert (both.rta_s, both.lower_s, both.upper_s) == (6.01, 5.95, 6.01)


def test_when_one_of_both_is_unknown_the_later_is_unknown_and_keeps_its_lower_bound():
    drill = DrillBuilder().probes(targets=("write",), bad=(0.0, 4.0)).probes(targets=("read",), bad=(0.0, 99.0))
    both = overall([rta(drill), rta(drill, target="read")])
    assert (both.rta_s, both.lower_s) == (None, 29.95)
    assert both.why.startswith("reads: ")
