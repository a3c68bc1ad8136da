"""Each write gets exactly one class, first match wins."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gameday.facts import Settlement, Survivor, WriteClass
from gameday.measure.classes import Promotion, class_of, classify
from gameday.measure.settle import Attempt, SettledWrite

PROMOTED = Promotion(100, "", "old")


def write(*settlements, id="a", at=10, region="old", sum="good"):
    attempts = tuple(
        Attempt("w", n, sum, at - 1, at, settlement, region if settlement == "acked" else None)
        for n, settlement in enumerate(map(Settlement, settlements), 1)
    )
    strongest = max((a.settlement for a in attempts), key=["refused", "unknown", "acked"].index)
    return SettledWrite(id, strongest, attempts)


def row(sum="good", count=1, id="a"):
    return Survivor(id, sum, count=count)


def test_acknowledged_and_there_is_kept():
    assert class_of(write("acked"), [row()], None) is WriteClass.KEPT


def test_acknowledged_and_not_there_is_lost():
    assert class_of(write("acked"), [], None) is WriteClass.LOST


def test_indeterminate_and_there_is_recovered():
    assert class_of(write("unknown"), [row()], None) is WriteClass.RECOVERED


def test_indeterminate_and_not_there_is_absent():
    assert class_of(write("unknown"), [], None) is WriteClass.ABSENT


def test_refused_and_there_is_a_ghost():
    assert class_of(write("refused"), [row()], None) is WriteClass.GHOST


def test_refused_and_not_there_is_refused():
    assert class_of(write("refused"), [], None) is WriteClass.REFUSED


def test_there_twice_is_a_duplicate_whatever_else_it_is():
    assert class_of(write("refused"), [row(count=2)], None) is WriteClass.DUPLICATE
    assert class_of(write("acked"), [row(), row(sum="bad")], None) is WriteClass.DUPLICATE


def test_there_with_another_checksum_is_corrupted_also_when_nothing_was_acknowledged():
    assert class_of(write("acked"), [row("bad")], None) is WriteClass.CORRUPTED
    assert class_of(write("refused"), [row("bad")], None) is WriteClass.CORRUPTED


def test_acknowledged_by_the_old_primary_after_the_promotion_is_diverged_there_or_not():
    late = write("acked", at=101)
    assert class_of(late, [], PROMOTED) is WriteClass.DIVERGED
    assert class_of(late, [row()], PROMOTED) is WriteClass.DIVERGED


def test_acknowledged_by_the_new_primary_after_the_promotion_is_kept():
    assert class_of(write("acked", at=101, region="new"), [row()], PROMOTED) is WriteClass.KEPT


def test_acknowledged_by_the_old_primary_up_to_the_promotion_is_not_diverged():
    assert class_of(write("acked", at=100), [], PROMOTED) is WriteClass.LOST


def test_rows_that_nobody_sent_are_unexpected():
    found = classify([write("acked")], [row(), row(id="x")], None)
    assert found.unexpected == ("x",)
    assert found.counts["kept"] == 1


settlements = st.sampled_from(["acked", "refused", "unknown"])
writes = st.lists(st.tuples(st.lists(settlements, min_size=1, max_size=3), st.integers(1, 200)), max_size=8)
rows = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(["good", "bad"]), st.integers(1, 2)),
    max_size=8, unique_by=lambda r: r[0],
)  # fmt: skip


@given(writes, rows)
@settings(max_examples=150, deadline=None)
def test_every_write_gets_exactly_one_class_and_every_other_row_is_unexpected(sent, there):
    ledger = [write(*how, id=str(n), at=at) for n, (how, at) in enumerate(sent)]
    survivors = [row(sum, count, id=str(n)) for n, sum, count in there]
    found = classify(ledger, survivors, PROMOTED)
    assert sorted(each.id for of in found.of.values() for each in of) == sorted(each.id for each in ledger)
    assert set(found.unexpected) == {each.id for each in survivors} - {each.id for each in ledger}
