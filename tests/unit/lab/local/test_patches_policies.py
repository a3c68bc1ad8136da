"""Which readers a secret's own policy denies."""

import json
from typing import Any

import pytest

from gameday.lab.local.patches.secret_policies import denies

ROLE = "arn:aws:iam::123456789012:role/gameday/tasks"
DENIAL = {"Effect": "Deny", "Principal": {"AWS": ROLE}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}


def policy(**changed: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": DENIAL | changed})


def test_the_role_that_is_named_is_denied_and_no_other():
    assert denies(policy(), "tasks")
    assert not denies(policy(), "local")


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["arn:aws:iam::1:role/x", ROLE]}])
def test_everybody_and_one_of_several_are_denied(principal: Any):
    assert denies(policy(Principal=principal), "tasks")


@pytest.mark.parametrize("action", ["secretsmanager:*", ["secretsmanager:getsecretvalue", "s3:GetObject"], "*"])
def test_an_action_is_matched_as_iam_does(action: Any):
    assert denies(policy(Action=action), "tasks")


@pytest.mark.parametrize(
    "changed",
    [
        {"Effect": "Allow"},
        {"Action": "secretsmanager:PutSecretValue"},
        {"Condition": {"StringEquals": {"aws:RequestedRegion": "us-west-2"}}},
        {"Principal": {"Service": "ecs.amazonaws.com"}},
    ],
)
def test_what_is_no_plain_denial_of_reading_denies_nobody(changed: dict[str, Any]):
    assert not denies(policy(**changed), "tasks")


def test_no_policy_denies_nobody():
    assert not denies(None, "tasks")
