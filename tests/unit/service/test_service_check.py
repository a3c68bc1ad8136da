"""The post-check: good only when a real write was read back."""

import os
import subprocess
import sys
from typing import Any

import pytest
from service_stage import ADDRESS, free_port


def check(url: str, **more: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "GAMEDAY_CHECK_URL": url, "GAMEDAY_TIMER_SCALE": "0.01", **more}
    command = [sys.executable, "-m", "gameday.service.check"]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=40, check=False)


@pytest.mark.postgres
def test_a_whole_service_is_good_and_each_check_is_told_on_its_line(service: Any, postgres: Any) -> None:
    ended = check(f"http://{ADDRESS}:{service.port}")
    assert (ended.returncode, ended.stdout.split("\n")) == (0, ["healthz: good", "dbcheck: good", "write: good", ""])
    assert postgres.run("SELECT count(*) FROM orders WHERE id LIKE 'check-%'") == [(1,)]


def test_nobody_answering_is_not_good() -> None:
    ended = check(f"http://{ADDRESS}:{free_port()}", GAMEDAY_CHECK_WITHIN_S="0.6")
    assert ended.returncode == 1
    assert "healthz: not good within 0.6 s" in ended.stdout


def test_nothing_to_check_is_said() -> None:
    assert check("").returncode == 2
