"""A region's buckets and its image repository: what must be there before the data and the tasks that use them."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr

from infra.parts.replicated_bucket import DataBucket, Destination, LogsBucket, PauseRole
from infra.settings import NAME, Settings
from infra.stacks.base import GamedayStack
from infra.stacks.keys import Keys


class Storage(GamedayStack):
    """The secondary's is deployed first: S3 accepts a replication rule only when its destination exists.

    The repository is here, not beside the service, because an image must be in it before the service can start.
    """

    part = "storage"

    def __init__(self, app: cdk.App, region: str, settings: Settings, *, keys: Keys) -> None:
        super().__init__(app, region, settings)
        logs = LogsBucket(self, "Logs", name=f"{NAME}-logs-{cdk.Aws.ACCOUNT_ID}-{region}")
        self.app_data = DataBucket(
            self,
            "AppData",
            name=app_data_name(region),
            key_arn=keys.key.arn,
            logs=logs,
            destination=self._destination(keys) if self.is_primary else None,
        )
        self.repository = self._repository()
        self.output("BucketName", self.app_data.bucket.ref)
        self.output("RepositoryUri", self.repository.attr_repository_uri)
        if self.is_primary:
            self.output("PauseRoleArn", PauseRole(self, "PauseRole", bucket=app_data_name(region)).arn)

    def _destination(self, keys: Keys) -> Destination:
        """The replica key has the primary key's id, in its own region: a name is enough."""
        there = self.settings.secondary
        return Destination(app_data_name(there), self.arn("kms", f"key/{keys.key.key_id}", region=there))

    def _repository(self) -> ecr.CfnRepository:
        repository = ecr.CfnRepository(
            self,
            "Repository",
            repository_name=NAME,
            image_scanning_configuration=ecr.CfnRepository.ImageScanningConfigurationProperty(scan_on_push=True),
        )
        repository.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        return repository


def app_data_name(region: str) -> str:
    """A bucket's name is unique in all of AWS, hence the account in it."""
    return f"{NAME}-app-data-{cdk.Aws.ACCOUNT_ID}-{region}"
