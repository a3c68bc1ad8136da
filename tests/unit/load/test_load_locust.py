"""Locust's users write every attempt down, follow DNS when they connect, and never load boto3."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from load_stage import ADDRESS, FakeDns, FakeService, new_record, until

from gameday.clock import eventually
from gameday.errors import LoadError
from gameday.facts import Write
from gameday.load.ids import payload_of
from gameday.load.plan import LoadPlan, LoadStage
from gameday.load.runner import Load
from gameday.processes import descendants, kill_tree
from gameday.record.layout import Record
from gameday.record.lines import Damage

PLAN = LoadPlan(users=5, spawn_rate=50, think_s=0.05, patience_s=0.5)
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


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Shared"]:
    """One Locust for the tests that only ask what becomes of an attempt: starting one takes a second."""
    service, record = FakeService().start(), new_record(tmp_path_factory.mktemp("shared"))
    load = Load.start(PLAN, service.url, "system", record)
    yield Shared(service, record)
    kill_tree(load.process)
    service.stop()


@dataclass(frozen=True)
class Shared:
    service: FakeService
    record: Record

    def attempts_while(self, mood: str, count: int = 10) -> list[Write]:
        """How the attempts ended that were sent after the service took to that mood, once there are so many."""
        self.service.mood, since = mood, time.monotonic_ns()

        def settled() -> list[Write]:
            lines = ledger(self.record)
            sent = {(line.id, line.attempt) for line in lines if line.ev == "sent" and line.mono_ns > since}
            return [line for line in lines if line.ev != "sent" and (line.id, line.attempt) in sent]

        return eventually(settled, lambda seen: len(seen) >= count, what=mood, within_s=30, every_s=0.05)


@pytest.mark.parametrize(
    ("mood", "end"),
    [("good", "acked"), ("reset", "unknown"), ("hang", "unknown"), ("not_applied", "refused"), ("broken", "unknown")],
)
def test_an_attempt_is_settled_by_the_definition(shared: Shared, mood: str, end: str) -> None:
    assert {write.ev for write in shared.attempts_while(mood)} == {end}


def test_an_order_that_was_not_acknowledged_is_tried_once_more_under_the_same_id(shared: Shared) -> None:
    tried = Counter(write.id for write in shared.attempts_while("broken", 30))
    assert Counter(tried.values())[2] >= 10
    assert max(tried.values()) == 2


def test_an_attempt_tells_how_many_bytes_its_loss_would_weigh(shared: Shared) -> None:
    sizes = {write.id: write.size_bytes for write in shared.attempts_while("good")}
    assert sizes == {id: len(payload_of(id).encode()) for id in sizes}


def test_when_it_is_stopped_every_order_that_the_service_took_is_in_the_ledger(
    service: FakeService, record: Record, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAMEDAY_LOAD_MODULES", str(tmp_path / "modules"))
    load = start(service.url)
    until(lambda: len(service.orders) >= 50 and service.count("GET") > 3, "orders and reads", within_s=30)
    load.stop()
    acked = {write.id: write.sum for write in ledger(record) if write.ev == "acked"}
    assert acked == service.orders
    assert (record.folder / "load" / "locust_stats.csv").exists()
    assert load.process.returncode == 0
    assert_without_boto3(tmp_path / "modules")


def assert_without_boto3(modules: Path) -> None:
    loaded = modules.read_text().split()
    assert "locust" in loaded
    assert not {"boto3", "botocore", "moto"} & set(loaded)


def test_stopped_while_the_service_hangs_users_finish_their_attempt_and_begin_no_other(
    service: FakeService, record: Record, start: Start
) -> None:
    service.mood = "hang"
    load = start(service.url, plan=replace(PLAN, patience_s=1))
    until(lambda: service.count("POST") >= PLAN.users, "every user waiting for an answer", within_s=30)
    assert_it_drains(load, record)


def assert_it_drains(load: Load, record: Record) -> None:
    load.process.send_signal(signal.SIGTERM)
    assert load.process.wait(10) == 0
    assert_all_settled(record)
    assert all("timed out" in (write.why or "") for write in ledger(record) if write.ev == "unknown")


def test_an_attempt_that_outlasts_the_stop_is_settled_all_the_same(
    service: FakeService, record: Record, start: Start
) -> None:
    service.mood = "trickle"
    load = start(service.url)
    until(lambda: service.count("POST") >= PLAN.users, "every user waiting for an answer", within_s=30)
    load.stop()
    assert_all_settled(record)
    assert {write.why for write in ledger(record) if write.ev == "unknown"} == {"stopped while under way"}


def assert_all_settled(record: Record) -> None:
    lines = ledger(record)
    sent = Counter((line.id, line.attempt) for line in lines if line.ev == "sent")
    assert sent
    assert Counter((line.id, line.attempt) for line in lines if line.ev != "sent") == sent


def test_nobody_listening_is_refused(record: Record, start: Start) -> None:
    load = start(f"http://{ADDRESS}:9")
    until(lambda: len(ledger(record)) > 10, "attempts", within_s=30)
    load.stop()
    assert {write.ev for write in ledger(record)} == {"sent", "refused"}


def test_a_kept_connection_stays_where_it_is_and_a_new_one_goes_where_the_name_points_by_then(
    service: FakeService, record: Record, start: Start, name_server: FakeDns
) -> None:
    other = FakeService("127.204.2.2", service.port).start()
    load = start(f"http://app.gameday.example:{service.port}", name_server.resolver)
    until(lambda: len(service.connections) == PLAN.users, "every user connected", within_s=30)
    name_server.address, seen = other.address, service.count("POST")
    until(lambda: service.count("POST") > seen + 100, "more orders over kept connections", within_s=30)
    assert other.count("POST") == 0
    service.mood = "reset"
    until(lambda: other.count("POST") > 10, "orders at the second address", within_s=30)
    load.stop()
    other.stop()
    assert name_server.questions < service.count("POST") + other.count("POST")


def test_workers_are_locusts_own_write_a_segment_each_and_are_waited_for(
    service: FakeService, record: Record, start: Start
) -> None:
    load = start(service.url, plan=replace(PLAN, users=6, workers=2, patience_s=4.5))  # Locust itself waits 3.5 s
    until(lambda: len(list(record.writes.glob("locust-*.ndjson"))) == 2, "two segments", within_s=40)
    until(lambda: len(service.orders) >= 20, "orders", within_s=30)
    service.mood, asked = "hang", service.count("POST")
    until(lambda: service.count("POST") >= asked + 2, "users waiting for an answer")
    family = descendants(load.process.pid)
    assert_it_drains(load, record)
    assert {write.id for write in ledger(record) if write.ev == "acked"} == set(service.orders)
    eventually(lambda: [p for p in family if p.is_running()], [], what="workers gone", within_s=5)


UP_AND_DOWN = (LoadStage(4, 2, 50), LoadStage(5, 6, 50), LoadStage(1, 1, 50))
LOOKED_AT_EVERY_S = 1  # how often Locust asks its shape


def busy_users(service: FakeService) -> int:
    """How many users are at work, as seen for a while: each keeps a connection of its own."""
    service.connections.clear()
    time.sleep(0.5)
    return len(service.connections)


@pytest.mark.parametrize("workers", [0, 2])
def test_stages_are_locusts_own_shape_and_the_last_is_held_until_it_is_stopped(
    service: FakeService, record: Record, start: Start, workers: int
) -> None:
    load = start(service.url, plan=replace(PLAN, users=9, stages=UP_AND_DOWN, workers=workers))
    for stage in UP_AND_DOWN:
        eventually(lambda: busy_users(service), stage.users, what="users", within_s=40, every_s=0.02)
    time.sleep(UP_AND_DOWN[-1].for_s + LOOKED_AT_EVERY_S)
    assert busy_users(service) == UP_AND_DOWN[-1].users
    load.stop()
    assert_all_settled(record)
    assert {write.id: write.sum for write in ledger(record) if write.ev == "acked"} == service.orders
    assert (record.folder / "load" / "locust_stats.csv").exists()
    assert "WARNING" not in (record.folder / "load" / "locust.log").read_text()


def test_stopped_in_a_stage_while_the_service_hangs_users_finish_their_attempt(
    service: FakeService, record: Record, start: Start
) -> None:
    service.mood = "hang"
    load = start(service.url, plan=replace(PLAN, patience_s=1, stages=(LoadStage(60, 3, 50),)))
    until(lambda: service.count("POST") >= 3, "every user waiting for an answer", within_s=30)
    assert_it_drains(load, record)


def test_a_user_that_a_stage_has_no_room_for_finishes_its_attempt_and_begins_no_other(
    service: FakeService, record: Record, start: Start
) -> None:
    service.mood = "hang"
    stages = (LoadStage(2, 5, 50), LoadStage(1, 1, 50))
    load = start(service.url, plan=replace(PLAN, patience_s=4, stages=stages))
    until(lambda: service.count("POST") == 5, "every user waiting for an answer", within_s=30)
    service.mood = "good"
    until(lambda: service.count("POST") > 20, "orders of the user that is left", within_s=30)
    load.stop()
    assert_all_settled(record)
    assert Counter(write.attempt for write in ledger(record) if write.ev == "sent")[2] <= 1


def test_a_load_that_died_says_why(record: Record, start: Start) -> None:
    load = start("http://x:1", plan=LoadPlan(), resolver="nonsense")
    eventually(load.alive, False, what="Locust's end", within_s=30)
    with pytest.raises(LoadError, match="a resolver: system, or address:port"):
        load.check()
