"""The gate notes every call, obeys its rules, and answers errors that an AWS client can read."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config
from control_plane import aws_of, bare_ground, emptied

from gameday.errors import PortsTaken
from gameday.lab.local.gate import Rule, gate_routes
from gameday.lab.local.ground import Ground
from gameday.lab.local.server import Server, serve


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return bare_ground(tmp_path)


@pytest.fixture
def server(ground: Ground) -> Iterator[Server]:
    with serve(ground) as server, emptied():
        yield server


def once(ground: Ground, service: str, region: str) -> Any:
    """A client that asks once and never waits long."""
    bounds = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})
    return boto3.client(
        service, region, endpoint_url=ground.endpoint_url, config=bounds,
        aws_access_key_id="tester", aws_secret_access_key="very-secret",
    )  # fmt: skip


def audit(ground: Ground) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (ground.folder / "audit.ndjson").read_text().splitlines()]


def test_moto_answers_at_the_labs_own_address(ground: Ground, server: Server) -> None:
    arn = aws_of(ground).client("sns", "us-west-2").create_topic(Name="drill")["TopicArn"]
    assert arn == "arn:aws:sns:us-west-2:123456789012:drill"


@pytest.mark.parametrize(
    "asked",
    [
        ("ecs", "us-west-2", "list_clusters", {}, "ListClusters"),
        ("rds", "ap-southeast-2", "describe_db_instances", {}, "DescribeDBInstances"),
        ("cloudwatch", "us-east-1", "describe_alarms", {}, "DescribeAlarms"),
        ("s3", "us-east-1", "create_bucket", {"Bucket": "bucket"}, "CreateBucket"),
        ("s3", "us-east-1", "list_objects_v2", {"Bucket": "bucket"}, "ListObjectsV2"),
        ("s3", "us-east-1", "put_object", {"Bucket": "bucket", "Key": "a/c", "Body": b"hidden words"}, "PutObject"),
        ("s3", "us-east-1", "get_bucket_versioning", {"Bucket": "bucket"}, "GetBucketVersioning"),
        ("route53", "us-east-1", "list_health_checks", {}, "ListHealthChecks"),
        ("stepfunctions", "us-west-2", "list_state_machines", {}, "ListStateMachines"),
        ("elbv2", "us-west-2", "describe_load_balancers", {}, "DescribeLoadBalancers"),
    ],
)
def test_a_call_is_noted_by_service_region_and_action(
    ground: Ground, server: Server, asked: tuple[str, str, str, dict[str, Any], str]
) -> None:
    service, region, method, arguments, action = asked
    if service == "s3" and method != "create_bucket":
        once(ground, "s3", "us-east-1").create_bucket(Bucket="bucket")
    getattr(once(ground, service, region), method)(**arguments)
    noted = audit(ground)[-1]
    assert (noted["service"], noted["region"], noted["action"], noted["status"]) == (service, region, action, 200)
    assert noted["caller"] == "tester"


def test_the_audit_log_holds_no_secret_and_no_content(ground: Ground, server: Server) -> None:
    once(ground, "secretsmanager", "us-west-2").create_secret(Name="s", SecretString="hidden words")
    text = (ground.folder / "audit.ndjson").read_text()
    assert "hidden words" not in text
    assert "very-secret" not in text


def test_a_blacked_out_region_gives_no_answer_and_its_neighbour_does(ground: Ground, server: Server) -> None:
    server.gate.apply(Rule(region="us-west-2", blackout=True))
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        once(ground, "ecs", "us-west-2").list_clusters()
    assert once(ground, "ecs", "ap-southeast-2").list_clusters()["clusterArns"] == []
    assert audit(ground)[0]["status"] == 0


def test_a_lifted_blackout_is_over(ground: Ground, server: Server) -> None:
    server.gate.apply(Rule(region="us-west-2", blackout=True))
    server.gate.lift(region="us-west-2")
    assert server.gate.rules() == ()
    assert once(ground, "ecs", "us-west-2").list_clusters()["clusterArns"] == []


@pytest.mark.parametrize("service", ["ecs", "rds", "s3"])
def test_what_exceeds_the_rate_is_throttled_in_the_clients_own_protocol(
    ground: Ground, server: Server, service: str
) -> None:
    ask = {"ecs": "list_clusters", "rds": "describe_db_instances", "s3": "list_buckets"}[service]
    server.gate.apply(Rule(service=service, calls_per_s=1))
    getattr(once(ground, service, "us-east-1"), ask)()
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        getattr(once(ground, service, "us-east-1"), ask)()
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"


def test_latency_is_added_to_every_call(ground: Ground, server: Server) -> None:
    server.gate.apply(Rule(service="ecs", latency_s=0.2))
    once(ground, "ecs", "us-east-1").list_clusters()
    assert audit(ground)[-1]["duration_ms"] >= 200


def test_what_moto_does_not_implement_is_an_error_that_says_so(ground: Ground, server: Server) -> None:
    with pytest.raises(botocore.exceptions.ClientError, match="does not implement ecs:StopServiceDeployment"):
        once(ground, "ecs", "us-east-1").stop_service_deployment(serviceDeploymentArn="arn:aws:ecs:x")


def test_a_local_route_answers_with_its_arguments_and_is_not_audited(ground: Ground, server: Server) -> None:
    server.routes["echo"] = lambda arguments: json.dumps(dict(arguments)).encode()
    with urllib.request.urlopen(f"{ground.endpoint_url}/_gameday/echo?region=us-west-2", timeout=5) as answer:
        assert json.load(answer) == {"region": "us-west-2"}
    assert audit(ground) == []


def test_an_unknown_local_route_names_the_known_ones(ground: Ground, server: Server) -> None:
    server.routes["status"] = lambda arguments: b"{}"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{ground.endpoint_url}/_gameday/nonsense", timeout=5)
    with caught.value as answer:
        assert (answer.code, json.load(answer)["expected"]) == (404, "one of: status")


def test_a_taken_port_is_an_error_that_names_it(ground: Ground, server: Server) -> None:
    with pytest.raises(PortsTaken, match=f"port {ground.ports.api}"):
        serve(ground)


def test_a_closed_server_frees_its_port(ground: Ground) -> None:
    serve(ground).close()
    serve(ground).close()


def test_a_share_of_the_calls_fails_evenly_and_the_rest_is_answered(ground: Ground, server: Server) -> None:
    server.gate.apply(Rule("sns", "us-west-2", error_share=0.5))
    client = once(ground, "sns", "us-west-2")
    failed = 0
    for _ in range(6):
        try:
            client.list_topics()
        except botocore.exceptions.ClientError as cause:
            assert cause.response["Error"]["Code"] == "InternalFailure"
            failed += 1
    assert failed == 3


def test_a_rule_is_put_in_force_and_taken_away_by_a_local_route(ground: Ground, server: Server) -> None:
    server.routes.update(gate_routes(server.gate))
    where = f"{ground.endpoint_url}/_gameday/"
    urllib.request.urlopen(f"{where}trouble-control-plane?region=us-west-2&service=sns&latency_s=0.5").read()
    urllib.request.urlopen(f"{where}trouble-control-plane?region=us-east-1&service=%2A&blackout=1.0").read()
    assert server.gate.rules() == (Rule("sns", "us-west-2", latency_s=0.5), Rule("*", "us-east-1", blackout=True))
    urllib.request.urlopen(f"{where}calm-control-plane?region=us-west-2&service=sns").read()
    urllib.request.urlopen(f"{where}calm-control-plane?region=us-east-1&service=%2A").read()
    assert server.gate.rules() == ()
