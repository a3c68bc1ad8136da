"""Snapshots, automated backups and what is restored of them: RDS's own calls, and real PostgreSQL behind them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from botocore.exceptions import ClientError
from control_plane import emptied
from database_stage import REPLICA, SOURCE, Stage, staged
from network_stage import Region

from gameday.lab.local.ground import ACCOUNT, PRIMARY, SECONDARY
from gameday.lab.local.moto_patches import Hooks, apply_patches

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One pair for the whole file, patched as in the lab: a primary that holds order 1, and its replica."""
    with staged(tmp_path_factory.mktemp("cache"), slot=203) as stage, emptied():
        apply_patches(
            Hooks(database_endpoint=stage.controller.endpoint, databases=stage.controller,
                  promote=stage.controller.promote, said=stage.said.append)
        )  # fmt: skip
        stage.pair()
        order(stage, PRIMARY, SOURCE, 1, make=True)
        yield stage


def rds(region: str = PRIMARY) -> Any:
    return boto3.client("rds", region)


def order(stage: Stage, region: str, db_id: str, number: int, *, make: bool = False) -> datetime:
    """Place an order; returns when it was acknowledged."""
    with stage.connect(region, db_id) as database:
        if make:
            database.execute("CREATE TABLE orders (id int)")
        database.execute("INSERT INTO orders VALUES (%s)", (number,))
    return datetime.now(UTC)


def orders(stage: Stage, region: str, db_id: str) -> list[int]:
    with stage.connect(region, db_id) as database:
        return [number for (number,) in database.execute("SELECT id FROM orders ORDER BY id").fetchall()]


def seen(region: str, db_id: str) -> str:
    try:
        found = rds(region).describe_db_instances(DBInstanceIdentifier=db_id)["DBInstances"][0]
    except ClientError as cause:
        return str(cause.response["Error"]["Code"])
    return str(found["DBInstanceStatus"])


def snapshot_status(region: str, name: str) -> str:
    found = rds(region).describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]
    return str(found["Status"])


def take(stage: Stage, name: str, db_id: str = SOURCE, region: str = PRIMARY) -> Any:
    made = rds(region).create_db_snapshot(DBInstanceIdentifier=db_id, DBSnapshotIdentifier=name)["DBSnapshot"]
    assert made["Status"] == "creating"
    stage.until(lambda: snapshot_status(region, name), "available", f"snapshot {name}")
    return made


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def delete(stage: Stage, region: str, db_id: str, **how: Any) -> None:
    rds(region).delete_db_instance(DBInstanceIdentifier=db_id, **(how or {"SkipFinalSnapshot": True}))
    assert seen(region, db_id) == "deleting"
    stage.until(lambda: seen(region, db_id), "DBInstanceNotFound", db_id)


def test_a_restored_instance_is_a_new_one_that_holds_what_the_snapshot_held(stage: Stage) -> None:
    made = take(stage, "one")
    order(stage, PRIMARY, SOURCE, 2)
    assert made["SnapshotType"] == "manual"
    assert made["AllocatedStorage"] == 20
    rds().restore_db_instance_from_db_snapshot(DBInstanceIdentifier="restored", DBSnapshotIdentifier="one")
    assert seen(PRIMARY, "restored") == "creating"
    stage.until(lambda: seen(PRIMARY, "restored"), "available", "the restored instance")
    assert orders(stage, PRIMARY, "restored") == [1]
    ends = [rds().describe_db_instances(DBInstanceIdentifier=one)["DBInstances"][0] for one in (SOURCE, "restored")]
    assert ends[0]["Endpoint"]["Address"] != ends[1]["Endpoint"]["Address"]
    assert "ReadReplicaSourceDBInstanceIdentifier" not in ends[1]
    assert ends[1]["DbiResourceId"] != ends[0]["DbiResourceId"]
    order(stage, PRIMARY, "restored", 3)
    assert orders(stage, PRIMARY, SOURCE) == [1, 2]
    delete(stage, PRIMARY, "restored", FinalDBSnapshotIdentifier="last-words")
    assert snapshot_status(PRIMARY, "last-words") == "available"


def test_a_final_snapshot_holds_the_last_write_of_its_instance(stage: Stage) -> None:
    take(stage, "short-lived")
    restore = rds().restore_db_instance_from_db_snapshot
    restore(DBInstanceIdentifier="leaving", DBSnapshotIdentifier="short-lived")
    stage.until(lambda: seen(PRIMARY, "leaving"), "available", "the instance that will leave")
    order(stage, PRIMARY, "leaving", 4)
    delete(stage, PRIMARY, "leaving", FinalDBSnapshotIdentifier="all-of-it")
    restore(DBInstanceIdentifier="again", DBSnapshotIdentifier="all-of-it")
    stage.until(lambda: seen(PRIMARY, "again"), "available", "the instance restored of it")
    assert orders(stage, PRIMARY, "again") == [1, 2, 4]
    delete(stage, PRIMARY, "again")


