"""Truths planted into copies of a record: a right judge finds each exactly, and one that overlooks is caught."""

import errno
import resource
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records import DrillBuilder, good_drill

from gameday.errors import RecordError
from gameday.facts import Kind
from gameday.measure import judge as judging
from gameday.measure import proved as proving
from gameday.measure.classes import Classified
from gameday.measure.judge import judge
from gameday.measure.planting import KEPT_MIN, WRITER
from gameday.measure.proved import NO_PROMOTION, NO_ROOM, NO_ROWS, TRIED_ON_ITSELF, prove
from gameday.measure.verify import verify
from gameday.record import tables


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
    miscounting(monkeypatch)
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


def raising(cause):
    def refuse(*_):
        raise cause

    return refuse


def no_disk(monkeypatch):
    monkeypatch.setattr(proving, "copied", raising(OSError(errno.ENOSPC, "No space left on device")))


def no_memory(monkeypatch):
    """From the first copy on: DuckDB has less than it needs for one table."""
    right = proving.copied

    def copied(record, folder):
        monkeypatch.setattr(tables, "MEMORY_MAX", "100KB")
        return right(record, folder)

    monkeypatch.setattr(proving, "copied", copied)


def unreadable(monkeypatch):
    """What cannot be read of a copy is told as an error of the record."""
    refused = RecordError("a readable copy", "Too many open files")
    refused.__cause__ = OSError(errno.EMFILE, "Too many open files")
    on_copies(monkeypatch, refused)


def on_copies(monkeypatch, cause):
    """The original is judged; each copy raises."""
    right, measured = proving.measure, []

    def measure(evidence):
        if measured:
            raise cause
        measured.append(evidence)
        return right(evidence)

    monkeypatch.setattr(proving, "measure", measure)


@pytest.mark.parametrize(
    ("refuse", "told"),
    [(no_disk, "No space left on device"), (no_memory, "OutOfMemoryException: "), (unreadable, "Too many open files")],
)
def test_a_copy_that_the_machine_has_no_room_for_is_no_evidence_against_the_judgement(
    tmp_path, monkeypatch, refuse, told
):
    record = drill().record(tmp_path)
    right = judge(record)
    refuse(monkeypatch)
    found = prove(record)
    assert (found.measurement, found.self_test.truths) == (right, ())
    assert told in found.self_test.not_run
    assert "TMPDIR" in found.self_test.not_run


def test_what_was_tried_before_the_disk_was_full_is_kept(tmp_path):
    record = drill().record(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))  # links can be made, and no file of more bytes be written
    try:
        found = prove(record)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [(each.name, each.exact) for each in found.self_test.truths] == [("nothing planted", True)]
    assert "File too large" in found.self_test.not_run
    assert found.measurement.verdict == "HELD"


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (KeyError("lost"), "KeyError: 'lost'"),
        (FileNotFoundError(errno.ENOENT, "gone"), "FileNotFoundError: [Errno 2] gone"),
        (RecordError("a row", "what was planted"), "RecordError: expected a row; saw what was planted"),
    ],
)
def test_a_judgement_that_raises_on_a_copy_missed_its_truth_and_keeps_what_it_measured(
    tmp_path, monkeypatch, cause, told
):
    record = drill().record(tmp_path)
    right = judge(record)
    on_copies(monkeypatch, cause)
    found = prove(record)
    assert [each.found for each in found.self_test.missed] == [told]
    assert (found.measurement.verdict, found.self_test.not_run) == ("UNKNOWN", "")
    assert (found.measurement.rta_s, found.measurement.classes) == (right.rta_s, right.classes)


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


@pytest.mark.thorough
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


def sealed(record):
    found = prove(record)
    record.write_measurement(found.measurement)
    record.write_self_test(found.self_test)
    record.seal()
    return found.self_test


def judgement(record):
    return next(each for each in verify(record).checks if each.what == "judgement")


def test_verify_looks_at_what_was_planted(tmp_path):
    record = drill().record(tmp_path)
    tried = sealed(record)
    assert judgement(record).flaws == ()
    assert judgement(record).seen == "the same measurement: HELD"
    record.write_self_test(replace(tried, truths=tried.truths[1:]))
    assert any("selftest.json.truths" in flaw for flaw in judgement(record).flaws)


def miscounting(monkeypatch):
    right = proving.measure

    def measure(evidence):
        found = right(evidence)
        return replace(found, classes={**found.classes, "lost": min(found.classes["lost"], 1)})

    monkeypatch.setattr(proving, "measure", measure)


def test_a_self_test_that_had_no_room_may_pass_where_verify_has_some(tmp_path):
    record = drill().record(tmp_path)
    with pytest.MonkeyPatch.context() as full:
        no_disk(full)
        sealed(record)
    told = judgement(record)
    assert told.flaws == ()
    assert "its self-test was run now, and not when it was judged: no room" in told.seen


def test_a_self_test_that_had_no_room_and_misses_a_truth_where_verify_has_some_is_a_flaw(tmp_path, monkeypatch):
    record = drill().record(tmp_path)
    with pytest.MonkeyPatch.context() as full:
        no_disk(full)
        sealed(record)
    miscounting(monkeypatch)
    assert "selftest.json: not run when it was judged, and missed now: lost rows" in judgement(record).flaws


@pytest.mark.parametrize("missed", [False, True])
def test_verify_without_room_for_the_self_test_says_so_and_finds_no_flaw(tmp_path, monkeypatch, missed):
    record = drill().record(tmp_path)
    with pytest.MonkeyPatch.context() as wrong:
        if missed:
            miscounting(wrong)
        assert bool(sealed(record).missed) is missed
    no_disk(monkeypatch)
    told = judgement(record)
    assert told.flaws == ()
    assert told.seen.startswith(
        f"the same measurement: {'UNKNOWN' if missed else 'HELD'}; its self-test was not run now"
    )


def test_what_two_self_tests_both_tried_must_be_the_same_though_one_had_no_room(tmp_path):
    record = drill().record(tmp_path)
    tried = sealed(record)
    nothing = replace(tried.truths[0], found="another measurement: HELD")
    record.write_self_test(replace(tried, truths=(nothing,), not_run="no room"))
    assert any("selftest.json.truths[0].found" in flaw for flaw in judgement(record).flaws)
