"""A record's folder, its whole files, and its manifest."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from gameday.clock import boot_id
from gameday.errors import RecordError
from gameday.facts import Objectives, Plan, Timers
from gameday.record.layout import Record
from gameday.record.manifest import read_manifest

TIMERS = Timers(0.1, 1, 3, 0.4, 3, 6, 2, 6, 3, {"Wait": 1}, 3)
PLAN = Plan(
    drill="d", title="t", started_utc="", boot=boot_id(), who="w", objectives=Objectives(1800, 600), timers=TIMERS,
    lab="local", lab_name="l", primary="p", secondary="s", expected_alarms=("a",), outputs={"ServiceUrl": "u"},
    versions={}, limits=("IAM",), load={"users": 5, "kept_alive": "yes"}, faults=("F()",), experiment={"a": [1, None]},
)  # fmt: skip


def test_a_plan_is_read_as_it_was_written(tmp_path):
    record = Record.create(tmp_path, "d")
    record.write_plan(PLAN)
    assert Record.open(record.folder).read_plan() == PLAN


def test_a_plan_written_again_replaces_the_first_and_leaves_nothing_beside_it(tmp_path):
    record = Record.create(tmp_path, "d")
    record.write_plan(PLAN)
    record.write_plan(replace(PLAN, title="other"))
    assert record.read_plan().title == "other"
    assert sorted(path.name for path in record.folder.iterdir()) == ["plan.json", "probes", "writes"]


def test_two_drills_of_one_name_have_two_folders(tmp_path):
    assert Record.create(tmp_path, "d").folder != Record.create(tmp_path, "d").folder


def test_a_reports_folder_that_cannot_be_is_a_record_error_and_nothing_is_created(tmp_path):
    (tmp_path / "reports").write_text("I am a file")
    with pytest.raises(RecordError, match="or choose another folder: --reports"):
        Record.create(tmp_path / "reports", "d")
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]


def test_a_folder_without_a_plan_is_no_record(tmp_path):
    with pytest.raises(RecordError, match=r"no plan\.json in it"):
        Record.open(tmp_path)


def test_a_whole_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    record = Record.create(tmp_path, "d")
    record.write_text("a.json", "old")
    (record.folder / "a.json.part").mkdir()
    with pytest.raises(RecordError, match=r"expected to write .*a\.json"):
        record.write_text("a.json", "new")
    assert (record.folder / "a.json").read_text() == "old"


def test_a_measurement_that_was_never_made_is_a_record_error_that_says_how_to_make_it(tmp_path):
    with pytest.raises(RecordError, match="gameday judge"):
        Record.create(tmp_path, "d").read_measurement()


def test_the_manifest_names_every_other_file_with_its_sha256(tmp_path):
    record = Record.create(tmp_path, "d")
    record.write_plan(PLAN)
    (record.writes / "w.ndjson").write_bytes(b"x\n")
    record.seal()
    manifest = json.loads((record.folder / "manifest.json").read_text())
    assert set(manifest["files"]) == {"plan.json", "writes/w.ndjson"}
    assert manifest["files"]["writes/w.ndjson"] == hashlib.sha256(b"x\n").hexdigest()


def test_sealing_again_after_judging_again_includes_what_is_new(tmp_path):
    record = Record.create(tmp_path, "d")
    record.seal()
    record.write_text("index.html", "{}")
    record.seal()
    assert set(read_manifest(record.folder).files) == {"index.html"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this platform")
def test_a_first_plan_that_cannot_be_written_leaves_no_record(tmp_path: Path) -> None:
    record = Record.create(tmp_path, "full")
    record.folder.joinpath("plan.json.part").symlink_to("/dev/full")
    with pytest.raises(RecordError, match=r"plan\.json; saw No space left on device"):
        record.write_plan(PLAN)
    assert list(tmp_path.iterdir()) == []