def test_a_restore_refuses_what_aws_refuses(stage: Stage) -> None:
    take(stage, "two")
    restore = rds().restore_db_instance_from_db_snapshot
    unknown = partial(restore, DBInstanceIdentifier="other", DBSnapshotIdentifier="nothing")
    assert code_of(unknown) == "DBSnapshotNotFound"
    taken = partial(restore, DBInstanceIdentifier=SOURCE, DBSnapshotIdentifier="two")
    assert code_of(taken) == "DBInstanceAlreadyExists"


def test_a_snapshot_is_copied_to_the_other_region_and_restored_there(stage: Stage) -> None:
    take(stage, "three")
    arn = f"arn:aws:rds:{PRIMARY}:{ACCOUNT}:snapshot:three"
    west = rds(SECONDARY)
    west.copy_db_snapshot(SourceDBSnapshotIdentifier=arn, TargetDBSnapshotIdentifier="three-west", SourceRegion=PRIMARY)
    stage.until(lambda: snapshot_status(SECONDARY, "three-west"), "available", "the copy")
    rds().delete_db_snapshot(DBSnapshotIdentifier="three")
    assert code_of(lambda: rds().describe_db_snapshots(DBSnapshotIdentifier="three")) == "DBSnapshotNotFound"
    west.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="west", DBSnapshotIdentifier="three-west")
    stage.until(lambda: seen(SECONDARY, "west"), "available", "the instance restored in the west")
    assert 1 in orders(stage, SECONDARY, "west")
    delete(stage, SECONDARY, "west")


def test_a_replica_is_deleted_without_a_final_snapshot_and_made_anew(stage: Stage) -> None:
    """It is made of a copy of a source that has data; what is written meanwhile streams after it."""
    gone = rds(SECONDARY).delete_db_instance
    final = partial(gone, DBInstanceIdentifier=REPLICA, FinalDBSnapshotIdentifier="no")
    assert code_of(final) == "InvalidParameterCombination"
    assert code_of(lambda: gone(DBInstanceIdentifier=REPLICA)) == "InvalidParameterCombination"
    delete(stage, SECONDARY, REPLICA)
    stage.fill(PRIMARY, SOURCE, mebibytes=80)  # more than a blank may stream
    stage.create_replica()
    stage.until(lambda: seen(SECONDARY, REPLICA), "available", "the new replica")
    assert any("copied" in line for line in stage.said), stage.said
    order(stage, PRIMARY, SOURCE, 9)
    stage.until(lambda: orders(stage, SECONDARY, REPLICA)[-1], 9, "the new order on the replica")
    assert stage.count(SECONDARY, REPLICA) == stage.count(PRIMARY, SOURCE)


def test_what_crosses_regions_waits_while_they_are_cut_from_each_other(stage: Stage) -> None:
    """A copy of a snapshot is ``creating`` for as long; the region's own snapshots are not concerned."""
    take(stage, "four")
    port = stage.ground.ports.database
    east, _west = Region(PRIMARY, "10.1", port), Region(SECONDARY, "10.2", port)
    east.deny("database")
    rds(SECONDARY).copy_db_snapshot(
        SourceDBSnapshotIdentifier=f"arn:aws:rds:{PRIMARY}:{ACCOUNT}:snapshot:four",
        TargetDBSnapshotIdentifier="four-west", SourceRegion=PRIMARY,
    )  # fmt: skip
    take(stage, "five")
    assert snapshot_status(SECONDARY, "four-west") == "creating"
    east.restore("database")
    stage.until(lambda: snapshot_status(SECONDARY, "four-west"), "available", "the copy")


def test_a_rebooted_instance_is_available_again_with_all_it_held(stage: Stage) -> None:
    before = stage.controller._held[PRIMARY, SOURCE].node.process
    rds().reboot_db_instance(DBInstanceIdentifier=SOURCE)
    assert seen(PRIMARY, SOURCE) == "rebooting"
    assert code_of(lambda: rds().reboot_db_instance(DBInstanceIdentifier=SOURCE)) == "InvalidDBInstanceState"
    stage.until(lambda: seen(PRIMARY, SOURCE), "available", "the rebooted instance")
    assert stage.controller._held[PRIMARY, SOURCE].node.process is not before
    assert 1 in orders(stage, PRIMARY, SOURCE)


