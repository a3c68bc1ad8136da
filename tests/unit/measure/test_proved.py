"""Truths planted into copies of a record: a right judge finds each exactly, and one that overlooks is caught."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records import DrillBuilder, good_drill

from gameday.facts import Kind
from gameday.measure import judge as judging
from gameday.measure import proved as proving
from gameday.measure.classes import Classified
from gameday.measure.judge import judge
from gameday.measure.planting import KEPT_MIN, WRITER
from gameday.measure.proved import NO_PROMOTION, NO_ROOM, NO_ROWS, TRIED_ON_ITSELF, prove
from gameday.measure.verify import verify


def drill(kept: int = KEPT_MIN) -> DrillBuilder:
    made = good_drill()
    for number in range(kept):
        made.write(f"kept-{number}", -4.0 + number / 10, xid=600 + number)
    return made


def files(record):
    return {path: path.read_bytes() for path in record.folder.rglob("*") if path.is_file()}


def test_every_truth_is_found_in_a_whole_record_which_stays_as_it_was(tmp_path):
    record = drill().record(tmp_path)
    before = files(record)
    found = prove(record)
    assert [each.name for each in found.self_test.truths] == [
        "nothing planted", "lost rows", "duplicate rows", "corrupted rows", "ghost rows", "unexpected rows",
        "diverged rows", "recovery point actual (RPA)", "verdict", "an outage of writes", "an outage of reads",
    ]  # fmt: skip
    assert (found.self_test.missed, found.self_test.left_out, found.self_test.not_run) == ((), (), "")
    assert found.measurement == judge(record)
    assert found.measurement.verdict == "HELD"
    assert files(record) == before


def test_a_record_that_has_a_segment_of_the_planted_name_stays_as_it_was(tmp_path):
    record = drill().record(tmp_path)
    (record.writes / f"{WRITER}.ndjson").write_bytes(b"")
    before = files(record)
    found = prove(record)
    assert (files(record), found.self_test.missed) == (before, ())
    assert prove(record) == found


def test_a_judge_that_names_the_right_rows_and_counts_them_wrongly_is_unknown(tmp_path, monkeypatch):
    record = drill().record(tmp_path)
    counted = proving.measure

    def miscounting(evidence):
        found = counted(evidence)
        return replace(found, classes={**found.classes, "lost": min(found.classes["lost"], 1)})

    monkeypatch.setattr(proving, "measure", miscounting)
    found = prove(record)
    assert [each.name for each in found.self_test.missed] == ["lost rows"]
    assert found.measurement.verdict == "UNKNOWN"


def test_a_judge_that_overlooks_a_lost_row_is_unknown_and_told_what_was_missed(tmp_path, monkeypatch):
    record = drill().record(tmp_path)
    ids = Classified.ids

    def overlooking(self, each, **asked):
        found = ids(self, each, **asked)
        return tuple(id for id in found if each != "lost" or id == "c")

    monkeypatch.setattr(Classified, "ids", overlooking)
    found = prove(record)
    assert [each.name for each in found.self_test.missed] == ["lost rows"]
    assert found.measurement.verdict == "UNKNOWN"
    (told,) = [each for each in found.measurement.findings if each.what == TRIED_ON_ITSELF]
    assert told.expected.startswith("lost rows: 3 more than 1: ")
    assert told.seen.startswith("4, not found: ")
    assert "gameday selftest" in told.next_step


def test_a_judge_that_makes_an_outage_shorter_is_unknown(tmp_path, monkeypatch):
    record = drill().record(tmp_path)
    right = judging.recovery_times

    def shorter(evidence):
        return tuple(replace(each, rta_s=each.rta_s and each.rta_s - 0.05) for each in right(evidence))

    monkeypatch.setattr(judging, "recovery_times", shorter)
    found = prove(record)
    assert [each.name for each in found.self_test.missed] == ["an outage of writes", "an outage of reads"]
    assert found.measurement.verdict == "UNKNOWN"


def test_a_record_without_a_place_says_what_was_left_out(tmp_path):
    few = prove(good_drill().record(tmp_path / "few")).self_test
    assert (few.left_out, few.missed) == ((NO_ROWS,), ())
    control = DrillBuilder(faulted=False).planned(faults=()).probes(span=(-10.0, 5.0))
    control.end_s = 5.0
    for number in range(KEPT_MIN):
        control.write(f"kept-{number}", -4.0 + number / 10)
    assert prove(control.record(tmp_path / "control")).self_test.left_out == (NO_PROMOTION,)
    brief = drill()
    brief.end_s = 6.0
    told = prove(brief.record(tmp_path / "brief")).self_test
    assert (told.left_out, told.missed) == ((NO_ROOM,), ())


def test_a_record_that_is_too_large_says_so_and_claims_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(proving, "BYTES_MAX", 100)
    told = prove(drill().record(tmp_path)).self_test
    assert (told.truths, told.missed) == ((), ())
    assert "the record holds" in told.not_run


@pytest.mark.parametrize(
    "name", ["survivors.ndjson", "timeline.ndjson", "writes/prober.ndjson", "probes/prober.ndjson"]
)
@pytest.mark.parametrize("damage", ["gone", "cut", "noise"])
def test_a_damaged_record_is_what_it_is_and_does_not_crash(tmp_path, name, damage):
    record = drill().record(tmp_path)
    path = record.folder / name
    if damage == "gone":
        path.unlink()
    else:
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else whole + b"\xff noise\n")
    found = prove(record)
    assert found.measurement == judge(record)
    assert found.self_test.missed == ()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lost=st.integers(0, 4), outage_s=st.sampled_from([0.0, 0.5, 4.0, 9.0]), kept=st.integers(KEPT_MIN, 12),
    healed=st.booleans(),
)  # fmt: skip
def test_truths_are_found_whatever_else_the_record_shows(tmp_path_factory, lost, outage_s, kept, healed):
    made = DrillBuilder().probes(bad=(0.0, outage_s)).promoted(3.5)
    for number in range(kept + lost):
        made.write(f"w{number}", -3.0 + number / 10, there=number >= lost)
    if healed:
        made.event(Kind.HEAL, "heal", 31.0)
    assert prove(made.record(tmp_path_factory.mktemp("reports"))).self_test.missed == ()


def test_verify_looks_at_what_was_planted(tmp_path):
    record = drill().record(tmp_path)
    found = prove(record)
    record.write_measurement(found.measurement)
    record.write_self_test(found.self_test)
    record.seal()

    def judgement():
        return next(each for each in verify(record).checks if each.what == "judgement").flaws

    assert judgement() == ()
    record.write_self_test(replace(found.self_test, truths=found.self_test.truths[1:]))
    assert any("selftest.json.truths" in flaw for flaw in judgement())
