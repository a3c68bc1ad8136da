"""PostgreSQL on RDS: a primary, its cross-region replica, and where they are to be found."""

import aws_cdk as cdk
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.settings import DATABASE_NAME, ENDPOINT_SECRET, Settings

BACKUP_DAYS = 7
STORAGE_GIB = "20"


class DatabasePlace:
    """Where a database lives: subnets, who may reach it, its key, its port."""

    def __init__(self, scope: Construct, *, subnet_ids: list[str], group_id: str, key_arn: str, port: int) -> None:
        self.subnets = rds.CfnDBSubnetGroup(
            scope, "Subnets", db_subnet_group_description="gameday database tier", subnet_ids=subnet_ids
        )
        self.group_id, self.key_arn, self.port = group_id, key_arn, port


class PrimaryDatabase(Construct):
    """Encrypted, backed up for seven days, its password generated where nobody reads it."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        place: DatabasePlace,
        credentials: "Credentials",
        settings: Settings,
    ) -> None:
        super().__init__(scope, id)
        self.instance = rds.CfnDBInstance(
            self,
            "Instance",
            db_instance_identifier=name,
            db_instance_class=settings.database_class,
            engine="postgres",
            engine_version=settings.database_version,
            allocated_storage=STORAGE_GIB,
            storage_type="gp3",
            storage_encrypted=True,
            kms_key_id=place.key_arn,
            db_name=DATABASE_NAME,
            port=cdk.Token.as_string(place.port),
            master_username=credentials.field("username"),
            master_user_password=credentials.field("password"),
            multi_az=settings.multi_az,
            backup_retention_period=BACKUP_DAYS,
            copy_tags_to_snapshot=True,
            publicly_accessible=False,
            auto_minor_version_upgrade=True,
            db_subnet_group_name=place.subnets.ref,
            vpc_security_groups=[place.group_id],
        )
        self.instance.apply_removal_policy(cdk.RemovalPolicy.SNAPSHOT)


class ReplicaDatabase(Construct):
    """A read replica in another region, encrypted as its source is, under the key of its own region.

    Its source is an ARN: RDS accepts names only within a region.
    """

    def __init__(
        self, scope: Construct, id: str, *, name: str, place: DatabasePlace, source_arn: str, settings: Settings
    ) -> None:
        super().__init__(scope, id)
        self.instance = rds.CfnDBInstance(
            self,
            "Instance",
            db_instance_identifier=name,
            db_instance_class=settings.database_class,
            source_db_instance_identifier=source_arn,
            source_region=settings.primary,
            storage_type="gp3",
            kms_key_id=place.key_arn,
            port=cdk.Token.as_string(place.port),
            copy_tags_to_snapshot=True,
            publicly_accessible=False,
            auto_minor_version_upgrade=True,
            db_subnet_group_name=place.subnets.ref,
            vpc_security_groups=[place.group_id],
        )
        self.instance.apply_removal_policy(cdk.RemovalPolicy.SNAPSHOT)


class Credentials(Construct):
    """Username and password, replicated to the standby and never rewritten: a replica secret is read-only."""

    def __init__(
        self, scope: Construct, id: str, *, name: str, key_arn: str, replica_region: str, replica_key: str
    ) -> None:
        super().__init__(scope, id)
        self.secret = secretsmanager.CfnSecret(
            self,
            "Secret",
            name=name,
            description="gameday: the database's user",
            kms_key_id=key_arn,
            generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
                secret_string_template='{"username":"app"}',
                generate_string_key="password",
                exclude_punctuation=True,
                password_length=32,
            ),
            replica_regions=[
                secretsmanager.CfnSecret.ReplicaRegionProperty(region=replica_region, kms_key_id=replica_key)
            ],
        )
        self.arn = self.secret.ref

    def field(self, name: str) -> str:
        """A dynamic reference: CloudFormation reads the value when it deploys, the template never holds it."""
        return f"{{{{resolve:secretsmanager:{self.arn}:SecretString:{name}}}}}"


class EndpointSecret(Construct):
    """Where this region's database is. Standalone, so that a region can rewrite its own when a restore changes it."""

    def __init__(self, scope: Construct, id: str, *, instance: rds.CfnDBInstance, key_arn: str) -> None:
        super().__init__(scope, id)
        host, port = instance.attr_endpoint_address, instance.attr_endpoint_port
        self.secret = secretsmanager.CfnSecret(
            self,
            "Secret",
            name=ENDPOINT_SECRET,
            description="gameday: host, port and name of this region's database",
            kms_key_id=key_arn,
            secret_string=f'{{"host":"{host}","port":{port},"dbname":"{DATABASE_NAME}"}}',
        )
        self.arn = self.secret.ref
