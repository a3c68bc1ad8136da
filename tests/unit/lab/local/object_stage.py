"""Two buckets, one the other's replica as the reference deployment has them, over a patched control plane."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from control_plane import ReachedAws, bare_ground, control_plane

from gameday.clock import HandClock
from gameday.lab.local.ground import ACCOUNT, Delays
from gameday.lab.local.moto_patches import Hooks
from gameday.lab.local.objects import ObjectController
from gameday.lab.model import Lab, Outputs

EAST, WEST = "ap-southeast-2", "us-west-2"
SOURCE, REPLICA = "source", "replica"
LAG_S = 15.07


class ObjectStage:
    """The buckets, keys and clients; ``settle`` lets the lag of replication pass."""

    def __init__(self, aws: ReachedAws, controller: ObjectController, clock: HandClock) -> None:
        self.aws, self.controller, self.clock = aws, controller, clock
        self.east, self.west = aws.client("s3", EAST), aws.client("s3", WEST)
        self.keys = {region: self._key(region) for region in (EAST, WEST)}
        self._bucket(self.east, EAST, SOURCE)
        self._bucket(self.west, WEST, REPLICA)

    def replicate(self, **changed: Any) -> None:
        """The rule of infra/parts/replicated_bucket.py."""
        rule: dict[str, Any] = {
            "ID": "everything", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
            "Destination": {
                "Bucket": f"arn:aws:s3:::{REPLICA}", "EncryptionConfiguration": {"ReplicaKmsKeyID": self.keys[WEST]},
                "Metrics": {"Status": "Enabled"},
            },
        }  # fmt: skip
        given = {"Role": f"arn:aws:iam::{ACCOUNT}:role/replicate", "Rules": [rule | changed]}
        self.east.put_bucket_replication(Bucket=SOURCE, ReplicationConfiguration=given)

    def put(self, key: str, body: bytes = b"one") -> str:
        return str(self.east.put_object(Bucket=SOURCE, Key=key, Body=body)["VersionId"])

    def status(self, key: str, *, bucket: str = SOURCE, version: str | None = None) -> str | None:
        chosen = {"VersionId": version} if version else {}
        found: str | None = self.east.head_object(Bucket=bucket, Key=key, **chosen).get("ReplicationStatus")
        return found

    def body(self, key: str) -> bytes | None:
        """What a reader gets; None where there is nothing."""
        try:
            return bytes(self.east.get_object(Bucket=SOURCE, Key=key)["Body"].read())
        except self.east.exceptions.NoSuchKey:
            return None

    @property
    def lab(self) -> Lab:
        """A lab of these two buckets; the service and the database that it names are not there by themselves."""
        role = "arn:aws:iam::123456789012:role/pause"
        beside = {
            "DatabaseId": "db",
            "EndpointSecret": "endpoint",
            "ClusterName": "gameday",
            "EcsServiceName": "gameday",
        }
        names = {EAST: {"BucketName": SOURCE, "PauseRoleArn": role, **beside}, WEST: {"BucketName": REPLICA, **beside}}
        return Lab("objects", self.aws, EAST, WEST, Outputs({}, names, ()), timer_scale=0.01)

    def settle(self, seconds: float = LAG_S + 1) -> None:
        self.clock.sleep(seconds)
        self.controller.reconcile()

    def versions(self, bucket: str) -> list[tuple[str, str, bool]]:
        found = self.east.list_object_versions(Bucket=bucket).get("Versions", [])
        return [(each["Key"], each["VersionId"], each["IsLatest"]) for each in found]

    def _key(self, region: str) -> str:
        return str(self.aws.client("kms", region).create_key()["KeyMetadata"]["Arn"])

    def _bucket(self, s3: Any, region: str, name: str) -> None:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.keys[region]}
        rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "gameday:target", "Value": "true"}]})


@contextmanager
def object_stage(folder: Path, *, scale: float = 1.0) -> Iterator[ObjectStage]:
    """The stage at a timer scale; its clock is turned by hand."""
    clock, ground = HandClock(int(1.8e18)), bare_ground(folder, scale=scale)
    ground.delays = Delays(0.0, 0.0, 0.07, 1.0, object_replication_s=15.0 * scale)
    controller = ObjectController(ground, clock)
    with control_plane(folder, Hooks(object_written=controller.accept)) as aws:
        yield ObjectStage(aws, controller, clock)
