"""A real PostgreSQL: found, made from the template, started, promoted, ended."""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
from pg_yard import PORT, SOON_S, Yard, yard

from gameday.clock import eventually
from gameday.errors import LabError, NoPostgres
from gameday.lab.local import pg_user
from gameday.lab.local.pg_binaries import Binaries, find_binaries
from gameday.lab.local.pg_template import template
from gameday.lab.local.postgres import DISCLOSED, HONEST, Node, Upstream
from gameday.processes import descendants, spawn


@pytest.fixture
def ground() -> Iterator[Yard]:
    with yard() as made:
        yield made


@pytest.fixture
def cache() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="gd-cache-"))
    yield made
    shutil.rmtree(made)


def test_a_chosen_folder_without_postgresql_is_refused_and_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GAMEDAY_PG_BINDIR", str(tmp_path))
    with pytest.raises(NoPostgres, match=f"{tmp_path}: no postgres, initdb"):
        find_binaries()


def test_an_old_postgresql_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("postgres", "initdb", "pg_basebackup", "pg_waldump", "pg_rewind", "pg_controldata"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.4'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("GAMEDAY_PG_BINDIR", str(tmp_path))
    with pytest.raises(NoPostgres, match=r"15\.4 is too old"):
        find_binaries()


def test_no_setting_weakens_durability() -> None:
    assert {one.name: one.value for one in HONEST} == {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
    }
    assert all(one.why for one in (*HONEST, *DISCLOSED))


def test_a_folder_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="GAMEDAY_HOME"):
        Node("east", tmp_path / ("x" * 100), ("127.202.2.1", PORT), Binaries(tmp_path, "18.6"))


@pytest.mark.postgres
def test_two_labs_that_need_the_template_at_once_share_one(cache: Path) -> None:
    made: list[Path] = []
    labs = [threading.Thread(target=lambda: made.append(template(find_binaries(), cache))) for _ in range(2)]
    for lab in labs:
        lab.start()
    for lab in labs:
        lab.join()
    assert made[0] == made[1]
    assert (made[0] / "PG_VERSION").exists()


@pytest.mark.postgres
def test_a_half_made_template_is_swept_by_the_next_maker(cache: Path) -> None:
    half = cache / "postgres" / "half-killed" / "data"
    half.mkdir(parents=True)
    ready = template(find_binaries(), cache)
    assert sorted(path.name for path in (cache / "postgres").iterdir()) == sorted([ready.name, "lock"])


@pytest.mark.postgres
def test_an_application_connects_with_its_password_and_with_no_other(ground: Yard) -> None:
    east = ground.start(ground.node("east", 1))
    east.add_application("app", "it's secret", "app")
    reach = partial(psycopg.connect, host=east.address[0], port=PORT, user="app", dbname="app", connect_timeout=5)
    with reach(password="it's secret") as connection:
        connection.execute("CREATE TABLE t ()")
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        reach(password="guess")
    with pytest.raises(psycopg.OperationalError):
        reach(password="it's secret", user="postgres", dbname="postgres")


@pytest.mark.postgres
def test_a_password_reaches_neither_the_servers_log_nor_a_repr(ground: Yard) -> None:
    east = ground.start(ground.node("east", 1))
    east.add_replicator("canary-2718")
    with pytest.raises(psycopg.errors.DuplicateObject):
        east.add_replicator("canary-2718")
    logged = ground.log(east).read_text()
    assert "CREATE ROLE" in logged  # the statement that failed, word for word
    assert "canary-2718" not in logged
    assert "canary-2718" not in repr(Upstream(east.address, "west", "canary-2718"))


@pytest.mark.postgres
def test_what_was_configured_is_in_force(ground: Yard) -> None:
    east = ground.start(ground.node("east", 1))
    for one in (*HONEST, *DISCLOSED):
        if one.since <= east.binaries.major and one.is_here:
            assert east.ask("SELECT current_setting(%(name)s)", {"name": one.name}) == one.value


@pytest.mark.postgres
def test_a_standby_streams_is_promoted_and_takes_writes(ground: Yard) -> None:
    east = ground.primary()
    west = ground.standby(east)
    with east.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS id")
    eventually(partial(west.ask, "SELECT to_regclass('t') IS NOT NULL"), True, what="replicated", within_s=SOON_S)
    assert (east.role(), west.role()) == ("primary", "standby")
    east.kill()
    west.promote(within_s=SOON_S)
    assert west.role() == "primary"
    with west.connect() as connection:
        connection.execute("INSERT INTO t VALUES (2)")


@pytest.mark.postgres
def test_a_kill_leaves_no_backend_and_says_nothing_of_ready(ground: Yard) -> None:
    east = ground.start(ground.node("east", 1))
    assert east.process is not None
    family = descendants(east.process.pid)
    east.kill()
    assert not east.is_running()
    eventually(lambda: [one.pid for one in family if one.is_running()], [], what="backends", within_s=SOON_S)
    assert (east.data / "postmaster.pid").exists()
    ground.start(east)
    assert east.role() == "primary"


@pytest.mark.postgres
def test_one_that_cannot_start_says_why(ground: Yard) -> None:
    east = ground.node("east", 1)
    with (east.data / "postgresql.auto.conf").open("a") as file:
        file.write("nonsense_setting = 1\n")
    with pytest.raises(LabError, match="nonsense_setting"):
        ground.start(east)


@pytest.mark.postgres
@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a disguise")
def test_root_without_namespaces_starts_it_as_nobody_who_reaches_the_folder(cache: Path) -> None:
    cache.chmod(0o700)
    disguised = pg_user.Disguise(pg_user.nobody_with_reach, owns_files=True)
    (cache / "home").mkdir()
    disguised.own(cache / "home")
    initdb = find_binaries().program("initdb")
    disguised.run([initdb, "-N", "-U", "postgres", "-D", str(cache / "home" / "data")], within_s=60)
    assert (cache / "home" / "data").stat().st_uid == pg_user.NOBODY
    process = spawn(["sleep", "60"], before_exec=disguised.before_exec)
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == -signal.SIGTERM
