"""Deleting a database that was left behind, and building it anew as a replica of the one that serves."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from gameday.lab.current_database import known_endpoint
from gameday.recovery import sight
from gameday.recovery.endpoint_secret import rewrite
from gameday.recovery.runbook import Call, Check, Scene
from gameday.recovery.sight import Sight, check, listed, whole

GONE_WITHIN_S, THERE_WITHIN_S = 3600.0, 7200.0
LAG_WITHIN_S, LAG_AT_MOST_S = 1800.0, 1.0
OWN_TAGS = "aws:"  # tags that begin so belong to AWS: nobody else may set them
type RegionOf = Callable[[Scene], str]
type CallsOf = Callable[[Scene], Sequence[Call]]
ALREADY_GONE = ("DBInstanceNotFound", "InvalidDBInstanceState")  # the second: it is being deleted


def remembered(region_of: RegionOf) -> Check:
    """What the region's database looks like, noted before it is deleted; it must be possible to delete it."""

    def look(scene: Scene) -> Sight:
        region = region_of(scene)
        seen = sight.instance(scene.lab, region)
        if not seen:
            return Sight(False, "there is none")
        scene.found.update(_remember(seen, region))
        told = f"{seen['DBInstanceIdentifier']} is {seen['DBInstanceStatus']}"
        protected = seen.get("DeletionProtection", False)
        good = seen["DBInstanceStatus"] == "available" and not protected
        return Sight(good, told + (", protected from deletion" if protected else ""))

    then = "start its database, or take its deletion protection away"
    return check("the database to be deleted is available and may be deleted", look, within_s=900, next_step=then)


def _remember(seen: dict[str, Any], region: str) -> dict[str, str]:
    groups = [group["VpcSecurityGroupId"] for group in seen.get("VpcSecurityGroups", [])]
    tags = [tag for tag in seen.get("TagList", []) if not tag["Key"].startswith(OWN_TAGS)]
    return {
        f"class in {region}": seen["DBInstanceClass"],
        f"storage in {region}": seen.get("StorageType", "gp3"),
        f"port in {region}": str(seen["Endpoint"]["Port"]),
        f"key in {region}": seen.get("KmsKeyId", ""),
        f"subnet group in {region}": seen["DBSubnetGroup"]["DBSubnetGroupName"],
        f"security groups in {region}": json.dumps(groups),
        f"tags in {region}": json.dumps(tags),
        f"final snapshot in {region}": f"{seen['DBInstanceIdentifier']}-{datetime.now(UTC):%Y%m%d-%H%M%S}",
    }


def delete(region_of: RegionOf) -> CallsOf:
    """Delete the region's database; what it held stays as a final snapshot."""

    def calls(scene: Scene) -> Sequence[Call]:
        region = region_of(scene)
        return (
            Call("rds", "delete_db_instance", region, {
                "DBInstanceIdentifier": scene.lab.of(region, "DatabaseId"), "SkipFinalSnapshot": False,
                "FinalDBSnapshotIdentifier": scene.found[f"final snapshot in {region}"],
            }, already=ALREADY_GONE),
        )  # fmt: skip

    return calls


def deleted(region_of: RegionOf) -> tuple[Check, ...]:
    """The database is gone, and its final snapshot is there."""
    return (
        check("the database is gone", lambda s: sight.database_is_gone(s.lab, region_of(s)), within_s=GONE_WITHIN_S),
        check(
            "its final snapshot is available",
            lambda s: sight.snapshot_is_there(s.lab, region_of(s), s.found[f"final snapshot in {region_of(s)}"]),
            within_s=GONE_WITHIN_S,
        ),
    )


def source(region_of: RegionOf) -> Check:
    """The other region's database serves, and is backed up: RDS replicates only what is (automatic backups)."""

    def look(scene: Scene) -> Sight:
        region = scene.lab.other(region_of(scene))
        seen, role = sight.instance(scene.lab, region), sight.database_is(scene.lab, region, "primary")
        scene.found[f"ARN of the database in {region}"] = seen.get("DBInstanceArn", "")
        days = seen.get("BackupRetentionPeriod", 0)
        return Sight(role.is_good and days > 0, f"{role.told}, backups kept {days} days")

    then = "give it a backup retention period of a day or more"
    return check("the database to replicate is a primary with backups", look, within_s=1800, next_step=then)


def build(region_of: RegionOf) -> CallsOf:
    """Create the region's database under its own identifier, so under its own endpoint name, as a replica.

    RDS builds an endpoint of the identifier and of what is fixed for account and region. A replica in another region
    names its source by ARN and has a key of its own region (RDS user guide, "Creating a read replica in a different AWS
    Region"); ``SourceRegion`` lets boto3 and the AWS CLI sign the call for the source's region.
    """

    def calls(scene: Scene) -> Sequence[Call]:
        region, found = region_of(scene), scene.found
        other = scene.lab.other(region)
        key = {"KmsKeyId": found[f"key in {region}"]} if found[f"key in {region}"] else {}
        return (
            Call("rds", "create_db_instance_read_replica", region, {
                "DBInstanceIdentifier": scene.lab.of(region, "DatabaseId"),
                "SourceDBInstanceIdentifier": found[f"ARN of the database in {other}"], "SourceRegion": other,
                "DBInstanceClass": found[f"class in {region}"], "StorageType": found[f"storage in {region}"],
                "Port": whole(found[f"port in {region}"]), **key,
                "DBSubnetGroupName": found[f"subnet group in {region}"],
                "VpcSecurityGroupIds": listed(found[f"security groups in {region}"]),
                "PubliclyAccessible": False, "AutoMinorVersionUpgrade": True, "CopyTagsToSnapshot": True,
                "Tags": listed(found[f"tags in {region}"]),
            }, already=("DBInstanceAlreadyExists",)),
        )  # fmt: skip

    return calls


def built(region_of: RegionOf) -> tuple[Check, ...]:
    """The replica is there, and has caught up."""
    return (
        check(
            "the replica is available",
            lambda scene: sight.database_is(scene.lab, region_of(scene), "replica"),
            within_s=THERE_WITHIN_S,
        ),
        check(
            f"its lag is {LAG_AT_MOST_S:g} s at most",
            lambda scene: sight.lag_is(scene.lab, region_of(scene), LAG_AT_MOST_S),
            within_s=LAG_WITHIN_S,
        ),
    )


# ---- where the service finds it


def endpoint(region_of: RegionOf) -> Check:
    """Where the region's database is, and where its secret says that it is; both are noted."""

    def look(scene: Scene) -> Sight:
        region = region_of(scene)
        where = sight.instance(scene.lab, region).get("Endpoint") or {}
        known, host, port = known_endpoint(scene.lab, region), where.get("Address", ""), where.get("Port", 0)
        scene.found[f"endpoint in {region}"] = json.dumps({**known, "host": host, "port": port})
        scene.found[f"endpoint in the secret of {region}"] = json.dumps(known)
        return Sight(bool(where), f"it is at {host}:{port}, the secret says {known.get('host')}:{known.get('port')}")

    return check("the database has an endpoint", look, within_s=900)


def rewrite_endpoint(region_of: RegionOf) -> CallsOf:
    """Rewrite the region's secret, where it is not true any more."""

    def calls(scene: Scene) -> Sequence[Call]:
        region, found = region_of(scene), scene.found
        now, known = found[f"endpoint in {region}"], found[f"endpoint in the secret of {region}"]
        return rewrite(scene.lab, region, now, known)

    return calls
