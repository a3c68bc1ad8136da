"""ECS counts, runs and stops nothing by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from control_plane import control_plane

from gameday.aws import Aws
from gameday.lab.local.moto_patches import Hooks

REGION = "us-west-2"
NETWORK = {"awsvpcConfiguration": {"subnets": [""], "securityGroups": []}}


def subnet_of(aws: Aws) -> str:
    ec2 = aws.client("ec2", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    return str(ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"])


@pytest.fixture
def ecs(tmp_path: Path) -> Iterator[Any]:
    """A cluster ``gameday`` with a Fargate service ``gameday`` of 2, whose containers name no memory."""
    with control_plane(tmp_path, Hooks()) as aws:
        NETWORK["awsvpcConfiguration"]["subnets"] = [subnet_of(aws)]
        ecs = aws.client("ecs", REGION)
        ecs.create_cluster(clusterName="gameday")
        ecs.register_task_definition(
            family="gameday", cpu="256", memory="512", requiresCompatibilities=["FARGATE"],
            containerDefinitions=[{"name": "service", "image": "service"}],
        )  # fmt: skip
        ecs.create_service(
            cluster="gameday", serviceName="gameday", taskDefinition="gameday", desiredCount=2, launchType="FARGATE"
        )
        yield ecs


def service(ecs: Any) -> tuple[int, int, int]:
    seen = ecs.describe_services(cluster="gameday", services=["gameday"])["services"][0]
    return seen["desiredCount"], seen["runningCount"], seen["pendingCount"]


def run(ecs: Any, **more: Any) -> str:
    answer = ecs.run_task(
        cluster="gameday", taskDefinition="gameday", launchType="FARGATE", networkConfiguration=NETWORK, **more
    )
    return str(answer["tasks"][0]["taskArn"])


def task(ecs: Any, arn: str) -> Any:
    return ecs.describe_tasks(cluster="gameday", tasks=[arn])["tasks"][0]


def test_a_new_desired_count_runs_nothing(ecs: Any) -> None:
    ecs.update_service(cluster="gameday", service="gameday", desiredCount=5)
    assert service(ecs) == (5, 0, 2)


def test_a_task_begins_provisioning_without_an_exit_code(ecs: Any) -> None:
    seen = task(ecs, run(ecs))
    assert (seen["lastStatus"], seen["desiredStatus"]) == ("PROVISIONING", "RUNNING")
    assert "exitCode" not in seen["containers"][0]


def test_being_looked_at_moves_no_task(ecs: Any) -> None:
    arn = run(ecs)
    assert {task(ecs, arn)["lastStatus"] for _ in range(6)} == {"PROVISIONING"}


def test_stopping_a_task_only_asks(ecs: Any) -> None:
    arn = run(ecs)
    ecs.stop_task(cluster="gameday", task=arn, reason="drill")
    seen = task(ecs, arn)
    assert (seen["lastStatus"], seen["desiredStatus"]) == ("PROVISIONING", "STOPPED")
    assert (seen["stoppedReason"], seen["stopCode"]) == ("drill", "UserInitiated")


def test_stopping_what_is_not_there_is_aws_s_error(ecs: Any) -> None:
    with pytest.raises(ClientError, match="referenced task was not found"):
        ecs.stop_task(cluster="gameday", task="nobody")


def test_tasks_are_listed_by_service(ecs: Any) -> None:
    ours, _ = run(ecs, group="service:gameday"), run(ecs)
    assert ecs.list_tasks(cluster="gameday", serviceName="gameday")["taskArns"] == [ours]


def test_stopped_tasks_are_listed_only_when_asked_for(ecs: Any) -> None:
    arn = run(ecs)
    ecs.stop_task(cluster="gameday", task=arn)
    assert ecs.list_tasks(cluster="gameday")["taskArns"] == []
    assert ecs.list_tasks(cluster="gameday", desiredStatus="STOPPED")["taskArns"] == [arn]
