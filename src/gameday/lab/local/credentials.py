"""The database's user name and password, as the deployment keeps them in Secrets Manager."""

from dataclasses import dataclass, field

import msgspec

from gameday.errors import LabError
from gameday.lab.local.ground import ACCOUNT

CREDENTIALS = "gameday/database/credentials"


@dataclass(frozen=True, slots=True)
class Login:
    """What the secret holds; its text never goes anywhere else."""

    username: str
    password: str = field(repr=False)


def database_credentials(region: str) -> Login:
    """The login of the region's own secret; raises :class:`LabError` when there is none or it has another form."""
    from moto.core.exceptions import JsonRESTError, ServiceException
    from moto.secretsmanager.models import secretsmanager_backends

    try:
        secret = secretsmanager_backends[ACCOUNT][region].get_secret_value(CREDENTIALS, None, None)
        return msgspec.json.decode(secret["SecretString"], type=Login)
    except (ServiceException, JsonRESTError, KeyError, msgspec.DecodeError) as cause:
        raise LabError(
            f"a secret {CREDENTIALS} in {region} with username and password", type(cause).__name__,
            "deploy the data stack first",
        ) from None  # fmt: skip
