"""RDS: an instance is ``deleting`` until its final snapshot is taken and its database is gone; the API's own rules."""

from typing import Any

from gameday.lab.local.patches.rds import source_of
from gameday.lab.local.patches.rds_backups import error
from gameday.lab.local.patches.seam import hooks, swap


def install() -> None:
    """Put the patch in; raises UpstreamMoved."""
    from moto.rds.models import RDSBackend

    def delete_db_instance(
        self: Any,
        db_instance_identifier: str,
        final_db_snapshot_identifier: str | None = None,
        skip_final_snapshot: bool | None = False,
        delete_automated_backups: bool | None = True,
    ) -> Any:
        database, databases = self.databases.get(db_instance_identifier), hooks().databases
        if database is None or databases is None:
            if database is not None and database.is_replica and source_of(self, database) is None:
                database.is_replica = False  # there is no list left for it to leave
            return original(
                self, db_instance_identifier, final_db_snapshot_identifier, skip_final_snapshot,
                delete_automated_backups,
            )  # fmt: skip
        _may_be_deleted(database, final_db_snapshot_identifier, skip_final_snapshot)
        if final_db_snapshot_identifier:
            database.gameday_final_snapshot = self.create_db_snapshot(
                db_instance_identifier, final_db_snapshot_identifier, is_final=True
            )
        database.gameday_keeps_backups = delete_automated_backups is False
        database.status = "deleting"
        return database

    takes = "self, db_instance_identifier, final_db_snapshot_identifier, skip_final_snapshot, delete_automated_backups"
    original = swap(RDSBackend, "delete_db_instance", delete_db_instance, expects=takes)


def _may_be_deleted(database: Any, final: str | None, skips: bool | None) -> None:
    """RDS API reference, DeleteDBInstance: its parameters' constraints; codes as the service answers."""
    if database.deletion_protection:
        raise error("InvalidParameterCombination", "Cannot delete protected DB Instance, please disable protection.")
    if database.status == "deleting":
        raise error("InvalidDBInstanceState", f"Instance {database.resource_id} is already being deleted.")
    if final and skips:
        raise error("InvalidParameterCombination", "FinalDBSnapshotIdentifier can not be specified when skipping it.")
    if final and database.is_replica:
        raise error(
            "InvalidParameterCombination", "FinalDBSnapshotIdentifier can not be specified when deleting a replica"
        )
    if not final and not skips:
        raise error("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required unless it is skipped.")
    if final and database.status != "available":
        raise error("InvalidDBInstanceState", f"A final snapshot needs an available instance, not {database.status}.")
