"""What else is told of the probes: availability in counts, slices for charts, and how true the prober was."""

import pytest
from records import DrillBuilder, good_drill

from gameday.measure.buckets import SLICES_MAX, percentile, slice_width_ns
from gameday.measure.judge import judge
from gameday.measure.prober import prober_quality, sequence_holes


@pytest.fixture
def judged(tmp_path):
    return lambda drill: judge(drill.record(tmp_path))


def test_availability_is_told_in_counts_overall_and_before_the_fault(judged):
    read, write = judged(good_drill()).availability
    assert (write.target, write.good, write.scheduled) == ("write", 720, 800)
    assert (write.baseline_good, write.baseline_scheduled) == (200, 200)
    assert read.target == "read"


def test_a_probe_in_flight_at_the_fault_is_no_part_of_the_baseline(judged):
    found = judged(good_drill().probe("write", 800, -0.005))
    assert next(each for each in found.availability if each.target == "write").baseline_scheduled == 200


def test_probes_after_the_end_of_observation_are_left_out_of_availability(judged):
    drill = good_drill()
    drill.end_s = 20.0
    assert [each.scheduled for each in judged(drill).availability] == [601, 601]


def test_slices_start_at_the_fault_and_count_what_was_scheduled_in_them(judged):
    found = [b for b in judged(good_drill()).buckets if b.target == "write"]
    by_start = {bucket.at_s: bucket for bucket in found}
    assert len(found) == 200  # 40 s in slices of 0.2 s; 0.1 s would be 400
    outage = by_start[0.0]
    assert (outage.scheduled, outage.good, outage.latency_p50_ms) == (4, 0, None)
    before = by_start[-10.0]
    assert (before.scheduled, before.good, before.latency_p50_ms, before.latency_p99_ms) == (4, 4, 10.0, 10.0)


@pytest.mark.parametrize("span_s", [0, 1, 23.8, 40, 3600, 86_400, 10_000_000])
def test_there_are_at_most_240_slices_however_long_a_drill_is(span_s):
    assert span_s * 1e9 // slice_width_ns(int(span_s * 1e9)) + 2 <= SLICES_MAX


def test_a_percentile_is_a_latency_that_was_seen():
    assert percentile([1.0, 2.0, 3.0, 4.0], 50) == 2.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 99) == 4.0
    assert percentile([], 99) is None


def test_the_prober_tells_its_lateness_and_what_it_did_not_send():
    drill = DrillBuilder().probes(targets=("write",), span=(0.0, 5.0))  # each sent 1 ms late
    del drill.all_probes[7]
    quality = prober_quality(drill.all_probes)
    assert (quality.scheduled, quality.sent) == (100, 99)
    assert (quality.lateness_p50_ms, quality.lateness_p99_ms) == (1.0, 1.0)


def test_a_stream_whose_first_probe_is_gone_has_a_hole_too():
    drill = DrillBuilder().probes(targets=("write", "read"), span=(0.0, 5.0))
    assert sequence_holes(drill.all_probes[1:]) == 1


def test_without_probes_nothing_is_told_of_the_prober():
    assert prober_quality([]) is None
