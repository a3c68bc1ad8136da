"""A region's database is the one that its endpoint's secret names; the stack's output tells only where none does."""

import json
from typing import Any

import pytest
from moto import mock_aws

from gameday.aws import Aws
from gameday.lab import status
from gameday.lab.current_database import current_database
from gameday.lab.fence import database_groups
from gameday.lab.model import Lab, Outputs

EAST, WEST = "ap-southeast-2", "us-west-2"


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An account with a database that was lost, and one that was restored."""
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "testing")
    named = {"DatabaseId": "lost", "EndpointSecret": "endpoint"}
    with mock_aws():
        lab = Lab("aws", Aws(), EAST, WEST, Outputs({}, {EAST: named, WEST: named}, ()))
        for name in ("lost", "restored"):
            lab.client("rds", EAST).create_db_instance(
                DBInstanceIdentifier=name, DBInstanceClass="db.t4g.micro", Engine="postgres", MasterUsername="app",
                MasterUserPassword="not-a-secret", AllocatedStorage=20,
            )  # fmt: skip
        yield lab


def says(lab: Lab, name: str) -> None:
    rds = lab.client("rds", EAST)
    host = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["Endpoint"]["Address"]
    told = json.dumps({"host": host, "port": 5432, "dbname": "app"})
    lab.client("secretsmanager", EAST).create_secret(Name="endpoint", SecretString=told)


def test_the_secret_names_the_restored_database_and_status_and_fence_follow_it(lab: Lab) -> None:
    says(lab, "restored")
    assert current_database(lab, EAST)[0] == "restored"
    assert status.database(lab, EAST).id == "restored"
    assert database_groups(lab, EAST)


def test_without_a_secret_the_stacks_output_tells(lab: Lab) -> None:
    assert current_database(lab, EAST)[0] == "lost"


def test_a_database_that_is_gone_keeps_the_name_of_the_output(lab: Lab) -> None:
    says(lab, "restored")
    lab.client("rds", EAST).delete_db_instance(DBInstanceIdentifier="restored", SkipFinalSnapshot=True)
    lab.client("rds", EAST).delete_db_instance(DBInstanceIdentifier="lost", SkipFinalSnapshot=True)
    assert status.database(lab, EAST) == status.DatabaseSeen("lost", "gone", "gone", "")
