"""Secrets out of whatever reaches the disk: values that the experiment calls secret, and values whose name says so."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

REDACTED = "[redacted]"
TELLING = re.compile(
    r"(pass(word|wd|phrase)|secret(?!s?_?(name|arn|id))|token|credential|api_?key|access_?key|private_?key)", re.I
)
SHORTEST = 4  # a shorter secret would take half of the text with it


def secret_values(secrets: Any) -> set[str]:
    """Every text inside a tree of resolved secrets that is long enough to be one."""
    return {text for text in _texts(secrets) if len(text) >= SHORTEST}


def redacted(tree: Any, secrets: Iterable[str] = ()) -> Any:
    """The same tree without the secrets, as plain JSON values; what JSON does not know becomes text."""
    hidden = sorted(secrets, key=len, reverse=True)
    return _without(tree, hidden)


def _without(tree: Any, hidden: list[str]) -> Any:
    match tree:
        case None | bool() | int() | float():
            return tree
        case Mapping():
            return {str(key): _value(str(key), value, hidden) for key, value in tree.items()}
        case list() | tuple() | set():
            return [_without(value, hidden) for value in tree]
    text = str(tree)
    for secret in hidden:
        text = text.replace(secret, REDACTED)
    return text


def _value(key: str, value: Any, hidden: list[str]) -> Any:
    if key == "secrets" and isinstance(value, Mapping):
        return dict.fromkeys(value, REDACTED)
    if TELLING.search(key) and isinstance(value, str | int | float) and not isinstance(value, bool):
        return REDACTED
    return _without(value, hidden)


def _texts(tree: Any) -> Iterable[str]:
    if isinstance(tree, Mapping):
        for value in tree.values():
            yield from _texts(value)
    elif isinstance(tree, list | tuple | set):
        for value in tree:
            yield from _texts(value)
    elif isinstance(tree, str):
        yield tree
