"""The read-back is whole, from one database that takes writes, or it is an error."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from load_stage import ADDRESS, RUN, FakeDns, FakeService

from gameday.errors import ReadBackError
from gameday.facts import Survivor
from gameday.load import readback
from gameday.load.ids import order_id
from gameday.load.readback import read_back
from gameday.record.lines import Damage, LineWriter, read_lines


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[LineWriter]:
    writer = LineWriter(tmp_path / "survivors.ndjson", sync=False)
    yield writer
    writer.close()


def rows(writer: LineWriter) -> list[str]:
    return [row.id for row in read_lines(writer.path, Survivor, Damage())]


def test_every_page_is_read(service: FakeService, writer: LineWriter) -> None:
    service.orders = {f"o-{number:03d}": "s" for number in range(25)}
    service.page_size_max = 10
    assert read_back(service.url, "system", writer, within_s=5) == 25
    assert rows(writer) == sorted(service.orders)


def test_an_empty_database_is_read_back_whole(service: FakeService, writer: LineWriter) -> None:
    assert read_back(service.url, "system", writer, within_s=5) == 0


def test_ids_that_need_quoting_are_no_obstacle(service: FakeService, writer: LineWriter) -> None:
    service.orders, service.page_size_max = {"a&b=c d": "s", "ä/?#": "s", "z": "s"}, 1
    assert read_back(service.url, "system", writer, within_s=5) == 3


def test_a_database_that_takes_no_writes_is_refused(service: FakeService, writer: LineWriter) -> None:
    service.orders, service.extra = {"a": "s"}, {"writable": False}
    with pytest.raises(ReadBackError, match="takes no writes"):
        read_back(service.url, "system", writer, within_s=0.5)
    assert rows(writer) == []


def test_pages_of_two_databases_are_refused(service: FakeService, writer: LineWriter) -> None:
    service.orders, service.page_size_max = {"a": "s", "b": "s"}, 1
    service.new_database_each_page = True
    with pytest.raises(ReadBackError, match="the database changed"):
        read_back(service.url, "system", writer, within_s=5)


@pytest.mark.parametrize("mood", ["broken", "reset"])
def test_no_answer_in_time_is_an_error_that_says_how_far_it_came(
    service: FakeService, writer: LineWriter, mood: str
) -> None:
    service.mood = mood
    with pytest.raises(ReadBackError, match="after 0 rows"):
        read_back(service.url, "system", writer, within_s=0.5)


def test_something_that_is_no_page_of_orders_is_an_error_at_once(service: FakeService, writer: LineWriter) -> None:
    service.extra = {"orders": "many"}
    with pytest.raises(ReadBackError, match="no page of orders"):
        read_back(service.url, "system", writer, within_s=60)


def test_an_endless_listing_is_noticed(service: FakeService, writer: LineWriter) -> None:
    service.orders, service.extra = {"a": "s"}, {"complete": False, "orders": [{"id": "a", "sum": "s"}]}
    with pytest.raises(ReadBackError, match="out of order"):
        read_back(service.url, "system", writer, within_s=60)


def test_a_listing_that_goes_on_for_ever_ends(
    service: FakeService, writer: LineWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.orders, service.page_size_max = {f"o-{number:03d}": "s" for number in range(25)}, 10
    monkeypatch.setattr(readback, "ROWS_MAX", 19)
    with pytest.raises(ReadBackError, match="more than 19 rows, after 20 rows"):
        read_back(service.url, "system", writer, within_s=60)


def test_an_answer_too_large_to_be_held_is_an_error_at_once(
    service: FakeService, writer: LineWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.orders = {f"o-{number:03d}": "s" for number in range(25)}
    monkeypatch.setattr(readback, "PAGE_BYTES_MAX", 200)
    with pytest.raises(ReadBackError, match="an answer of more than 200 bytes"):
        read_back(service.url, "system", writer, within_s=60)


@pytest.mark.parametrize(("mood", "seen"), [("trickle", "does not end"), ("cut", "was cut")])
def test_an_answer_that_does_not_come_whole_is_asked_for_again_until_its_time_is_up(
    service: FakeService, writer: LineWriter, mood: str, seen: str
) -> None:
    service.orders, service.mood = {"a": "s"}, mood
    with pytest.raises(ReadBackError, match=f"an answer that {seen}"):
        read_back(service.url, "system", writer, within_s=0.5)


def test_the_name_is_resolved_where_the_clients_resolve_it(
    service: FakeService, writer: LineWriter, name_server: FakeDns
) -> None:
    service.orders = {"a": "s"}
    assert read_back(f"http://app.gameday.example:{service.port}", name_server.resolver, writer, within_s=5) == 1
    assert name_server.address == ADDRESS


def test_orders_of_the_post_check_and_of_other_drills_are_left_out_and_strangers_are_not(
    service: FakeService, writer: LineWriter
) -> None:
    own, other = order_id(RUN, "locust-1", 1), order_id("2026-01-01T00-00-00.000000Z", "prober-9", 1)
    service.orders = dict.fromkeys([own, other, "check-1", "stranger"], "s")
    assert read_back(service.url, "system", writer, within_s=5, run=RUN) == 2
    assert set(rows(writer)) == {own, "stranger"}
