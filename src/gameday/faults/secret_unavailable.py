"""Secret unavailable: a region's service may no longer read where its database is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from gameday.aws import Aws, role_name
from gameday.errors import GuardError
from gameday.facts import Kind
from gameday.faults import effects
from gameday.faults.acls import breakable_service
from gameday.faults.guard import may_break
from gameday.faults.replay import Verb, take_back
from gameday.lab import status
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

UNREADABLE = "the service's role cannot read the secret"
SID = "GamedayDrill"  # names our statement among the policy's own
READING = "secretsmanager:GetSecretValue"


def secret_policy_is(region: str, secret: str, policy: str) -> UndoStep:
    """The secret's resource policy is what it was; an empty ``policy`` is none at all."""
    return UndoStep("secret_policy_is", region, {"secret": secret, "policy": policy})


@dataclass(frozen=True, slots=True)
class SecretUnavailable:
    """The region's service is denied its database endpoint's secret (Secrets Manager ``PutResourcePolicy``), in AWS and
    in the local lab. Tasks that run know the endpoint and go on; one that starts meanwhile never learns it.

    The statement denies ``GetSecretValue`` alone, and to the service's task role alone: whoever else may change the
    secret's policy still may, so the drill cannot lock itself out of taking it back. An explicit deny overrides every
    allow (Secrets Manager user guide, "Determine who has permissions to your secrets"). Statements that the policy had
    stay in it. In AWS nobody but a task can act as that role, so there the effect is inferred from the policy in force.
    """

    region: str
    effect_within_s: float = field(default=60.0, repr=False)

    @property
    def stays_reachable(self) -> tuple[str, ...]:
        """Everything that was told the endpoint before, and everybody else."""
        return (
            "the region's balancer, and its tasks that know the database's endpoint already",
            "the secret itself, for everybody but the service: the drill, the runbooks, the failover",
            "the database and its credentials, which are a secret of their own",
        )

    @property
    def alarms(self) -> tuple[str, ...]:
        """None for certain: only a task that starts meanwhile answers with errors."""
        return ()

    def inject(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Deny it, and see that a read fails; raises :class:`FaultError` when one succeeds."""
        secrets, secret = lab.client("secretsmanager", self.region), lab.of(self.region, "EndpointSecret")
        may_break(lab, self.region, [_described(secrets, secret, self.region)], "secrets")
        breakable_service(lab, self.region)
        role = _task_role(lab, self.region)
        before = str(secrets.get_resource_policy(SecretId=secret).get("ResourcePolicy", ""))
        denying = _denying(before, role)
        undo.before(secret_policy_is(self.region, secret, before))
        timeline.add(Kind.FAULT, repr(self), region=self.region, secret=secret, role=role)
        secrets.put_resource_policy(SecretId=secret, ResourcePolicy=json.dumps(denying), BlockPublicPolicy=True)
        looks: effects.Looks = {UNREADABLE: lambda: _is_unreadable(lab, self.region, secret, role)}
        effects.verify(
            looks, undo, timeline, repr(self), self.region, within_s=self.effect_within_s,
            inferred=() if lab.is_local else (UNREADABLE,), inferred_from="the secret's policy",
        )  # fmt: skip

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Have the former policy again."""
        take_back(self, lab, undo, timeline)


def _described(secrets: Any, secret: str, region: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = secrets.describe_secret(SecretId=secret)
    except secrets.exceptions.ResourceNotFoundException as cause:
        raise GuardError(f"a secret {secret} in {region} to deny", "none", "see the region's data stack") from cause
    return found


def _task_role(lab: Lab, region: str) -> str:
    """The ARN of the role that the service's tasks call AWS as; raises :class:`GuardError` where they have none."""
    service = status.service_of(lab, region)
    if not service:
        raise GuardError(f"a service in {region} to deny its secret", "no targets", "check the region's stacks")
    asked = lab.client("ecs", region).describe_task_definition(taskDefinition=service["taskDefinition"])
    role = asked["taskDefinition"].get("taskRoleArn")
    if not role:
        raise GuardError(f"a task role of the service in {region}", "none", "a denial must name one: give it a role")
    return str(role)


def _denying(before: str, role: str) -> dict[str, Any]:
    """The policy with our statement; raises :class:`GuardError` when an earlier drill's is in it still."""
    policy: dict[str, Any] = json.loads(before) if before else {"Version": "2012-10-17", "Statement": []}
    said = policy["Statement"]
    listed: list[dict[str, Any]] = said if isinstance(said, list) else [said]
    if any(one.get("Sid") == SID for one in listed):
        raise GuardError(f"a policy without {SID}", "one of an earlier drill", "take that back first: gameday undo")
    ours = {"Sid": SID, "Effect": "Deny", "Principal": {"AWS": role}, "Action": READING, "Resource": "*"}
    return {**policy, "Statement": [*listed, ours]}


def _is_unreadable(lab: Lab, region: str, secret: str, role: str) -> bool:
    """In the local lab: read as the service's role. In AWS: whether our statement is in the policy in force."""
    if not lab.is_local:
        told = lab.client("secretsmanager", region).get_resource_policy(SecretId=secret).get("ResourcePolicy")
        return bool(told) and any(one.get("Sid") == SID for one in json.loads(told)["Statement"])
    try:
        Aws(lab.aws.endpoint_url, role_name(role)).client("secretsmanager", region).get_secret_value(SecretId=secret)
    except ClientError as cause:
        return str(cause.response["Error"]["Code"]) == "AccessDeniedException"
    return False


def _policy_is_as_it_was(lab: Lab, step: UndoStep) -> None:
    secrets, secret, policy = lab.client("secretsmanager", step.region), step.args["secret"], step.args["policy"]
    if policy:
        secrets.put_resource_policy(SecretId=secret, ResourcePolicy=policy)
    else:
        secrets.delete_resource_policy(SecretId=secret)


TAKES_BACK: dict[str, Verb] = {"secret_policy_is": _policy_is_as_it_was}
