"""Damaged and thinned records: whatever is taken from one, it never becomes HELD; and no loss improves a verdict."""

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records import DrillBuilder, at_ns, good_drill, told

from gameday.clock import HandClock
from gameday.errors import RecordError
from gameday.facts import BASELINE_NOT_MET, Event, Kind, Objectives, Verdict
from gameday.measure.judge import judge
from gameday.record.closing import close_evidence
from gameday.record.layout import Record
from gameday.record.timeline import Timeline

HELD, BROKEN, UNKNOWN = Verdict.HELD, Verdict.BROKEN, Verdict.UNKNOWN


# Damage.


def test_an_unreadable_line_anywhere_is_unknown_and_named(tmp_path):
    for name in ("timeline.ndjson", "writes/prober.ndjson", "probes/prober.ndjson", "survivors.ndjson", "wal.ndjson"):
        record = good_drill().record(tmp_path)
        with (record.folder / name).open("ab") as file:
            file.write(b'{"v":1, \xff\n')
        found = judge(record)
        assert found.verdict is UNKNOWN
        assert any(name.partition("/")[0] in finding.expected for finding in found.findings)


def test_a_cut_last_line_is_unknown_too(tmp_path):
    record = good_drill().record(tmp_path)
    segment = record.folder / "writes/prober.ndjson"
    segment.write_bytes(segment.read_bytes()[:-7])
    assert judge(record).verdict is UNKNOWN


def test_a_ledger_line_that_says_nothing_known_is_damage_and_no_traceback(tmp_path):
    record = good_drill().record(tmp_path)
    segment = record.folder / "writes/prober.ndjson"
    segment.write_bytes(segment.read_bytes().replace(b'"ev":"acked"', b'"ev":"vanished"', 1))
    found = judge(record)
    assert found.verdict is UNKNOWN
    (damage,) = [finding for finding in found.findings if finding.what == "the record is damaged"]
    assert (damage.expected, damage.seen[:7]) == ("every line of writes to be readable", "1 lines")


@pytest.mark.parametrize(
    ("was", "number"),
    [
        (b'"attempt":1', b'"attempt":0'),
        (b',"line":1}', b',"size_bytes":-1,"line":1}'),
        (b'"line":2', b'"line":1' + b"0" * 30),
    ],
)
def test_a_number_that_no_drill_writes_is_damage(tmp_path, was, number):
    record = good_drill().record(tmp_path)
    segment = record.folder / "writes/prober.ndjson"
    whole = segment.read_bytes()
    assert was in whole
    segment.write_bytes(whole.replace(was, number, 1))
    assert "the record is damaged" in told(judge(record), UNKNOWN)


def test_a_row_that_is_there_less_than_once_is_damage(tmp_path):
    record = good_drill().record(tmp_path)
    record.survivors.write_bytes(record.survivors.read_bytes().replace(b'"count":1', b'"count":0', 1))
    assert "the record is damaged" in told(judge(record), UNKNOWN)


@pytest.mark.parametrize("lag", ["1" + "0" * 400, "1e308", '"x"', "[[]]"])
def test_a_lag_that_is_no_lag_is_no_sample(tmp_path, lag):
    record = good_drill().event(Kind.LAG, "x", -1.0, lag_s="LAG", sampled_mono_ns=2**70).record(tmp_path)
    record.timeline.write_text(record.timeline.read_text().replace('"LAG"', lag))
    assert judge(record).verdict in (HELD, UNKNOWN)


def test_an_attempt_that_settled_before_it_was_sent_contradicts_itself(tmp_path):
    record = good_drill().record(tmp_path)
    segment = record.folder / "writes/prober.ndjson"
    settled, early = (f'"mono_ns":{at_ns(after_s)}'.encode() for after_s in (5.01, 4.99))
    segment.write_bytes(segment.read_bytes().replace(settled, early))
    assert told(judge(record), UNKNOWN) == ["the ledger has gaps"]


def test_probes_that_contradict_each_other_are_unknown(tmp_path):
    drill = good_drill()
    early = drill.all_probes[0]
    drill.all_probes[0] = replace(early, done_mono_ns=early.sent_mono_ns - 1)
    drill.all_probes.append(drill.all_probes[7])
    found = judge(drill.record(tmp_path))
    (finding,) = [each for each in found.findings if each.weight is UNKNOWN]
    seen = "0 sent before they were due, 1 done before they were sent, 1 twice"
    assert (finding.what, finding.seen) == ("probes contradict each other", seen)


