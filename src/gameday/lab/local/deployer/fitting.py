"""A resource's properties as the parameters of an API call: names by botocore's shapes, texts as their types."""

import json
import re
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape


class Misfit(Exception):
    """A property that the call does not know; the message is its path."""


def fit(value: Any, shape: Shape, path: str = "") -> Any:
    """``value`` in ``shape``; raises :class:`Misfit` when it has a property that the shape lacks."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {name: fit(inner, shape.members[name], f"{path}.{name}") for name, inner in _named(value, shape, path)}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [fit(inner, shape.member, f"{path}[]") for inner in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: fit(inner, shape.value, f"{path}.{key}") for key, inner in value.items()}
    return _scalar(value, shape.type_name)


def _named(value: dict[str, Any], shape: StructureShape, path: str) -> list[tuple[str, Any]]:
    members = _members(shape)
    unknown = [key for key in value if plain(key) not in members]
    if unknown:
        raise Misfit(", ".join(f"{path}.{key}".lstrip(".") for key in unknown))
    return [(members[plain(key)], inner) for key, inner in value.items()]


@cache
def _members(shape: StructureShape) -> dict[str, str]:
    return {plain(name): name for name in shape.members}


@cache
def plain(name: str) -> str:
    """A name without case and punctuation: ``EnableECSManagedTags`` and ``enableECSManagedTags`` are one."""
    return re.sub("[^a-z0-9]", "", name.lower())


def _scalar(value: Any, kind: str) -> Any:
    """CloudFormation's texts as the call's types, and what is no text as text where text is wanted."""
    if kind == "string":
        return value if isinstance(value, str) else json.dumps(value)
    if kind == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    number = _NUMBERS.get(kind)
    return number(value) if number and isinstance(value, str | int) and not isinstance(value, bool) else value


_NUMBERS = {"integer": int, "long": int, "float": float, "double": float}
