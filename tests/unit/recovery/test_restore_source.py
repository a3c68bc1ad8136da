"""What a database is restored from: the newest available snapshot, the one that was named, or a time in the window."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gameday.clock import HandClock
from gameday.errors import InputError, RunbookError
from gameday.lab.model import Lab, Outputs
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.recovery import runbook
from gameday.recovery.restore_source import Source, choose
from gameday.recovery.runbook import Scene, walk

EAST, WEST = "ap-southeast-2", "us-west-2"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Rds:
    """Snapshots and one automated backup of the instance ``db``; any call that changes something fails the test."""

    class exceptions:
        class DBSnapshotNotFoundFault(ClientError):
            pass

        class ResourceNotFoundException(ClientError):
            pass

    def __init__(self, snapshots: dict[str, tuple[datetime, str]], window: tuple[datetime, datetime] | None) -> None:
        self.snapshots, self.window = snapshots, window

    def describe_db_instances(self, **_: Any) -> dict[str, Any]:
        found = {
            "DBInstanceIdentifier": "db", "DBInstanceStatus": "failed", "DBInstanceClass": "db.t4g.medium",
            "DBSubnetGroup": {"DBSubnetGroupName": "subnets"}, "Endpoint": {"Address": "old", "Port": 5432},
        }  # fmt: skip
        return {"DBInstances": [found]}

    def get_secret_value(self, **_: Any) -> dict[str, Any]:
        return {"SecretString": '{"host": "old", "port": 5432, "dbname": "app"}'}

    def describe_db_snapshots(self, DBSnapshotIdentifier: str) -> dict[str, Any]:
        if DBSnapshotIdentifier not in self.snapshots:
            raise self.exceptions.DBSnapshotNotFoundFault({}, "DescribeDBSnapshots")
        return {"DBSnapshots": [self.told(DBSnapshotIdentifier)]}

    def get_paginator(self, _: str) -> "Rds":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"DBSnapshots": [self.told(name) for name in self.snapshots]}]

    def told(self, name: str) -> dict[str, Any]:
        taken, status = self.snapshots[name]
        copied = taken + timedelta(hours=1)
        times = {"OriginalSnapshotCreateTime": taken, "SnapshotCreateTime": copied}
        return {"DBSnapshotIdentifier": name, "Status": status, **times}

    def describe_db_instance_automated_backups(self, **_: Any) -> dict[str, Any]:
        window = dict(zip(("EarliestTime", "LatestTime"), self.window, strict=True)) if self.window else {}
        return {"DBInstanceAutomatedBackups": [{"DbiResourceId": "db-X", "RestoreWindow": window}]}


class Nowhere:
    is_local = True

    def __init__(self, rds: Rds) -> None:
        self.rds = rds

    def client(self, service: str, region: str) -> Any:
        return self.rds


def lab_with(snapshots: dict[str, tuple[datetime, str]] | None = None, window: Any = None) -> Lab:
    named = {"DatabaseId": "db", "EndpointSecret": "endpoint"}
    aws: Any = Nowhere(Rds(snapshots or {}, window))
    return Lab("stub", aws, EAST, WEST, Outputs({}, {EAST: named, WEST: named}, ()))


def test_the_newest_available_snapshot_counts_by_the_time_it_was_asked_for() -> None:
    hour = timedelta(hours=1)
    known = {"old": (NOON - hour, "available"), "new": (NOON, "available"), "newer": (NOON + hour, "creating")}
    assert choose(lab_with(known), EAST, "latest-snapshot") == Source(NOON, "new")


def test_a_snapshot_can_be_named() -> None:
    known = {"old": (NOON, "available"), "half": (NOON, "creating")}
    assert choose(lab_with(known), EAST, "snapshot:old") == Source(NOON, "old")
    assert choose(lab_with(known), EAST, "snapshot:half") == f"no available snapshot half in {EAST}"
    assert choose(lab_with(known), EAST, "snapshot:none") == f"no available snapshot none in {EAST}"


def test_a_time_must_lie_in_the_backups_window() -> None:
    lab = lab_with(window=(NOON, NOON + timedelta(hours=1)))
    assert choose(lab, EAST, "2026-11-24T12:30:00Z") == Source(NOON + timedelta(minutes=30), resource_id="db-X")
    assert choose(lab, EAST, "latest") == Source(NOON + timedelta(hours=1), resource_id="db-X")
    outside = choose(lab, EAST, "2026-11-24T11:59:59")
    assert isinstance(outside, str)
    assert "is not between 2026-11-24T12:00:00+00:00" in outside


def test_no_backup_is_said_and_a_word_that_means_nothing_is_refused() -> None:
    assert choose(lab_with(), EAST, "latest-snapshot") == f"no available snapshot of db in {EAST}"
    assert choose(lab_with(), EAST, "latest") == f"no automated backup of db in {EAST}"
    with pytest.raises(InputError, match=r"snapshot:ID.*yesterday"):
        choose(lab_with(), EAST, "yesterday")


@pytest.mark.parametrize(
    ("said", "why"),
    [({}, "no available snapshot of db"), ({"region": "eu-west-1"}, "the lab's regions are ap-southeast-2, us-west-2")],
)
def test_the_runbook_stops_before_its_calls_and_says_why(tmp_path: Any, said: dict[str, str], why: str) -> None:
    lab = lab_with()
    timeline = Timeline(Record.create(tmp_path, "restore"), HandClock())
    book = runbook("database-restore")
    with pytest.raises(RunbookError, match=rf"{why}.*nothing was called"):
        walk(book, Scene.of(book, lab, timeline, said), clock=HandClock())


def test_the_runbook_takes_no_other_word(tmp_path: Any) -> None:
    book = runbook("database-restore")
    with pytest.raises(InputError, match="latest-snapshot"):
        Scene.of(book, lab_with(), Timeline(Record.create(tmp_path, "restore"), HandClock()), {"to": "yesterday"})