def test_a_record_whose_note_is_gone_was_never_closed(tmp_path):
    found = judge(good_drill().planned(closes=True).record(tmp_path))
    assert told(found, UNKNOWN) == ["the record was never closed"]


def test_what_is_appended_after_the_note_belongs_to_no_drill(tmp_path):
    record = good_drill().planned(closes=True).record(tmp_path)
    timeline = Timeline(record, HandClock(at_ns(60)))
    close_evidence(record, timeline)
    timeline.add(Kind.NOTE, BASELINE_NOT_MET)
    timeline.close()
    assert judge(record).verdict is HELD


@pytest.mark.parametrize("rto_s", [30, 1])
def test_neither_another_boot_nor_damage_after_the_note_changes_anything(tmp_path, rto_s):
    record = good_drill().planned(closes=True, objectives=Objectives(rto_s, 10)).record(tmp_path)
    with closing(Timeline(record, HandClock(at_ns(60)))) as timeline:
        close_evidence(record, timeline)
        before = judge(record)
        timeline.add_event(Event("the boot after", 5, "2026-11-28T00:00:00.000000Z", Kind.NOTE, "undone by hand"))
    with record.timeline.open("ab") as file:
        file.write(b'{"v":1, \xff\n{"v":1,"boot":')
    assert before.verdict is (HELD if rto_s == 30 else BROKEN)
    assert judge(record) == before


def test_damage_before_the_note_is_still_damage(tmp_path):
    record = good_drill().planned(closes=True).record(tmp_path)
    with record.timeline.open("ab") as file:
        file.write(b'{"v":1, \xff\n')
    with closing(Timeline(record, HandClock(at_ns(60)))) as timeline:
        close_evidence(record, timeline)
    assert told(judge(record), UNKNOWN) == ["the record is damaged"]


def test_a_hole_in_the_ledger_is_unknown_even_when_a_whole_lost_write_is_gone_from_it(tmp_path):
    drill = good_drill().planned(objectives=Objectives(30, 0), lab="aws")
    drill.wal = None
    record = drill.record(tmp_path)
    assert judge(record).verdict is BROKEN
    segment = record.folder / "writes/prober.ndjson"
    segment.write_bytes(b"".join(line for line in segment.read_bytes().splitlines(True) if b'"id":"c"' not in line))
    found = judge(record)
    assert (found.verdict, found.classes["lost"]) == (UNKNOWN, 0)
    assert told(found, UNKNOWN) == ["the ledger has gaps"]


def test_two_lines_of_a_segment_with_one_number_are_unknown_even_where_that_leaves_no_hole(tmp_path):
    record = good_drill().record(tmp_path)
    segment = record.folder / "writes/prober.ndjson"
    segment.write_bytes(segment.read_bytes().replace(b'"line":8', b'"line":3'))
    assert told(judge(record), UNKNOWN) == ["the ledger has gaps"]


def test_a_surviving_row_that_was_not_copied_is_unknown_not_lost(tmp_path):
    record = good_drill().record(tmp_path)
    record.survivors.write_bytes(b"".join(record.survivors.read_bytes().splitlines(True)[1:]))
    assert judge(record).verdict is UNKNOWN


@pytest.mark.parametrize("plan", ["", "{}", "[1]", '{"drill": 5}', "\x00"])
def test_a_damaged_plan_is_a_record_error_that_says_what_to_do(tmp_path, plan):
    record = good_drill().record(tmp_path)
    (record.folder / "plan.json").write_text(plan)
    with pytest.raises(RecordError, match=r"plan\.json.*Next: "):
        judge(record)


@pytest.mark.parametrize("window", ["1e308", "-1", "1" + "0" * 400])
def test_a_delay_that_cannot_be_in_a_plan_is_a_record_error(tmp_path, window):
    record = good_drill().record(tmp_path)
    plan = record.folder / "plan.json"
    plan.write_text(plan.read_text().replace('"window_s": 3.0', f'"window_s": {window}'))
    with pytest.raises(RecordError, match=r"plan\.json.*Next: "):
        judge(record)


