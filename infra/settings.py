"""What can be chosen about a deployment (the CDK's context, `-c gameday:domain=example.com`), and what is fixed."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

NAME = "gameday"  # clusters, services, balancers, and the prefix of every stack
GLOBAL_REGION = "us-east-1"  # Route 53's metrics, and with them the health check's alarm, exist only there
PRIMARY_DATABASE, REPLICA_DATABASE = "gameday-primary", "gameday-replica"
DATABASE_NAME = "app"
CREDENTIALS_SECRET = "gameday/database/credentials"
ENDPOINT_SECRET = "gameday/database/endpoint"
HEALTH_ALARM = "gameday-primary-health"
FAILOVER_MACHINE = "gameday-failover"
DRAIN_MACHINE, ANSWER_MACHINE = "gameday-drain", "gameday-drain-answer"
COPY_MACHINE = "gameday-snapshot-copy"
TAKE_BACK_MACHINE = "gameday-take-back"
CONTAINER = "service"
TASKS_PRIMARY, TASKS_STANDBY = 2, 1
SERVICE_PORT, TASK_PORT, DATABASE_PORT = 80, 8000, 5432
RECORD_TTL_S = 30
PREFIX = "gameday:"


class ContextError(ValueError):
    """A context value that cannot be; says what was expected, what was seen and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every choice, with its default. Each is a context key ``gameday:<field>``."""

    domain: str = "gameday.example"
    primary: str = "ap-southeast-2"
    secondary: str = "us-west-2"
    nat_gateways: int = 1  # a region; each costs money by the hour (README)
    image_tag: str = "latest"
    database_class: str = "db.t4g.medium"
    database_version: str = "18"
    multi_az: bool = False
    notify_email: str = ""
    notify_webhook: str = ""  # an https:// address
    log_days: int = 30  # one of the retentions that CloudWatch Logs knows

    @property
    def service_name(self) -> str:
        """The name that clients use; Route 53 answers it with the primary or the standby."""
        return f"app.{self.domain}"

    def regional_name(self, region: str) -> str:
        """The name of one region's balancer, whatever the failover record says."""
        return f"{region}.{self.service_name}"

    @property
    def regions(self) -> tuple[str, str]:
        return (self.primary, self.secondary)

    def is_primary(self, region: str) -> bool:
        return region == self.primary


def settings_from(context: Mapping[str, Any]) -> Settings:
    """The settings that a context asks for; raises :class:`ContextError` on a misspelt key or an impossible value."""
    known = {field.name: type(field.default) for field in fields(Settings)}
    asked = {key.removeprefix(PREFIX): value for key, value in context.items() if key.startswith(PREFIX)}
    for name in asked.keys() - known.keys():
        raise ContextError(f"expected one of {PREFIX}{{{','.join(known)}}}; saw {PREFIX}{name}. Next: correct the key")
    settings = Settings(**{name: _read(name, value, known[name]) for name, value in asked.items()})
    if settings.nat_gateways < 1:
        raise ContextError(
            f"expected {PREFIX}nat_gateways of at least 1; saw {settings.nat_gateways}. Next: tasks reach ECR, Secrets "
            "Manager and the standby's public name through it; give at least 1"
        )
    return settings


def _read(name: str, value: Any, kind: type) -> Any:
    text = str(value)
    if kind is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind is int and text.isdecimal():
        return int(text)
    if kind is str and isinstance(value, str):
        return value
    raise ContextError(f"expected {PREFIX}{name} as {kind.__name__}; saw {value!r}. Next: correct the value")
