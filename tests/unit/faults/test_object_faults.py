"""Faults on objects: what is broken is drawn by the seed, seen, and can be taken back, half of it too."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fault_stage import lab_of, service_beside, vpc_of, without_tag_on_the_service
from object_stage import EAST, REPLICA, SOURCE, ObjectStage, object_stage

from gameday.aws import Aws
from gameday.clock import heeding
from gameday.errors import FaultError, GuardError, InputError
from gameday.facts import Kind
from gameday.faults import BucketLoss, KeyUnavailable, ObjectRansomware
from gameday.faults.base import Fault
from gameday.faults.key_unavailable import PROBE
from gameday.faults.objects import write_way_back
from gameday.faults.replay import replay
from gameday.lab.model import Lab
from gameday.lab.versions import current, data_of, versions
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal

pytestmark = pytest.mark.parts
KEYS = [f"documents/{number}" for number in range(6)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[ObjectStage]:
    """Six documents, all of them replicated, and a service beside them."""
    with object_stage(tmp_path) as built:
        service_beside(built.aws)
        built.replicate()
        for key in KEYS:
            built.put(key, f"the body of {key}".encode())
        built.settle()
        yield built


def bodies(stage: ObjectStage) -> dict[str, bytes | None]:
    return {key: stage.body(key) for key in KEYS}


def fault_of(record: Record) -> dict[str, Any]:
    events = [json.loads(line) for line in record.timeline.read_text().splitlines()]
    (fault,) = [event for event in events if event["kind"] == Kind.FAULT]
    return dict(fault["detail"])


def test_ransomware_deletes_half_and_overwrites_half(
    stage: ObjectStage, timeline: Timeline, undo: UndoJournal, record: Record
):
    good = bodies(stage)
    ObjectRansomware(EAST).inject(stage.lab, undo, timeline)
    seen = bodies(stage)
    assert sum(body is None for body in seen.values()) == 3
    assert all(seen[key] != good[key] for key in KEYS)
    assert (fault_of(record)["deleted"], fault_of(record)["overwritten"]) == (3, 3)


def test_what_ransomware_did_is_taken_back_and_again_is_nothing(
    stage: ObjectStage, timeline: Timeline, undo: UndoJournal
):
    good = bodies(stage)
    ObjectRansomware(EAST).inject(stage.lab, undo, timeline)
    assert replay(undo, stage.lab) == 1
    assert bodies(stage) == good
    count = len(stage.versions(SOURCE))
    undo.before(undo_steps(undo)[0])
    replay(undo, stage.lab)
    assert (bodies(stage), len(stage.versions(SOURCE))) == (good, count)


def test_two_faults_on_the_same_objects_are_taken_back_in_whatever_order(
    stage: ObjectStage, timeline: Timeline, undo: UndoJournal
):
    """The newer step may fail once, and is then replayed after the older one."""
    good = bodies(stage)
    for seed in (1, 2):
        ObjectRansomware(EAST, seed=seed).inject(stage.lab, undo, timeline)
    newest, _ = undo.open_steps()
    undo.done(*newest)
    replay(undo, stage.lab)
    undo.before(newest[1])
    replay(undo, stage.lab)
    assert bodies(stage) == good


def undo_steps(undo: UndoJournal) -> list[Any]:
    from gameday.record.lines import Damage, read_lines
    from gameday.record.undo import UndoLine

    return [line.step for line in read_lines(undo.path, UndoLine, Damage())]


def test_a_fault_that_died_half_way_is_taken_back_whole(stage: ObjectStage, undo: UndoJournal):
    """The steps are on the disk first; then one object was overwritten, another deleted twice, and the drill died."""
    good, place = bodies(stage), data_of(stage.lab, EAST)
    write_way_back(undo, place, current(versions(stage.lab, place)).values())
    stage.put(KEYS[0], b"garbage")
    for _ in range(2):
        stage.east.delete_object(Bucket=SOURCE, Key=KEYS[1])
    stage.put(KEYS[2], b"garbage")
    stage.east.delete_object(Bucket=SOURCE, Key=KEYS[2])
    replay(undo, stage.lab)
    assert bodies(stage) == good


def test_the_same_seed_draws_the_same_objects_and_another_seed_others(stage: ObjectStage):
    before = current(versions(stage.lab, data_of(stage.lab, EAST)))
    assert ObjectRansomware(EAST, 0.5, seed=7).chosen(before) == ObjectRansomware(EAST, 0.5, seed=7).chosen(before)
    assert len({str(ObjectRansomware(EAST, 0.5, seed=seed).chosen(before)) for seed in range(5)}) > 1
    assert sum(map(len, ObjectRansomware(EAST, 0.4).chosen(before))) == 3


@pytest.mark.parametrize("share", [0, 1.5, True, float("nan")])
def test_a_share_that_is_none_is_refused(share: float):
    with pytest.raises(InputError, match="share of the objects"):
        ObjectRansomware(EAST, share)


def test_a_bucket_without_versions_is_refused(stage: ObjectStage, timeline: Timeline, undo: UndoJournal):
    stage.east.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Suspended"})
    with pytest.raises(GuardError, match="versioning on source"):
        ObjectRansomware(EAST).inject(stage.lab, undo, timeline)
    assert undo.open_steps() == []


def test_a_prefix_without_objects_has_no_targets(stage: ObjectStage, timeline: Timeline, undo: UndoJournal):
    with pytest.raises(GuardError, match="no targets"):
        ObjectRansomware(EAST, prefix="nowhere/").inject(stage.lab, undo, timeline)


def test_an_emptied_bucket_has_neither_versions_nor_markers_and_comes_back_from_its_replica(
    stage: ObjectStage, timeline: Timeline, undo: UndoJournal
):
    stage.east.delete_object(Bucket=SOURCE, Key=KEYS[0])
    good = bodies(stage)
    BucketLoss(EAST, confirm=SOURCE).inject(stage.lab, undo, timeline)
    assert versions(stage.lab, data_of(stage.lab, EAST)) == {}
    replay(undo, stage.lab)
    assert bodies(stage) == good
    assert good[KEYS[0]] is None


@pytest.mark.parametrize("confirm", ["", "yes", REPLICA])
def test_a_bucket_is_emptied_only_by_its_own_name(
    stage: ObjectStage, timeline: Timeline, undo: UndoJournal, confirm: str
):
    with pytest.raises(GuardError, match="confirm to be source"):
        BucketLoss(EAST, confirm=confirm).inject(stage.lab, undo, timeline)
    assert None not in bodies(stage).values()


def test_a_bucket_is_not_emptied_while_an_object_has_no_copy(
    stage: ObjectStage, timeline: Timeline, undo: UndoJournal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gameday.faults.bucket_loss.LEAST_WAIT_S", 0.0)
    monkeypatch.setattr("gameday.faults.bucket_loss.COPIED_WITHIN_S", 0.0)
    stage.put("documents/new")
    with pytest.raises(GuardError, match=r"every object in replica too.*documents/new"):
        BucketLoss(EAST, confirm=SOURCE).inject(stage.lab, undo, timeline)
    assert undo.open_steps() == []


def test_an_object_that_is_nowhere_any_more_fails_the_way_back(
    stage: ObjectStage, timeline: Timeline, undo: UndoJournal
):
    BucketLoss(EAST, confirm=SOURCE).inject(stage.lab, undo, timeline)
    gone = next(version for key, version, _ in stage.versions(REPLICA) if key == KEYS[3])
    stage.west.delete_object(Bucket=REPLICA, Key=KEYS[3], VersionId=gone)
    with pytest.raises(FaultError, match=r"1 not, documents/3 among them.*Next: gameday undo"):
        replay(undo, stage.lab)
    assert sum(body is not None for body in bodies(stage).values()) == 5


def test_a_disabled_key_is_seen_and_enabled_again(stage: ObjectStage, timeline: Timeline, undo: UndoJournal):
    KeyUnavailable(EAST).inject(stage.lab, undo, timeline)
    with pytest.raises(ClientError, match=r"KMS\.DisabledException"):
        stage.body(KEYS[0])
    replay(undo, stage.lab)
    assert stage.body(KEYS[0]) == b"the body of documents/0"


def left_in(stage: ObjectStage, bucket: str) -> tuple[list[str], list[str]]:
    """The keys of every version and marker of the probe, and of every upload that is open."""
    found = stage.east.list_object_versions(Bucket=bucket, Prefix=PROBE)
    listed = [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
    uploads = stage.east.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return [each["Key"] for each in listed], [each["Key"] for each in uploads]


def test_looking_whether_the_key_is_disabled_leaves_nothing_in_either_bucket(
    stage: ObjectStage, timeline: Timeline, undo: UndoJournal, monkeypatch: pytest.MonkeyPatch
):
    """As where S3 caches the bucket key for a while: it can be used on, so each look finds that it can."""
    monkeypatch.setattr("gameday.lab.local.patches.keys.unusable", lambda account, region, key: None)
    monkeypatch.setattr("gameday.faults.key_unavailable.LOOK_EVERY_S", 0.05)
    with pytest.raises(FaultError, match="nothing can be stored under the key"):
        KeyUnavailable(EAST, effect_within_s=0.3).inject(stage.lab, undo, timeline)
    stage.settle()
    assert left_in(stage, SOURCE) == left_in(stage, REPLICA) == ([], [])


def test_a_look_that_the_drill_died_over_is_taken_back_with_the_fault(
    stage: ObjectStage, timeline: Timeline, undo: UndoJournal
):
    stage.east.create_multipart_upload(Bucket=SOURCE, Key=PROBE)
    stage.east.create_multipart_upload(Bucket=SOURCE, Key="somebody/else")
    KeyUnavailable(EAST).inject(stage.lab, undo, timeline)
    assert [step.intent for _, step in undo.open_steps()] == ["key_enabled", "probes_gone"]
    assert undo.unanswered() == []
    replay(undo, stage.lab)
    assert left_in(stage, SOURCE) == ([], ["somebody/else"])


def test_a_look_that_begins_an_upload_may_land_when_the_drill_has_gone(
    stage: ObjectStage, timeline: Timeline, undo: UndoJournal, monkeypatch: pytest.MonkeyPatch
):
    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("gameday.faults.key_unavailable._is_unusable", killed)
    with pytest.raises(KeyboardInterrupt):
        KeyUnavailable(EAST).inject(stage.lab, undo, timeline)
    assert [step.intent for _, step in undo.unanswered()] == ["key_enabled", "probes_gone"]
    replay(undo, stage.lab)


# ---- in an account


TARGET = [{"Key": "gameday:target", "Value": "true"}]


def account(ec2: Any, *, bucket: bool = True) -> Lab:
    """A versioned bucket under a key, with one object; each carries the tag, the bucket only where it is said."""
    lab, s3, kms = lab_of(vpc_of(ec2)), Aws().client("s3", EAST), Aws().client("kms", EAST)
    tags = [{"TagKey": each["Key"], "TagValue": each["Value"]} for each in TARGET]
    key = kms.create_key(Tags=tags)["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=SOURCE, CreateBucketConfiguration={"LocationConstraint": EAST})
    s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Enabled"})
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=SOURCE, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_object(Bucket=SOURCE, Key=KEYS[0], Body=b"one")
    if bucket:
        s3.put_bucket_tagging(Bucket=SOURCE, Tagging={"TagSet": TARGET})
    names = {region: {**own, "BucketName": SOURCE} for region, own in lab.outputs.regions.items()}
    return replace(lab, outputs=replace(lab.outputs, regions=names))


class MayGoOnNoMoreError(Exception):
    """What a stop raises, here once a first document is gone."""


@pytest.mark.parametrize("module", ["gameday.faults.object_ransomware", "gameday.lab.bring_back"])
def test_a_stop_ends_the_deletions_between_two_batches(
    stage: ObjectStage, timeline: Timeline, undo: UndoJournal, monkeypatch: pytest.MonkeyPatch, module: str
):
    """A batch here is one key, where S3 takes a thousand."""
    fault = BucketLoss(EAST, confirm=SOURCE) if module.endswith("bring_back") else ObjectRansomware(EAST)
    good = bodies(stage)
    monkeypatch.setattr(f"{module}.DELETED_AT_ONCE", 1)

    def may_go_on() -> None:
        if None in bodies(stage).values():
            raise MayGoOnNoMoreError

    with pytest.raises(MayGoOnNoMoreError), heeding(may_go_on):
        fault.inject(stage.lab, undo, timeline)
    assert list(bodies(stage).values()).count(None) == 1
    assert replay(undo, stage.lab) == 1
    assert bodies(stage) == good


ON_OBJECTS = [ObjectRansomware(EAST), BucketLoss(EAST, confirm=SOURCE), KeyUnavailable(EAST)]


def untouched(lab: Lab, undo: UndoJournal) -> bool:
    """The object is as it was, the key can be used, and nothing would have to be taken back."""
    s3, kms = lab.client("s3", EAST), lab.client("kms", EAST)
    states = [kms.describe_key(KeyId=one["KeyId"])["KeyMetadata"]["KeyState"] for one in kms.list_keys()["Keys"]]
    is_read = s3.get_object(Bucket=SOURCE, Key=KEYS[0])["Body"].read() == b"one"
    return is_read and set(states) == {"Enabled"} and undo.open_steps() == []


@pytest.mark.parametrize("fault", ON_OBJECTS, ids=lambda fault: type(fault).__name__)
def test_what_healing_would_fence_must_be_a_target_too(fault: Fault, ec2: Any, timeline: Timeline, undo: UndoJournal):
    lab = account(ec2)
    without_tag_on_the_service()
    with pytest.raises(GuardError, match="ECS services"):
        fault.inject(lab, undo, timeline)
    assert untouched(lab, undo)


@pytest.mark.parametrize("fault", ON_OBJECTS, ids=lambda fault: type(fault).__name__)
def test_a_bucket_without_the_tag_is_not_touched(fault: Fault, ec2: Any, timeline: Timeline, undo: UndoJournal):
    """Nor is its key: to see that the key is disabled, something must be begun in the bucket."""
    lab = account(ec2, bucket=False)
    with pytest.raises(GuardError, match="buckets"):
        fault.inject(lab, undo, timeline)
    assert untouched(lab, undo)
