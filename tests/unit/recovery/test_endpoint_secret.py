"""A team's endpoint secret may hold a password too: a runbook never writes it down, never shows it, never loses it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pair_stage import EAST, WEST, Pair

from gameday.facts import RESTORE
from gameday.recovery import runbook
from gameday.recovery.endpoint_secret import rewrite
from gameday.recovery.shown import command_of
from gameday.walk_told import Errand, walk_told

OTHERS = {"username": "app", "password": "canary-of-the-endpoint-7f4c", "engine": "postgres"}
RESTORED = {
    "host": f"gameday-primary.{EAST}", "port": "5432", "name in PostgreSQL": "app", "database": "gameday-primary",
}  # fmt: skip
REWRITES = [
    ("unplanned-failover", "rewrite-the-endpoint", WEST, {}),
    ("planned-failover", "rewrite-the-endpoint", WEST, {}),
    ("failback", "rewrite-the-primarys-endpoint", EAST, {}),
    ("failback", "rewrite-the-standbys-endpoint", WEST, {}),
    (RESTORE, "rewrite-the-endpoint", EAST, RESTORED),
]

type Walk = Callable[..., str]


@pytest.fixture
def pair() -> Pair:
    """Both regions' secrets hold a password."""
    pair = Pair()
    for region in pair.regions.values():
        region.secret |= OTHERS
    return pair


@pytest.fixture
def walk(pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Walk:
    """Take one step of a runbook as ``gameday runbook run --yes`` does; everything that was written and said."""

    def go(name: str, step: str, found: dict[str, str]) -> str:
        book = runbook(name)
        steps = [each for each in book.steps if each.name == step]
        walk_told(Errand(book, pair.lab(), steps, book.options_said({}), found=found), tmp_path, yes=True)
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert {"timeline.ndjson", "runbook.ndjson"} <= {path.name for path in files}
        return "".join([*(path.read_text() for path in files), *capsys.readouterr()])

    return go


@pytest.mark.parametrize(("name", "step", "region", "found"), REWRITES)
def test_a_walk_leaves_the_secrets_password_in_no_file_and_says_it_nowhere(
    walk: Walk, pair: Pair, name: str, step: str, region: str, found: dict[str, str]
) -> None:
    pair.regions[region].secret["host"] = "elsewhere"
    told = walk(name, step, found)
    assert "elsewhere" in told or found
    assert OTHERS["password"] not in told


@pytest.mark.parametrize(("name", "step", "region", "found"), REWRITES)
def test_a_rewritten_secret_keeps_whatever_else_it_holds(
    walk: Walk, pair: Pair, name: str, step: str, region: str, found: dict[str, str]
) -> None:
    host, pair.regions[region].secret["host"] = pair.regions[region].secret["host"], "elsewhere"
    walk(name, step, found)
    assert pair.called == [f"rewrite the endpoint in {region}"]
    assert pair.regions[region].secret == {"host": host, "port": 5432, "dbname": "app", **OTHERS}


@pytest.mark.parametrize(("name", "step", "region", "found"), REWRITES[:-1])
def test_a_secret_that_names_the_database_already_is_not_rewritten_for_what_else_it_holds(
    walk: Walk, pair: Pair, name: str, step: str, region: str, found: dict[str, str]
) -> None:
    walk(name, step, found)
    assert pair.called == []


def test_what_the_secret_holds_is_read_when_it_is_written(pair: Pair) -> None:
    (call,) = rewrite(pair.lab(), WEST, '{"host": "here"}')
    pair.regions[WEST].secret = {"host": "there", "password": "of a rotation since"}
    call.make(pair.lab())
    held: dict[str, Any] = pair.regions[WEST].secret
    assert held == {"host": "here", "password": "of a rotation since"}


def test_whoever_copies_the_command_is_told_that_there_may_be_more_in_the_secret(pair: Pair) -> None:
    (call,) = rewrite(pair.lab(), WEST, '{"host": "here"}')
    assert command_of(call).endswith(
        """--secret-string '{"host": "here"}'  # and keep whatever else the secret holds"""
    )
