"""Replication between buckets as AWS does it: what is copied, when, what is not, and what CloudWatch is told."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from object_stage import EAST, REPLICA, SOURCE, WEST, ObjectStage, object_stage

from gameday.clock import eventually
from gameday.lab.local.pauses import duration_s

pytestmark = pytest.mark.parts


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[ObjectStage]:
    with object_stage(tmp_path) as built:
        built.replicate()
        yield built


def test_a_new_version_is_pending_then_completed_and_its_copy_is_a_replica_of_the_same_id(stage: ObjectStage):
    version = stage.put("a")
    assert stage.status("a") == "PENDING"
    stage.settle()
    assert stage.status("a") == "COMPLETED"
    assert stage.status("a", bucket=REPLICA) == "REPLICA"
    assert stage.versions(REPLICA) == [("a", version, True)]
    copied = stage.west.get_object(Bucket=REPLICA, Key="a")
    assert (copied["Body"].read(), copied["SSEKMSKeyId"]) == (b"one", stage.keys[WEST])


def test_nothing_is_copied_before_its_lag_is_over(stage: ObjectStage):
    stage.put("a")
    stage.settle(15)
    assert (stage.versions(REPLICA), stage.status("a")) == ([], "PENDING")


def test_a_delete_marker_is_not_copied(stage: ObjectStage):
    stage.put("a")
    stage.settle()
    stage.east.delete_object(Bucket=SOURCE, Key="a")
    stage.settle()
    assert stage.west.get_object(Bucket=REPLICA, Key="a")["Body"].read() == b"one"


def test_the_deletion_of_a_version_is_not_copied(stage: ObjectStage):
    version = stage.put("a")
    stage.settle()
    stage.east.delete_object(Bucket=SOURCE, Key="a", VersionId=version)
    stage.settle()
    assert stage.versions(REPLICA) == [("a", version, True)]


def test_a_version_that_is_deleted_before_its_copy_is_never_copied(stage: ObjectStage):
    version = stage.put("a")
    stage.east.delete_object(Bucket=SOURCE, Key="a", VersionId=version)
    stage.settle()
    assert stage.versions(REPLICA) == []


def test_an_overwritten_object_is_copied_version_by_version(stage: ObjectStage):
    first, second = stage.put("a", b"one"), stage.put("a", b"two")
    stage.settle()
    assert stage.versions(REPLICA) == [("a", second, True), ("a", first, False)]


def test_what_was_there_before_the_rule_is_not_copied(tmp_path: Path):
    with object_stage(tmp_path) as stage:
        stage.put("old")
        stage.replicate()
        stage.put("new")
        stage.settle()
        assert [key for key, _, _ in stage.versions(REPLICA)] == ["new"]
        assert stage.status("old") is None


@pytest.mark.parametrize(
    "changed",
    [{"Filter": {"Prefix": "other/"}}, {"Status": "Disabled"}, {"SourceSelectionCriteria": {}}],
    ids=["another prefix", "a disabled rule", "no word of SSE-KMS"],
)
def test_only_what_an_enabled_rule_takes_is_copied(tmp_path: Path, changed: dict[str, Any]):
    with object_stage(tmp_path) as stage:
        stage.replicate(**changed)
        stage.put("a")
        stage.settle()
        assert (stage.versions(REPLICA), stage.status("a")) == ([], None)


def test_without_its_destination_a_version_fails_and_stays_so(stage: ObjectStage):
    stage.west.delete_bucket(Bucket=REPLICA)
    stage.put("a")
    stage.settle()
    stage.settle()
    assert stage.status("a") == "FAILED"


def test_with_the_replica_s_key_disabled_a_version_fails(stage: ObjectStage):
    stage.aws.client("kms", WEST).disable_key(KeyId=stage.keys[WEST])
    stage.put("a")
    stage.settle()
    assert (stage.status("a"), stage.versions(REPLICA)) == ("FAILED", [])


def test_an_unversioned_destination_fails(stage: ObjectStage):
    stage.west.put_bucket_versioning(Bucket=REPLICA, VersioningConfiguration={"Status": "Suspended"})
    stage.put("a")
    stage.settle()
    assert stage.status("a") == "FAILED"


# -- FIS -------------------------------------------------------------------------------------------------------------


def pause(stage: ObjectStage, **changed: str) -> Any:
    fis = stage.aws.client("fis", EAST)
    template = fis.create_experiment_template(
        clientToken="t", description="pause", roleArn="arn:aws:iam::123456789012:role/fis",
        stopConditions=[{"source": "none"}],
        targets={"b": {
            "resourceType": "aws:s3:bucket", "resourceTags": {"gameday:target": "true"}, "selectionMode": "ALL",
        }},
        actions={"pause": {
            "actionId": "aws:s3:bucket-pause-replication", "targets": {"Buckets": "b"},
            "parameters": {"duration": "PT10M", "region": WEST} | changed,
        }},
    )["experimentTemplate"]["id"]  # fmt: skip
    return fis, fis.start_experiment(clientToken="e", experimentTemplateId=template)["experiment"]["id"]


def state(fis: Any, experiment: str) -> str:
    return str(fis.get_experiment(id=experiment)["experiment"]["state"]["status"])


def test_a_pause_holds_copies_back_and_the_backlog_follows_when_it_is_stopped(stage: ObjectStage):
    fis, experiment = pause(stage)
    stage.put("a")
    stage.settle()
    assert (state(fis, experiment), stage.status("a"), stage.versions(REPLICA)) == ("running", "PENDING", [])
    fis.stop_experiment(id=experiment)
    stage.settle(0)
    assert (state(fis, experiment), stage.status("a")) == ("stopped", "COMPLETED")


@pytest.mark.parametrize("changed", [{"region": EAST}, {"destinationBuckets": "another"}, {"prefixes": "other/"}])
def test_a_pause_of_other_copies_holds_nothing_back(stage: ObjectStage, changed: dict[str, str]):
    pause(stage, **changed)
    stage.put("a")
    stage.settle()
    assert stage.status("a") == "COMPLETED"


def test_a_pause_ends_with_its_duration_times_the_scale(tmp_path: Path):
    with object_stage(tmp_path, scale=0.0001) as stage:
        fis, experiment = pause(stage)
        look = lambda: (stage.controller.reconcile(), state(fis, experiment))[1]  # noqa: E731  one look, named
        eventually(look, "completed", what="the pause", within_s=5)


def test_an_action_that_the_lab_does_not_do_fails(stage: ObjectStage):
    fis = stage.aws.client("fis", EAST)
    template = fis.create_experiment_template(
        clientToken="t", description="wait", roleArn="arn:aws:iam::123456789012:role/fis",
        stopConditions=[{"source": "none"}],
        actions={"wait": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}},
    )["experimentTemplate"]["id"]  # fmt: skip
    experiment = fis.start_experiment(clientToken="e", experimentTemplateId=template)["experiment"]["id"]
    stage.controller.reconcile()
    assert state(fis, experiment) == "failed"


@pytest.mark.parametrize(
    ("text", "seconds"), [("PT1M", 60), ("PT1H30M", 5400), ("PT5S", 5), ("10m", None), ("PT", None)]
)
def test_durations_are_iso_8601(text: str, seconds: float | None):
    assert duration_s(text) == seconds


# -- metrics ---------------------------------------------------------------------------------------------------------


def metric(stage: ObjectStage, region: str, name: str, statistic: str) -> float | None:
    now = datetime.fromtimestamp(stage.clock.now_ns / 1e9, UTC)
    of = {"SourceBucket": SOURCE, "DestinationBucket": REPLICA, "RuleId": "everything"}
    found = stage.aws.client("cloudwatch", region).get_metric_statistics(
        Namespace="AWS/S3", MetricName=name, Statistics=[statistic], Period=86400,
        Dimensions=[{"Name": key, "Value": value} for key, value in of.items()],
        StartTime=now - timedelta(days=1), EndTime=now + timedelta(days=1),
    )["Datapoints"]  # fmt: skip
    return float(found[0][statistic]) if found else None


def test_what_waits_is_told_in_the_destination_s_region(stage: ObjectStage):
    pause(stage)
    stage.put("a", b"12345")
    stage.settle(61)
    assert metric(stage, WEST, "ReplicationLatency", "Maximum") == pytest.approx(61, abs=0.1)
    assert metric(stage, WEST, "BytesPendingReplication", "Maximum") == 5
    assert metric(stage, WEST, "OperationsPendingReplication", "Maximum") == 1
    assert metric(stage, EAST, "ReplicationLatency", "Maximum") is None
    assert metric(stage, EAST, "OperationsFailedReplication", "Sum") is None


def test_failures_are_told_in_the_source_s_region_among_all_operations(stage: ObjectStage):
    stage.put("good")
    stage.settle()
    stage.west.put_bucket_versioning(Bucket=REPLICA, VersioningConfiguration={"Status": "Suspended"})
    stage.put("bad")
    stage.settle()
    stage.settle(60)
    assert metric(stage, EAST, "OperationsFailedReplication", "Sum") == 1
    assert metric(stage, EAST, "OperationsFailedReplication", "SampleCount") == 2
    assert metric(stage, WEST, "OperationsFailedReplication", "Sum") is None


def test_a_quiet_rule_tells_that_nothing_waits(stage: ObjectStage):
    stage.settle(61)
    assert metric(stage, WEST, "ReplicationLatency", "Maximum") == 0


# -- policies --------------------------------------------------------------------------------------------------------


def deny(stage: ObjectStage, **more: Any) -> None:
    statement = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": f"arn:aws:s3:::{SOURCE}/*"}
    document = {"Version": "2012-10-17", "Statement": [statement | more]}
    stage.east.put_bucket_policy(Bucket=SOURCE, Policy=json.dumps(document))


def test_a_policy_that_denies_denies(stage: ObjectStage):
    deny(stage)
    with pytest.raises(ClientError, match="403"):
        stage.put("a")


def test_a_policy_that_asks_for_tls_lets_loopback_pass(stage: ObjectStage):
    deny(stage, Condition={"Bool": {"aws:SecureTransport": "false"}})
    stage.put("a")
    assert stage.east.get_object(Bucket=SOURCE, Key="a")["Body"].read() == b"one"


# -- keys ------------------------------------------------------------------------------------------------------------


def test_a_disabled_key_keeps_its_objects_from_being_read_written_and_copied(stage: ObjectStage):
    stage.put("a")
    kms = stage.aws.client("kms", EAST)
    kms.disable_key(KeyId=stage.keys[EAST])
    for call in (
        lambda: stage.east.get_object(Bucket=SOURCE, Key="a"),
        lambda: stage.put("b"),
        lambda: stage.east.create_multipart_upload(Bucket=SOURCE, Key="b"),
        lambda: stage.east.copy_object(Bucket=REPLICA, Key="b", CopySource={"Bucket": SOURCE, "Key": "a"}),
    ):
        with pytest.raises(ClientError, match=r"KMS.DisabledException.*is disabled") as refused:
            call()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    kms.enable_key(KeyId=stage.keys[EAST])
    assert stage.east.get_object(Bucket=SOURCE, Key="a")["Body"].read() == b"one"
    assert stage.east.create_multipart_upload(Bucket=SOURCE, Key="b")["UploadId"]


def test_a_key_that_waits_for_its_deletion_keeps_its_objects_too(stage: ObjectStage):
    stage.put("a")
    stage.aws.client("kms", EAST).schedule_key_deletion(KeyId=stage.keys[EAST])
    with pytest.raises(ClientError, match=r"KMS.KMSInvalidStateException.*is pending deletion"):
        stage.east.get_object(Bucket=SOURCE, Key="a")


def test_a_disabled_key_keeps_its_secrets(stage: ObjectStage):
    secrets, kms = stage.aws.client("secretsmanager", EAST), stage.aws.client("kms", EAST)
    secrets.create_secret(Name="s", SecretString="x", KmsKeyId=stage.keys[EAST])
    kms.disable_key(KeyId=stage.keys[EAST])
    with pytest.raises(ClientError, match="DecryptionFailure"):
        secrets.get_secret_value(SecretId="s")
    with pytest.raises(ClientError, match="EncryptionFailure"):
        secrets.put_secret_value(SecretId="s", SecretString="y")
    kms.enable_key(KeyId=stage.keys[EAST])
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "x"
