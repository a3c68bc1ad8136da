"""Deploying to an account: the order, what is filled in, and what is refused. CloudFormation is a fake of ours."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from infra.deploy import DeployError, check_account, deploy

pytestmark = pytest.mark.infra

FILES = {
    "stacks.json": json.dumps(
        {
            "stacks": [
                {"name": "gameday-zone", "region": "us-east-1", "template": "zone", "parameters": {}},
                {
                    "name": "gameday-app",
                    "region": "us-west-2",
                    "template": "app",
                    "parameters": {
                        "HostedZoneId": {"stack": "gameday-zone", "region": "us-east-1", "output": "HostedZoneId"}
                    },
                },
            ]
        }
    ),
    "zone": json.dumps({"Resources": {}}),
    "app": json.dumps({"Parameters": {"HostedZoneId": {}, "ImageTag": {}}, "Resources": {}}),
}


class ClientError(Exception):
    pass


class Exceptions:
    ClientError = ClientError


@dataclass
class FakeCloudFormation:
    """Stacks are there at once; ``outputs`` is what each will have."""

    outputs: dict[str, dict[str, str]]
    stacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    exceptions = Exceptions

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        if StackName not in self.stacks:
            raise ClientError(f"Stack with id {StackName} does not exist")
        found = self.outputs.get(StackName, {}).items()
        return {"Stacks": [{"Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in found]}]}

    def create_stack(self, **asked: Any) -> None:
        self.stacks[asked["StackName"]] = asked

    def update_stack(self, **asked: Any) -> None:
        if {**asked, "OnFailure": "DELETE"} == self.stacks[asked["StackName"]]:
            raise ClientError("No updates are to be performed.")
        self.stacks[asked["StackName"]] = {**asked, "OnFailure": "DELETE"}

    def get_waiter(self, _: str) -> "FakeCloudFormation":
        return self

    def wait(self, **_: Any) -> None:
        return None


def run(cloud: FakeCloudFormation, **others: Any) -> list[str]:
    asked: dict[str, Any] = {"given": {}, "instead": {}, "until": None} | others
    return list(deploy(FILES, lambda region: cloud, **asked))


def parameters_of(cloud: FakeCloudFormation, stack: str) -> dict[str, str]:
    return {one["ParameterKey"]: one["ParameterValue"] for one in cloud.stacks[stack]["Parameters"]}


@pytest.fixture
def cloud() -> FakeCloudFormation:
    return FakeCloudFormation({"gameday-zone": {"HostedZoneId": "Z1"}})


def test_a_parameter_is_filled_from_another_regions_output(cloud: FakeCloudFormation):
    told = run(cloud, given={"ImageTag": "1.2", "Unknown": "x"})
    assert told == ["gameday-zone in us-east-1: created", "gameday-app in us-west-2: created"]
    assert parameters_of(cloud, "gameday-app") == {"HostedZoneId": "Z1", "ImageTag": "1.2"}


def test_a_second_run_updates_only_what_changed(cloud: FakeCloudFormation):
    run(cloud, given={"ImageTag": "1.2"})
    told = run(cloud, given={"ImageTag": "1.3"})
    assert told == ["gameday-zone in us-east-1: unchanged", "gameday-app in us-west-2: updated"]


def test_a_zone_that_exists_already_is_given_instead_of_deployed(cloud: FakeCloudFormation):
    run(cloud, instead={"gameday-zone": {"HostedZoneId": "Z-mine"}})
    assert "gameday-zone" not in cloud.stacks
    assert parameters_of(cloud, "gameday-app") == {"HostedZoneId": "Z-mine"}


def test_it_can_stop_where_an_image_must_be_pushed(cloud: FakeCloudFormation):
    assert run(cloud, until="gameday-zone") == ["gameday-zone in us-east-1: created"]


def test_stopping_at_a_stack_that_is_none_is_refused(cloud: FakeCloudFormation):
    with pytest.raises(DeployError, match="saw gameday-zoo"):
        run(cloud, until="gameday-zoo")
    assert cloud.stacks == {}


def test_a_missing_output_is_named(cloud: FakeCloudFormation):
    cloud.outputs.clear()
    with pytest.raises(DeployError, match="expected an output HostedZoneId of gameday-zone in us-east-1; saw none"):
        run(cloud)


def test_credentials_of_another_account_are_refused():
    with pytest.raises(DeployError, match="expected credentials of account 111122223333; saw 444455556666"):
        check_account("444455556666", "111122223333")
