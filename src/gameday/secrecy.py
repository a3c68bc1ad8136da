"""What is secret by its name, how it is taken out of a text, and which environment a process gets that needs none."""

import json
import os
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

REDACTED = "[redacted]"
TELLING = re.compile(
    r"(pass(word|wd|phrase)|secret(?!s?_?(name|arn|id))|token|credential|api_?key|access_?key|private_?key)", re.I
)
REFERENCE_KEYS = ("type", "key", "path", "env_var_type")  # of a value that is loaded from elsewhere: no secrets
SHORTEST_OF_ENVIRONMENT = 8  # a shorter value ("true", "local") is no credential, and stands in many a text


def bare_environment(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment without AWS's variables and without whatever has a telling name.

    For every process that calls nobody but the lab, or the service as any client does.
    """
    return {name: value for name, value in env.items() if not name.startswith("AWS_") and not TELLING.search(name)}


def environment_secrets(env: Mapping[str, str] = os.environ) -> frozenset[str]:
    """The values of variables with telling names: they must not reach a file, whoever put them into a text."""
    return frozenset(
        value for name, value in env.items() if TELLING.search(name) and len(value) >= SHORTEST_OF_ENVIRONMENT
    )


def hide(text: str, secrets: Collection[str]) -> str:
    """The text without the secrets, in every form in which a message may quote them; the longest go first."""
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        text = text.replace(form, REDACTED)
    return text


def hide_in(tree: Any, secrets: Collection[str]) -> Any:
    """The same in every text of a tree; what is no text stays what it is."""
    match tree:
        case str():
            return hide(tree, secrets)
        case Mapping():
            return {key: hide_in(value, secrets) for key, value in tree.items()}
        case list() | tuple():
            return [hide_in(value, secrets) for value in tree]
    return tree


def redacted(tree: Any, secrets: Collection[str] = ()) -> Any:
    """The same tree without the secrets, as plain JSON values; what JSON does not know becomes text."""
    match tree:
        case None | bool() | int() | float():
            return REDACTED if not isinstance(tree, bool) and str(tree) in secrets else tree
        case Mapping():
            return {hide(str(key), secrets): _value(str(key), value, secrets) for key, value in tree.items()}
        case list() | tuple() | set():
            return [redacted(value, secrets) for value in tree]
    return hide(str(tree), secrets)


def _value(key: str, value: Any, hidden: Collection[str]) -> Any:
    if key == "secrets" and isinstance(value, Mapping):
        return dict.fromkeys(value, REDACTED)
    return _unsaid(value) if TELLING.search(key) else redacted(value, hidden)


def _unsaid(value: Any) -> Any:
    """What stands under a telling name: where it comes from may be told, and nothing else."""
    match value:
        case None | bool():
            return value
        case Mapping():
            return {str(key): one if key in REFERENCE_KEYS else _unsaid(one) for key, one in value.items()}
        case list() | tuple() | set():
            return [_unsaid(one) for one in value]
    return REDACTED


def _forms(secret: str) -> set[str]:
    """As it is; escaped as JSON and Python quote it; and in a URL."""
    return {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe=""), quote(secret)}
