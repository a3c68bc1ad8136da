"""Key unavailable: the KMS key of a region's bucket and secrets is disabled."""

from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from gameday.errors import GuardError
from gameday.facts import Kind
from gameday.faults import effects
from gameday.faults.guard import may_break
from gameday.faults.replay import Verb, take_back
from gameday.lab.model import Lab
from gameday.lab.versions import data_of
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

UNUSABLE = "nothing can be stored under the key"
PROBE = "gameday-probe-of-a-disabled-key"  # stored only when the fault has no effect; its deletion is plain


def key_enabled(region: str, key: str) -> UndoStep:
    """The key can be used again."""
    return UndoStep("key_enabled", region, {"key": key})


@dataclass(frozen=True, slots=True)
class KeyUnavailable:
    """The key is disabled (KMS ``DisableKey``), in AWS and in the local lab: objects and secrets that it encrypts can
    be neither read nor written. In AWS that takes minutes where S3 caches a bucket key; in the lab it is so at once."""

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
        kms, key = lab.client("kms", self.region), _key_of(lab, self.region)
        tags = [{"Key": one["TagKey"], "Value": one["TagValue"]} for one in kms.list_resource_tags(KeyId=key)["Tags"]]
        may_break(lab, self.region, [{"Tags": tags}], "keys")
        undo.before(key_enabled(self.region, key))
        timeline.add(Kind.FAULT, repr(self), region=self.region, key=key)
        kms.disable_key(KeyId=key)
        looks: effects.Looks = {UNUSABLE: lambda: _is_unusable(lab, self.region)}
        effects.verify(looks, timeline, repr(self), self.region, within_s=self.effect_within_s)

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Enable it again."""
        take_back(self, lab, undo, timeline)


def _key_of(lab: Lab, region: str) -> str:
    """The key that the region's bucket encrypts under; raises :class:`GuardError` when it is none of the account's."""
    place = data_of(lab, region)
    told: dict[str, Any] = lab.client("s3", region).get_bucket_encryption(Bucket=place.bucket)
    rule = told["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    if "KMSMasterKeyID" not in rule:
        raise GuardError(f"a KMS key of {place.bucket}'s own", "none", "there is nothing to disable")
    return str(rule["KMSMasterKeyID"])


def _is_unusable(lab: Lab, region: str) -> bool:
    place, s3 = data_of(lab, region), lab.client("s3", region)
    try:
        s3.put_object(Bucket=place.bucket, Key=PROBE, Body=b"")
    except ClientError as cause:
        return str(cause.response["Error"]["Code"]).startswith("KMS.")
    s3.delete_object(Bucket=place.bucket, Key=PROBE)
    return False


def _key_is_enabled_again(lab: Lab, step: UndoStep) -> None:
    lab.client("kms", step.region).enable_key(KeyId=step.args["key"])


TAKES_BACK: dict[str, Verb] = {"key_enabled": _key_is_enabled_again}
