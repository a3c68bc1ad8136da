"""Locust's users write every attempt down, follow DNS when they connect, and never load boto3."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from load_stage import ADDRESS, FakeDns, FakeService, until

from gameday.clock import eventually
from gameday.errors import LoadError
from gameday.facts import Write
from gameday.load.plan import LoadPlan
from gameday.load.runner import Load
from gameday.processes import descendants, kill_tree
from gameday.record.layout import Record
from gameday.record.lines import Damage

PLAN = LoadPlan(users=5, spawn_rate=50, think_s=0.05)
type Start = Callable[..., Load]


@pytest.fixture
def start(record: Record) -> Iterator[Start]:
    running: list[Load] = []

    def started(url: str, resolver: str = "system", plan: LoadPlan = PLAN) -> Load:
        running.append(Load.start(plan, url, resolver, record))
        return running[-1]

    yield started
    for load in running:
        kill_tree(load.process)


def ledger(record: Record) -> list[Write]:
    return list(record.read_writes(Damage()))


def ends(record: Record) -> set[str]:
    """How attempts ended, but for those whose user was stopped in the middle."""
    return {write.ev for write in ledger(record) if write.why != "its user was stopped"}


def test_every_attempt_is_settled_though_users_are_stopped_in_the_middle(
    service: FakeService, record: Record, start: Start
) -> None:
    service.mood = "hang"
    load = start(service.url)
    until(lambda: service.count("POST") >= PLAN.users, "every user waiting for an answer", within_s=30)
    load.stop()
    lines = list(ledger(record))
    sent = Counter((line.id, line.attempt) for line in lines if line.ev == "sent")
    assert Counter((line.id, line.attempt) for line in lines if line.ev == "unknown") == sent
    assert any(line.why == "its user was stopped" for line in lines)


def test_each_order_that_the_service_took_is_an_attempt_in_the_ledger(
    service: FakeService, record: Record, start: Start
) -> None:
    load = start(service.url)
    until(lambda: len(service.orders) >= 50 and service.count("GET") > 3, "orders and reads", within_s=30)
    load.stop()
    acked = {write.id: write.sum for write in ledger(record) if write.ev == "acked"}
    assert acked == service.orders
    assert (record.folder / "load" / "locust_stats.csv").exists()
    assert load.process.returncode == 0


def test_an_order_that_was_not_acknowledged_is_tried_once_more_under_the_same_id(
    service: FakeService, record: Record, start: Start
) -> None:
    service.mood = "broken"
    load = start(service.url)
    until(lambda: service.count("POST") >= 20, "attempts", within_s=30)
    load.stop()
    attempts = Counter(write.attempt for write in ledger(record) if write.ev == "sent")
    assert set(attempts) == {1, 2}
    assert ends(record) == {"sent", "unknown"}


@pytest.mark.parametrize(("mood", "end"), [("reset", "unknown"), ("not_applied", "refused"), ("broken", "unknown")])
def test_a_failed_attempt_is_settled_by_the_definition(
    service: FakeService, record: Record, start: Start, mood: str, end: str
) -> None:
    service.mood = mood
    load = start(service.url)
    until(lambda: len(ledger(record)) > 10, "attempts", within_s=30)
    load.stop()
    assert ends(record) == {"sent", end}


def test_nobody_listening_is_refused(record: Record, start: Start) -> None:
    load = start(f"http://{ADDRESS}:9")
    until(lambda: len(ledger(record)) > 10, "attempts", within_s=30)
    load.stop()
    assert ends(record) == {"sent", "refused"}


def test_a_new_connection_goes_where_the_name_points_by_then(
    service: FakeService, record: Record, start: Start, name_server: FakeDns
) -> None:
    other = FakeService("127.204.2.2", service.port).start()
    load = start(f"http://app.gameday.example:{service.port}", name_server.resolver)
    until(lambda: service.count("POST") > 10, "orders at the first address", within_s=30)
    name_server.address = other.address
    service.mood = "reset"
    until(lambda: other.count("POST") > 10, "orders at the second address", within_s=30)
    load.stop()
    other.stop()
    assert name_server.questions < service.count("POST") + other.count("POST")


def test_a_kept_connection_stays_where_it_is(
    service: FakeService, record: Record, start: Start, name_server: FakeDns
) -> None:
    other = FakeService("127.204.2.2", service.port).start()
    load = start(f"http://app.gameday.example:{service.port}", name_server.resolver)
    until(lambda: len(service.connections) == PLAN.users, "every user connected", within_s=30)
    name_server.address = other.address
    seen = service.count("POST")
    until(lambda: service.count("POST") > seen + 100, "more orders", within_s=30)
    load.stop()
    other.stop()
    assert other.count("POST") == 0


def test_workers_are_locusts_own_and_each_writes_its_segment(
    service: FakeService, record: Record, start: Start
) -> None:
    load = start(service.url, plan=LoadPlan(users=6, spawn_rate=50, think_s=0.05, workers=2))
    until(lambda: len(list(record.writes.glob("locust-*.ndjson"))) == 2, "two segments", within_s=40)
    until(lambda: len(service.orders) >= 20, "orders", within_s=30)
    family = descendants(load.process.pid)
    load.stop()
    assert {write.id for write in ledger(record) if write.ev == "acked"} == set(service.orders)
    eventually(lambda: [p for p in family if p.is_running()], [], what="workers gone", within_s=5)


def test_locust_runs_without_boto3(
    service: FakeService, record: Record, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAMEDAY_LOAD_MODULES", str(tmp_path / "modules"))
    load = start(service.url)
    until(lambda: len(service.orders) >= 1, "an order", within_s=30)
    load.stop()
    loaded = (tmp_path / "modules").read_text().split()
    assert "locust" in loaded
    assert not {"boto3", "botocore", "moto"} & set(loaded)


def test_a_load_that_died_says_why(record: Record, start: Start) -> None:
    load = start("http://x:1", plan=LoadPlan(), resolver="nonsense")
    eventually(load.alive, False, what="Locust's end", within_s=30)
    with pytest.raises(LoadError, match="a resolver: system, or address:port"):
        load.check()
