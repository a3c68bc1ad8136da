"""Templates become resources of a real moto server; what cannot be deployed is an error that names it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from control_plane import aws_of, bare_ground, emptied

from gameday.errors import DeployError
from gameday.lab.local.deployer import deploy
from gameday.lab.local.ground import Ground
from gameday.lab.local.moto_patches import Hooks, apply_patches
from gameday.lab.local.server import serve

WEST = "us-west-2"
type Write = Callable[[dict[str, Any]], Path]


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    ground = bare_ground(tmp_path)
    apply_patches(Hooks(endpoint_url=ground.endpoint_url, said=ground.said))
    with serve(ground), emptied():
        yield ground


@pytest.fixture
def one_stack(tmp_path: Path) -> Write:
    """Writes a deployment of one stack ``gameday-app`` in the west; returns its folder."""

    def write(template: dict[str, Any]) -> Path:
        (tmp_path / "app.json").write_text(json.dumps(template))
        stack = {"name": "gameday-app", "region": WEST, "template": "app.json", "parameters": {}}
        (tmp_path / "stacks.json").write_text(json.dumps({"stacks": [stack]}))
        return tmp_path

    return write


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def test_a_stack_is_made_in_the_order_of_its_needs_and_tells_its_outputs(ground: Ground, one_stack: Write) -> None:
    template = {
        "Parameters": {"Port": {"Type": "Number", "Default": 80}},
        "Resources": {
            "Subnet": resource(
                "AWS::EC2::Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.0.1.0/24", MapPublicIpOnLaunch=True,
                Tags=[{"Key": "gameday:tier", "Value": "tasks"}],
            ),
            "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16", EnableDnsHostnames=True),
        },
        "Outputs": {"Subnet": {"Value": {"Ref": "Subnet"}}, "Port": {"Value": {"Ref": "Port"}}},
    }  # fmt: skip
    deploy(aws_of(ground), {"Port": "8080"}, one_stack(template))
    aws = aws_of(ground)
    [stack] = aws.client("cloudformation", WEST).describe_stacks(StackName="gameday-app")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    [subnet] = aws.client("ec2", WEST).describe_subnets(SubnetIds=[outputs["Subnet"]])["Subnets"]
    assert (stack["StackStatus"], outputs["Port"]) == ("CREATE_COMPLETE", "8080")
    assert (subnet["CidrBlock"], subnet["MapPublicIpOnLaunch"]) == ("10.0.1.0/24", True)
    assert subnet["Tags"] == [{"Key": "gameday:tier", "Value": "tasks"}]


def test_a_resource_whose_condition_does_not_hold_is_not_made(ground: Ground, one_stack: Write) -> None:
    template = {
        "Conditions": {"Wanted": {"Fn::Equals": ["a", "b"]}},
        "Resources": {"Topic": resource("AWS::SNS::Topic") | {"Condition": "Wanted"}},
        "Outputs": {"Topic": {"Value": {"Ref": "Topic"}, "Condition": "Wanted"}},
    }
    deploy(aws_of(ground), {}, one_stack(template))
    assert aws_of(ground).client("sns", WEST).list_topics()["Topics"] == []


UNKNOWN_TYPE = resource("AWS::GameLift::Fleet")
UNKNOWN_PROPERTY = resource("AWS::SNS::Topic", Colour="red")
UNKNOWN_SETTING = resource("AWS::S3::Bucket", Colour="red")
REFUSED = resource("AWS::EC2::Subnet", VpcId="vpc-0", CidrBlock="10.0.0.0/24")


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ({"Resources": {"It": UNKNOWN_TYPE}}, r"It \(AWS::GameLift::Fleet\) of gameday-app in us-west-2"),
        ({"Resources": {"It": UNKNOWN_PROPERTY}}, "It .*properties that its call knows; saw Colour"),
        ({"Resources": {"It": UNKNOWN_SETTING}}, "saw Colour"),
        ({"Resources": {"It": REFUSED}}, "InvalidVpcID.NotFound"),
        ({"Parameters": {"Arn": {"Type": "String"}}, "Resources": {}}, "a value for parameter Arn of gameday-app"),
    ],
)
def test_what_cannot_be_deployed_is_named(ground: Ground, one_stack: Write, template: Any, complaint: str) -> None:
    with pytest.raises(DeployError, match=complaint):
        deploy(aws_of(ground), {}, one_stack(template))


def test_a_parameter_that_no_template_has_is_an_error(ground: Ground, one_stack: Write) -> None:
    with pytest.raises(DeployError, match="saw ServisePort"):
        deploy(aws_of(ground), {"ServisePort": "80"}, one_stack({"Resources": {}}))


def test_an_output_that_does_not_exist_is_an_error(ground: Ground, one_stack: Write) -> None:
    folder = one_stack({"Parameters": {"Arn": {"Type": "String"}}, "Resources": {}})
    told = json.loads((folder / "stacks.json").read_text())
    told["stacks"][0]["parameters"] = {"Arn": {"stack": "gameday-keys", "region": WEST, "output": "KeyArn"}}
    (folder / "stacks.json").write_text(json.dumps(told))
    with pytest.raises(DeployError, match="output KeyArn of gameday-keys"):
        deploy(aws_of(ground), {}, folder)


def test_templates_that_are_not_there_are_an_error(ground: Ground, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"stacks\.json") as told:
        deploy(aws_of(ground), {}, tmp_path / "nowhere")
    target = told.value.next_step.rpartition("make ")[2]
    assert f"\n{target}:" in (Path(__file__).parents[4] / "Makefile").read_text()
