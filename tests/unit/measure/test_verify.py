"""Verifying a record: whole as it was sealed, or the first thing that is not."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records import DrillBuilder, good_drill

from gameday.errors import RecordError
from gameday.facts import Kind, Verdict
from gameday.measure.judge import judge
from gameday.measure.verify import verify
from gameday.record.closing import close_evidence
from gameday.record.layout import Record
from gameday.record.lines import LineWriter
from gameday.record.manifest import running_version
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

OLD = Path(__file__).parents[2] / "gold" / "records" / "region-outage-held"


def small_drill() -> DrillBuilder:
    """Few lines, so that every byte of them can be altered in turn."""
    drill = DrillBuilder().probes(bad=(0.0, 0.4), span=(-0.2, 0.6), every_s=0.2).promoted(0.3)
    return drill.write("a", -0.1, xid=700).write("b", -0.05, xid=701, there=False).commits(701)


def sealed(drill: DrillBuilder, reports: Path) -> Record:
    record = drill.record(reports)
    record.write_measurement(judge(record))
    record.write_text("index.html", "<p>the report</p>\n")
    record.seal()
    return record


@pytest.fixture
def record(tmp_path: Path) -> Record:
    versions = {"chaostoolkit-gameday": running_version()}
    return sealed(good_drill().planned(expected_alarms=(), versions=versions), tmp_path)


def flaws(record: Record, manifest_sha256: str = "") -> dict[str, tuple[str, ...]]:
    return {check.what: check.flaws for check in verify(record, manifest_sha256).checks if check.flaws}


def test_a_sealed_record_is_verified(record: Record) -> None:
    told = verify(record)
    assert told.holds
    assert [check.what for check in told.checks] == ["manifest", "files", "chain", "judgement", "statement"]
    assert told.checks[3].seen == "the same measurement: HELD"
    assert told.checks[4].seen == "PASSED, of this manifest"


def test_verifying_changes_nothing(record: Record) -> None:
    before = {path: path.read_bytes() for path in record.folder.rglob("*") if path.is_file()}
    verify(record)
    assert {path: path.read_bytes() for path in record.folder.rglob("*") if path.is_file()} == before


def test_each_file_that_is_missing_too_many_or_altered_is_named(record: Record) -> None:
    record.survivors.unlink()
    (record.writes / "stranger.ndjson").write_text("")
    record.page.write_text("<p>another report</p>")
    told = verify(record)
    assert told.checks[1].flaws == (
        "missing: survivors.ndjson", "one too many: writes/stranger.ndjson", "altered: index.html",
    )  # fmt: skip
    assert told.checks[3].seen == "not looked at: what would be judged is not what was sealed"


@pytest.mark.thorough
def test_every_byte_of_every_file_counts(tmp_path: Path) -> None:
    record = sealed(small_drill(), tmp_path)
    files = [path for path in sorted(record.folder.rglob("*")) if path.is_file()]
    assert len(files) >= 9
    for path in files:
        good = path.read_bytes()
        for place in range(0, len(good), max(1, len(good) // 40)):
            path.write_bytes(good[:place] + bytes([good[place] ^ (1 << place % 8)]) + good[place + 1 :])
            assert not verify(record).holds, (path.name, place)
        path.write_bytes(good)
    assert verify(record).holds


@pytest.mark.thorough
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True), file=st.integers(0, 1_000), bits=st.integers(1, 255))
def test_whatever_byte_is_altered_to_whatever_other_verify_fails(
    tmp_path_factory: pytest.TempPathFactory, share: float, file: int, bits: int
) -> None:
    record = sealed(small_drill(), tmp_path_factory.mktemp("flipped"))
    files = [path for path in sorted(record.folder.rglob("*")) if path.is_file()]
    path = files[file % len(files)]
    good = path.read_bytes()
    place = int(share * len(good))
    path.write_bytes(good[:place] + bytes([good[place] ^ bits]) + good[place + 1 :])
    assert not verify(record).holds, (path.name, place)


def test_a_file_that_is_cut_or_grown_by_one_byte_is_not_verified(record: Record) -> None:
    for path in [path for path in sorted(record.folder.rglob("*")) if path.is_file()]:
        good = path.read_bytes()
        for other in (good[:-1], good + b"\n"):
            path.write_bytes(other)
            assert not verify(record).holds, path.name
        path.write_bytes(good)


def resealed(record: Record, alter: Callable[[], object]) -> None:
    """What somebody does who alters a record and has the tools to seal it again."""
    alter()
    record.seal()


def test_an_altered_event_that_is_sealed_over_still_breaks_the_chain_where_it_stands(record: Record) -> None:
    text = record.timeline.read_text()
    resealed(record, lambda: record.timeline.write_text(text.replace('"primary"', '"replica"', 1)))
    line = next(number for number, one in enumerate(text.splitlines(), 1) if '"primary"' in one)
    assert flaws(record)["chain"][0] == f"broken at line {line + 1} of the timeline: before it stands another"
    assert "files" not in flaws(record)


def test_a_measurement_that_was_prettied_up_and_sealed_over_is_told_field_by_field(record: Record) -> None:
    measured = record.read_measurement()
    prettier = replace(measured, rta_s=0.1, recovery_point=replace(measured.recovery_point, lost=0))
    resealed(record, lambda: record.write_measurement(prettier))
    assert flaws(record) == {
        "judgement": (
            f"rta_s: kept 0.1, judged again {measured.rta_s}",
            f"recovery_point.lost: kept 0, judged again {measured.recovery_point.lost}",
        )
    }


def test_of_many_differences_the_first_are_named_and_the_others_counted(record: Record) -> None:
    kept = json.loads((record.folder / "measurement.json").read_text())
    kept["classes"] = dict.fromkeys(kept["classes"], 99)
    record.write_text("measurement.json", json.dumps(kept))
    record.seal("measurement.json")
    told = flaws(record)["judgement"]
    assert len(told) == 6
    assert told[0] == "classes.duplicate: kept 99, judged again 0"
    assert told[5] == "and 4 more differences"


def test_another_version_that_judges_otherwise_is_told_and_is_no_excuse(tmp_path: Path) -> None:
    drill = good_drill().planned(versions={"chaostoolkit-gameday": "0.0.1"})
    record = sealed(drill, tmp_path)
    record.write_measurement(replace(record.read_measurement(), writes=0))
    record.seal()
    told = flaws(record)["judgement"]
    assert told[0].startswith("writes: kept 0, judged again ")
    assert told[1].startswith("gameday 0.0.1 drilled, this is gameday ")


def test_a_statement_that_claims_more_is_not_verified(record: Record) -> None:
    statement = record.folder / "statement.json"
    statement.write_text(statement.read_text().replace("HELD", "BEST"))
    assert flaws(record) == {"statement": ("altered: statement.json, or it states something of another manifest",)}


def test_a_statement_that_is_gone_is_missed(record: Record) -> None:
    (record.folder / "statement.json").unlink()
    assert flaws(record) == {"statement": ("missing: statement.json",)}


def test_judging_or_rendering_again_does_not_seal_over_what_was_altered(record: Record) -> None:
    record.survivors.write_bytes(record.survivors.read_bytes()[:-50])
    record.seal("measurement.json", "index.html")
    assert flaws(record)["files"] == ("altered: survivors.ndjson",)
    record.timeline.unlink()
    record.seal("index.html")
    assert flaws(record)["files"] == ("missing: timeline.ndjson", "altered: survivors.ndjson")
    assert flaws(record)["chain"]


def test_what_undo_or_the_warden_append_afterwards_is_sealed_again(record: Record) -> None:
    timeline = Timeline(record)
    timeline.add(Kind.WARDEN, "healed", steps=1)
    timeline.close()
    assert set(flaws(record)) == {"files", "chain"}
    record.seal("timeline.ndjson", "undo.ndjson", "warden.log")
    assert set(flaws(record)) <= {"judgement"}


def seals_as_undo_does(record: Record) -> None:
    timeline = Timeline(record)
    timeline.add(Kind.HEALED, "by hand", steps=1)
    timeline.close()
    journal = UndoJournal(record.undo)
    journal.before(UndoStep("restore_acl", "ap-southeast-2"))
    journal.close()
    record.seal("timeline.ndjson", "undo.ndjson")


@pytest.fixture
def healed(record: Record) -> Record:
    """A record to which undo has appended once, and sealed."""
    seals_as_undo_does(record)
    record.write_measurement(judge(record))
    record.seal("measurement.json")
    assert verify(record).holds
    return record


def cut_the_last_line(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(True)[:-1]))


def test_what_undo_appends_to_a_whole_record_is_sealed_with_it(healed: Record) -> None:
    seals_as_undo_does(healed)
    assert set(flaws(healed)) <= {"judgement"}


def test_a_line_that_was_cut_from_the_timeline_is_missed_although_undo_sealed_it_afterwards(healed: Record) -> None:
    cut_the_last_line(healed.timeline)
    seals_as_undo_does(healed)
    assert flaws(healed)["files"] == ("altered: timeline.ndjson",)
    assert flaws(healed)["chain"][0].startswith("the timeline ends otherwise than it was sealed")


def test_a_timeline_that_begins_anew_is_missed_although_undo_sealed_it_afterwards(healed: Record) -> None:
    healed.timeline.unlink()
    seals_as_undo_does(healed)
    assert flaws(healed)["files"] == ("altered: timeline.ndjson",)
    assert flaws(healed)["chain"]


def test_a_step_that_was_cut_from_the_undo_journal_is_missed_although_undo_sealed_it(healed: Record) -> None:
    cut_the_last_line(healed.undo)
    seals_as_undo_does(healed)
    assert flaws(healed)["files"] == ("altered: undo.ndjson",)
    healed.undo.unlink()
    healed.seal("timeline.ndjson", "undo.ndjson")
    assert flaws(healed)["files"] == ("missing: undo.ndjson",)


def test_a_line_that_a_kill_had_cut_may_be_ended_by_the_next_one(tmp_path: Path) -> None:
    record = good_drill().record(tmp_path)
    record.timeline.write_bytes(record.timeline.read_bytes()[:-20])
    record.write_measurement(judge(record))
    record.seal()
    seals_as_undo_does(record)
    assert set(flaws(record)) <= {"judgement"}


def nameless(name: bytes, folder: Path) -> Path:
    """An empty file whose name is no UTF-8."""
    path = folder / os.fsdecode(name)
    path.touch()
    return path


def test_a_record_with_a_name_that_is_no_utf8_is_judged_sealed_and_verified(tmp_path: Path) -> None:
    drill = good_drill().record(tmp_path)
    timeline = Timeline(drill)
    close_evidence(drill, timeline)
    timeline.close()
    nameless(b"x\xff.ndjson", drill.probes)
    measured = judge(drill)
    assert measured.verdict is Verdict.UNKNOWN
    assert "changed or gone: probes/x\\xff.ndjson" in [finding.seen for finding in measured.findings]
    drill.write_measurement(measured)
    drill.seal()
    assert verify(drill).holds


def test_a_name_that_is_no_utf8_and_the_name_that_it_is_spelled_by_are_two_files(record: Record) -> None:
    nameless(b"x\xff", record.probes)
    record.seal()
    assert verify(record).holds
    (record.probes / "x\\xff").touch()
    assert flaws(record)["files"] == ("one too many: probes/x\\\\xff",)
    (record.probes / os.fsdecode(b"x\xff")).unlink()
    assert flaws(record)["files"] == ("missing: probes/x\\xff", "one too many: probes/x\\\\xff")


def led_out(path: Path, elsewhere: Path) -> None:
    """A file or folder of the record is moved out of it, and a link left in its place."""
    shutil.move(path, elsewhere)
    path.symlink_to(elsewhere)


def test_a_ledger_that_is_a_link_out_of_the_record_is_a_flaw_and_is_not_judged(record: Record, tmp_path: Path) -> None:
    (segment,) = record.segments
    led_out(segment, tmp_path / "elsewhere.ndjson")
    told = verify(record)
    assert told.checks[1].flaws == (f"no regular file: writes/{segment.name} is a symbolic link",)
    assert told.checks[3].seen == "not looked at: what would be judged is not what was sealed"
    with pytest.raises(RecordError, match=rf"saw writes/{segment.name} is a symbolic link. Next: put the file itself"):
        judge(record)
    record.seal()
    assert "files" in flaws(record)  # sealed as it is, it still leads out


def test_a_folder_that_is_a_link_out_of_the_record_is_a_flaw(record: Record, tmp_path: Path) -> None:
    (segment,) = record.segments
    led_out(record.writes, tmp_path / "elsewhere")
    assert set(flaws(record)["files"]) == {
        f"missing: writes/{segment.name}", "no regular file: writes is a symbolic link",
    }  # fmt: skip
    with pytest.raises(RecordError, match="saw writes is a symbolic link"):
        judge(record)


@pytest.mark.parametrize(
    "name",
    [
        "writes/z.ndjson", "probes/z.ndjson", "z", "survivors.ndjson", "timeline.ndjson", "measurement.json",
        "statement.json", "index.html",
    ],
)  # fmt: skip
def test_a_fifo_is_a_flaw_and_nobody_waits_for_it(record: Record, name: str) -> None:
    path = record.folder / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    assert f"no regular file: {name} is a FIFO" in flaws(record)["files"]
    with pytest.raises(RecordError, match=f"regular files only in .*; saw {name} is a FIFO"):
        judge(record)


def test_a_manifest_that_is_a_fifo_is_none(record: Record) -> None:
    (record.folder / "manifest.json").unlink()
    os.mkfifo(record.folder / "manifest.json")
    assert "it is a FIFO" in flaws(record)["manifest"][0]


def test_a_record_is_verified_through_a_link_to_its_folder(record: Record, tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(record.folder)
    assert verify(Record.open(tmp_path / "latest")).holds


def test_the_manifest_kept_elsewhere_is_the_one_that_counts(record: Record) -> None:
    kept = verify(record).manifest_sha256
    assert verify(record, kept.upper()).holds
    resealed(record, lambda: record.page.write_text("<p>a better report</p>"))
    assert verify(record).holds  # whoever can write the record can seal it
    assert flaws(record, kept)["manifest"] == (f"its SHA-256 is {verify(record).manifest_sha256}, not {kept}",)


def test_a_record_without_a_manifest_is_not_verified(record: Record) -> None:
    (record.folder / "manifest.json").unlink()
    told = verify(record)
    assert (told.holds, told.manifest_sha256) == (False, "")
    assert "there is none" in told.checks[0].flaws[0]


def test_a_record_of_before_chains_says_so_and_is_not_verified(tmp_path: Path) -> None:
    folder = shutil.copytree(OLD, tmp_path / "old")
    record = Record.open(folder)
    record.write_measurement(judge(record))
    record.seal()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert flaws(record)["chain"][0] == "no chain at line 1 of the timeline"
    (folder / "manifest.json").write_text(json.dumps(manifest["files"]))  # the form of then
    told = flaws(record)
    assert told["chain"] == (
        "no chain: the timeline was sealed before its lines were chained, so nothing shows that none was changed",
    )
    assert "files" not in told
    record.seal("index.html")  # rendered again, by a gameday of now
    assert flaws(record)["chain"] == told["chain"]


def test_lines_that_were_written_without_a_chain_are_named(tmp_path: Path) -> None:
    record = good_drill().record(tmp_path)
    unchained = LineWriter(record.timeline, sync=False)
    unchained.append({"boot": "b", "mono_ns": 1, "utc": "", "kind": "note", "what": "slipped in"})
    unchained.close()
    record.write_measurement(judge(record))
    record.seal()
    lines = len(record.timeline.read_bytes().splitlines())
    assert flaws(record)["chain"] == (f"no chain at line {lines} of the timeline",)


def test_a_drill_that_was_killed_is_verified_once_it_was_judged_and_sealed(tmp_path: Path) -> None:
    record = good_drill().record(tmp_path)
    record.timeline.write_bytes(record.timeline.read_bytes()[:-20])
    timeline = Timeline(record)
    timeline.add(Kind.WARDEN, "the drill died")
    timeline.close()
    assert not verify(record).holds
    record.write_measurement(judge(record))
    record.seal()
    told = verify(record)
    assert told.holds, told.checks
    assert told.checks[3].seen == "the same measurement: UNKNOWN"
    assert told.checks[4].seen == "FAILED, of this manifest"
