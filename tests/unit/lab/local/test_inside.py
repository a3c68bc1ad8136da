"""A client inside the lab's process meets the same gate as one outside."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from control_plane import aws_of, bare_ground, emptied

from gameday.lab.local.gate import Rule
from gameday.lab.local.ground import Ground
from gameday.lab.local.server import Server, serve

EAST, WEST = "us-east-1", "us-west-2"


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return bare_ground(tmp_path)


@pytest.fixture
def server(ground: Ground) -> Iterator[Server]:
    with serve(ground) as server, emptied():
        yield server


def test_what_is_made_inside_is_there_outside(ground: Ground, server: Server) -> None:
    arn = server.inside().client("sns", WEST).create_topic(Name="drill")["TopicArn"]
    assert aws_of(ground).client("sns", WEST).list_topics()["Topics"] == [{"TopicArn": arn}]


def test_bodies_keys_and_headers_arrive_as_they_were_sent(server: Server) -> None:
    bucket = server.inside().client("s3", EAST)
    bucket.create_bucket(Bucket="drill")
    bucket.put_object(Bucket="drill", Key="a/b c+d é.txt", Body=b"\x00\xff", Metadata={"order": "17"})
    read = bucket.get_object(Bucket="drill", Key="a/b c+d é.txt")
    assert (read["Body"].read(), read["Metadata"]) == (b"\x00\xff", {"order": "17"})


def test_every_call_is_audited_by_service_region_and_action(ground: Ground, server: Server) -> None:
    server.inside().client("ecs", WEST).create_cluster(clusterName="drill")
    (call,) = [json.loads(line) for line in (ground.folder / "audit.ndjson").read_text().splitlines()]
    assert (call["service"], call["region"], call["action"], call["status"]) == ("ecs", WEST, "CreateCluster", 200)


def test_an_error_is_one_that_a_client_can_read(server: Server) -> None:
    with pytest.raises(ClientError, match="DBInstanceNotFound"):
        server.inside().client("rds", WEST).describe_db_instances(DBInstanceIdentifier="nobody")


def test_a_blackout_is_a_closed_connection(server: Server) -> None:
    server.gate.apply(Rule("sns", WEST, blackout=True))
    with pytest.raises(ConnectionClosedError):
        server.inside().client("sns", WEST).list_topics()
