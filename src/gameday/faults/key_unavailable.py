"""Key unavailable: the KMS key of a region's bucket and secrets is disabled."""

import contextlib
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from gameday.errors import GuardError
from gameday.facts import Kind
from gameday.faults import effects
from gameday.faults.guard import may_break
from gameday.faults.objects import breakable_bucket
from gameday.faults.replay import Verb, take_back
from gameday.lab.model import Lab
from gameday.lab.versions import Place
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

UNUSABLE = "nothing can be stored under the key"
PROBE = "gameday-probe-of-a-disabled-key"
LOOK_EVERY_S = 1.0  # it may take minutes, and each look asks S3 twice


def key_enabled(region: str, key: str) -> UndoStep:
    """The key can be used again."""
    return UndoStep("key_enabled", region, {"key": key})


def probes_gone(place: Place) -> UndoStep:
    """No upload is left that a look at the key began in the bucket."""
    return UndoStep("probes_gone", place.region, {"bucket": place.bucket})


@dataclass(frozen=True, slots=True)
class KeyUnavailable:
    """The key is disabled (KMS ``DisableKey``), in AWS and in the local lab: objects and secrets that it encrypts can
    be neither read nor written. In AWS that takes minutes where S3 caches a bucket key; in the lab it is so at once.

    Whether it is so is seen by beginning an upload in parts and giving it up: to begin one S3 needs a data key of the
    key (``kms:GenerateDataKey`` for CreateMultipartUpload: AWS knowledge center, "s3-large-file-encryption-kms-key").
    Such an upload is no object: it leaves neither a version nor a delete marker, and nothing of it is replicated.
    """

    region: str
    effect_within_s: float = field(default=900.0, repr=False)

    @property
    def stays_reachable(self) -> tuple[str, ...]:
        """What needs no decryption."""
        return ("the database, which has its data key in memory", "the region's balancer and tasks", "the AWS APIs")

    @property
    def alarms(self) -> tuple[str, ...]:
        """None for certain: orders go on, and documents may be too few of the requests to show."""
        return ()

    def inject(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Disable it, and see that nothing can be stored under it; raises :class:`FaultError` when something can."""
        place = breakable_bucket(lab, self.region)
        kms, key = lab.client("kms", self.region), _key_of(lab, place)
        tags = [{"Key": one["TagKey"], "Value": one["TagValue"]} for one in kms.list_resource_tags(KeyId=key)["Tags"]]
        may_break(lab, self.region, [{"Tags": tags}], "keys")
        undo.before(probes_gone(place))
        undo.before(key_enabled(self.region, key))
        timeline.add(Kind.FAULT, repr(self), region=self.region, key=key)
        kms.disable_key(KeyId=key)
        looks: effects.Looks = {UNUSABLE: lambda: _is_unusable(lab, place)}
        effects.verify(
            looks, undo, timeline, repr(self), self.region, within_s=self.effect_within_s, every_s=LOOK_EVERY_S,
            looks_change=True,
        )  # fmt: skip

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Enable it again."""
        take_back(self, lab, undo, timeline)


def _key_of(lab: Lab, place: Place) -> str:
    """The key that the bucket encrypts under; raises :class:`GuardError` when it is none of the account's."""
    told: dict[str, Any] = lab.client("s3", place.region).get_bucket_encryption(Bucket=place.bucket)
    rule = told["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    if "KMSMasterKeyID" not in rule:
        raise GuardError(f"a KMS key of {place.bucket}'s own", "none", "there is nothing to disable")
    return str(rule["KMSMasterKeyID"])


def _is_unusable(lab: Lab, place: Place) -> bool:
    s3 = lab.client("s3", place.region)
    try:
        begun = s3.create_multipart_upload(Bucket=place.bucket, Key=PROBE)
    except ClientError as cause:
        return str(cause.response["Error"]["Code"]).startswith("KMS.")
    s3.abort_multipart_upload(Bucket=place.bucket, Key=PROBE, UploadId=begun["UploadId"])
    return False


def _key_is_enabled_again(lab: Lab, step: UndoStep) -> None:
    lab.client("kms", step.region).enable_key(KeyId=step.args["key"])


def _give_probes_up(lab: Lab, step: UndoStep) -> None:
    """One that the drill died over; whoever gave it up meanwhile has done the same."""
    s3, bucket = lab.client("s3", step.region), step.args["bucket"]
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=PROBE):
        for each in page.get("Uploads", []):
            with contextlib.suppress(s3.exceptions.NoSuchUpload):
                s3.abort_multipart_upload(Bucket=bucket, Key=each["Key"], UploadId=each["UploadId"])


TAKES_BACK: dict[str, Verb] = {"key_enabled": _key_is_enabled_again, "probes_gone": _give_probes_up}
