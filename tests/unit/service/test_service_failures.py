"""What the service says when its database is away, read-only, moved or promoted: never more than it knows."""

import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from broken_links import Link
from service_stage import ADDRESS, Postgres, Secrets, Service, free_port

from gameday.clock import eventually

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def link(postgres: Postgres) -> Iterator[Link]:
    link = Link(ADDRESS, (ADDRESS, postgres.port))
    yield link
    link.close()


@pytest.fixture(scope="module")
def running(launch: Any, link: Link, secrets: Secrets) -> Service:
    """The service, behind a link that can be broken."""
    secrets.point_at(link.port)
    service: Service = launch(GAMEDAY_REQUEST_DEADLINE_S="1.5")
    service.until_writable()
    return service


@pytest.fixture(autouse=True)
def whole_again(running: Service, link: Link, postgres: Postgres) -> Iterator[None]:
    yield
    link.answers = link.requests = True
    link.drop_answers_after = None
    link.sever()
    running.until_writable()


@pytest.fixture
def read_only(postgres: Postgres) -> Iterator[None]:
    postgres.run("ALTER SYSTEM SET default_transaction_read_only = on")
    postgres.run("SELECT pg_reload_conf()")
    yield
    postgres.run("ALTER SYSTEM RESET default_transaction_read_only")
    postgres.run("SELECT pg_reload_conf()")


@pytest.mark.usefixtures("read_only")
def test_a_read_only_database_answers_not_applied(service: Service) -> None:
    ids = (f"a-{number}" for number in range(100))
    answer = eventually(lambda: service.place(next(ids)), lambda seen: seen.status != 200, what="refusal", within_s=3)
    assert (answer.status, answer.says_not_applied) == (503, True)
    assert service.status_of("/dbcheck") == 503


def test_a_commit_whose_answer_got_lost_is_not_called_not_applied(
    service: Service, link: Link, postgres: Postgres
) -> None:
    link.drop_answers_after = b"INSERT INTO orders"
    answer = service.place("a-1")
    assert (answer.status, answer.says_not_applied) == (504, False)
    assert postgres.run("SELECT id FROM orders") == [("a-1",)]


def test_an_order_retried_after_a_lost_answer_is_acknowledged_and_there_once(
    service: Service, link: Link, postgres: Postgres
) -> None:
    link.drop_answers_after = b"INSERT INTO orders"
    assert service.place("a-1").status == 504
    link.answers, link.drop_answers_after = True, None
    answer = eventually(lambda: service.place("a-1"), lambda seen: seen.status == 200, what="retry", within_s=10)
    assert answer.body["lsn_before"] is None
    assert postgres.run("SELECT id FROM orders") == [("a-1",)]


def test_a_silent_database_is_answered_for_within_the_deadline_and_nothing_was_applied(
    service: Service, link: Link, postgres: Postgres
) -> None:
    link.answers = link.requests = False
    began = time.monotonic()
    answer = service.place("a-1")
    assert (answer.status, answer.says_not_applied) == (503, True)
    assert time.monotonic() - began < 2.5
    assert postgres.run("SELECT id FROM orders") == []


def test_a_silent_database_does_not_make_the_service_unhealthy(service: Service, link: Link) -> None:
    link.answers = link.requests = False
    assert service.status_of("/healthz") == 200


def test_it_writes_again_soon_after_a_severed_link(service: Service, link: Link) -> None:
    link.sever()
    began = time.monotonic()
    eventually(lambda: service.place("a-1").status, 200, what="a write", within_s=5)
    assert time.monotonic() - began < 4


def test_it_reconnects_when_the_secret_names_another_endpoint(
    service: Service, link: Link, secrets: Secrets, postgres: Postgres
) -> None:
    other = Link(ADDRESS, (ADDRESS, postgres.port))
    secrets.point_at(other.port)
    eventually(lambda: other.accepted, lambda seen: seen > 0, what="a connection over the new endpoint", within_s=10)
    assert service.place("a-1").status == 200
    secrets.point_at(link.port)
    before = link.accepted
    eventually(lambda: link.accepted, lambda seen: seen > before, what="the way back", within_s=10)
    other.close()


def test_an_unreadable_secret_keeps_the_endpoint_it_had(service: Service, secrets: Secrets) -> None:
    kept, secrets.endpoint = secrets.endpoint, None
    asked = secrets.asked
    eventually(lambda: secrets.asked, lambda seen: seen > asked + 1, what="the secret asked for", within_s=10)
    assert service.place("a-1").status == 200
    secrets.endpoint = kept


def test_without_any_endpoint_it_is_healthy_and_applies_nothing(launch: Any, secrets: Secrets) -> None:
    kept, secrets.endpoint = secrets.endpoint, None
    alone = launch()
    answer = alone.place("a-1")
    secrets.endpoint = kept
    assert (answer.status, answer.says_not_applied) == (503, True)


def test_a_database_that_died_is_found_again_when_it_is_back(service: Service, postgres: Postgres) -> None:
    postgres.kill()
    answer = service.place("a-1")
    assert (answer.status, answer.says_not_applied) == (503, True)
    postgres.start()
    service.until_writable(within_s=10)


def test_a_promoted_standby_takes_writes_without_a_restart_of_the_service(
    template: Path, tmp_path: Path, launch: Any, secrets: Secrets
) -> None:
    shutil.copytree(template, tmp_path / "standby")
    (tmp_path / "standby" / "standby.signal").touch()
    standby = Postgres(tmp_path / "standby", free_port())
    standby.start()
    kept = secrets.endpoint
    secrets.point_at(standby.port)
    service = launch()
    eventually(lambda: "read-only" in str(service.place("a-1").body), True, what="read-only", within_s=10)
    standby.run("SELECT pg_promote(wait => false)")
    eventually(lambda: service.place("a-1").status, 200, what="a write", within_s=10)
    service.process.send_signal(signal.SIGTERM)
    service.process.wait(10)
    secrets.endpoint = kept
    standby.stop()
