"""Taking a snapshot by hand: what a drill of a restore has as its newest backup."""

from datetime import UTC, datetime

from gameday.clock import eventually
from gameday.errors import DeadlineError, GuardError, RunbookError
from gameday.facts import Kind
from gameday.lab.allowed import may_change
from gameday.lab.current_database import current_database
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline

LEAST_WAIT_S = 60.0  # real work does not shrink with the timers


def take(lab: Lab, region: str, timeline: Timeline, *, within_s: float) -> str:
    """Snapshot the region's database while it is used, and wait until the snapshot is available; returns its name.

    It stays: a snapshot is deleted by hand. Raises :class:`GuardError` where nothing may be changed or there is no
    database, and :class:`RunbookError` when it is not available in time.
    """
    may_change(lab, region)
    database, found = current_database(lab, region)
    if found is None:
        raise GuardError(f"a database {database} in {region} to take a snapshot of", "no targets", "name the region")
    name = f"{database}-drill-{datetime.now(UTC):%Y%m%dt%H%M%Sz}"
    rds = lab.client("rds", region)

    def status() -> str:
        return str(rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]["Status"])

    timeline.add(Kind.NOTE, "a snapshot was asked for", region=region, snapshot=name, database=database)
    rds.create_db_snapshot(DBInstanceIdentifier=database, DBSnapshotIdentifier=name)
    if timeline.is_rehearsal:
        return name
    limit_s = max(within_s * lab.timer_scale, LEAST_WAIT_S)
    try:
        eventually(status, "available", what=f"snapshot {name}", within_s=limit_s, every_s=0.2)
    except DeadlineError as cause:
        raise RunbookError(cause.expected, cause.seen, "look at the snapshot's events") from cause
    timeline.add(Kind.NOTE, "the snapshot is available", region=region, snapshot=name, database=database)
    return name
