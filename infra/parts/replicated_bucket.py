"""A pair of buckets: objects written to the first are copied to the second; deletions are not."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

RULE_ID = "everything"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where copies go: a bucket by name, and the key that encrypts them there."""

    bucket: str
    key_arn: str


class LogsBucket(Construct):
    """Access logs: cheaper after a month, gone after a year. S3 delivers them under its own key only."""

    def __init__(self, scope: Construct, id: str, *, name: str) -> None:
        super().__init__(scope, id)
        self.bucket = s3.CfnBucket(
            self,
            "Bucket",
            bucket_name=name,
            bucket_encryption=_encryption(None),
            public_access_block_configuration=_private(),
            ownership_controls=_owner_enforced(),
            lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
                rules=[
                    s3.CfnBucket.RuleProperty(
                        id="age-out", status="Enabled", transitions=[_to("STANDARD_IA", 30)], expiration_in_days=365
                    )
                ]
            ),
        )
        self.bucket.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        statements = [_tls_only(self.bucket), _may_deliver_logs(self.bucket)]
        s3.CfnBucketPolicy(
            self, "Policy", bucket=self.bucket.ref, policy_document=iam.PolicyDocument(statements=statements)
        )


class DataBucket(Construct):
    """Versioned and encrypted; with a ``destination`` it replicates, without one it ages into the archive."""

    def __init__(
        self, scope: Construct, id: str, *, name: str, key_arn: str, logs: LogsBucket, destination: Destination | None
    ) -> None:
        super().__init__(scope, id)
        role = _replication_role(self, name, key_arn, destination) if destination else None
        self.bucket = s3.CfnBucket(
            self,
            "Bucket",
            bucket_name=name,
            versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
            bucket_encryption=_encryption(key_arn),
            public_access_block_configuration=_private(),
            ownership_controls=_owner_enforced(),
            logging_configuration=s3.CfnBucket.LoggingConfigurationProperty(
                destination_bucket_name=logs.bucket.ref, log_file_prefix="app-data/"
            ),
            lifecycle_configuration=_lifecycle(is_replica=destination is None),
            replication_configuration=_replication(role, destination) if role and destination else None,
        )
        self.bucket.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        policy = iam.PolicyDocument(statements=[_tls_only(self.bucket)])
        s3.CfnBucketPolicy(self, "Policy", bucket=self.bucket.ref, policy_document=policy)


class PauseRole(Construct):
    """What FIS needs to pause a bucket's replication while a region is "lost", and nothing else."""

    def __init__(self, scope: Construct, id: str, *, bucket: str) -> None:
        super().__init__(scope, id)
        arn = f"arn:{cdk.Aws.PARTITION}:s3:::{bucket}"
        statements = [
            _allow(["s3:PauseReplication"], arn),
            iam.PolicyStatement(
                actions=["s3:GetReplicationConfiguration", "s3:PutReplicationConfiguration"],
                resources=[arn],
                conditions={"Bool": {"s3:isReplicationPauseRequest": "true"}},
            ),
            _allow(["s3:ListAllMyBuckets", "tag:GetResources"], "*"),
        ]
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("fis.amazonaws.com"),
            inline_policies={"pause": iam.PolicyDocument(statements=statements)},
        )
        self.arn = role.role_arn


def _replication(role: iam.Role, to: Destination) -> s3.CfnBucket.ReplicationConfigurationProperty:
    """Everything is copied, delete markers are not: whoever empties the first bucket leaves the second one whole."""
    bucket = s3.CfnBucket
    destination = bucket.ReplicationDestinationProperty(
        bucket=f"arn:{cdk.Aws.PARTITION}:s3:::{to.bucket}",
        encryption_configuration=bucket.EncryptionConfigurationProperty(replica_kms_key_id=to.key_arn),
        metrics=bucket.MetricsProperty(status="Enabled"),
    )
    criteria = bucket.SourceSelectionCriteriaProperty(
        sse_kms_encrypted_objects=bucket.SseKmsEncryptedObjectsProperty(status="Enabled")
    )
    rule = bucket.ReplicationRuleProperty(
        id=RULE_ID,
        status="Enabled",
        priority=1,
        filter=bucket.ReplicationRuleFilterProperty(prefix=""),
        delete_marker_replication=bucket.DeleteMarkerReplicationProperty(status="Disabled"),
        source_selection_criteria=criteria,
        destination=destination,
    )
    return bucket.ReplicationConfigurationProperty(role=role.role_arn, rules=[rule])


