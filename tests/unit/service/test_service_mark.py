"""The mark: a replica that shows it has everything its primary committed before."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from service_stage import Postgres, Secrets, free_port

from gameday.aws import local_environment

pytestmark = pytest.mark.postgres


def mark(secrets: Secrets, what: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run it as a task does."""
    env = {**os.environ, **local_environment(secrets.url, "ap-southeast-2")} | {
        "GAMEDAY_REGION": "ap-southeast-2", "GAMEDAY_BUCKET": "none", "DB_USERNAME": "app", "DB_PASSWORD": "x",
        "GAMEDAY_ENDPOINT_SECRET": "gameday/database/endpoint", "GAMEDAY_MARK": "switch-1",
        "GAMEDAY_MARK_WITHIN_S": "0.6",
    } | more  # fmt: skip
    command = [sys.executable, "-m", "gameday.service.mark", *what.split()]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=40, check=False)


@pytest.fixture(scope="module")
def replica(postgres: Any, secrets: Secrets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """What a replica that is cut off holds: all of the primary up to ``switch-1``, in recovery for ever."""
    secrets.point_at(postgres.port)
    assert mark(secrets, "write").returncode == 0
    postgres.stop()
    folder = tmp_path_factory.mktemp("replica") / "data"
    shutil.copytree(postgres.folder, folder)
    (folder / "standby.signal").touch()
    postgres.start()
    node = Postgres(folder, free_port())
    node.start()
    yield node
    node.stop()


def test_a_mark_is_written_once_however_often_it_is_asked_for(postgres: Any, secrets: Secrets) -> None:
    secrets.point_at(postgres.port)
    ended = [mark(secrets, "write"), mark(secrets, "write")]
    assert [one.returncode for one in ended] == [0, 0]
    assert postgres.run("SELECT count(*) FROM marks WHERE mark = 'switch-1'") == [(1,)]


def test_a_replica_that_has_the_mark_is_good(replica: Postgres, secrets: Secrets) -> None:
    secrets.point_at(replica.port)
    ended = mark(secrets, "await")
    assert (ended.returncode, ended.stdout) == (0, "await switch-1: done\n")


def test_a_replica_without_the_mark_is_not_good(replica: Postgres, secrets: Secrets) -> None:
    secrets.point_at(replica.port)
    ended = mark(secrets, "await", GAMEDAY_MARK="switch-2")
    assert ended.returncode == 1
    assert "not within 0.6 s: the replica does not have the mark" in ended.stdout


def test_a_primary_is_no_replica_whatever_marks_it_has(postgres: Any, secrets: Secrets) -> None:
    secrets.point_at(postgres.port)
    assert mark(secrets, "write").returncode == 0
    ended = mark(secrets, "await")
    assert ended.returncode == 1
    assert "it is no replica" in ended.stdout


def test_a_replica_takes_no_mark(replica: Postgres, secrets: Secrets) -> None:
    secrets.point_at(replica.port)
    assert mark(secrets, "write", GAMEDAY_MARK="switch-3").returncode == 1


@pytest.mark.parametrize(("what", "name"), [("", "m"), ("look", "m"), ("write", "")])
def test_a_wrong_call_is_said(secrets: Secrets, what: str, name: str) -> None:
    ended = mark(secrets, what, GAMEDAY_MARK=name)
    assert ended.returncode == 2
    assert "expected one of write, await, and GAMEDAY_MARK" in ended.stderr
