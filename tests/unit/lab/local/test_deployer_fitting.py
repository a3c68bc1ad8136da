"""Properties become a call's parameters by the shapes of the API itself."""

import json
from typing import Any

import pytest
from botocore.model import Shape

from gameday.lab.local.calls import service_model
from gameday.lab.local.deployer.fitting import Misfit, fit
from gameday.lab.local.deployer.storage import generated_secret


def shape_of(service: str, operation: str) -> Shape:
    model = service_model(service)
    assert model is not None
    return model.operation_model(operation).input_shape


@pytest.mark.parametrize(
    ("service", "operation", "written", "called"),
    [
        ("ecs", "CreateService", {"EnableECSManagedTags": True}, {"enableECSManagedTags": True}),
        ("ecs", "CreateService", {"DesiredCount": "2"}, {"desiredCount": 2}),
        ("ecs", "CreateService", {"Tags": [{"Key": "a", "Value": 1}]}, {"tags": [{"key": "a", "value": "1"}]}),
        ("ecs", "RegisterTaskDefinition", {"Cpu": 512}, {"cpu": "512"}),
        ("rds", "CreateDBInstance", {"MultiAZ": "false", "Port": "5432"}, {"MultiAZ": False, "Port": 5432}),
        ("cloudwatch", "PutMetricAlarm", {"Threshold": 1}, {"Threshold": 1.0}),
        ("events", "PutRule", {"EventPattern": {"source": ["a"]}}, {"EventPattern": '{"source": ["a"]}'}),
        ("iam", "CreateRole", {"AssumeRolePolicyDocument": {"V": []}}, {"AssumeRolePolicyDocument": '{"V": []}'}),
    ],
)
def test_a_property_fits_its_call(service: str, operation: str, written: Any, called: Any) -> None:
    assert fit(written, shape_of(service, operation)) == called


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ({"Colour": "red"}, "Colour"),
        ({"DeploymentConfiguration": {"Alarms": {"Alarm": "x"}}}, "deploymentConfiguration.alarms.Alarm"),
    ],
)
def test_a_property_that_the_call_lacks_is_never_dropped(written: Any, path: str) -> None:
    with pytest.raises(Misfit, match=path):
        fit(written, shape_of("ecs", "CreateService"))


def test_a_generated_secret_follows_its_recipe() -> None:
    recipe = {"SecretStringTemplate": '{"username":"app"}', "GenerateStringKey": "password", "PasswordLength": 40,
              "ExcludePunctuation": True, "ExcludeCharacters": "0O1l"}  # fmt: skip
    first, second = (json.loads(generated_secret(recipe)) for _ in range(2))
    assert first["username"] == "app"
    assert len(first["password"]) == 40
    assert first["password"].isalnum()
    assert not set("0O1l") & set(first["password"])
    assert first["password"] != second["password"]
