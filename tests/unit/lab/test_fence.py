"""Who is fenced: a region that lost the place of the primary, or may lose it at any moment; and nobody else."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gameday.clock import NS, HandClock
from gameday.errors import FaultError
from gameday.lab.fence import NOT_NEEDED, fence, fence_if_a_failover_follows, was_replaced
from gameday.lab.model import Lab, Outputs
from gameday.record.layout import Record
from gameday.record.timeline import Timeline

EAST, WEST = "ap-southeast-2", "us-west-2"
DATABASES = {EAST: "a", WEST: "b"}


@dataclass
class Account:
    """A control plane in memory: the databases' roles, the failover's state, where the PRIMARY record points."""

    roles: dict[str, tuple[str, str]] = field(
        default_factory=lambda: {EAST: ("primary", "available"), WEST: ("replica", "available")}
    )
    execution: str | None = None
    state: str = "PromoteReplica"  # the one that the execution entered last
    points_at: str = EAST
    health: str = "Success: HTTP Status Code 200, OK"
    desired: int = 2
    ingress: list[str] = field(default_factory=lambda: ["5432 from the tasks"])

    def client(self, service: str, region: str) -> "Stub":
        return Stub(self, region)


@dataclass
class Stub:
    account: Account
    region: str

    class exceptions:
        class ResourceNotFoundException(Exception):
            pass

    def describe_db_instances(self, **_: Any) -> dict[str, Any]:
        role, status = self.account.roles[self.region]
        if role == "gone":
            return {"DBInstances": []}
        source = {"ReadReplicaSourceDBInstanceIdentifier": "arn"} if role == "replica" else {}
        name, groups = DATABASES[self.region], [{"VpcSecurityGroupId": "sg"}]
        found = {"DBInstanceIdentifier": name, "DBInstanceStatus": status, "VpcSecurityGroups": groups, **source}
        return {"DBInstances": [found]}

    def get_secret_value(self, **_: Any) -> dict[str, Any]:
        return {"SecretString": json.dumps({"host": "127.0.0.1", "port": 5432, "dbname": "app"})}

    def get_health_check(self, **_: Any) -> dict[str, Any]:
        return {"HealthCheck": {"HealthCheckConfig": {"RequestInterval": 10, "FailureThreshold": 3}}}

    def get_health_check_status(self, **_: Any) -> dict[str, Any]:
        return {"HealthCheckObservations": [{"StatusReport": {"Status": self.account.health}}]}

    def describe_alarms(self, **_: Any) -> dict[str, Any]:
        return {"MetricAlarms": [{"Period": 60, "EvaluationPeriods": 2}]}

    def describe_state_machine(self, **_: Any) -> dict[str, Any]:
        return {"definition": '{"States": {}}'}

    def update_service(self, *, desiredCount: int, **_: Any) -> None:
        self.account.desired = desiredCount

    def describe_services(self, **_: Any) -> dict[str, Any]:
        return {"services": [{"runningCount": self.account.desired}]}

    def list_tasks(self, **_: Any) -> dict[str, Any]:
        return {"taskArns": []}

    def describe_security_groups(self, **_: Any) -> dict[str, Any]:
        return {"SecurityGroups": [{"GroupId": "sg", "IpPermissions": list(self.account.ingress)}]}

    def revoke_security_group_ingress(self, **_: Any) -> None:
        self.account.ingress.clear()

    def list_executions(self, **_: Any) -> dict[str, Any]:
        runs = [{"executionArn": "arn", "status": self.account.execution}] if self.account.execution else []
        return {"executions": runs}

    def get_paginator(self, _: str) -> "Stub":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        entered = {"name": self.account.state}
        return [
            {"events": [{"id": 2, "type": "TaskStateEntered", "timestamp": None, "stateEnteredEventDetails": entered}]}
        ]

    def list_resource_record_sets(self, **_: Any) -> dict[str, Any]:
        value = f"{self.account.points_at}.app.gameday.example"
        record = {"Name": "app.gameday.example.", "TTL": 30, "Failover": "PRIMARY"}
        return {"ResourceRecordSets": [{**record, "ResourceRecords": [{"Value": value}]}]}


def lab_on(account: Account) -> Lab:
    shared = {
        "StateMachineArn": "arn", "HostedZoneId": "Z", "ServiceName": "app.gameday.example", "HealthCheckId": "check",
    }  # fmt: skip
    service = {"ClusterName": "gameday", "EcsServiceName": "gameday", "EndpointSecret": "endpoint"}
    named = {region: {"DatabaseId": name, **service} for region, name in DATABASES.items()}
    outputs = Outputs(shared, named, ())
    return Lab("stub", account, EAST, WEST, outputs)  # type: ignore[arg-type]


def test_a_primary_whose_standby_is_still_a_replica_was_not_replaced() -> None:
    assert not was_replaced(lab_on(Account()), EAST)


@pytest.mark.parametrize("status", [("primary", "available"), ("replica", "modifying"), ("primary", "modifying")])
def test_a_primary_whose_standby_was_or_is_being_promoted_was_replaced(status: tuple[str, str]) -> None:
    assert was_replaced(lab_on(Account({EAST: ("primary", "available"), WEST: status})), EAST)


@pytest.mark.parametrize("status", [("gone", "gone"), ("replica", "failed"), ("replica", "creating")])
def test_a_primary_whose_replica_was_lost_was_not_replaced_by_it(status: tuple[str, str]) -> None:
    assert not was_replaced(lab_on(Account({EAST: ("primary", "available"), WEST: status})), EAST)


def test_a_failover_that_runs_may_promote_at_any_moment() -> None:
    assert was_replaced(lab_on(Account(execution="RUNNING")), EAST)
    assert not was_replaced(lab_on(Account(execution="FAILED")), EAST)


@pytest.mark.parametrize("state", NOT_NEEDED)
def test_a_failover_that_decided_against_it_promotes_nobody(state: str) -> None:
    assert not was_replaced(lab_on(Account(execution="RUNNING", state=state)), EAST)
    assert was_replaced(lab_on(Account(execution="RUNNING", state=state, points_at=WEST)), EAST)


def test_a_primary_record_that_points_at_the_standby_is_a_failover_begun() -> None:
    assert was_replaced(lab_on(Account(points_at=WEST)), EAST)


def test_a_standby_whose_replica_is_gone_has_no_place_to_lose_unless_it_took_the_primarys() -> None:
    roles = {EAST: ("primary", "available"), WEST: ("gone", "gone")}
    assert not was_replaced(lab_on(Account(roles=roles)), WEST)
    assert was_replaced(lab_on(Account(roles=roles, points_at=WEST)), WEST)


def test_a_healthy_standby_has_no_place_to_lose() -> None:
    assert not was_replaced(lab_on(Account()), WEST)
    assert not was_replaced(lab_on(Account(execution="RUNNING", points_at=WEST)), WEST)


class Turning(HandClock):
    """A clock on which something happens after so many seconds."""

    def __init__(self, after_s: float, happens: Callable[[], None]) -> None:
        super().__init__()
        self.after_s, self.happens = after_s, happens

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.now_ns >= self.after_s * NS:
            self.happens()


@pytest.fixture
def timeline(tmp_path: Path) -> Iterator[Timeline]:
    timeline = Timeline(Record.create(tmp_path, "fence"))
    yield timeline
    timeline.close()


GOOD, FAILING = "Success: HTTP Status Code 200, OK", "Failure: the connection timed out"


def test_a_failover_that_begins_after_the_healing_finds_the_old_primary_fenced(timeline: Timeline) -> None:
    account = Account(health=FAILING)
    clock = Turning(20.0, lambda: setattr(account, "execution", "RUNNING"))
    assert fence_if_a_failover_follows(lab_on(account), EAST, timeline, clock)
    assert (account.desired, account.ingress) == (0, [])


def test_a_failover_that_begins_and_finds_the_primary_healthy_again_leaves_it_unfenced(timeline: Timeline) -> None:
    account = Account(health=FAILING, state="CheckPrimaryHealth")
    told = iter(
        [
            {"execution": "RUNNING"},
            {"health": GOOD},
            {"state": NOT_NEEDED[0]},
            {"state": NOT_NEEDED[1]},
            {"execution": "SUCCEEDED"},
        ]
    )
    clock = Turning(20.0, lambda: [setattr(account, *each) for each in next(told, {}).items()])
    assert not fence_if_a_failover_follows(lab_on(account), EAST, timeline, clock)
    assert (account.desired, account.ingress) == (2, ["5432 from the tasks"])


def test_nobody_waits_for_a_decision_where_the_standby_has_the_place_already(timeline: Timeline) -> None:
    account = Account(health=FAILING, execution="RUNNING", state="CheckPrimaryHealth", points_at=WEST)
    clock = HandClock()
    assert fence_if_a_failover_follows(lab_on(account), EAST, timeline, clock)
    assert clock.now_ns / NS < 1


def test_a_failover_that_cannot_decide_finds_the_old_primary_fenced_in_the_end(timeline: Timeline) -> None:
    account, clock = Account(health=FAILING, execution="RUNNING", state="CheckPrimaryHealth"), HandClock()
    assert fence_if_a_failover_follows(lab_on(account), EAST, timeline, clock)
    assert account.desired == 0
    assert clock.now_ns / NS >= 60


def test_once_the_health_check_is_good_again_nothing_is_fenced(timeline: Timeline) -> None:
    account = Account(health=FAILING)
    clock = Turning(20.0, lambda: setattr(account, "health", GOOD))
    assert not fence_if_a_failover_follows(lab_on(account), EAST, timeline, clock)
    assert account.desired == 2
    assert 20 <= clock.now_ns / NS < 21


def test_a_check_that_stays_unhealthy_is_watched_for_twice_its_time_and_told(
    timeline: Timeline, tmp_path: Path
) -> None:
    account, clock = Account(health=FAILING), HandClock()
    assert not fence_if_a_failover_follows(lab_on(account), EAST, timeline, clock)
    assert 60 <= clock.now_ns / NS < 70
    assert "a failover may follow" in next(tmp_path.rglob("timeline.ndjson")).read_text()


def test_a_fence_that_cannot_be_verified_is_a_fault_error_that_says_not_to_heal(timeline: Timeline) -> None:
    account = Account()
    account.ingress = Unrevokable(account.ingress)
    with pytest.raises(FaultError, match=r"fencing ap-southeast-2.*database_open_to=1.*Next: do not heal"):
        fence(lab_on(account), EAST, timeline, HandClock())


class Unrevokable(list[str]):
    def clear(self) -> None:
        """A rule that somebody puts back at once."""
