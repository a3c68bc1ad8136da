"""What of an experiment must not be written down, and Chaos Toolkit's log without it."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from gameday.secrecy import TELLING, environment_secrets, hide

SHORTEST = 4  # a shorter secret would take half of the text with it


def secret_values(secrets: Any) -> set[str]:
    """Every value inside a tree of resolved secrets that is long enough to be one, as text."""
    return {text for text in _texts(secrets) if len(text) >= SHORTEST}


def hidden_values(configuration: Mapping[str, Any], secrets: Any) -> set[str]:
    """All that a drill must not write down: secrets, configuration and environment with telling names."""
    return secret_values(secrets) | secret_values(list(_told_secret(configuration))) | environment_secrets()


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


def _told_secret(tree: Any) -> Iterable[Any]:
    """Whatever stands under a telling name, at any depth; ``secrets`` of an activity only names what it is given."""
    match tree:
        case Mapping():
            for key, value in tree.items():
                yield from [value] if TELLING.search(str(key)) and key != "secrets" else _told_secret(value)
        case list() | tuple():
            for value in tree:
                yield from _told_secret(value)


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
