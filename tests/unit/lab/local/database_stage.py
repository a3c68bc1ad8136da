"""Moto's RDS in this process, a ground, and a database controller that is ticked by whoever waits."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from moto import mock_aws

from gameday.clock import eventually
from gameday.lab.local.credentials import CREDENTIALS
from gameday.lab.local.database import DatabaseController
from gameday.lab.local.ground import ACCOUNT, PRIMARY, SECONDARY, Addresses, Delays, Ground, Ports
from gameday.lab.local.links import LinkBoard
from gameday.lab.local.metrics import backend_of
from gameday.lab.local.rds_state import instances
from gameday.processes import spawn

SOON_S = 60.0
SOURCE, REPLICA = "gameday-primary", "gameday-replica"


class Stage:
    """Moto's RDS in this process, a ground, and a controller that is ticked by whoever waits."""

    def __init__(self, ground: Ground, said: list[str]) -> None:
        self.ground, self.said = ground, said
        self.controller = DatabaseController(ground)

    def create_primary(self) -> None:
        login = '{"username": "app", "password": "secret"}'
        boto3.client("secretsmanager", PRIMARY).create_secret(Name=CREDENTIALS, SecretString=login)
        boto3.client("rds", PRIMARY).create_db_instance(
            DBInstanceIdentifier="gameday-primary", Engine="postgres", DBInstanceClass="db.t4g.micro", DBName="app",
            MasterUsername="app", MasterUserPassword="secret", AllocatedStorage=20, BackupRetentionPeriod=7,
        )  # fmt: skip

    def create_replica(self) -> None:
        boto3.client("rds", SECONDARY).create_db_instance_read_replica(
            DBInstanceIdentifier="gameday-replica", DBInstanceClass="db.t4g.micro",
            SourceDBInstanceIdentifier=f"arn:aws:rds:{PRIMARY}:{ACCOUNT}:db:gameday-primary",
        )  # fmt: skip

    def pair(self) -> None:
        self.create_primary()
        self.until(lambda: self.status(PRIMARY), "available", "the primary")
        self.create_replica()
        self.until(lambda: self.status(SECONDARY), "available", "the replica")

    def until[T](self, look: Callable[[], T], want: T, what: str) -> T:
        def tick() -> T:
            self.controller.reconcile()
            return look()

        return eventually(tick, want, what=what, within_s=SOON_S)

    def db(self, region: str) -> Any:
        return instances(region)[0]

    def status(self, region: str) -> str:
        return str(self.db(region).status)

    def application(self, region: str) -> "psycopg.Connection[Any]":
        return self.connect(region, self.db(region).db_instance_identifier)

    def connect(self, region: str, db_id: str) -> "psycopg.Connection[Any]":
        """The application's connection to an instance, at its endpoint."""
        host, port = self.controller.endpoint(region, db_id)
        return psycopg.connect(
            host=host, port=port, user="app", password="secret", dbname="app", connect_timeout=5, autocommit=True
        )

    def rows(self, region: str) -> list[tuple[int]]:
        """The orders there are in a region's database."""
        with self.application(region) as database:
            return list(database.execute("SELECT id FROM orders ORDER BY id").fetchall())

    def lags(self) -> list[float]:
        named = [one for one in backend_of(SECONDARY).metric_data if one.name == "ReplicaLag"]
        return [one.value for one in named]

    def link_names(self) -> list[str]:
        return sorted(link.name for link in self.ground.board.links())

    def fill(self, region: str, db_id: str, *, mebibytes: int) -> None:
        """A table of so much text that does not compress."""
        with self.connect(region, db_id) as database:
            database.execute("CREATE TABLE IF NOT EXISTS filling (id bigint, text text)")
            database.execute(
                "INSERT INTO filling SELECT n, string_agg(md5(n::text || k::text), '') "
                "FROM generate_series(1, %s) n, generate_series(1, 32) k GROUP BY n",
                (mebibytes * 1024,),
            )

    def count(self, region: str, db_id: str) -> int:
        """The rows of that table."""
        with self.connect(region, db_id) as database:
            row = database.execute("SELECT count(*) FROM filling").fetchone()
            return int(row[0]) if row else 0


@contextmanager
def staged(cache: Path, *, slot: int) -> Iterator[Stage]:
    """A stage with nothing on it yet, on a loopback slot of its own; its templates are kept in ``cache``."""
    folder, said = Path(tempfile.mkdtemp(prefix="gd-")), []
    delays = Delays(rds_promotion_s=0.2, ecs_start_s=0.0, link_latency_s=0.07, lag_metric_period_s=0.3)
    board = LinkBoard.launch(spawn)
    ground = Ground("t", folder, Addresses(slot), Ports(24720), 0.001, delays, board, said.append)
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("GAMEDAY_HOME", str(cache))
        stage = Stage(ground, said)
        try:
            yield stage
        finally:
            stage.controller.close()
            board.stop()
            shutil.rmtree(folder)
