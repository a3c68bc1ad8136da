"""A template's values become plain data, or an error that says what has no meaning."""

from typing import Any

import pytest

from gameday.errors import DeployError
from gameday.lab.local.deployer.stack import in_order
from gameday.lab.local.deployer.values import Scope, mentioned

SECRET_ARN = "arn:aws:secretsmanager:us-west-2:123456789012:secret:credentials-AbCdEf"


def scope(**template: Any) -> Scope:
    found = Scope(
        "gameday-app", "us-west-2", "123456789012", template, {"Port": "8000", "Stage": "live"},
        {("us-west-2", "network:Vpc"): "vpc-1"}, lambda secret_id: f'{{"username":"app","password":"of {secret_id}"}}',
    )  # fmt: skip
    found.references["Bucket"] = "data"
    found.attributes["Bucket"] = {"Arn": "arn:aws:s3:::data", "Endpoint.Address": "127.0.0.1"}
    return found


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"Ref": "Bucket"}, "data"),
        ({"Ref": "Port"}, "8000"),
        ({"Ref": "AWS::Region"}, "us-west-2"),
        ({"Ref": "AWS::AccountId"}, "123456789012"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::data"),
        ({"Fn::GetAtt": "Bucket.Endpoint.Address"}, "127.0.0.1"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Port"}, 3]]}, "a-8000-3"),
        ({"Fn::Sub": "${Bucket}:${Bucket.Arn}:${AWS::Region}:${!kept}"}, "data:arn:aws:s3:::data:us-west-2:${kept}"),
        ({"Fn::Sub": ["${x}${Port}", {"x": {"Ref": "Bucket"}}]}, "data8000"),
        ({"Fn::Select": ["1", {"Fn::Split": ["/", "a/b/c"]}]}, "b"),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "us-west-2a"),
        ({"Fn::ImportValue": "network:Vpc"}, "vpc-1"),
        ({"Fn::If": ["Live", "yes", "no"]}, "yes"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "cpu"]}, 512),
        ({"a": 1, "b": {"Ref": "AWS::NoValue"}}, {"a": 1}),
        ([1, {"Ref": "AWS::NoValue"}], [1]),
        ({"Condition": {"Bool": {"tls": "false"}}}, {"Condition": {"Bool": {"tls": "false"}}}),
        (f"{{{{resolve:secretsmanager:{SECRET_ARN}:SecretString:password}}}}", f"of {SECRET_ARN}"),
        ({"Fn::Join": ["", ["{{resolve:secretsmanager:x:SecretString:", "username}}"]]}, "app"),
    ],
)  # fmt: skip
def test_a_value_means(written: Any, meant: Any) -> None:
    live, never = {"Fn::Equals": [{"Ref": "Stage"}, "live"]}, {"Fn::Equals": ["a", "b"]}
    conditions = {
        "Live": {"Fn::And": [live, {"Fn::Not": [{"Condition": "Never"}]}]},
        "Never": {"Fn::Or": [never, never]},
    }
    assert scope(Conditions=conditions, Mappings={"Sizes": {"live": {"cpu": 512}}}).resolve(written) == meant


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"Ref": "Nobody"}, "Nobody"),
        ({"Fn::GetAtt": ["Bucket", "Colour"]}, "known attribute of Bucket"),
        ({"Fn::GetAtt": ["Nobody", "Arn"]}, "known resource"),
        ({"Fn::ImportValue": "network:Nothing"}, "export of a stack"),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, "Fn::Cidr"),
        ({"Fn::If": ["Undeclared", 1, 2]}, "known condition"),
    ],
)
def test_what_means_nothing_is_an_error_that_names_it(written: Any, complaint: str) -> None:
    with pytest.raises(DeployError, match=complaint):
        scope().resolve(written)


def test_what_a_value_mentions_is_found_however_deep() -> None:
    value = {
        "a": [{"Ref": "A"}],
        "b": {"Fn::Join": ["", [{"Fn::GetAtt": ["B", "Arn"]}]]},
        "c": {"Fn::Sub": "${C.Arn}${D}"},
    }
    assert set(mentioned(value)) == {"A", "B", "C", "D"}


def test_resources_come_after_what_they_need() -> None:
    resources = {
        "Service": {"Properties": {"Cluster": {"Ref": "Cluster"}}, "DependsOn": "Listener"},
        "Listener": {"Properties": {"Balancer": {"Ref": "Balancer"}}, "DependsOn": ["Cluster"]},
        "Cluster": {},
        "Balancer": {"Properties": {"Port": {"Ref": "AParameter"}}},
    }
    order = list(in_order("gameday-app", resources))
    assert order == ["Cluster", "Balancer", "Listener", "Service"]


def test_resources_in_a_circle_are_an_error() -> None:
    circle = {"A": {"Properties": {"x": {"Ref": "B"}}}, "B": {"DependsOn": "A"}, "C": {}}
    with pytest.raises(DeployError, match="a circle of A, B"):
        list(in_order("gameday-app", circle))
