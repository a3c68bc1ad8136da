"""S3: a new version is offered to the lab's replication, and tells how that went; listing is quick."""

import copy
import json
from typing import Any

from gameday.lab.local.patches.seam import demand, hooks, swap

STATUS = "gameday_replication"  # set by the object controller: PENDING, COMPLETED, FAILED or REPLICA; absent is none
PUT_PARAMETERS = (
    "self, bucket_name, key_name, value, storage, etag, multipart, encryption, kms_key_id, bucket_key_enabled, "
    "lock_mode, lock_legal_status, lock_until, checksum_value, request_method, disable_notification"
)


def install() -> None:
    """Put the patches in; raises UpstreamMoved."""
    from moto.s3.models import FakeBucket, FakeKey

    _policies()
    _writing()
    _telling()
    _listing()
    _self_test(FakeBucket, FakeKey)


def _policies() -> None:
    """A bucket policy that denies without a condition denies. One with a condition does nothing here: moto would deny
    all to everybody under "only over TLS", which stands on every bucket; loopback passes for TLS."""
    from moto.s3.models import FakeBucket

    def get_permission(self: Any, action: str, resource: str) -> Any:
        judged = copy.copy(self)  # others read the bucket's own policy meanwhile
        judged.policy = _unconditional(self.policy)
        return original(judged, action, resource)

    original = swap(FakeBucket, "get_permission", get_permission, expects="self, action, resource")


def _unconditional(policy: bytes | None) -> bytes | None:
    if not policy:
        return policy
    document = json.loads(policy)
    statements = document.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    kept = [each for each in listed if "Condition" not in each]
    return json.dumps(document | {"Statement": kept}).encode() if kept else None


def _writing() -> None:
    """PutObject, CopyObject and a completed upload all end here; a replica that S3 itself writes does not."""
    from moto.s3.models import S3Backend

    def put_object(self: Any, bucket_name: str, *args: Any, **kwargs: Any) -> Any:
        version = original(self, bucket_name, *args, **kwargs)
        if take := hooks().object_written:
            take(self.get_bucket(bucket_name), version)
        return version

    original = swap(S3Backend, "put_object", put_object, expects=PUT_PARAMETERS)


def _telling() -> None:
    """GET and HEAD tell ``x-amz-replication-status`` (S3 user guide, "Getting replication status information")."""
    from moto.s3.models import FakeKey

    def response_dict(self: Any) -> dict[str, Any]:
        told: dict[str, Any] = original.fget(self)
        status = getattr(self, STATUS, None)
        return told | {"x-amz-replication-status": status} if status else told

    original = swap(FakeKey, "response_dict", property(response_dict), expects="property")


def _listing() -> None:
    """Listing versions copies each of them deeply, bytes and all; what is listed needs none of the bytes."""
    from moto.s3.models import FakeKey

    def without_bytes(self: Any, _memo: Any) -> Any:
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        twin._etag = self.etag.strip('"')
        twin._value_buffer, twin.multipart, twin.disposed = None, None, True
        return twin

    FakeKey.__deepcopy__ = without_bytes  # moto's class has none of its own


def _self_test(bucket_class: Any, key_class: Any) -> None:
    """A scratch object tells its status, and its copy for a listing has its name, size and tag."""
    scratch = key_class("probe", b"probe", "000000000000", "us-east-1", bucket_name="probe")
    try:
        setattr(scratch, STATUS, "PENDING")
        seen = scratch.response_dict.get("x-amz-replication-status")
        demand(seen == "PENDING", "an object that tells its replication status", repr(seen))
        twin = copy.deepcopy(scratch)
        told = (twin.name, twin.size, twin.etag == scratch.etag)
        demand(told == ("probe", 5, True), "a copy of an object without its bytes", repr(told))
    finally:
        scratch.dispose()
    bucket = bucket_class("probe", "000000000000", "us-east-1")
    demand(hasattr(bucket, "keys") and not bucket.is_versioned, "a bucket of keys and versioning", repr(vars(bucket)))
