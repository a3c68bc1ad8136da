"""What a bucket's replication configuration asks for, rule by rule, and how a version is copied: nothing but moto."""

from dataclasses import dataclass
from typing import Any

from gameday.lab.local.patches.keys import unusable
from gameday.lab.local.patches.s3 import STATUS

PENDING, COMPLETED, FAILED, REPLICA = "PENDING", "COMPLETED", "FAILED", "REPLICA"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule in force, as far as the local lab does it: a prefix, a destination, a key, metrics."""

    id: str
    priority: int
    prefix: str
    destination: str  # the bucket's name
    replica_key: str | None
    copies_kms: bool
    has_metrics: bool
    storage_class: str | None

    def takes(self, version: Any) -> bool:
        """Whether the rule copies such a version: not what is itself a replica, nor SSE-KMS unless the rule says so."""
        if getattr(version, STATUS, None) == REPLICA or not version.name.startswith(self.prefix):
            return False
        return self.copies_kms or not str(version.encryption or "").startswith("aws:kms")


def rules_of(bucket: Any) -> tuple[Rule, ...]:
    """The enabled rules of a bucket's configuration, by falling priority. One that filters by tag is not done here."""
    given = getattr(bucket, "replication", None) or {}
    rules = [_rule(each) for each in given.get("Rule", ()) if each.get("Status") == "Enabled" and not _by_tag(each)]
    return tuple(sorted(rules, key=lambda rule: -rule.priority))


def filters_by_tag(bucket: Any) -> bool:
    """Whether a rule of the bucket filters by tag."""
    return any(_by_tag(each) for each in (getattr(bucket, "replication", None) or {}).get("Rule", ()))


def _rule(given: dict[str, Any]) -> Rule:
    to, criteria = given["Destination"], given.get("SourceSelectionCriteria") or {}
    return Rule(
        id=given["ID"],
        priority=int(given.get("Priority") or 0),
        prefix=_prefix(given),
        destination=to["Bucket"].rpartition(":::")[2],
        replica_key=(to.get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID"),
        copies_kms=(criteria.get("SseKmsEncryptedObjects") or {}).get("Status") == "Enabled",
        has_metrics=(to.get("Metrics") or {}).get("Status") == "Enabled",
        storage_class=to.get("StorageClass"),
    )


def _prefix(given: dict[str, Any]) -> str:
    chosen = given.get("Filter") or {}
    return str((chosen.get("And") or {}).get("Prefix") or chosen.get("Prefix") or given.get("Prefix") or "")


def _by_tag(given: dict[str, Any]) -> bool:
    chosen = given.get("Filter") or {}
    return bool(chosen.get("Tag") or (chosen.get("And") or {}).get("Tag"))


def why_not(account: str, source: Any, version: Any, rule: Rule, destination: Any | None) -> str | None:
    """Why the copy is refused for good, and the version's status FAILED; None when nothing is in its way."""
    if destination is None:
        return f"the destination bucket {rule.destination} does not exist"
    if not destination.is_versioned:
        return f"the destination bucket {rule.destination} is not versioned"
    for region, key in ((source.region_name, version.kms_key_id), (destination.region_name, rule.replica_key)):
        if seen := unusable(account, region, key):
            return f"the key {seen[0]} is {seen[1]}"
    return None


def copy(version: Any, rule: Rule, destination: Any, tagger: Any) -> None:
    """Put the replica beside the other versions: the same id, bytes, tags and creation time (S3 user guide, "What does
    Amazon S3 replicate?"), under the rule's key. It may come after a newer one, and is not the current one then."""
    from moto.s3.models import FakeKey

    is_kms = bool(rule.replica_key) and str(version.encryption or "").startswith("aws:kms")
    twin = FakeKey(
        name=version.name,
        value=version.value,
        account_id=version.account_id,
        region_name=destination.region_name,
        storage=rule.storage_class or version.storage_class,
        etag=version.etag.strip('"'),
        is_versioned=True,
        version_id=version.version_id,
        bucket_name=destination.name,
        encryption=version.encryption,
        kms_key_id=rule.replica_key if is_kms else None,
        bucket_key_enabled=version.bucket_key_enabled,
        checksum_value=version.checksum_value,
        checksum_type=version.checksum_type,
        checksum_parts=version.checksum_parts,
    )
    twin.last_modified, twin.checksum_algorithm = version.last_modified, version.checksum_algorithm
    twin._metadata.update(version.metadata)
    tagger.copy_tags(version.arn, twin.arn)
    setattr(twin, STATUS, REPLICA)
    versions = [each for each in destination.keys.getlist(version.name, []) if each.version_id != version.version_id]
    place = sum(each.last_modified <= twin.last_modified for each in versions)
    destination.keys.setlist(version.name, [*versions[:place], twin, *versions[place:]])
