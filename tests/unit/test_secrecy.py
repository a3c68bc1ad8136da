"""What is secret by its name, and how it is taken out of texts and environments."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameday.aws import local_environment
from gameday.secrecy import REDACTED, bare_environment, environment_secrets, hide, hide_in

ENV = {
    "PATH": "/bin", "GAMEDAY_HOME": "/home", "AWS_PROFILE": "prod", "AWS_SESSION_TOKEN": "session-token-1",
    "PGPASSWORD": "hunter2hunter2", "github_token": "ghp_123456789", "SECRET_NAME": "gameday/database",
    "API_KEY": "short",
}  # fmt: skip


def test_a_bare_environment_has_no_aws_and_no_telling_name():
    assert bare_environment(ENV) == {"PATH": "/bin", "GAMEDAY_HOME": "/home", "SECRET_NAME": "gameday/database"}


def test_the_environments_secrets_are_the_values_of_telling_names_that_are_long_enough():
    assert environment_secrets(ENV) == {"session-token-1", "hunter2hunter2", "ghp_123456789"}


def test_a_process_of_the_lab_gets_the_labs_own_keys_and_nobody_elses(monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token-1")
    monkeypatch.setenv("DEPLOY_TOKEN", "deploy-token-1")
    told = local_environment("http://127.0.0.1:1", "us-west-2")
    assert (told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"]) == ("local", "local")
    assert not {"AWS_SESSION_TOKEN", "DEPLOY_TOKEN"} & told.keys()


@pytest.mark.parametrize("form", [str, json.dumps, repr, lambda text: quote(text, safe="")])
@given(secret=st.text(min_size=4, max_size=40))
def test_a_secret_is_taken_out_however_a_message_quotes_it(form, secret):
    quoted = form(f"<{secret}>")
    inner = form(secret).strip("'\"") or secret
    assert inner not in hide(quoted, {secret}) or inner in REDACTED


def test_the_longer_of_two_secrets_goes_first():
    assert hide("hunter2-and-more", {"hunter2", "hunter2-and-more"}) == REDACTED


def test_every_text_of_a_tree_loses_it_and_the_rest_stays():
    tree = {"why": "it said hunter2", "many": ["hunter2", 1], "n": 0.5, "none": None}
    assert hide_in(tree, {"hunter2"}) == {
        "why": f"it said {REDACTED}", "many": [REDACTED, 1], "n": 0.5, "none": None,
    }  # fmt: skip
