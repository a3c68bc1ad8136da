"""The primary's daily snapshots are copied to the standby's region, and the oldest copies go."""

from typing import Any

import pytest
from state_walk import Refused, walk
from template_reading import text
from test_planned_failover import Read, named

pytestmark = pytest.mark.infra
SOURCE = "arn:aws:rds:ap-southeast-2:1:snapshot:rds:gameday-primary-2026-11-24-03-00"
TAKEN = {"detail": {"SourceArn": SOURCE, "SourceIdentifier": "rds:gameday-primary-2026-11-24-03-00"}}
NAME = "copy-of-gameday-primary-2026-11-24-03-00"


@pytest.fixture(scope="module")
def machine(template: Read) -> dict[str, Any]:
    return named(template, "backups", "us-west-2", "gameday-snapshot-copy")


def copies(*days: int, status: str = "available") -> dict[str, Any]:
    return {
        "DbSnapshots": [
            {
                "DbSnapshotIdentifier": f"copy-of-gameday-primary-{day}",
                "SnapshotCreateTime": f"2026-11-{day:02}T03:00:00Z",
                "Status": status,
            }
            for day in days
        ]
    }


def copying(*days: int, **others: list[Any]) -> dict[str, list[Any]]:
    described = [{"DbSnapshots": [{"Status": "creating"}]}, {"DbSnapshots": [{"Status": "available"}]}]
    return {"DescribeCopy": described, "ListCopies": [copies(*days)]} | others


def test_a_snapshot_is_copied_under_a_name_that_tells_its_source_and_with_this_regions_key(machine: dict[str, Any]):
    entered, asked = walk(machine, copying(24), TAKEN)
    assert entered.count("WaitForCopy") == 2
    assert entered[-1] == "Done"
    assert asked["CopySnapshot"] | {"KmsKeyId": ""} == {
        "SourceDbSnapshotIdentifier": SOURCE,
        "TargetDbSnapshotIdentifier": NAME,
        "KmsKeyId": "",
        "CopyTags": True,
    }
    assert asked["CopySnapshot"]["KmsKeyId"] == "<gameday-keys>"


def test_beyond_seven_copies_the_oldest_goes(machine: dict[str, Any]):
    _, eight = walk(machine, copying(24, 17, 23, 22, 21, 20, 19, 18), TAKEN)
    _, seven = walk(machine, copying(24, 18, 23, 22, 21, 20, 19), TAKEN)
    assert eight["DeleteOldest"] == {"DbSnapshotIdentifier": "copy-of-gameday-primary-17"}
    assert "DeleteOldest" not in seven


def test_a_snapshot_that_somebody_made_by_hand_is_neither_counted_nor_deleted(machine: dict[str, Any]):
    seen = copies(24, 23, 22, 21, 20, 19, 18)
    seen["DbSnapshots"].append(
        {"DbSnapshotIdentifier": "by-hand", "SnapshotCreateTime": "2026-01-01T00:00:00Z", "Status": "available"}
    )
    _, asked = walk(machine, copying(ListCopies=[seen]), TAKEN)
    assert "DeleteOldest" not in asked


def test_an_event_that_comes_twice_copies_once(machine: dict[str, Any]):
    entered, _ = walk(machine, copying(24, CopySnapshot=[Refused("Rds.DbSnapshotAlreadyExistsException")]), TAKEN)
    assert entered[-1] == "Done"


@pytest.mark.parametrize(
    "failed",
    [
        {"CopySnapshot": [Refused("Rds.KmsKeyNotAccessibleException")]},
        {"DescribeCopy": [{"DbSnapshots": [{"Status": "failed"}]}]},
        {"DeleteOldest": [Refused("Rds.RdsException")], "ListCopies": [copies(*range(17, 25))]},
    ],
)
def test_a_copy_that_fails_is_told(machine: dict[str, Any], failed: Any):
    entered, _ = walk(machine, copying(24) | failed, TAKEN)
    assert entered[-2:] == ["NotifyFailure", "Failed"]


def test_the_event_crosses_to_the_standbys_region_and_starts_the_copy(template: Read):
    here, there = (
        template("backups", region).one("AWS::Events::Rule", Name="gameday-snapshot-taken")
        for region in ("ap-southeast-2", "us-west-2")
    )
    assert here["EventPattern"] == there["EventPattern"]
    assert here["EventPattern"]["detail"]["SourceIdentifier"] == [{"prefix": "rds:gameday-primary-"}]
    assert text(here["Targets"][0]["Arn"]).endswith(":us-west-2:<AWS::AccountId>:event-bus/default")
    assert text(there["Targets"][0]["Arn"]).startswith("<CopyMachine")
