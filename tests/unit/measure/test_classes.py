"""Each write gets exactly one class, first match wins."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import NEW, OLD, ids_by_class, judged, line, row, told_class

PROMOTED_NS = 100


@pytest.fixture
def class_of(tmp_path):
    """The class of one write, whose attempts were settled as told, after the read-back of ``rows``."""

    def of(settlements, rows, *, promoted_ns=None, at=10, region=OLD, sums="good"):
        sent = [line("a", "sent", at - 1, attempt=n, sum=sums) for n, _ in enumerate(settlements, 1)]
        ends = [line("a", ev, at, attempt=n, region=region, sum=sums) for n, ev in enumerate(settlements, 1)]
        with judged(tmp_path, sent + ends, rows, promoted_ns) as (_, found):
            (only,) = [each for each, count in found.counts.items() if count]
            return only

    return of


def test_acknowledged_and_there_is_kept(class_of):
    assert class_of(["acked"], [row()]) == "kept"


def test_acknowledged_and_not_there_is_lost(class_of):
    assert class_of(["acked"], []) == "lost"


def test_indeterminate_and_there_is_recovered(class_of):
    assert class_of(["unknown"], [row()]) == "recovered"


def test_indeterminate_and_not_there_is_absent(class_of):
    assert class_of(["unknown"], []) == "absent"


def test_refused_and_there_is_a_ghost(class_of):
    assert class_of(["refused"], [row()]) == "ghost"


def test_refused_and_not_there_is_refused(class_of):
    assert class_of(["refused"], []) == "refused"


def test_there_twice_is_a_duplicate_whatever_else_it_is(class_of):
    assert class_of(["refused"], [row(count=2)]) == "duplicate"
    assert class_of(["acked"], [row(), row(sum="bad")]) == "duplicate"


def test_there_with_another_checksum_is_corrupted_also_when_nothing_was_acknowledged(class_of):
    assert class_of(["acked"], [row("bad")]) == "corrupted"
    assert class_of(["refused"], [row("bad")]) == "corrupted"


def test_acknowledged_by_the_old_primary_after_the_promotion_is_diverged_there_or_not(class_of):
    assert class_of(["acked"], [], promoted_ns=PROMOTED_NS, at=101) == "diverged"
    assert class_of(["acked"], [row()], promoted_ns=PROMOTED_NS, at=101) == "diverged"


def test_acknowledged_by_the_new_primary_after_the_promotion_is_kept(class_of):
    assert class_of(["acked"], [row()], promoted_ns=PROMOTED_NS, at=101, region=NEW) == "kept"


def test_acknowledged_by_the_old_primary_up_to_the_promotion_is_not_diverged(class_of):
    assert class_of(["acked"], [], promoted_ns=PROMOTED_NS, at=100) == "lost"


def test_rows_that_nobody_sent_are_unexpected(tmp_path):
    with judged(tmp_path, [line("a", "sent", 1), line("a", "acked", 2)], [row(), row(id="x")]) as (_, found):
        assert (found.unexpected, found.ids("unexpected", most=5), found.counts["kept"]) == (1, ("x",), 1)


attempts = st.tuples(
    st.sampled_from(["v", "w"]), st.integers(1, 3), st.sampled_from(["acked", "refused", "unknown", None]),
    st.integers(1, 200), st.sampled_from([OLD, NEW]), st.sampled_from(["good", "bad", "third"]),
)  # fmt: skip
writes = st.lists(st.lists(attempts, min_size=1, max_size=4, unique_by=lambda each: each[:2]), max_size=8)
survivors = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(["good", "bad", "third"]), st.integers(1, 2)), max_size=8
)


def ledger_of(sent, there):
    """The lines of every attempt, and the rows."""
    lines = []
    for n, of in enumerate(sent):
        for writer, number, ev, at, region, sum in of:
            lines.append(line(str(n), "sent", at - 1, attempt=number, writer=writer, sum=sum))
            told = {"attempt": number, "writer": writer, "sum": sum, "region": region if ev == "acked" else None}
            lines += [line(str(n), ev, at, **told)] if ev else []
    return lines, [row(sum, count, id=str(n)) for n, sum, count in there]


@pytest.mark.thorough
@given(writes, survivors, st.none() | st.integers(1, 200))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_write_gets_the_one_class_that_the_plain_rules_give_it(tmp_path, sent, there, promoted_ns):
    lines, rows = ledger_of(sent, there)
    expected = {}
    for id in {each.id for each in (*lines, *rows)}:
        of_it = [each for each in lines if each.id == id], [each for each in rows if each.id == id]
        expected.setdefault(told_class(*of_it, promoted_ns), set()).add(id)
    with judged(tmp_path, lines, rows, promoted_ns) as (ledger, found):
        assert {each: set(ids) for each, ids in ids_by_class(found).items()} == {
            each: expected.get(each, set()) for each in (*found.counts, "unexpected")
        }
        assert (found.writes, ledger.attempts) == (len(sent), len([each for each in lines if each.ev == "sent"]))
