"""A region's database and its secrets: the primary, or the replica that can take over."""

import aws_cdk as cdk

from infra.parts.database import Credentials, DatabasePlace, EndpointSecret, PrimaryDatabase, ReplicaDatabase
from infra.settings import (
    CREDENTIALS_SECRET,
    DATABASE_PORT,
    ENDPOINT_SECRET,
    PRIMARY_DATABASE,
    REPLICA_DATABASE,
    Settings,
)
from infra.stacks.base import GamedayStack
from infra.stacks.keys import Keys
from infra.stacks.network import Network


class Data(GamedayStack):
    """The primary's is deployed first; the replica names its source and its credentials."""

    part = "data"

    def __init__(self, app: cdk.App, region: str, settings: Settings, *, network: Network, keys: Keys) -> None:
        super().__init__(app, region, settings)
        self.keys = keys
        self.place = DatabasePlace(
            self,
            subnet_ids=network.tiers.subnet_ids("database"),
            group_id=network.groups.database.security_group_id,
            key_arn=keys.key.arn,
            port=self.port("DatabasePort", DATABASE_PORT),
        )
        self.instance = (self._primary() if self.is_primary else self._replica()).instance
        self.endpoint = EndpointSecret(self, "Endpoint", instance=self.instance, key_arn=keys.key.arn)
        self.output("DatabaseId", self.instance.ref)
        self.output("EndpointSecret", ENDPOINT_SECRET)
        self.output("CredentialsArn", self.credentials_arn)

    def _primary(self) -> PrimaryDatabase:
        there = self.settings.secondary
        credentials = Credentials(
            self,
            "Credentials",
            name=CREDENTIALS_SECRET,
            key_arn=self.keys.key.arn,
            replica_region=there,
            replica_key=self.arn("kms", f"key/{self.keys.key.key_id}", region=there),
        )
        self.credentials_arn = credentials.arn
        return PrimaryDatabase(
            self, "Database", name=PRIMARY_DATABASE, place=self.place, credentials=credentials, settings=self.settings
        )

    def _replica(self) -> ReplicaDatabase:
        """A replicated secret keeps its name and suffix; only the region in its ARN differs."""
        primary_arn = self.fed("PrimaryCredentialsArn", Data, self.settings.primary, "CredentialsArn")
        name_with_suffix = cdk.Fn.select(6, cdk.Fn.split(":", primary_arn))
        self.credentials_arn = self.arn("secretsmanager", f"secret:{name_with_suffix}")
        source_arn = self.arn("rds", f"db:{PRIMARY_DATABASE}", region=self.settings.primary)
        return ReplicaDatabase(
            self, "Database", name=REPLICA_DATABASE, place=self.place, source_arn=source_arn, settings=self.settings
        )
