"""The runbook for objects: what was deleted, overwritten or lost is read again, and what is good needs no call."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from object_stage import REPLICA, SOURCE, ObjectStage, object_stage

from gameday.clock import eventually
from gameday.errors import InputError, RunbookError
from gameday.lab.versions import State, Version, as_of, state_of
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.recovery import runbook
from gameday.recovery.objects import burst_began, moment_of
from gameday.recovery.runbook import Call, Scene, walk
from gameday.recovery.shown import described

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
BOOK = runbook("object-recovery")
GOOD = {"deleted": b"a", "overwritten": b"b", "both": b"c", "untouched": b"d"}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[ObjectStage]:
    with object_stage(tmp_path) as built:
        built.replicate()
        for key, body in GOOD.items():
            built.put(key, body)
        built.settle()
        yield built


def a_second_later() -> str:
    """The next whole second: what was written before it has an older stamp."""
    begun = datetime.now(UTC).replace(microsecond=0)
    eventually(lambda: datetime.now(UTC) >= begun + timedelta(seconds=1), True, what="a second", within_s=2)
    return (begun + timedelta(seconds=1)).isoformat()


def ransom(stage: ObjectStage) -> str:
    at = a_second_later()
    stage.put("overwritten", b"?")
    stage.put("both", b"?")
    stage.east.delete_object(Bucket=SOURCE, Key="both")
    stage.east.delete_object(Bucket=SOURCE, Key="deleted")
    return at


def empty(stage: ObjectStage) -> str:
    at = a_second_later()
    for key, version, _ in stage.versions(SOURCE):
        stage.east.delete_object(Bucket=SOURCE, Key=key, VersionId=version)
    return at


def recover(stage: ObjectStage, folder: Path, **options: str) -> Scene:
    timeline = Timeline(Record.create(folder, "recovery"))
    scene = Scene.of(BOOK, stage.lab, timeline, options)
    try:
        walk(BOOK, scene)
    finally:
        timeline.close()
    return scene


def bodies(stage: ObjectStage) -> dict[str, bytes | None]:
    return {key: stage.body(key) for key in GOOD}


def calls_left(scene: Scene) -> list[Call]:
    return [call for step in BOOK.steps for call in step.calls(scene)]


@pytest.mark.parts
def test_what_was_deleted_and_overwritten_is_read_again(stage: ObjectStage, tmp_path: Path):
    at = ransom(stage)
    scene = recover(stage, tmp_path, at=at)
    assert bodies(stage) == GOOD
    assert calls_left(scene) == []


@pytest.mark.parts
def test_calls_are_shown_as_one_of_each_kind(stage: ObjectStage, tmp_path: Path):
    at = ransom(stage)
    timeline = Timeline(Record.create(tmp_path, "recovery"))
    scene = Scene.of(BOOK, stage.lab, timeline, {"at": at})
    shown = [(call.operation, len(getattr(call, "each", ()))) for call in calls_left(scene)]
    assert shown == [("delete_objects", 1), ("copy_object", 2)]
    assert bodies(stage)["deleted"] is None


@pytest.mark.parts
def test_without_a_moment_the_newest_burst_of_changes_is_taken_back(stage: ObjectStage, tmp_path: Path):
    ransom(stage)
    scene = recover(stage, tmp_path)
    assert scene.found["at"].endswith("Z")
    assert bodies(stage) == GOOD


@pytest.mark.parts
def test_an_emptied_bucket_comes_back_from_its_replica_and_again_is_nothing(stage: ObjectStage, tmp_path: Path):
    at = empty(stage)
    recover(stage, tmp_path, at=at)
    assert bodies(stage) == GOOD
    count = len(stage.versions(SOURCE))
    recover(stage, tmp_path, at=at)
    assert len(stage.versions(SOURCE)) == count


@pytest.mark.parts
def test_an_empty_bucket_without_a_moment_gets_what_its_replica_has(stage: ObjectStage, tmp_path: Path):
    empty(stage)
    recover(stage, tmp_path)
    assert bodies(stage) == GOOD


@pytest.mark.parts
def test_versions_that_are_to_come_from_the_replica_do(stage: ObjectStage, tmp_path: Path):
    at = ransom(stage)
    recover(stage, tmp_path, at=at, **{"from": "replica"})
    assert bodies(stage) == GOOD


@pytest.mark.parts
def test_a_replica_that_was_ransomed_too_has_the_older_versions(stage: ObjectStage, tmp_path: Path):
    at = ransom(stage)
    stage.settle()  # the garbage is replicated
    empty(stage)
    recover(stage, tmp_path, at=at)
    assert bodies(stage) == GOOD


@pytest.mark.parts
def test_what_was_written_after_the_moment_stays(stage: ObjectStage, tmp_path: Path):
    at = ransom(stage)
    stage.put("new", b"n")
    recover(stage, tmp_path, at=at)
    assert stage.body("new") == b"n"


@pytest.mark.parts
def test_an_object_of_which_nothing_is_left_is_missed_by_nobody_here(stage: ObjectStage, tmp_path: Path):
    at = empty(stage)
    [gone] = [version for key, version, _ in stage.versions(REPLICA) if key == "deleted"]
    recover(stage, tmp_path, at=at)
    stage.east.delete_object(Bucket=SOURCE, Key="deleted")
    versions = [version for key, version, _ in stage.versions(SOURCE) if key == "deleted"]
    stage.east.delete_object(Bucket=SOURCE, Key="deleted", VersionId=versions[0])
    stage.west.delete_object(Bucket=REPLICA, Key="deleted", VersionId=gone)
    recover(stage, tmp_path, at=at)  # only a read-back against what clients stored shows it
    assert stage.body("deleted") is None


@pytest.mark.parts
def test_a_bucket_without_versions_is_refused(stage: ObjectStage, tmp_path: Path):
    stage.east.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Suspended"})
    with pytest.raises(RunbookError, match="the bucket keeps versions"):
        recover(stage, tmp_path, at=a_second_later())


@pytest.mark.parametrize("text", ["yesterday", "2026-11-24T12:00:00"])
def test_a_moment_needs_a_date_and_a_zone(text: str):
    with pytest.raises(InputError, match="like 2026-11-24T18:41:00Z"):
        moment_of(text)


def version(id: str, seconds: float, *, marker: bool = False) -> Version:
    return Version("k", id, NOON + timedelta(seconds=seconds), marker)


def test_what_carries_the_stamp_of_the_moment_counts_as_after_it():
    listed = (version("v2", 5), version("v1", 4))
    assert as_of({"k": listed}, NOON + timedelta(seconds=5.9))["k"].id == "v1"
    assert as_of({"k": listed}, NOON + timedelta(seconds=6))["k"].id == "v2"


def test_what_was_deleted_at_the_moment_is_not_wanted():
    assert as_of({"k": (version("m", 2, marker=True), version("v", 1))}, NOON + timedelta(seconds=3)) == {}


@pytest.mark.parametrize(
    ("above", "state"),
    [
        ((), State.CURRENT),
        ((version("m", 2, marker=True),), State.HIDDEN),
        ((version("m", 3, marker=True), version("x", 2)), State.COVERED),
    ],
)
def test_how_a_version_stands(above: tuple[Version, ...], state: State):
    assert state_of((*above, version("v", 1)), "v") is state
    assert state_of(above, "v") is State.GONE


def test_a_burst_begins_after_the_last_quiet_minute():
    def deleted(name: str, seconds: float) -> tuple[str, tuple[Version, ...]]:
        return name, (version(f"m{name}", seconds, marker=True), version(name, -9999))

    found = dict([deleted("a", 0), deleted("b", 300), deleted("c", 340), deleted("d", 399)])
    found["quiet"] = (version("q", 500),)
    assert burst_began(found, NOON + timedelta(seconds=400)) == NOON + timedelta(seconds=300)
    assert burst_began(found, NOON + timedelta(days=2)) is None


def test_a_bucket_in_which_nothing_changed_is_no_wrong_input_but_a_step_that_cannot_be_taken_yet():
    scene = described(BOOK)
    scene.found["at"] = ""
    with pytest.raises(RunbookError, match="saw no change in the last day"):
        calls_left(scene)
