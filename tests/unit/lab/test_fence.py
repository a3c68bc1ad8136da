"""Who is fenced: a region that lost the place of the primary, or may lose it at any moment; and nobody else."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from gameday.lab.fence import was_replaced
from gameday.lab.model import Lab, Outputs

EAST, WEST = "ap-southeast-2", "us-west-2"


@dataclass
class Account:
    """A control plane in memory: the databases' roles, the failover's state, where the PRIMARY record points."""

    roles: dict[str, tuple[str, str]] = field(
        default_factory=lambda: {EAST: ("primary", "available"), WEST: ("replica", "available")}
    )
    execution: str | None = None
    points_at: str = EAST

    def client(self, service: str, region: str) -> "Stub":
        return Stub(self, region)


@dataclass
class Stub:
    account: Account
    region: str

    class exceptions:
        class DBInstanceNotFoundFault(Exception):
            pass

    def describe_db_instances(self, **_: Any) -> dict[str, Any]:
        role, status = self.account.roles[self.region]
        source = {"ReadReplicaSourceDBInstanceIdentifier": "arn"} if role == "replica" else {}
        return {"DBInstances": [{"DBInstanceStatus": status, **source}]}

    def list_executions(self, **_: Any) -> dict[str, Any]:
        runs = [{"executionArn": "arn", "status": self.account.execution}] if self.account.execution else []
        return {"executions": runs}

    def get_paginator(self, _: str) -> "Stub":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"events": []}]

    def list_resource_record_sets(self, **_: Any) -> dict[str, Any]:
        value = f"{self.account.points_at}.app.gameday.example"
        return {"ResourceRecordSets": [{"Failover": "PRIMARY", "ResourceRecords": [{"Value": value}]}]}


def lab_on(account: Account) -> Lab:
    shared = {"StateMachineArn": "arn", "HostedZoneId": "Z", "ServiceName": "app.gameday.example"}
    outputs = Outputs(shared, {EAST: {"DatabaseId": "a"}, WEST: {"DatabaseId": "b"}}, ())
    return Lab("stub", account, EAST, WEST, outputs)  # type: ignore[arg-type]


def test_a_primary_whose_standby_is_still_a_replica_was_not_replaced() -> None:
    assert not was_replaced(lab_on(Account()), EAST)


@pytest.mark.parametrize("status", [("primary", "available"), ("replica", "modifying"), ("primary", "modifying")])
def test_a_primary_whose_standby_was_or_is_being_promoted_was_replaced(status: tuple[str, str]) -> None:
    assert was_replaced(lab_on(Account({EAST: ("primary", "available"), WEST: status})), EAST)


def test_a_failover_that_runs_may_promote_at_any_moment() -> None:
    assert was_replaced(lab_on(Account(execution="RUNNING")), EAST)
    assert not was_replaced(lab_on(Account(execution="FAILED")), EAST)


def test_a_primary_record_that_points_at_the_standby_is_a_failover_begun() -> None:
    assert was_replaced(lab_on(Account(points_at=WEST)), EAST)


def test_a_healthy_standby_has_no_place_to_lose() -> None:
    assert not was_replaced(lab_on(Account()), WEST)
    assert not was_replaced(lab_on(Account(execution="RUNNING", points_at=WEST)), WEST)
