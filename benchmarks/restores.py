"""How long a database of 1 GiB takes to be restored: of a snapshot, and to a point in time, exact to the row.

Without a lab around it: RDS's calls on moto in this process, and the lab's database controller on real PostgreSQL. The
figures are of copying and recovering; AWS adds its own provisioning, which no laptop shows.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import psycopg
from moto import mock_aws

from benchmarks.figures import Figure
from gameday.aws import LOCAL_KEYS
from gameday.clock import eventually
from gameday.lab.local.credentials import CREDENTIALS
from gameday.lab.local.database import DatabaseController
from gameday.lab.local.ground import PRIMARY, Addresses, Delays, Ground, Ports
from gameday.lab.local.links import LinkBoard
from gameday.lab.local.moto_patches import Hooks, apply_patches
from gameday.processes import spawn

GIB_ROWS = 1024 * 1024  # of 1 KiB each
WITHIN_S = 600.0
FILL = """
    INSERT INTO filling SELECT n, string_agg(md5(n::text || k::text), '')
    FROM generate_series(1, %s) n, generate_series(1, 32) k GROUP BY n
"""


def figures(times: int = 5, rows: int = GIB_ROWS) -> Iterator[Figure]:
    """Fill one database with ``rows`` KiB, then restore it ``times`` times each way; a wrong row raises."""
    with _region() as region:
        region.create("source")
        with region.connect("source") as database:
            database.execute("CREATE TABLE filling (id bigint, text text)")
            database.execute("CREATE TABLE marks (id int)")
            database.execute(FILL, (rows,))
        rds = region.rds
        rds.create_db_snapshot(DBInstanceIdentifier="source", DBSnapshotIdentifier="full")
        region.until(lambda: _status(rds.describe_db_snapshots(DBSnapshotIdentifier="full")["DBSnapshots"]))
        region.controller.backs_up = True
        wanted = _marks(region)
        yield Figure("snapshot of 1 GiB restored", "s", tuple(_snapshot(region, n, rows) for n in range(times)), 30)
        points = tuple(_point(region, n, rows, wanted) for n in range(times))
        yield Figure("1 GiB restored to a point in time, exact to the row", "s", points)


class _Region:
    """One region's RDS with real databases, ticked by whoever waits."""

    def __init__(self, ground: Ground) -> None:
        self.ground, self.controller = ground, DatabaseController(ground)
        self.rds: Any = boto3.client("rds", PRIMARY)

    def create(self, name: str) -> None:
        login = '{"username": "app", "password": "secret"}'
        boto3.client("secretsmanager", PRIMARY).create_secret(Name=CREDENTIALS, SecretString=login)
        self.rds.create_db_instance(
            DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.t4g.micro", DBName="app",
            MasterUsername="app", MasterUserPassword="secret", AllocatedStorage=20, BackupRetentionPeriod=1,
        )  # fmt: skip
        self.until_available(name)

    def until_available(self, name: str) -> None:
        self.until(lambda: _status(self.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]))

    def until(self, look: Callable[[], object], want: object = "available") -> None:
        def tick() -> object:
            self.controller.reconcile()
            return look()

        eventually(tick, want, what="the database", within_s=WITHIN_S)

    def connect(self, name: str) -> "psycopg.Connection[Any]":
        host, port = self.controller.endpoint(PRIMARY, name)
        return psycopg.connect(host=host, port=port, user="app", password="secret", dbname="app", autocommit=True)


@contextmanager
def _region() -> Iterator[_Region]:
    folder = Path(tempfile.mkdtemp(prefix="gd-"))
    board = LinkBoard.launch(spawn)
    delays = Delays(rds_promotion_s=0.0, ecs_start_s=0.0, link_latency_s=0.07, lag_metric_period_s=60.0)
    ground = Ground("bench", folder, Addresses(250), Ports(24700), 0.01, delays, board, lambda _: None)
    os.environ.update({name.upper(): value for name, value in LOCAL_KEYS.items()})
    with mock_aws():
        region = _Region(ground)
        endpoint = region.controller.endpoint
        apply_patches(Hooks(database_endpoint=endpoint, databases=region.controller))
        try:
            yield region
        finally:
            apply_patches(Hooks())
            region.controller.close()
            board.stop()
            shutil.rmtree(folder)


def _marks(region: _Region) -> datetime:
    """Row 1, the moment to restore to, row 2, and a shipment after both."""
    region.until(lambda: bool(_window(region)), True)
    with region.connect("source") as database:
        database.execute("INSERT INTO marks VALUES (1)")
        wanted = datetime.now(UTC)
        database.execute("INSERT INTO marks VALUES (2)")
    region.until(lambda: _window(region)["LatestTime"] > wanted + timedelta(seconds=1), True)
    return wanted


def _window(region: _Region) -> dict[str, datetime]:
    found = region.rds.describe_db_instance_automated_backups(DBInstanceIdentifier="source")
    return dict(found["DBInstanceAutomatedBackups"][0].get("RestoreWindow", {}) if found else {})


def _snapshot(region: _Region, number: int, rows: int) -> float:
    name = f"restored-{number}"
    start = time.perf_counter()
    region.rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier="full")
    return _finish(region, name, start, rows, [])


def _point(region: _Region, number: int, rows: int, wanted: datetime) -> float:
    name = f"then-{number}"
    start = time.perf_counter()
    region.rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier="source", TargetDBInstanceIdentifier=name, RestoreTime=wanted
    )
    return _finish(region, name, start, rows, [1])


def _finish(region: _Region, name: str, start: float, rows: int, marks: list[int]) -> float:
    region.until_available(name)
    took_s = time.perf_counter() - start
    with region.connect(name) as database:
        count = database.execute("SELECT count(*) FROM filling").fetchone()
        seen = [id for (id,) in database.execute("SELECT id FROM marks ORDER BY id").fetchall()]
    if count != (rows,) or seen != marks:
        raise AssertionError(f"expected {rows} rows and marks {marks}; saw {count} and {seen}")
    region.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    region.until(lambda: name in [one["DBInstanceIdentifier"] for one in _instances(region)], False)
    return took_s


def _instances(region: _Region) -> list[dict[str, Any]]:
    return list(region.rds.describe_db_instances()["DBInstances"])


def _status(found: list[dict[str, Any]]) -> str:
    return str(found[0].get("DBInstanceStatus") or found[0].get("Status"))
