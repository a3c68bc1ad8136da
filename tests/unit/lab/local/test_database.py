"""The database controller, with real PostgreSQL behind moto's RDS, and the lag it measures."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import boto3
import psycopg
import pytest
from database_stage import Stage, staged

from gameday.errors import LabError
from gameday.lab.local.credentials import CREDENTIALS
from gameday.lab.local.ground import ACCOUNT, PRIMARY, SECONDARY
from gameday.lab.local.rds_state import named_in
from gameday.lab.local.replica_lag import LagMeter, Sighting

# the lag, from sightings made by hand


def sighting(at_s: float, source: int | None, replayed: int, *, heard_s: float | None, replay_age_s: float) -> Sighting:
    return Sighting(at_s, source, heard_s, replayed, replay_age_s)


def test_an_idle_replica_that_holds_everything_is_not_behind() -> None:
    meter = LagMeter(0.0)
    assert meter.lag_s(sighting(3600.0, 100, 100, heard_s=0.5, replay_age_s=3599.0)) == 0.0


def test_a_busy_replica_is_behind_by_the_age_of_what_it_replayed_last() -> None:
    meter = LagMeter(0.0)
    meter.lag_s(sighting(1.0, 100, 100, heard_s=0.5, replay_age_s=0.07))
    assert meter.lag_s(sighting(2.0, 200, 190, heard_s=0.5, replay_age_s=0.07)) == 0.07


def test_the_first_write_after_a_long_rest_is_not_a_long_lag() -> None:
    meter = LagMeter(0.0)
    meter.lag_s(sighting(3600.0, 100, 100, heard_s=0.5, replay_age_s=3600.0))
    assert meter.lag_s(sighting(3601.0, 101, 100, heard_s=0.5, replay_age_s=3601.0)) == 1.0


def test_a_replica_that_its_source_no_longer_hears_falls_behind_even_without_writes() -> None:
    meter = LagMeter(0.0)
    meter.lag_s(sighting(10.0, 100, 100, heard_s=0.5, replay_age_s=1.0))
    assert meter.lag_s(sighting(30.0, 100, 100, heard_s=20.5, replay_age_s=21.0)) == 20.0


def test_a_replica_whose_source_is_dead_falls_behind() -> None:
    meter = LagMeter(0.0)
    meter.lag_s(sighting(10.0, 100, 100, heard_s=0.5, replay_age_s=1.0))
    assert meter.lag_s(sighting(15.0, None, 100, heard_s=None, replay_age_s=6.0)) == 5.0


def test_a_replica_that_catches_up_is_behind_by_what_it_still_lacks() -> None:
    meter = LagMeter(0.0)
    for at_s, source in [(1.0, 100), (2.0, 200), (3.0, 300)]:
        meter.lag_s(sighting(at_s, source, 100, heard_s=at_s, replay_age_s=at_s))
    assert meter.lag_s(sighting(4.0, 300, 200, heard_s=0.1, replay_age_s=9.0)) == 2.0
    assert meter.lag_s(sighting(5.0, 300, 300, heard_s=0.1, replay_age_s=9.0)) == 0.0


def test_a_source_is_named_by_identifier_or_by_arn() -> None:
    arn = f"arn:aws:rds:{PRIMARY}:{ACCOUNT}:db:one"
    assert named_in("one", PRIMARY, "one")
    assert named_in(arn, PRIMARY, "one")
    assert not named_in(arn, SECONDARY, "one")


# the controller, on real parts


@pytest.fixture(scope="module")
def cache() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="gd-cache-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def stage(cache: Path) -> Iterator[Stage]:
    with staged(cache, slot=202) as stage:
        yield stage


@pytest.mark.postgres
def test_an_instance_is_creating_until_its_postgresql_answers_its_application(stage: Stage) -> None:
    stage.create_primary()
    stage.controller.reconcile()
    assert stage.status(PRIMARY) == "creating"
    stage.until(lambda: stage.status(PRIMARY), "available", "the primary")
    with stage.application(PRIMARY) as connection:
        connection.execute("CREATE TABLE t ()")
    assert set(stage.ground.running) == {"postgres/gameday-primary"}
    assert stage.db(PRIMARY).gameday_address == stage.ground.addresses.database(PRIMARY)


@pytest.mark.postgres
def test_a_replica_streams_is_promoted_and_the_wal_tells_what_it_never_had(stage: Stage) -> None:
    stage.pair()
    assert stage.link_names() == ["db/gameday-primary", "db/gameday-replica", "replication/gameday-replica"]
    with stage.application(PRIMARY) as primary:
        primary.execute("CREATE TABLE orders (id int)")
        with stage.application(SECONDARY) as replica:
            look = "SELECT to_regclass('orders') IS NOT NULL"
            stage.until(lambda: replica.execute(look).fetchone(), (True,), "the table in the replica")
        assert stage.controller.commits_after_fork() is None
        stage.ground.board.cut("replication/gameday-replica", True)
        primary.execute("INSERT INTO orders VALUES (1)")
    promotion = Thread(target=stage.controller.promote, args=(SECONDARY, "gameday-replica"))
    promotion.start()
    promotion.join()
    with stage.application(SECONDARY) as promoted:
        promoted.execute("INSERT INTO orders VALUES (2)")
        assert promoted.execute("SELECT id FROM orders").fetchall() == [(2,)]
    commits = stage.controller.commits_after_fork()
    assert commits is not None
    assert [commit.order for commit in commits if commit.order] == [True]
    assert stage.link_names() == ["db/gameday-primary", "db/gameday-replica"]


@pytest.mark.postgres
def test_a_primary_that_was_deleted_before_the_promotion_committed_nothing_after_it(stage: Stage) -> None:
    """Its WAL is gone with it, and nobody needs it: a deleted database takes no orders."""
    stage.pair()
    boto3.client("rds", PRIMARY).delete_db_instance(DBInstanceIdentifier="gameday-primary", SkipFinalSnapshot=True)
    stage.until(lambda: f"database: gameday-primary in {PRIMARY} deleted" in stage.said, True, "the deletion")
    promotion = Thread(target=stage.controller.promote, args=(SECONDARY, "gameday-replica"))
    promotion.start()
    promotion.join()
    assert stage.controller.commits_after_fork() == ()


@pytest.mark.postgres
def test_the_lag_of_an_idle_replica_is_zero_and_grows_behind_a_cut(stage: Stage) -> None:
    stage.pair()
    stage.until(lambda: stage.lags()[-1:], [0.0], "a lag of 0")
    stage.ground.board.cut("replication/gameday-replica", True)
    stage.until(lambda: bool(stage.lags()) and stage.lags()[-1] > 3.5, True, "a growing lag")
    stage.ground.board.cut("replication/gameday-replica", False)
    stage.until(lambda: stage.lags()[-1], 0.0, "a lag of 0 again")


@pytest.mark.postgres
def test_a_postgresql_that_dies_fails_its_instance(stage: Stage) -> None:
    stage.create_primary()
    stage.until(lambda: stage.status(PRIMARY), "available", "the primary")
    stage.controller._held[(PRIMARY, "gameday-primary")].node.kill()
    stage.until(lambda: stage.status(PRIMARY), "failed", "the primary")
    assert not stage.ground.running
    assert any("died" in line for line in stage.said)


@pytest.mark.postgres
def test_a_killed_primary_keeps_what_it_acknowledged_and_its_replica_follows_again(stage: Stage) -> None:
    stage.pair()
    with stage.application(PRIMARY) as primary:
        primary.execute("CREATE TABLE orders (id int)")
        primary.execute("INSERT INTO orders VALUES (1)")
        stage.controller.kill(PRIMARY, "gameday-primary")
        with pytest.raises(psycopg.OperationalError):
            primary.execute("INSERT INTO orders VALUES (2)")
    stage.until(lambda: stage.status(PRIMARY), "failed", "the primary")
    stage.controller.revive(PRIMARY, "gameday-primary")
    assert stage.status(PRIMARY) == "starting"
    stage.until(lambda: stage.status(PRIMARY), "available", "the primary")
    for link in ("db/gameday-primary", "replication/gameday-replica"):
        stage.ground.board.cut(link, False)  # as the network controller does, which this stage is without
    with stage.application(PRIMARY) as primary:
        assert primary.execute("SELECT id FROM orders").fetchall() == [(1,)]
        primary.execute("INSERT INTO orders VALUES (3)")
    stage.until(lambda: has_orders(stage), True, "the table on the replica")
    stage.until(lambda: stage.rows(SECONDARY), [(1,), (3,)], "the replica")


def has_orders(stage: Stage) -> bool:
    with stage.application(SECONDARY) as replica:
        return replica.execute("SELECT to_regclass('orders')").fetchone() != (None,)


@pytest.mark.postgres
def test_what_was_on_its_way_to_the_replica_dies_with_the_primarys_host(stage: Stage) -> None:
    stage.pair()
    stage.ground.board.shape("replication/gameday-replica", latency_s=2.0)
    with stage.application(PRIMARY) as primary:
        primary.execute("CREATE TABLE orders (id int)")
        stage.controller.kill(PRIMARY, "gameday-primary")
    stage.ground.board.cut("replication/gameday-replica", False)
    promotion = Thread(target=stage.controller.promote, args=(SECONDARY, "gameday-replica"))
    promotion.start()
    promotion.join()
    with stage.application(SECONDARY) as promoted:
        assert promoted.execute("SELECT to_regclass('orders')").fetchone() == (None,)


@pytest.mark.postgres
def test_a_running_database_is_not_started_twice_and_an_unknown_one_is_named(stage: Stage) -> None:
    stage.create_primary()
    stage.until(lambda: stage.status(PRIMARY), "available", "the primary")
    stage.controller.revive(PRIMARY, "gameday-primary")
    assert stage.status(PRIMARY) == "available"
    with pytest.raises(LabError, match=r"a database elsewhere.*only gameday-primary"):
        stage.controller.kill(PRIMARY, "elsewhere")


@pytest.mark.postgres
def test_a_deleted_instance_leaves_no_process_no_link_and_no_folder(stage: Stage) -> None:
    stage.create_primary()
    stage.until(lambda: stage.status(PRIMARY), "available", "the primary")
    rds = boto3.client("rds", PRIMARY)
    rds.delete_db_instance(DBInstanceIdentifier="gameday-primary", SkipFinalSnapshot=True)
    stage.until(lambda: dict(stage.ground.running), {}, "processes")
    stage.until(lambda: list((stage.ground.folder / "pg").iterdir()), [], "folders")
    assert stage.link_names() == []


@pytest.mark.postgres
def test_what_keeps_an_instance_from_coming_up_is_said(stage: Stage) -> None:
    boto3.client("rds", PRIMARY).create_db_instance(
        DBInstanceIdentifier="gameday-primary", Engine="postgres", DBInstanceClass="db.t4g.micro",
        MasterUsername="app", MasterUserPassword="secret", AllocatedStorage=20,
    )  # fmt: skip
    with pytest.raises(LabError, match=CREDENTIALS):
        stage.until(lambda: stage.status(PRIMARY), "available", "the primary")
    assert stage.status(PRIMARY) == "failed"


@pytest.mark.postgres
def test_only_a_running_replica_is_promoted(stage: Stage) -> None:
    with pytest.raises(LabError, match="running replica"):
        stage.controller.promote(SECONDARY, "gameday-replica")
