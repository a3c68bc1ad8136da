"""Attempts settle, writes are judged."""

import pytest
from ledgers import judged, line

from gameday.measure.settle import LedgerGaps


@pytest.fixture
def settled(tmp_path):
    """The ledger of some lines, and how many writes there are of each class; nothing survived."""

    def settle(*lines):
        with judged(tmp_path, lines) as (ledger, classified):
            return ledger, {each: n for each, n in classified.counts.items() if n}, classified.first_acked_ns

    return settle


def test_a_write_is_acknowledged_when_any_of_its_attempts_was(settled):
    ledger, classes, acked_ns = settled(
        line("a", "sent", 1),
        line("a", "unknown", 2),
        line("a", "sent", 3, attempt=2),
        line("a", "acked", 4, attempt=2),
    )
    assert (ledger.attempts, classes, acked_ns) == (2, {"lost": 1}, 4)


def test_a_write_with_one_indeterminate_and_one_refused_attempt_is_indeterminate(settled):
    _, classes, _ = settled(
        line("a", "sent", 1),
        line("a", "unknown", 2),
        line("a", "sent", 3, attempt=2),
        line("a", "refused", 4, attempt=2),
    )
    assert classes == {"absent": 1}


def test_an_attempt_that_never_settled_is_indeterminate_and_counted(settled):
    ledger, classes, _ = settled(line("a", "sent", 1))
    assert classes == {"absent": 1}
    assert (ledger.gaps, ledger.indeterminate) == (LedgerGaps(unsettled=1), 1)


def test_lines_may_come_in_any_order(settled):
    ledger, classes, acked_ns = settled(line("a", "acked", 2), line("a", "sent", 1))
    assert (ledger.gaps, classes, acked_ns) == (LedgerGaps(), {"lost": 1}, 2)


def test_a_settlement_without_its_sending_is_a_gap(settled):
    assert settled(line("a", "acked", 2))[0].gaps == LedgerGaps(unsent=1)


def test_two_settlements_of_one_attempt_contradict_and_the_stronger_stays(settled):
    ledger, classes, acked_ns = settled(line("a", "sent", 1), line("a", "acked", 2), line("a", "refused", 3))
    assert ledger.gaps == LedgerGaps(contradictory=1)
    assert (classes, acked_ns) == ({"lost": 1}, 2)


def test_a_missing_attempt_between_two_others_is_a_gap(settled):
    lines = [line("a", ev, at, attempt=n) for n in (1, 3) for at, ev in ((n, "sent"), (n, "unknown"))]
    assert settled(*lines)[0].gaps == LedgerGaps(missing_attempts=1)


def test_a_hole_in_a_segments_numbering_is_a_gap_even_when_it_is_its_first_line(settled):
    numbered = [line("b", "sent", 3, number=3), line("b", "acked", 4, number=5)]
    assert settled(*numbered)[0].gaps == LedgerGaps(missing_lines=3)  # 1, 2 and 4


def test_a_line_that_contradicts_another_still_counts_in_the_numbering(settled):
    numbered = [line("b", ev, n, number=n) for n, ev in enumerate(("sent", "acked", "acked"), 1)]
    assert settled(*numbered)[0].gaps == LedgerGaps(contradictory=1)


def test_the_same_attempt_number_of_two_writers_is_two_attempts(settled):
    lines = [line("a", ev, 1, writer=writer) for writer in ("v", "w") for ev in ("sent", "acked")]
    assert settled(*lines)[0].attempts == 2