def _replication_role(scope: Construct, source: str, key_arn: str, to: Destination) -> iam.Role:
    """What S3 needs to copy, and not ``s3:ReplicateDelete``."""
    source_arn, copy_arn = (f"arn:{cdk.Aws.PARTITION}:s3:::{name}" for name in (source, to.bucket))
    read = ["GetObjectVersionForReplication", "GetObjectVersionAcl", "GetObjectVersionTagging"]
    statements = [
        _allow(["s3:GetReplicationConfiguration", "s3:ListBucket"], source_arn),
        _allow([f"s3:{action}" for action in read], f"{source_arn}/*"),
        _allow(["s3:ReplicateObject", "s3:ReplicateTags"], f"{copy_arn}/*"),
        _allow(["kms:Decrypt"], key_arn),
        _allow(["kms:Encrypt"], to.key_arn),
    ]
    return iam.Role(
        scope,
        "ReplicationRole",
        assumed_by=iam.ServicePrincipal("s3.amazonaws.com"),
        inline_policies={"replicate": iam.PolicyDocument(statements=statements)},
    )


def _allow(actions: list[str], resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=[resource])


def _lifecycle(*, is_replica: bool) -> s3.CfnBucket.LifecycleConfigurationProperty:
    """Old versions live 90 days, long enough to recover from ransomware; the replica ages into the archive."""
    rules = [
        s3.CfnBucket.RuleProperty(
            id="old-versions",
            status="Enabled",
            noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(noncurrent_days=90),
            abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
                days_after_initiation=7
            ),
        )
    ]
    if is_replica:
        steps = [_to("STANDARD_IA", 30), _to("DEEP_ARCHIVE", 90)]
        rules.append(s3.CfnBucket.RuleProperty(id="archive", status="Enabled", transitions=steps))
    return s3.CfnBucket.LifecycleConfigurationProperty(rules=rules)


def _to(storage: str, days: int) -> s3.CfnBucket.TransitionProperty:
    return s3.CfnBucket.TransitionProperty(storage_class=storage, transition_in_days=days)


def _encryption(key_arn: str | None) -> s3.CfnBucket.BucketEncryptionProperty:
    default = s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
        sse_algorithm="aws:kms" if key_arn else "AES256", kms_master_key_id=key_arn
    )
    rule = s3.CfnBucket.ServerSideEncryptionRuleProperty(
        server_side_encryption_by_default=default, bucket_key_enabled=True if key_arn else None
    )
    return s3.CfnBucket.BucketEncryptionProperty(server_side_encryption_configuration=[rule])


def _private() -> s3.CfnBucket.PublicAccessBlockConfigurationProperty:
    return s3.CfnBucket.PublicAccessBlockConfigurationProperty(
        block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
    )


def _owner_enforced() -> s3.CfnBucket.OwnershipControlsProperty:
    rule = s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")
    return s3.CfnBucket.OwnershipControlsProperty(rules=[rule])


def _tls_only(bucket: s3.CfnBucket) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="TlsOnly",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["s3:*"],
        resources=[bucket.attr_arn, f"{bucket.attr_arn}/*"],
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )


def _may_deliver_logs(bucket: s3.CfnBucket) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="S3DeliversAccessLogs",
        principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
        actions=["s3:PutObject"],
        resources=[f"{bucket.attr_arn}/*"],
        conditions={"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}},
    )
