"""Step Functions' names for AWS's own: its SDK tasks speak the Java SDK's case, boto3 each service's."""

import json
import re
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from gameday.lab.local.calls import service_model

# SDK integrations are named after service ids; these differ from boto3's names for the same service.
BOTO_NAMES = {
    "sfn": "stepfunctions",
    "states": "stepfunctions",
    "elasticloadbalancingv2": "elbv2",
    "elasticloadbalancing": "elb",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
    "applicationautoscaling": "application-autoscaling",
}
# Word borders in the order in which the Java SDK's code generator looks for them (its NamingStrategy).
_BORDERS = (
    (re.compile(r"[^A-Za-z0-9]+"), " "),
    (re.compile(r"([^a-z]{2,})v([0-9]+)"), r"\1 v\2 "),
    (re.compile(r"([^A-Z]{2,})V([0-9]+)"), r"\1 V\2 "),
    (re.compile(r"([a-z])([A-Z])"), r"\1 \2"),
    (re.compile(r"([A-Z]+)([A-Z][a-z])"), r"\1 \2"),
    (re.compile(r"([0-9])([a-zA-Z])"), r"\1 \2"),
)


@cache
def java_case(name: str) -> str:
    """``DBInstanceIdentifier`` → ``DbInstanceIdentifier``, ``IPAddress`` → ``IpAddress``; twice is the same as once."""
    for border, spaced in _BORDERS:
        name = border.sub(spaced, name)
    return "".join(word[:1].upper() + word[1:].lower() for word in name.split())


@cache
def operation(service: str, action: str) -> OperationModel | None:
    """The operation of an SDK task (``rds``, ``describeDBInstances``; case and underscores are free), or None."""
    model = service_model(boto_name(service))
    if model is None:
        return None
    wanted = _plain(action)
    return next((model.operation_model(name) for name in model.operation_names if _plain(name) == wanted), None)


def boto_name(service: str) -> str:
    return BOTO_NAMES.get(service.lower(), service)


def to_call(value: Any, shape: Shape) -> Any:
    """A task's parameters as boto3 wants them: names by shape, whole floats as integers, objects as JSON text."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = {_plain(name): name for name in shape.members}
        named = {members.get(_plain(key), key): inner for key, inner in value.items()}
        known = shape.members
        return {key: to_call(inner, known[key]) if key in known else inner for key, inner in named.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [to_call(inner, shape.member) for inner in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: to_call(inner, shape.value) for key, inner in value.items()}
    return _scalar(value, shape.type_name)


def to_state(value: Any, shape: Shape | None) -> Any:
    """A response as a state machine sees it: known names in Java case, streams read, times as text."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        known = shape.members
        return {
            (java_case(key) if key in known else key): to_state(inner, known.get(key)) for key, inner in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [to_state(inner, shape.member) for inner in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: to_state(inner, shape.value) for key, inner in value.items()}
    if hasattr(value, "read"):
        return value.read().decode()
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return value


def service_error_name(service: str) -> str:
    """``rds`` → ``Rds``, ``secretsmanager`` → ``SecretsManager``: the first half of an SDK task's error name."""
    model = service_model(boto_name(service))
    return java_case(str(model.service_id) if model else service)


def error_name(service_part: str, exception: str) -> str:
    """``Rds`` and ``DBInstanceNotFoundFault`` → ``Rds.DbInstanceNotFoundException``."""
    if exception == "ClientError":
        return f"{service_part}.{service_part}Exception"
    return f"{service_part}.{java_case(re.sub('(Fault|Exception|Error)$', '', exception))}Exception"


def _scalar(value: Any, kind: str) -> Any:
    if kind in ("integer", "long") and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind == "string" and not isinstance(value, str):
        return json.dumps(value)
    if kind == "blob" and not isinstance(value, bytes | str):
        return json.dumps(value, separators=(",", ":")).encode()
    return value


@cache
def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())
