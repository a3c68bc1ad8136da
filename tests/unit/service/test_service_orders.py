"""What the service promises about an order, on a real PostgreSQL and over real HTTP."""

import hashlib
import signal
import subprocess
import sys
from typing import Any

import psutil
import pytest

from gameday.clock import eventually

pytestmark = pytest.mark.postgres


def test_an_acknowledged_order_is_in_the_database_with_the_sum_it_echoed(service: Any, postgres: Any) -> None:
    answer = service.place("a-1", "one cup of tea")
    stored = postgres.run("SELECT payload, sum, region, xid FROM orders WHERE id = 'a-1'")
    assert answer.status == 200
    assert answer.body["sum"] == hashlib.sha256(b"one cup of tea").hexdigest()[:16]
    assert stored == [("one cup of tea", answer.body["sum"], "ap-southeast-2", answer.body["xid"])]
    assert answer.headers["x-gameday-region"] == answer.body["region"] == "ap-southeast-2"


def test_the_commit_lies_between_the_positions_of_the_acknowledgement(service: Any, postgres: Any) -> None:
    body = service.place("a-1").body
    [(is_ordered, is_before_now)] = postgres.run(
        f"SELECT '{body['lsn_before']}'::pg_lsn < '{body['lsn_after']}'::pg_lsn,"
        f" '{body['lsn_after']}'::pg_lsn <= pg_current_wal_insert_lsn()"
    )
    assert is_ordered
    assert is_before_now


def test_the_same_id_twice_is_one_order(service: Any, postgres: Any) -> None:
    first, second = service.place("a-1").body, service.place("a-1").body
    assert postgres.run("SELECT count(*) FROM orders") == [(1,)]
    assert (second["id"], second["sum"], second["xid"]) == (first["id"], first["sum"], first["xid"])


def test_an_echo_does_not_claim_where_the_first_commit_began(service: Any) -> None:
    service.place("a-1")
    assert service.place("a-1").body["lsn_before"] is None


def test_the_same_id_with_another_payload_is_a_conflict_and_changes_nothing(service: Any, postgres: Any) -> None:
    service.place("a-1", "tea")
    answer = service.place("a-1", "coffee")
    assert (answer.status, answer.says_not_applied) == (409, False)
    assert postgres.run("SELECT payload FROM orders") == [("tea",)]


def test_an_order_is_found_by_its_id_and_an_unknown_one_is_404(service: Any) -> None:
    placed = service.place("a-1").body
    found = service.ask("GET", "/orders/a-1")
    assert found.body == {name: placed[name] for name in ("id", "sum", "region", "xid")}
    assert service.ask("GET", "/orders/never").status == 404


def test_orders_are_listed_in_pages_by_id_and_the_last_page_says_so(service: Any) -> None:
    for number in range(5):
        service.place(f"a-{number}")
    first = service.ask("GET", "/orders?limit=3").body
    last = service.ask("GET", "/orders?after=a-2&limit=3").body
    assert [order["id"] for order in first["orders"]] == ["a-0", "a-1", "a-2"]
    assert [order["id"] for order in last["orders"]] == ["a-3", "a-4"]
    assert (first["complete"], last["complete"], last["writable"]) == (False, True, True)
    assert {order["count"] for order in first["orders"]} == {1}


def test_a_row_changed_behind_the_services_back_is_listed_with_the_sum_of_what_is_there(
    service: Any, postgres: Any
) -> None:
    placed = service.place("a-1").body
    postgres.run("UPDATE orders SET payload = 'cold tea'")
    [listed] = service.ask("GET", "/orders").body["orders"]
    assert listed["sum"] == hashlib.sha256(b"cold tea").hexdigest()[:16] != placed["sum"]


def test_a_row_that_is_there_twice_is_listed_once_with_its_count(service: Any, postgres: Any) -> None:
    service.place("a-1")
    postgres.run("ALTER TABLE orders DROP CONSTRAINT orders_pkey")
    postgres.run("INSERT INTO orders SELECT * FROM orders")
    [listed] = service.ask("GET", "/orders").body["orders"]
    postgres.run("TRUNCATE orders; ALTER TABLE orders ADD PRIMARY KEY (id)")
    assert (listed["id"], listed["count"]) == ("a-1", 2)


@pytest.mark.parametrize("payload", ["nul \0", "lone \ud800", "x" * 70_000])
def test_what_cannot_be_stored_is_refused_as_bad_input(service: Any, payload: str) -> None:
    assert service.place("a-1", payload).status == 422


def test_an_idle_service_stays_under_90_mb(launch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # what measures a child takes memory in it
    service = launch()
    service.until_writable()
    assert psutil.Process(service.process.pid).memory_info().rss <= 90_000_000


def test_sigterm_ends_it_gracefully_with_exit_code_0(launch: Any) -> None:
    service = launch()
    service.process.send_signal(signal.SIGTERM)
    assert eventually(service.process.poll, lambda code: code is not None, what="exit", within_s=8) == 0


def test_a_missing_environment_is_named_and_nothing_starts() -> None:
    command = [sys.executable, "-m", "gameday.service"]
    ended = subprocess.run(command, env={}, capture_output=True, timeout=20, check=False)
    assert ended.returncode == 2
    assert b"DB_USERNAME" in ended.stderr
