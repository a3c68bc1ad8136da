"""A KMS key that is disabled, or waits for its deletion: what it encrypts can be neither written nor read.

S3 answers ``KMS.DisabledException`` or ``KMS.KMSInvalidStateException`` (KMS API reference, "Key states of AWS KMS
keys"), Secrets Manager ``DecryptionFailure`` and ``EncryptionFailure`` (its API reference, GetSecretValue and
PutSecretValue). AWS does so some minutes later where a bucket key or a data key is cached; here at once.
"""

from typing import Any

from gameday.lab.local.patches.s3 import PUT_PARAMETERS
from gameday.lab.local.patches.seam import demand, swap

DISABLED, PENDING_DELETION = "Disabled", "PendingDeletion"


def install() -> None:
    """Put the patches in; raises UpstreamMoved."""
    from moto.kms.models import Key

    _names()
    _objects()
    _secrets()
    scratch = Key(None, "probe", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "000000000000", "us-east-1")
    demand(scratch.key_state == "Enabled", "a new key that is Enabled", repr(scratch.key_state))


def unusable(account: str, region: str, key: str | None) -> tuple[str, str] | None:
    """The key's ARN and why nobody can use it; None when it can be used, or is none of the account's own.

    ``key`` is an id, an ARN (then its own region counts) or an alias; None and ``alias/aws/…`` are AWS's own keys.
    """
    from moto.kms.models import kms_backends

    if not key or "alias/aws/" in key:
        return None
    where = key.split(":")[3] if key.startswith("arn:") else region
    backend = kms_backends[account][where]
    found = backend.keys.get(backend.get_key_id(key)) or backend.keys.get(backend.get_key_id_from_alias(key) or "")
    if found is None or found.key_state not in (DISABLED, PENDING_DELETION):
        return None
    return found.arn, found.key_state


def _names() -> None:
    """AWS takes a key's ARN wherever it takes its id."""
    from moto.kms.models import KmsBackend

    for operation, more in (
        ("disable_key", ""),
        ("enable_key", ""),
        ("schedule_key_deletion", ", pending_window_in_days"),
    ):
        original = swap(KmsBackend, operation, None, expects=f"self, key_id{more}")
        setattr(KmsBackend, operation, _by_arn_too(original))


def _by_arn_too(original: Any) -> Any:
    def called(self: Any, key_id: str, *args: Any, **kwargs: Any) -> Any:
        return original(self, self.get_key_id(key_id), *args, **kwargs)

    return called


def _objects() -> None:
    from moto.s3.models import S3Backend
    from moto.s3.responses import S3Response

    def put_object(self: Any, bucket_name: str, *args: Any, **kwargs: Any) -> Any:
        bucket = self.get_bucket(bucket_name)
        _refuse_object(self.account_id, bucket.region_name, kwargs.get("kms_key_id") or default_key(bucket))
        return put_original(self, bucket_name, *args, **kwargs)

    def copy_object(self: Any, src_key: Any, *args: Any, **kwargs: Any) -> Any:
        source = self.get_bucket(src_key.bucket_name)
        _refuse_object(self.account_id, source.region_name, src_key.kms_key_id)
        return copy_original(self, src_key, *args, **kwargs)

    def begin_upload(self: Any, bucket_name: str, *args: Any) -> Any:
        """CreateMultipartUpload needs a data key (``kms:GenerateDataKey``) though nothing is stored yet."""
        bucket = self.get_bucket(bucket_name)
        _refuse_object(self.account_id, bucket.region_name, args[-1] or default_key(bucket))
        return begin_original(self, bucket_name, *args)

    def get_object(self: Any) -> Any:
        key, _ = self._get_key()
        bucket = self.backend.get_bucket(self.bucket_name)
        _refuse_object(self.backend.account_id, bucket.region_name, key.kms_key_id)
        return get_original(self)

    put_original = swap(S3Backend, "put_object", put_object, expects="self, bucket_name, args, kwargs")
    copy_original = swap(S3Backend, "copy_object", copy_object, expects=COPY_PARAMETERS)
    begin_original = swap(S3Backend, "create_multipart_upload", begin_upload, expects=UPLOAD_PARAMETERS)
    get_original = swap(S3Response, "get_object", get_object, expects="self")
    demand("kms_key_id" in PUT_PARAMETERS, "an object written under a key", PUT_PARAMETERS)


def default_key(bucket: Any) -> str | None:
    """The key that the bucket's own default encryption names."""
    rule = (bucket.encryption or {}).get("Rule", {})
    key: str | None = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    return key


def _refuse_object(account: str, region: str, key: str | None) -> None:
    from moto.s3.exceptions import S3ClientError

    if seen := unusable(account, region, key):
        arn, state = seen
        if state == DISABLED:
            raise S3ClientError("KMS.DisabledException", f"{arn} is disabled.")
        raise S3ClientError("KMS.KMSInvalidStateException", f"{arn} is pending deletion.")


def _secrets() -> None:
    from moto.secretsmanager.exceptions import SecretsManagerClientError
    from moto.secretsmanager.models import SecretsManagerBackend

    def refuse(backend: Any, secret_id: str, code: str, doing: str) -> None:
        if backend._is_valid_identifier(secret_id):
            key = getattr(backend.secrets[secret_id], "kms_key_id", None)
            if unusable(backend.account_id, backend.region_name, key):
                raise SecretsManagerClientError(
                    code, f"Secrets Manager can't {doing} the protected secret text using the provided KMS key."
                )

    def get_secret_value(self: Any, secret_id: str, *args: Any, **kwargs: Any) -> Any:
        refuse(self, secret_id, "DecryptionFailure", "decrypt")
        return get_original(self, secret_id, *args, **kwargs)

    def put_secret_value(self: Any, secret_id: str, *args: Any, **kwargs: Any) -> Any:
        refuse(self, secret_id, "EncryptionFailure", "encrypt")
        return put_original(self, secret_id, *args, **kwargs)

    reading = "self, secret_id, version_id, version_stage"
    writing = "self, secret_id, secret_string, secret_binary, client_request_token, version_stages"
    get_original = swap(SecretsManagerBackend, "get_secret_value", get_secret_value, expects=reading)
    put_original = swap(SecretsManagerBackend, "put_secret_value", put_secret_value, expects=writing)


UPLOAD_PARAMETERS = "self, bucket_name, key_name, metadata, storage_type, tags, acl, sse_encryption, kms_key_id"
COPY_PARAMETERS = (
    "self, src_key, dest_bucket_name, dest_key_name, storage, encryption, kms_key_id, bucket_key_enabled, mdirective, "
    "metadata, website_redirect_location, lock_mode, lock_legal_status, lock_until, provided_version_id"
)
