"""Secret unavailable: the service's role is denied the endpoint's secret, nobody else is, and the policy comes back."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from control_plane import ReachedAws, control_plane
from fault_stage import OTHER, REGION, lab_of, service_beside, vpc_of, without_tag_on_the_service

from gameday.aws import Aws
from gameday.errors import FaultError, GuardError
from gameday.facts import INFERRED, Kind
from gameday.faults import SecretUnavailable
from gameday.faults.replay import replay
from gameday.lab.local.moto_patches import Hooks
from gameday.lab.model import Lab, Outputs
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal

SECRET, ROLE = "gameday/endpoint", "arn:aws:iam::123456789012:role/service-tasks"
TARGET = [{"Key": "gameday:target", "Value": "true"}]
OF_OTHERS = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "secretsmanager:DescribeSecret", "Resource": "*"}


def endpoint_and_service(aws: Aws, *, role: str = ROLE, tags: Any = TARGET) -> None:
    """The endpoint's secret, and a role for the service's tasks to read it with."""
    aws.client("secretsmanager", REGION).create_secret(Name=SECRET, SecretString='{"host": "db"}', Tags=tags)
    ecs, container = aws.client("ecs", REGION), {"name": "app", "image": "app", "memory": 1}
    more = {"taskRoleArn": role} if role else {}
    ecs.register_task_definition(family="tasks", containerDefinitions=[container], **more)
    ecs.update_service(cluster="gameday", service="gameday", taskDefinition="tasks")


def named(lab: Lab) -> Lab:
    regions = {region: {**names, "EndpointSecret": SECRET} for region, names in lab.outputs.regions.items()}
    return replace(lab, outputs=replace(lab.outputs, regions=regions))


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[ReachedAws]:
    with control_plane(tmp_path, Hooks()) as reached:
        service_beside(reached)
        endpoint_and_service(reached)
        yield reached


@pytest.fixture
def lab(aws: ReachedAws) -> Lab:
    names = {"ClusterName": "gameday", "EcsServiceName": "gameday", "EndpointSecret": SECRET, "DatabaseId": "db"}
    return Lab("lab", aws, REGION, OTHER, Outputs({}, {REGION: names}, ()), timer_scale=0.01)


def reads(aws: Aws, caller: str) -> str:
    """What the secret says to a caller of that name."""
    asking = Aws(aws.endpoint_url, caller).client("secretsmanager", REGION)
    return str(asking.get_secret_value(SecretId=SECRET)["SecretString"])


def policy(lab: Lab) -> str | None:
    told: dict[str, str] = lab.client("secretsmanager", REGION).get_resource_policy(SecretId=SECRET)
    return told.get("ResourcePolicy")


def last_event(record: Record) -> dict[str, Any]:
    return dict(json.loads(record.timeline.read_text().splitlines()[-1]))


@pytest.mark.parts
def test_the_service_is_denied_its_secret_and_nobody_else_until_it_is_taken_back(
    lab: Lab, timeline: Timeline, undo: UndoJournal, record: Record
) -> None:
    SecretUnavailable(REGION).inject(lab, undo, timeline)
    assert last_event(record)["kind"] == Kind.FAULT_VERIFIED
    with pytest.raises(ClientError, match=r"AccessDeniedException.*service-tasks.*explicit deny"):
        reads(lab.aws, "service-tasks")
    assert reads(lab.aws, "local") == reads(lab.aws, "another-role") == '{"host": "db"}'
    assert replay(undo, lab) == 1
    assert (policy(lab), reads(lab.aws, "service-tasks")) == (None, '{"host": "db"}')


@pytest.mark.parts
def test_a_policy_that_was_there_stays_in_force_and_comes_back_as_it_was(
    lab: Lab, timeline: Timeline, undo: UndoJournal
) -> None:
    former = json.dumps({"Version": "2012-10-17", "Statement": OF_OTHERS})
    lab.client("secretsmanager", REGION).put_resource_policy(SecretId=SECRET, ResourcePolicy=former)
    SecretUnavailable(REGION).inject(lab, undo, timeline)
    assert json.loads(policy(lab) or "")["Statement"][0] == OF_OTHERS
    steps = undo.open_steps()
    replay(undo, lab)
    assert policy(lab) == former
    undo.before(steps[0][1])
    replay(undo, lab)
    assert policy(lab) == former


@pytest.mark.parts
def test_a_fault_on_top_of_an_earlier_drills_is_refused(lab: Lab, timeline: Timeline, undo: UndoJournal) -> None:
    SecretUnavailable(REGION).inject(lab, undo, timeline)
    with pytest.raises(GuardError, match="gameday undo"):
        SecretUnavailable(REGION).inject(lab, undo, timeline)
    assert len(undo.open_steps()) == 1


@pytest.mark.parts
def test_a_service_that_can_still_read_fails_the_fault(
    lab: Lab, timeline: Timeline, undo: UndoJournal, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a policy is stored and not enforced."""
    monkeypatch.setattr("gameday.lab.local.patches.secret_policies.denies", lambda policy, caller: False)
    with pytest.raises(FaultError, match="the service's role cannot read the secret"):
        SecretUnavailable(REGION, effect_within_s=0.1).inject(lab, undo, timeline)
    assert last_event(record)["kind"] == Kind.FAULT_FAILED
    replay(undo, lab)
    assert policy(lab) is None


def account(ec2: Any, **more: Any) -> Lab:
    vpc = vpc_of(ec2)
    endpoint_and_service(Aws(), **more)
    return named(lab_of(vpc))


def test_in_an_account_the_effect_is_inferred_from_the_policy_in_force(
    ec2: Any, timeline: Timeline, undo: UndoJournal, record: Record
) -> None:
    """So a drill there cannot be HELD."""
    lab = account(ec2)
    SecretUnavailable(REGION).inject(lab, undo, timeline)
    told = last_event(record)["detail"]["the service's role cannot read the secret"]
    assert told == f"{INFERRED} from the secret's policy"
    (ours,) = json.loads(policy(lab) or "")["Statement"]
    assert (ours["Principal"], ours["Action"]) == ({"AWS": ROLE}, "secretsmanager:GetSecretValue")


def test_a_secret_without_the_tag_is_not_touched(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    lab = account(ec2, tags=[])
    with pytest.raises(GuardError, match="gameday:target"):
        SecretUnavailable(REGION).inject(lab, undo, timeline)
    assert (policy(lab), undo.open_steps()) == (None, [])


def test_what_healing_would_fence_must_be_a_target_too(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    lab = account(ec2)
    without_tag_on_the_service()
    with pytest.raises(GuardError, match="ECS services"):
        SecretUnavailable(REGION).inject(lab, undo, timeline)
    assert (policy(lab), undo.open_steps()) == (None, [])


def test_a_service_without_a_role_of_its_own_is_refused(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    """A denial of everybody would take the secret from the drill and the runbooks too."""
    lab = account(ec2, role="")
    with pytest.raises(GuardError, match="a task role of the service"):
        SecretUnavailable(REGION).inject(lab, undo, timeline)
    assert (policy(lab), undo.open_steps()) == (None, [])


def test_a_region_without_the_secret_has_nothing_to_deny(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    with pytest.raises(GuardError, match=f"a secret {SECRET}"):
        SecretUnavailable(REGION).inject(named(lab_of(vpc_of(ec2))), undo, timeline)
    assert undo.open_steps() == []