def test_a_count_that_cannot_be_in_a_measurement_is_a_record_error(tmp_path):
    record = good_drill().record(tmp_path)
    record.write_measurement(judge(record))
    path = record.folder / "measurement.json"
    path.write_text(path.read_text().replace('"good": ', f'"good": {10**400}', 1))
    with pytest.raises(RecordError, match=r"measurement\.json.*Next: judge"):
        record.read_measurement()


def test_objectives_that_cannot_be_in_a_plan_are_a_record_error(tmp_path):
    record = good_drill().record(tmp_path)
    plan = record.folder / "plan.json"
    plan.write_text(plan.read_text().replace('"rto_s": 30.0', '"rto_s": -30.0'))
    with pytest.raises(RecordError, match="rto_s"):
        judge(record)


@pytest.mark.thorough
@given(cut=st.integers(0, 100), noise=st.binary(max_size=12), name=st.sampled_from(["timeline", "survivors", "wal"]))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_record_is_judged_without_a_traceback_and_is_never_held(tmp_path, cut, noise, name):
    record = good_drill().record(tmp_path)
    path = record.folder / f"{name}.ndjson"
    whole = path.read_bytes()
    at = len(whole) * cut // 101
    path.write_bytes(whole[:at] + noise + b"\x00" + whole[at:])
    assert judge(record).verdict is not HELD


# Properties.

WEIGHT = {HELD: 2, UNKNOWN: 1, BROKEN: 0}


@pytest.mark.thorough
@given(
    lost=st.lists(st.floats(-9.5, 0.5), max_size=3),
    more_s=st.floats(-9.5, 0.5),
    rpo_s=st.sampled_from([0.0, 1.0, 5.0, 100.0]),
    rto_s=st.sampled_from([4.0, 30.0]),
    complete=st.booleans(),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_adding_a_lost_write_never_improves_the_verdict(tmp_path, lost, more_s, rpo_s, rto_s, complete):
    def verdict(stamps):
        drill = DrillBuilder(complete=complete).probes(bad=(0.0, 4.0)).promoted(3.5).write("kept", -9.0)
        for n, stamp in enumerate(stamps):
            drill.write(f"lost-{n}", stamp, there=False)
        return judge(drill.planned(objectives=Objectives(rto_s, rpo_s)).record(tmp_path)).verdict

    assert WEIGHT[verdict([*lost, more_s])] <= WEIGHT[verdict(lost)]


def without_file(name: str) -> Callable[[Path], None]:
    def take(folder):
        (folder / name).unlink(missing_ok=True)

    return take


def without_lines(name: str, mark: bytes) -> Callable[[Path], None]:
    def take(folder):
        path = folder / name
        if path.exists():
            path.write_bytes(b"".join(line for line in path.read_bytes().splitlines(True) if mark not in line))

    return take


EVIDENCE = [
    without_file("survivors.ndjson"),
    without_file("timeline.ndjson"),
    without_file("probes/prober.ndjson"),
    without_file("writes/prober.ndjson"),
    without_lines("timeline.ndjson", b'"observation_end"'),
    without_lines("timeline.ndjson", b'"fault"'),
    without_lines("timeline.ndjson", b'"fault_verified"'),
    without_lines("timeline.ndjson", b"read-back complete"),
    without_lines("writes/prober.ndjson", b'"sent"'),
    without_lines("writes/prober.ndjson", b'"acked"'),
    without_lines("writes/prober.ndjson", b'"id":"b"'),
    without_lines("probes/prober.ndjson", b'"seq":77,'),
    without_lines("probes/prober.ndjson", b'"target":"read"'),
    without_lines("probes/prober.ndjson", b'"good":true'),
    without_lines("survivors.ndjson", b'"id":"a"'),
]


@pytest.mark.thorough
@given(st.lists(st.sampled_from(EVIDENCE), min_size=1, max_size=4, unique=True))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_removing_required_evidence_never_ends_in_held_however_much_is_removed(tmp_path, taken):
    held = tmp_path / "held"
    if not held.exists():
        good_drill().record(tmp_path / "reports").folder.rename(held)
    folder = tmp_path / "reports" / "taken"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(held, folder)
    for take in taken:
        take(folder)
    assert judge(Record.open(folder)).verdict is not HELD
