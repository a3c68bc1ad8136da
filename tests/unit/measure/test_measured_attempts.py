"""Attempts settle, writes are judged."""

from gameday.facts import Settlement, Write
from gameday.measure.settle import LedgerGaps, settle


def line(id, ev, at, *, attempt=1, writer="w", number=None):
    return Write("boot", writer, id, attempt, ev, at, "", "sum", line=number)


def test_a_write_is_acknowledged_when_any_of_its_attempts_was():
    lines = [
        line("a", "sent", 1),
        line("a", "unknown", 2),
        line("a", "sent", 3, attempt=2),
        line("a", "acked", 4, attempt=2),
    ]
    (write,) = settle(lines).writes
    assert (write.settlement, write.acked_mono_ns, len(write.attempts)) == (Settlement.ACKED, 4, 2)


def test_a_write_with_one_indeterminate_and_one_refused_attempt_is_indeterminate():
    lines = [
        line("a", "sent", 1),
        line("a", "refused", 2),
        line("a", "sent", 3, attempt=2),
        line("a", "unknown", 4, attempt=2),
    ]
    assert settle(lines).writes[0].settlement is Settlement.UNKNOWN


def test_an_attempt_that_never_settled_is_indeterminate_and_counted():
    ledger = settle([line("a", "sent", 1)])
    assert ledger.writes[0].settlement is Settlement.UNKNOWN
    assert ledger.gaps == LedgerGaps(unsettled=1)


def test_lines_may_come_in_any_order():
    ledger = settle([line("a", "acked", 2), line("a", "sent", 1)])
    assert ledger.gaps == LedgerGaps()
    assert ledger.writes[0].attempts[0].sent_mono_ns == 1


def test_a_settlement_without_its_sending_is_a_gap():
    assert settle([line("a", "acked", 2)]).gaps == LedgerGaps(unsent=1)


def test_two_settlements_of_one_attempt_contradict_and_the_stronger_stays():
    ledger = settle([line("a", "sent", 1), line("a", "acked", 2), line("a", "refused", 3)])
    assert ledger.gaps == LedgerGaps(contradictory=1)
    assert ledger.writes[0].settlement is Settlement.ACKED


def test_a_missing_attempt_between_two_others_is_a_gap():
    lines = [line("a", ev, at, attempt=n) for n in (1, 3) for at, ev in ((n, "sent"), (n, "unknown"))]
    assert settle(lines).gaps == LedgerGaps(missing_attempts=1)


def test_a_hole_in_a_segments_numbering_is_a_gap_even_when_it_is_its_first_line():
    numbered = [line("b", "sent", 3, number=3), line("b", "acked", 4, number=5)]
    assert settle(numbered).gaps == LedgerGaps(missing_lines=3)  # 1, 2 and 4


def test_the_same_attempt_number_of_two_writers_is_two_attempts():
    lines = [line("a", ev, 1, writer=writer) for writer in ("v", "w") for ev in ("sent", "acked")]
    assert len(settle(lines).writes[0].attempts) == 2
