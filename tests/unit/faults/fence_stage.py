"""A control plane in memory for the tests of fencing and healing, and a clock on which things happen to it."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from gameday.clock import NS, HandClock
from gameday.lab.model import Lab, Outputs

EAST, WEST = "ap-southeast-2", "us-west-2"
GOOD, FAILING = "Success: HTTP Status Code 200, OK", "Failure: the connection timed out"
DATABASES = {EAST: "a", WEST: "b"}


@dataclass
class Account:
    """A control plane in memory: the databases' roles, the failover's state, where the PRIMARY record points."""

    roles: dict[str, tuple[str, str]] = field(
        default_factory=lambda: {EAST: ("primary", "available"), WEST: ("replica", "available")}
    )
    execution: str | None = None
    newer_execution: str | None = None
    state: str = "PromoteReplica"  # the one that the execution entered last
    points_at: str = EAST
    health: str = GOOD
    desired: int = 2
    ingress: list[str] = field(default_factory=lambda: ["5432 from the tasks"])
    schedules_deleted: int = 0

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
        return {"services": [{"runningCount": self.account.desired, "desiredCount": self.account.desired}]}

    def list_tasks(self, **_: Any) -> dict[str, Any]:
        return {"taskArns": []}

    def describe_security_groups(self, **_: Any) -> dict[str, Any]:
        return {"SecurityGroups": [{"GroupId": "sg", "IpPermissions": list(self.account.ingress)}]}

    def revoke_security_group_ingress(self, **_: Any) -> None:
        self.account.ingress.clear()

    def delete_schedule(self, **_: Any) -> None:
        self.account.schedules_deleted += 1

    def describe_network_acls(self, **_: Any) -> dict[str, Any]:
        return {"NetworkAcls": [{"Associations": [{"SubnetId": "subnet", "NetworkAclId": "acl"}]}]}

    def list_executions(self, *, statusFilter: str = "", maxResults: int = 100, **_: Any) -> dict[str, Any]:
        """The newest first."""
        runs = {"newer": self.account.newer_execution, "arn": self.account.execution}
        told = [{"executionArn": arn, "status": status} for arn, status in runs.items() if status]
        return {"executions": [one for one in told if one["status"].startswith(statusFilter)][:maxResults]}

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


class Throttled(Stub):
    def get_health_check_status(self, **of: Any) -> dict[str, Any]:
        assert isinstance(self.account, ThrottledAccount)
        self.account.looks += 1
        if self.account.looks > self.account.answers_after:
            return super().get_health_check_status(**of)
        raise ClientError({"Error": {"Code": "Throttling"}}, "GetHealthCheckStatus")


@dataclass
class ThrottledAccount(Account):
    """Route 53 does not tell the health check's status, for so many looks."""

    answers_after: float = math.inf
    looks: int = 0

    def client(self, service: str, region: str) -> Stub:
        return Throttled(self, region)


def lab_on(account: Account) -> Lab:
    shared = {
        "StateMachineArn": "arn", "HostedZoneId": "Z", "ServiceName": "app.gameday.example", "HealthCheckId": "check",
    }  # fmt: skip
    service = {"ClusterName": "gameday", "EcsServiceName": "gameday", "EndpointSecret": "endpoint"}
    named = {region: {"DatabaseId": name, **service} for region, name in DATABASES.items()}
    outputs = Outputs(shared, named, ())
    return Lab("stub", account, EAST, WEST, outputs)  # type: ignore[arg-type]  # it stands in for Aws


class Turning(HandClock):
    """A clock on which something happens after so many seconds."""

    def __init__(self, after_s: float, happens: Callable[[], None]) -> None:
        super().__init__()
        self.after_s, self.happens = after_s, happens

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.now_ns >= self.after_s * NS:
            self.happens()
