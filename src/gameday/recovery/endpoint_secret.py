"""The secret that tells the service where its database is, written anew without losing what else it holds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gameday.lab.model import Lab
from gameday.recovery.runbook import Call


@dataclass(frozen=True, slots=True)
class Rewrite(Call):
    """Changes what its ``SecretString`` names, and keeps whatever else the secret holds when the call is made.

    A team's own secret may hold a password too. It is read only then, so that no command that is shown, and nothing
    that a walk notes, ever has it.
    """

    @property
    def more(self) -> str:
        return "and keep whatever else the secret holds"

    def make(self, lab: Lab) -> Any:
        """Read the secret, and write it anew; what the second call answers."""
        secrets, secret = lab.client(self.service, self.region), self.arguments["SecretId"]
        held = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])
        told = json.dumps({**held, **json.loads(self.arguments["SecretString"])})
        return secrets.put_secret_value(SecretId=secret, SecretString=told)


def rewrite(lab: Lab, region: str, now: str, known: str = "") -> Sequence[Call]:
    """Have the region's secret say ``now``, a JSON text; nothing where that is what it is ``known`` to say."""
    if now == known:  # a promotion keeps the endpoint, a restore does not
        return ()
    arguments = {"SecretId": lab.of(region, "EndpointSecret"), "SecretString": now}
    return (Rewrite("secretsmanager", "put_secret_value", region, arguments),)
