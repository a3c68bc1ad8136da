"""What a container of a task definition is told: its command, its environment, and its secrets from Secrets Manager."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from gameday.errors import LabError
from gameday.lab.local.ground import ACCOUNT


def command_of(container: Mapping[str, Any], overrides: Mapping[str, Any]) -> tuple[str, ...]:
    """Entry point and command, the override's command first; a leading ``python`` is this very interpreter."""
    words = [
        *container.get("entryPoint", ()),
        *(_override(container, overrides, "command") or container.get("command", ())),
    ]
    if not words:
        raise LabError(
            f"a command of container {container['name']}", "none", "the local lab runs no image: name the command"
        )
    return (sys.executable if words[0] in ("python", "python3") else words[0], *words[1:])


def environment_of(container: Mapping[str, Any], overrides: Mapping[str, Any], region: str) -> dict[str, str]:
    """The container's variables: its environment, its secrets, then the task's overrides."""
    named = _pairs(container.get("environment", ()))
    named |= {entry["name"]: secret_value(entry["valueFrom"], region) for entry in container.get("secrets", ())}
    return named | _pairs(_override(container, overrides, "environment") or ())


def secret_value(value_from: str, region: str) -> str:
    """``valueFrom`` as ECS reads it: a secret's ARN or name, optionally ``:json key:version stage:version id``.

    Only the current version can be asked for. Raises :class:`LabError` when there is no such secret or key.
    """
    secret_id, key = _split(value_from)
    text = _secret_text(secret_id, region)
    if not key:
        return text
    content = json.loads(text)
    if key not in content:
        raise LabError(
            f"a key {key!r} in secret {secret_id}", f"only {', '.join(sorted(content))}", "correct valueFrom"
        )
    return str(content[key])


def _secret_text(secret_id: str, region: str) -> str:
    from moto.secretsmanager.models import secretsmanager_backends

    for secret in list(dict.values(secretsmanager_backends[ACCOUNT][region].secrets)):
        if secret_id in (secret.arn, secret.name) or secret_id.endswith(f":secret:{secret.name}"):
            return str(secret.versions[secret.default_version_id]["secret_string"])
    raise LabError(f"a secret {secret_id} in {region}", "no such secret", "create or replicate it first")


def _split(value_from: str) -> tuple[str, str]:
    parts = value_from.split(":")
    if parts[0] != "arn":
        return value_from, ""
    return ":".join(parts[:7]), parts[7] if len(parts) > 7 else ""


def _override(container: Mapping[str, Any], overrides: Mapping[str, Any], what: str) -> Sequence[Any] | None:
    for override in overrides.get("containerOverrides", ()):
        if override.get("name") == container["name"]:
            found: Sequence[Any] | None = override.get(what)
            return found
    return None


def _pairs(entries: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in entries}
