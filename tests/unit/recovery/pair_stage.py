"""Two regions in memory, as they are after a failover that was healed behind a fence; names and answers are real."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import ClientError

from gameday.lab.local.dns import Answer, DnsServer, Line
from gameday.lab.model import Lab, Outputs

EAST, WEST = "ap-southeast-2", "us-west-2"
NAME = "app.gameday.invalid"
ADDRESSES = {EAST: "127.211.1.1", WEST: "127.211.2.1"}
DNS_PORT, HTTP_PORT = 25831, 25832


@dataclass
class Region:
    """One region: its database (None: there is none), how many tasks it runs, and who may reach the database."""

    name: str
    database: dict[str, Any] | None
    tasks: int
    open_to: list[dict[str, Any]]
    secret: dict[str, Any]
    snapshots: list[str] = field(default_factory=list)
    is_dark: bool = False
    asked: list[str] = field(default_factory=list)  # the paths, by whoever came to its balancer

    @property
    def writes(self) -> bool:
        db = self.database
        return bool(self.tasks and self.open_to and db and "ReadReplicaSourceDBInstanceIdentifier" not in db)


def instance(region: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "DBInstanceIdentifier": name, "DBInstanceStatus": "available", "DBInstanceClass": "db.t4g.medium",
        "StorageType": "gp3", "KmsKeyId": f"key-{region}", "BackupRetentionPeriod": 7,
        "InstanceCreateTime": datetime.now(UTC) - timedelta(seconds=1),
        "DBInstanceArn": f"arn:aws:rds:{region}:1:db:{name}", "Endpoint": {"Address": f"{name}.{region}", "Port": 5432},
        "DBSubnetGroup": {"DBSubnetGroupName": f"subnets-{region}"},
        "VpcSecurityGroups": [{"VpcSecurityGroupId": f"sg-db-{region}"}],
        "TagList": [{"Key": "gameday:target", "Value": "true"}, {"Key": "aws:cloudformation:stack-name", "Value": "x"}],
        **more,
    }  # fmt: skip


def rule(region: str) -> dict[str, Any]:
    return {
        "IpProtocol": "tcp",
        "FromPort": 5432,
        "ToPort": 5432,
        "UserIdGroupPairs": [{"GroupId": f"sg-tasks-{region}"}],
    }


@dataclass
class Pair:
    """The control plane; ``called`` keeps what changed something, in order."""

    regions: dict[str, Region] = field(init=False)
    points_at: str = WEST
    alarm: str = "ALARM"
    alarm_age_s: float = 60
    execution: str = "SUCCEEDED"
    lag_s: float = 0.0
    sample_age_s: float = 0.0
    endpoint_url: str = "http://127.0.0.1:9"
    is_local: bool = True
    called: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        homes = {EAST: "gameday-primary", WEST: "gameday-replica"}
        secrets = {
            region: {"host": f"{name}.{region}", "port": 5432, "dbname": "app"} for region, name in homes.items()
        }
        self.regions = {
            EAST: Region(EAST, instance(EAST, homes[EAST]), 0, [], secrets[EAST]),
            WEST: Region(WEST, instance(WEST, homes[WEST]), 2, [rule(WEST)], secrets[WEST]),
        }

    @property
    def healthy(self) -> bool:
        return self.regions[EAST].tasks > 0

    def client(self, service: str, region: str) -> "Stub":
        return Stub(self, self.regions.get(region, self.regions[EAST]), region)

    def lab(self, scale: float = 0.01) -> Lab:
        names = {
            EAST: {"DatabaseId": "gameday-primary", "EndpointSecret": "endpoint"},
            WEST: {"DatabaseId": "gameday-replica", "EndpointSecret": "endpoint"},
        }
        both = {region: {**own, "ClusterName": "gameday", "EcsServiceName": "gameday"} for region, own in names.items()}
        shared = {
            "ServiceName": NAME, "ServiceUrl": f"http://{NAME}:{HTTP_PORT}", "Resolver": f"127.211.0.2:{DNS_PORT}",
            "HostedZoneId": "Z1", "HealthCheckId": "h1", "StateMachineArn": "arn",
        }  # fmt: skip
        alarms = (("us-east-1", "gameday-primary-health"),)
        return Lab("pair", self, EAST, WEST, Outputs(shared, both, alarms), scale)


class NotFound(Exception):
    """What boto3 raises for a database or snapshot that there is not."""


@dataclass
class Stub:
    pair: Pair
    here: Region
    region: str

    class exceptions:
        DBInstanceNotFoundFault = DBSnapshotNotFoundFault = ResourceNotFoundException = NotFound
        DecryptionFailure = NotFound

    # RDS

    def describe_db_instances(self, **asked: Any) -> dict[str, Any]:
        if self.here.database is None and asked:
            raise NotFound
        return {"DBInstances": [self.here.database] if self.here.database else []}

    def delete_db_instance(self, *, FinalDBSnapshotIdentifier: str, **_: Any) -> None:
        self._did("delete")
        self.here.snapshots.append(FinalDBSnapshotIdentifier)
        self.here.database = None

    def describe_db_snapshots(self, *, DBSnapshotIdentifier: str) -> dict[str, Any]:
        if DBSnapshotIdentifier not in self.here.snapshots:
            raise NotFound
        return {"DBSnapshots": [{"Status": "available"}]}

    def create_db_instance_read_replica(self, **asked: Any) -> None:
        self._did("replicate")
        groups = [{"VpcSecurityGroupId": group} for group in asked["VpcSecurityGroupIds"]]
        self.here.database = instance(
            self.region, asked["DBInstanceIdentifier"], KmsKeyId=asked["KmsKeyId"], TagList=asked["Tags"],
            VpcSecurityGroups=groups, BackupRetentionPeriod=0,
            ReadReplicaSourceDBInstanceIdentifier=asked["SourceDBInstanceIdentifier"],
        )  # fmt: skip

    def promote_read_replica(self, *, BackupRetentionPeriod: int, **_: Any) -> None:
        self._did("promote")
        assert self.here.database is not None
        if self.here.database.pop("ReadReplicaSourceDBInstanceIdentifier", None) is None:
            raise ClientError({"Error": {"Code": "InvalidDBInstanceState"}}, "PromoteReadReplica")
        self.here.database["BackupRetentionPeriod"] = BackupRetentionPeriod

    # ECS and its balancer

    def describe_services(self, **_: Any) -> dict[str, Any]:
        network = {"awsvpcConfiguration": {"securityGroups": [f"sg-tasks-{self.region}"]}}
        service = {
            "runningCount": self.here.tasks, "desiredCount": self.here.tasks, "networkConfiguration": network,
            "loadBalancers": [{"targetGroupArn": "tg"}],
        }  # fmt: skip
        return {"services": [service]}

    def update_service(self, *, desiredCount: int, **_: Any) -> None:
        self._did(f"scale to {desiredCount}")
        self.here.tasks = desiredCount

    def list_tasks(self, *, desiredStatus: str, **_: Any) -> dict[str, Any]:
        return {"taskArns": [f"t{n}" for n in range(self.here.tasks)] if desiredStatus == "RUNNING" else ["old"]}

    def describe_tasks(self, *, tasks: list[str], **_: Any) -> dict[str, Any]:
        stopped = {"lastStatus": "STOPPED", "stoppedAt": datetime.now(UTC) - timedelta(seconds=30)}
        return {
            "tasks": [{"taskArn": arn, "lastStatus": "RUNNING"} | (stopped if arn == "old" else {}) for arn in tasks]
        }

    def describe_target_health(self, **_: Any) -> dict[str, Any]:
        return {"TargetHealthDescriptions": [{"TargetHealth": {"State": "healthy"}}] * self.here.tasks}

    # security groups, secrets

    def describe_security_groups(self, *, GroupIds: list[str]) -> dict[str, Any]:
        return {"SecurityGroups": [{"GroupId": GroupIds[0], "IpPermissions": self.here.open_to}]}

    def authorize_security_group_ingress(self, *, GroupId: str, IpPermissions: list[dict[str, Any]]) -> None:
        self._did(f"open {GroupId}")
        self.here.open_to = IpPermissions

    def get_secret_value(self, **_: Any) -> dict[str, Any]:
        return {"SecretString": json.dumps(self.here.secret)}

    def put_secret_value(self, *, SecretString: str, **_: Any) -> None:
        self._did("rewrite the endpoint")
        self.here.secret = json.loads(SecretString)

    # routing

    def list_resource_record_sets(self, **_: Any) -> dict[str, Any]:
        record = {
            "Name": f"{NAME}.", "Failover": "PRIMARY", "SetIdentifier": "primary", "TTL": 30,
            "ResourceRecords": [{"Value": f"{self.pair.points_at}.{NAME}"}],
        }  # fmt: skip
        return {"ResourceRecordSets": [record]}

    def change_resource_record_sets(self, *, ChangeBatch: dict[str, Any], **_: Any) -> None:
        record = ChangeBatch["Changes"][0]["ResourceRecordSet"]
        assert (record["SetIdentifier"], record["TTL"], record["HealthCheckId"]) == ("primary", 30, "h1")
        self._did("return the name")
        self.pair.points_at = record["ResourceRecords"][0]["Value"].split(".")[0]

    def get_health_check_status(self, **_: Any) -> dict[str, Any]:
        status = "Success" if self.pair.healthy else "Failure"
        return {"HealthCheckObservations": [{"StatusReport": {"Status": status}}]}

    # what is watched

    def list_executions(self, **_: Any) -> dict[str, Any]:
        return {"executions": [{"executionArn": "x", "status": self.pair.execution}]}

    def get_paginator(self, _: str) -> "Stub":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"events": []}]

    def describe_alarms(self, **_: Any) -> dict[str, Any]:
        since = datetime.now(UTC) - timedelta(seconds=self.pair.alarm_age_s)
        return {"MetricAlarms": [
            {"AlarmName": "gameday-primary-health", "StateValue": self.pair.alarm, "StateUpdatedTimestamp": since}
        ]}  # fmt: skip

    def get_metric_statistics(self, **_: Any) -> dict[str, Any]:
        at = datetime.now(UTC) - timedelta(seconds=self.pair.sample_age_s)
        return {"Datapoints": [{"Timestamp": at, "Maximum": self.pair.lag_s}]}

    def _did(self, what: str) -> None:
        self.pair.called.append(f"{what} in {self.region}")


@contextmanager
def reachable(pair: Pair) -> Iterator[Pair]:
    """The regions' names resolve, and each one's balancer answers by what its region can do."""

    def answer(name: str, _: str) -> Answer:
        region = name.split(".", maxsplit=1)[0] if name.split(".", maxsplit=1)[0] in ADDRESSES else pair.points_at
        return Answer("NOERROR", (Line(name.rstrip("."), "A", 1, ADDRESSES[region]),))

    dns = DnsServer(answer, "127.211.0.2", DNS_PORT)
    servers = [_balancer(pair.regions[region]) for region in ADDRESSES]
    try:
        yield pair
    finally:
        dns.close()
        for server in servers:
            server.shutdown()
            server.server_close()


def _balancer(region: Region) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if region.is_dark:
                self.close_connection = True
                return
            region.asked.append(self.path)
            good = region.writes if self.path == "/dbcheck" else region.tasks > 0
            self.send_response(200 if good else 503)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None: ...

    server = ThreadingHTTPServer((ADDRESSES[region.name], HTTP_PORT), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server
