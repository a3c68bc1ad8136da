"""A secret's own policy: a reader whom it denies explicitly is refused, as Secrets Manager does.

The answer is ``AccessDeniedException`` (Secrets Manager API reference, GetSecretValue). Only ``Deny`` of
``GetSecretValue`` counts, for ``*`` or for the role that calls, whose name is its access key here. A statement with a
condition denies nobody, and nobody needs to be allowed: the rest of IAM is not imitated.
"""

import json
import re
from fnmatch import fnmatchcase
from typing import Any

from gameday.aws import role_name
from gameday.lab.local.patches.seam import demand, swap

READING = "secretsmanager:GetSecretValue"
_CALLER = re.compile(r"Credential=([^/,\s]+)/")


def install() -> None:
    """Put the patch in; raises UpstreamMoved."""
    from moto.secretsmanager.exceptions import SecretsManagerClientError
    from moto.secretsmanager.models import FakeSecret
    from moto.secretsmanager.responses import SecretsManagerResponse

    def get_secret_value(self: Any) -> Any:
        secret = self.backend.secrets.get(self._get_param("SecretId"))
        caller = _caller_of(self.headers)
        if secret and denies(getattr(secret, "policy", None), caller):
            raise SecretsManagerClientError(
                "AccessDeniedException",
                f"User: {caller} is not authorized to perform: {READING} on resource: {secret.arn} with an explicit "
                "deny in a resource-based policy",
            )
        return original(self)

    original = swap(SecretsManagerResponse, "get_secret_value", get_secret_value, expects="self")
    scratch = FakeSecret("000000000000", "us-east-1", "probe", {}, "1", secret_string="probe")
    demand(getattr(scratch, "policy", "none") is None, "a new secret without a policy", repr(vars(scratch)))


def denies(policy: str | None, caller: str) -> bool:
    """Whether a policy's text says explicitly that ``caller`` may not read the secret."""
    statements = json.loads(policy)["Statement"] if policy else []
    return any(_denies(one, caller) for one in _listed(statements))


def _denies(statement: dict[str, Any], caller: str) -> bool:
    if statement.get("Effect") != "Deny" or statement.get("Condition"):
        return False
    actions = [action.lower() for action in _listed(statement.get("Action", []))]
    principal = statement.get("Principal", {})
    named = _listed(principal if principal == "*" else principal.get("AWS", []))
    return any(fnmatchcase(READING.lower(), action) for action in actions) and any(
        one == "*" or role_name(one) == caller for one in named
    )


def _listed(one_or_more: Any) -> list[Any]:
    return one_or_more if isinstance(one_or_more, list) else [one_or_more]


def _caller_of(headers: Any) -> str:
    found = _CALLER.search(headers.get("Authorization", ""))
    return found[1] if found else "-"
