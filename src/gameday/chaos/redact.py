"""Secrets out of whatever reaches the disk: values that the experiment calls secret, and values whose name says so."""

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from gameday.secrecy import REDACTED, TELLING, environment_secrets, hide

SHORTEST = 4  # a shorter secret would take half of the text with it
REFERENCE_KEYS = ("type", "key", "path", "env_var_type")  # of a value that is loaded from elsewhere: no secrets


def secret_values(secrets: Any) -> set[str]:
    """Every value inside a tree of resolved secrets that is long enough to be one, as text."""
    return {text for text in _texts(secrets) if len(text) >= SHORTEST}


def hidden_values(configuration: Mapping[str, Any], secrets: Any) -> set[str]:
    """All that a drill must not write down: secrets, configuration and environment with telling names."""
    told = {key: value for key, value in configuration.items() if TELLING.search(key)}
    return secret_values(secrets) | secret_values(told) | environment_secrets()


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


class RedactedLog(logging.Filter):
    """Takes the secrets out of what Chaos Toolkit logs, tracebacks included."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = hide(record.getMessage(), self.hidden), None
        if record.exc_info:
            record.exc_text = hide(logging.Formatter().formatException(record.exc_info), self.hidden)
        return True


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


def _texts(tree: Any) -> Iterable[str]:
    match tree:
        case Mapping():
            for value in tree.values():
                yield from _texts(value)
        case list() | tuple() | set():
            for value in tree:
                yield from _texts(value)
        case str():
            yield tree
        case int() | float() if not isinstance(tree, bool):
            yield str(tree)
