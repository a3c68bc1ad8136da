"""What of an experiment, its journal and its log may reach the disk."""

import logging

import pytest

from gameday.chaos.redact import RedactedLog, hidden_values, secret_values
from gameday.secrecy import REDACTED, redacted


def test_every_value_of_the_secrets_is_one_numbers_too():
    assert secret_values({"aws": {"key": "AKIA-1", "pins": [123456, "abc"], "on": True}}) == {"AKIA-1", "123456"}


def test_the_secrets_block_is_told_by_its_names_only():
    assert redacted({"secrets": {"aws": {"key": {"type": "env", "key": "X"}}}}) == {"secrets": {"aws": REDACTED}}


@pytest.mark.parametrize(
    "name", ["password", "db_passwd", "API-TOKEN", "apiKey", "AWS_SECRET_ACCESS_KEY", "secrets_of"]
)
@pytest.mark.parametrize("value", ["hunter2", 123456, ["hunter2", 5], {"a": {"b": "hunter2"}}])
def test_whatever_stands_under_a_telling_name_is_not_said(name, value):
    told = redacted({name: value})
    assert "hunter2" not in str(told)
    assert "123456" not in str(told)
    assert REDACTED in str(told)


def test_where_a_value_comes_from_is_said_and_its_default_is_not():
    given = {"type": "env", "key": "DB_PASSWORD", "default": "hunter2"}
    assert redacted({"password": given}) == {
        "password": {"type": "env", "key": "DB_PASSWORD", "default": REDACTED},
    }  # fmt: skip


@pytest.mark.parametrize("name", ["EndpointSecretName", "secret_arn", "secret_id"])
def test_the_name_of_a_secret_is_none(name):
    assert redacted({name: "gameday/database"}) == {name: "gameday/database"}


def test_a_value_is_taken_out_of_texts_keys_and_numbers():
    tree = {"said hunter2": ["x hunter2 y", 123456, 7, True, None, ValueError("hunter2")]}
    assert redacted(tree, {"hunter2", "123456"}) == {
        f"said {REDACTED}": [f"x {REDACTED} y", REDACTED, 7, True, None, REDACTED],
    }  # fmt: skip


def test_hidden_are_secrets_and_the_telling_of_configuration_and_environment(monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token-1")
    hidden = hidden_values({"db_password": "hunter2", "region": "us-west-2"}, {"aws": {"key": "AKIA-1"}})
    assert {"session-token-1", "hunter2", "AKIA-1"} <= hidden
    assert "us-west-2" not in hidden


def test_a_telling_name_deep_in_the_configuration_is_heeded_and_the_names_of_secrets_are_none():
    provider = {"secrets": ["pager"], "arguments": {"api_token": "hunter2", "url": "http://pager"}}
    hidden = hidden_values({"stop_when": [{"probe": {"provider": provider}}]}, {})
    assert "hunter2" in hidden
    assert not {"pager", "http://pager"} & hidden


def test_a_log_line_and_its_traceback_lose_it(caplog):
    log, own = logging.getLogger("test of redaction"), RedactedLog()
    own.hidden = {"hunter2"}
    log.addFilter(own)
    try:
        raise RuntimeError("the answer was hunter2")  # noqa: TRY301  as an action of somebody else fails
    except RuntimeError:
        log.exception("failed with %s", "hunter2")
    assert "failed with [redacted]" in caplog.text
    assert "RuntimeError: the answer was [redacted]" in caplog.text
    assert "hunter2" not in caplog.text
