"""How an attempt is settled, and which orders may be asked for: pure rules."""

import json

import pytest

from gameday.clock import NS
from gameday.facts import Settlement
from gameday.load.ids import is_foreign, order_id, payload_of
from gameday.load.readset import Known, ReadSet
from gameday.load.settle import Answer, found, settle_answer, settle_failure


def answer(status: int = 200, not_applied: bool = False, **body: object) -> Answer:
    echo = {"id": "a", "sum": "s", "region": "r", "xid": 7, "lsn_before": "0/1", "lsn_after": "0/2"} | body
    return Answer(status, json.dumps(echo).encode(), not_applied)


def test_an_echo_of_id_and_sum_is_acknowledged_with_its_transaction_and_bracket() -> None:
    settled = settle_answer(answer(), "a", "s")
    assert settled.settlement is Settlement.ACKED
    assert settled.ack
    assert (settled.ack.xid, settled.ack.lsn_before, settled.ack.lsn_after) == (7, "0/1", "0/2")


@pytest.mark.parametrize("wrong", [answer(id="b"), answer(sum="t"), Answer(200, b"<html>"), Answer(200, b"\xff")])
def test_a_success_that_echoes_something_else_is_indeterminate(wrong: Answer) -> None:
    assert settle_answer(wrong, "a", "s").settlement is Settlement.UNKNOWN


@pytest.mark.parametrize("status", [400, 404, 409, 422, 429, 500, 502, 503, 504])
def test_every_other_status_is_indeterminate_without_the_services_own_header(status: int) -> None:
    assert settle_answer(answer(status), "a", "s").settlement is Settlement.UNKNOWN
    assert settle_answer(answer(status, not_applied=True), "a", "s").settlement is Settlement.REFUSED


def test_only_a_failure_before_the_first_byte_is_refused() -> None:
    assert settle_failure("timeout", byte_sent=False).settlement is Settlement.REFUSED
    assert settle_failure("timeout", byte_sent=True).settlement is Settlement.UNKNOWN


def test_a_read_must_find_what_was_acknowledged() -> None:
    assert found(answer(), "a", "s") is None
    assert found(answer(404), "a", "s") == "status 404"
    assert found(answer(sum="t"), "a", "s") == "the answer echoes another id or sum"


def reads(*acked_s: float, age_s: float = 2) -> ReadSet:
    known = ReadSet(age_s)
    for second in acked_s:
        known.acknowledged(Known(f"at-{second:g}", "s"), int(second * NS))
    return known


def asked(known: ReadSet, at_s: float) -> set[str]:
    return {order.id for _ in range(200) if (order := known.next(int(at_s * NS)))}


def test_nothing_is_asked_for_before_it_is_old_enough() -> None:
    assert asked(reads(0, 1), at_s=1.9) == set()
    assert asked(reads(0, 1), at_s=2.5) == {"at-0"}


def test_after_the_first_failure_only_what_was_old_enough_then_is_asked_for() -> None:
    known = reads(0, 1, 2)
    known.failed(3 * NS)
    assert asked(known, at_s=60) == {"at-0", "at-1"}


def test_the_failure_that_was_sent_first_counts_even_when_it_was_noticed_last() -> None:
    known = reads(0, 1, 2)
    known.failed(int(3.5 * NS))
    known.failed(int(2.5 * NS))
    assert asked(known, at_s=60) == {"at-0"}


def test_a_failure_before_there_is_anything_to_read_freezes_nothing() -> None:
    known = reads()
    known.failed(NS)
    known.acknowledged(Known("at-2", "s"), 2 * NS)
    assert asked(known, at_s=5) == {"at-2"}


def test_an_order_tells_its_drill_and_its_payload() -> None:
    id = order_id("run-1", "prober-77", 3)
    assert id == "run-1_prober-77_00000003"
    assert payload_of(id) == payload_of(id)
    assert not is_foreign(id, "run-1")
    assert is_foreign(id, "run-2")
    assert is_foreign("check-1", "run-1")
    assert not is_foreign("planted", "run-1")


def test_behind_a_replica_that_lags_only_the_first_hundred_orders_are_asked_for():
    known = reads(*range(150), age_s=2)
    assert asked(known, 149) == {f"at-{number}" for number in range(100)}
