"""The packaged templates on a real moto server, deployed once for all that is asked of them."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from moto.rds.models import rds_backends
from reference_stage import reference_stage

from gameday.aws import Aws
from gameday.faults import SecretUnavailable
from gameday.faults.replay import replay
from gameday.lab.local.ground import Ground
from gameday.lab.model import Lab, Outputs
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal

WEST = "us-west-2"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ground, Aws, Outputs]]:
    with reference_stage(tmp_path_factory.mktemp("reference")) as stage:
        yield stage


def test_it_says_where_the_service_is(deployed: Any) -> None:
    ground, _, outputs = deployed
    assert outputs.shared["ServiceUrl"] == f"http://app.gameday.example:{ground.ports.http}"
    assert outputs.shared["Resolver"] == ground.resolver
    assert ("us-east-1", "gameday-primary-health") in outputs.alarm_names


@pytest.mark.parametrize("region", ["ap-southeast-2", WEST])
def test_its_endpoint_secrets_are_where_the_databases_will_be(deployed: Any, region: str) -> None:
    ground, aws, outputs = deployed
    secret = aws.client("secretsmanager", region).get_secret_value(SecretId=outputs.regions[region]["EndpointSecret"])
    expected = {"host": ground.addresses.database(region), "port": ground.ports.database, "dbname": "app"}
    assert json.loads(secret["SecretString"]) == expected


def test_its_credentials_are_one_in_both_regions_and_the_databases_own(deployed: Any) -> None:
    _, aws, _ = deployed
    named = {"SecretId": "gameday/database/credentials"}
    east, west = (
        json.loads(aws.client("secretsmanager", region).get_secret_value(**named)["SecretString"])
        for region in ("ap-southeast-2", WEST)
    )
    primary = rds_backends["123456789012"]["ap-southeast-2"].databases["gameday-primary"]
    assert east == west
    assert (primary.master_username, primary._master_user_password) == (east["username"], east["password"])


def test_its_replica_follows_its_primary(deployed: Any) -> None:
    _, aws, outputs = deployed
    replica = aws.client("rds", WEST).describe_db_instances(DBInstanceIdentifier=outputs.regions[WEST]["DatabaseId"])[
        "DBInstances"
    ][0]
    assert replica["ReadReplicaSourceDBInstanceIdentifier"].endswith(":db:gameday-primary")
    assert replica["DBInstanceStatus"] == "creating"


def test_its_failover_records_stand_with_the_health_check_on_the_primary(deployed: Any) -> None:
    _, aws, outputs = deployed
    route53 = aws.client("route53", "us-east-1")
    records = route53.list_resource_record_sets(HostedZoneId=outputs.shared["HostedZoneId"])["ResourceRecordSets"]
    failover = {one["SetIdentifier"]: one for one in records if "Failover" in one}
    assert failover["primary"]["HealthCheckId"] == outputs.shared["HealthCheckId"]
    assert "HealthCheckId" not in failover["secondary"]
    assert {one["Name"] for one in records if "AliasTarget" in one} == {
        f"{region}.app.gameday.example." for region in ("ap-southeast-2", WEST)
    }


def test_every_subnet_has_its_tier_and_may_be_a_target(deployed: Any) -> None:
    _, aws, outputs = deployed
    vpc = {"Name": "vpc-id", "Values": [outputs.regions[WEST]["VpcId"]]}
    subnets = aws.client("ec2", WEST).describe_subnets(Filters=[vpc])["Subnets"]
    tags = [{tag["Key"]: tag["Value"] for tag in subnet["Tags"]} for subnet in subnets]
    assert sorted(tag["gameday:tier"] for tag in tags) == sorted(["balancer", "tasks", "database"] * 2)
    assert {tag["gameday:target"] for tag in tags} == {"true"}


def test_its_machine_is_the_templates_own(deployed: Any) -> None:
    _, aws, outputs = deployed
    machine = aws.client("stepfunctions", WEST).describe_state_machine(
        stateMachineArn=outputs.shared["StateMachineArn"]
    )
    definition = json.loads(machine["definition"])
    latch = definition["States"]["LatchDns"]["Parameters"]
    assert definition["StartAt"] == "KnownMode?"
    assert latch["HostedZoneId"] == outputs.shared["HostedZoneId"]


def test_its_services_want_their_tasks_and_run_none_yet(deployed: Any) -> None:
    _, aws, _ = deployed
    wanted = {}
    for region in ("ap-southeast-2", WEST):
        [service] = aws.client("ecs", region).describe_services(cluster="gameday", services=["gameday"])["services"]
        wanted[region] = (service["desiredCount"], service["runningCount"])
    assert wanted == {"ap-southeast-2": (2, 0), WEST: (1, 0)}


def test_no_call_of_it_failed(deployed: Any) -> None:
    ground, _, _ = deployed
    heard = [json.loads(line) for line in (ground.folder / "audit.ndjson").read_text().splitlines()]
    assert {call["status"] for call in heard} <= {200, 201, 204}


@pytest.mark.parametrize("region", ["ap-southeast-2", WEST])
def test_its_service_has_a_role_that_its_secret_can_be_denied_to(deployed: Any, tmp_path: Path, region: str) -> None:
    _, aws, outputs = deployed
    lab = Lab("reference", aws, "ap-southeast-2", WEST, outputs)
    record = Record.create(tmp_path, "secret")
    with closing(Timeline(record)) as timeline, closing(UndoJournal(record.undo)) as undo:
        SecretUnavailable(region).inject(lab, undo, timeline)
        secret = {"SecretId": lab.of(region, "EndpointSecret")}
        assert aws.client("secretsmanager", region).get_secret_value(**secret)["SecretString"]
        assert replay(undo, lab) == 1
        assert "ResourcePolicy" not in aws.client("secretsmanager", region).get_resource_policy(**secret)