def test_a_point_in_time_is_restored_to_the_exact_row_even_after_the_instance_is_lost(stage: Stage) -> None:
    stage.controller.backs_up = True
    stage.until(lambda: bool(window()), True, "an automated backup")
    shipped = window()["LatestTime"]
    order(stage, PRIMARY, SOURCE, 21)
    wanted = datetime.now(UTC)
    order(stage, PRIMARY, SOURCE, 22)
    stage.until(lambda: window()["LatestTime"] > wanted + timedelta(seconds=1), True, "a shipment after it")
    assert window()["EarliestTime"] <= shipped < wanted
    stage.controller.kill(PRIMARY, SOURCE)
    stage.until(lambda: seen(PRIMARY, SOURCE), "failed", "the primary")
    rds().restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=SOURCE, TargetDBInstanceIdentifier="then", RestoreTime=wanted
    )
    stage.until(lambda: seen(PRIMARY, "then"), "available", "the instance as it was then")
    held = orders(stage, PRIMARY, "then")
    assert 21 in held
    assert 22 not in held
    rds().restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=SOURCE, TargetDBInstanceIdentifier="newest", UseLatestRestorableTime=True
    )
    stage.until(lambda: seen(PRIMARY, "newest"), "available", "the newest restorable instance")
    assert {21, 22} <= set(orders(stage, PRIMARY, "newest"))
    automated = rds().describe_db_snapshots(DBInstanceIdentifier=SOURCE, SnapshotType="automated")["DBSnapshots"]
    assert [one["DBSnapshotIdentifier"].startswith(f"rds:{SOURCE}-") for one in automated] == [True]
    _outside_the_window(wanted)
    _backups_end_with_their_instance(stage)


def _outside_the_window(wanted: datetime) -> None:
    restore = rds().restore_db_instance_to_point_in_time
    names = {"SourceDBInstanceIdentifier": SOURCE, "TargetDBInstanceIdentifier": "never"}
    for moment in (wanted - timedelta(days=1), datetime.now(UTC) + timedelta(hours=1)):
        assert code_of(lambda moment=moment: restore(**names, RestoreTime=moment)) == "InvalidParameterValue"
    assert code_of(lambda: restore(**names)) == "InvalidParameterCombination"


def _backups_end_with_their_instance(stage: Stage) -> None:
    """Unless they are to be retained, as those of the first instance here."""
    resource = rds().describe_db_instances(DBInstanceIdentifier=SOURCE)["DBInstances"][0]["DbiResourceId"]
    stage.until(lambda: "EarliestTime" in window("then"), True, "a backup of the restored instance")
    delete(stage, PRIMARY, "then")
    assert window("then") == {}
    delete(stage, PRIMARY, SOURCE, SkipFinalSnapshot=True, DeleteAutomatedBackups=False)
    (kept,) = rds().describe_db_instance_automated_backups(DbiResourceId=resource)["DBInstanceAutomatedBackups"]
    assert kept["Status"] == "retained"
    rds().restore_db_instance_to_point_in_time(
        SourceDbiResourceId=resource, TargetDBInstanceIdentifier="again", UseLatestRestorableTime=True
    )
    stage.until(lambda: seen(PRIMARY, "again"), "available", "the instance of a retained backup")
    assert {21, 22} <= set(orders(stage, PRIMARY, "again"))


def window(db_id: str = SOURCE) -> dict[str, datetime]:
    found = rds().describe_db_instance_automated_backups(DBInstanceIdentifier=db_id)["DBInstanceAutomatedBackups"]
    return dict(found[0].get("RestoreWindow", {})) if found else {}


def test_the_promoted_replica_feeds_a_new_replica_under_the_name_of_the_deleted_primary(stage: Stage) -> None:
    """The way back: the old primary is gone, and its name becomes a replica's, in the region it left."""
    rds(SECONDARY).promote_read_replica(DBInstanceIdentifier=REPLICA, BackupRetentionPeriod=7)
    stage.until(lambda: seen(SECONDARY, REPLICA), "available", "the promotion")
    arn = f"arn:aws:rds:{SECONDARY}:{ACCOUNT}:db:{REPLICA}"
    rds().create_db_instance_read_replica(DBInstanceIdentifier=SOURCE, SourceDBInstanceIdentifier=arn)
    stage.until(lambda: seen(PRIMARY, SOURCE), "available", "the replica in the old region")
    order(stage, SECONDARY, REPLICA, 30)
    stage.until(lambda: orders(stage, PRIMARY, SOURCE)[-1], 30, "the order on its way back")
    with stage.connect(PRIMARY, SOURCE) as replica, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        replica.execute("INSERT INTO orders VALUES (31)")
    described = rds(SECONDARY).describe_db_instance_automated_backups(DBInstanceIdentifier=REPLICA)
    stage.until(lambda: bool(described["DBInstanceAutomatedBackups"]), True, "the promoted one's backup")


def test_a_folder_of_backups_is_outside_the_instances_own(stage: Stage) -> None:
    kept: Path = stage.controller.backups.folder
    assert not kept.is_relative_to(stage.ground.folder / "pg")
