"""Truths of every ledger: one class a write in whatever order its lines lie, held to the definition's own words."""

import os
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gameday.facts import Settlement, Survivor, Write, WriteClass
from gameday.measure.classes import classify
from gameday.measure.promotion import Promotion
from gameday.measure.settle import SENT, settle

TIMES = int(os.environ.get("GAMEDAY_EXAMPLES", "1"))  # so many times the examples, for a night
PROMOTED = Promotion(1_000, "", "old")
ATTEMPTS = st.tuples(
    st.integers(0, 4),  # which write
    st.sampled_from(["prober", "locust-1", "locust-2"]),
    st.sampled_from(["acked", "refused", "unknown", "never"]),
    st.sampled_from(["old", "new"]),
    st.integers(1, 2_000),  # the settlement's stamp
)
ROWS = st.dictionaries(st.integers(0, 6), st.tuples(st.sampled_from(["good", "bad"]), st.integers(1, 2)), max_size=6)


def lines_of(attempts):
    """Two lines an attempt, one where it never settled; each writer numbers its attempts at one write from 1."""
    counts, lines = {}, []
    for id, writer, how, region, stamp in attempts:
        number = counts[writer, id] = counts.get((writer, id), 0) + 1
        lines.append(Write("b", writer, str(id), number, SENT, stamp - 1, "", "good"))
        if how != "never":
            where = region if how == "acked" else None
            lines.append(Write("b", writer, str(id), number, how, stamp, "", "good", where))
    return lines


def told(id, attempts, rows):
    """The one class, by the words of the definition, of everything that was attempted under one id."""
    sum, count = rows.get(id, ("", 0))
    mine = [(how, region, stamp) for each, _, how, region, stamp in attempts if each == id]
    acked = [(region, stamp) for how, region, stamp in mine if how == "acked"]
    if count > 1:
        return WriteClass.DUPLICATE
    if sum == "bad":
        return WriteClass.CORRUPTED
    if any(region == "old" and stamp > PROMOTED.mono_ns for region, stamp in acked):
        return WriteClass.DIVERGED
    if acked:
        return WriteClass.KEPT if count else WriteClass.LOST
    if any(how in ("unknown", "never") for how, _, _ in mine):
        return WriteClass.RECOVERED if count else WriteClass.ABSENT
    return WriteClass.GHOST if count else WriteClass.REFUSED


@st.composite
def stories(draw):
    """Attempts of several writers at several writes, their lines in any order, and what is there afterwards."""
    attempts = draw(st.lists(ATTEMPTS, min_size=1, max_size=12))
    return attempts, draw(st.permutations(lines_of(attempts))), draw(ROWS)


@given(stories())
@settings(max_examples=400 * TIMES, deadline=None, derandomize=True)
def test_every_write_has_the_one_class_that_the_definition_gives_it(story):
    attempts, lines, rows = story
    survivors = [Survivor(str(id), sum, count=count) for id, (sum, count) in rows.items()]
    found = classify(settle(lines).writes, survivors, PROMOTED)
    classes = [(write.id, each) for each, writes in found.of.items() for write in writes]
    ids = {id for id, *_ in attempts}
    assert sorted(classes) == sorted((str(id), told(id, attempts, rows)) for id in ids)
    assert set(found.unexpected) == {str(id) for id in set(rows) - ids}


@given(st.lists(ATTEMPTS, min_size=1, max_size=12), st.integers(0, 23))
@settings(max_examples=200 * TIMES, deadline=None, derandomize=True)
def test_a_line_that_is_gone_is_told_unless_it_was_its_writers_last(attempts, gone):
    lines, numbers = [], {}
    for line in lines_of(attempts):
        numbers[line.writer] = numbers.get(line.writer, 0) + 1
        lines.append(replace(line, line=numbers[line.writer]))
    gaps = settle(lines).gaps
    assert (gaps.unsettled, gaps.gone) == (sum(how == "never" for _, _, how, _, _ in attempts), 0)
    taken = lines.pop(gone % len(lines))
    assert settle(lines).gaps.missing_lines == (taken.line != numbers[taken.writer])


@given(stories(), st.integers(0, 4))
@settings(max_examples=200 * TIMES, deadline=None, derandomize=True)
def test_a_stronger_settlement_never_weakens_a_write(story, id):
    strength = [Settlement.REFUSED, Settlement.UNKNOWN, Settlement.ACKED].index
    _, lines, _ = story
    before = {write.id: write.settlement for write in settle(lines).writes}
    more = [*lines, *lines_of([(id, "another", "acked", "new", 5)])]
    after = {write.id: write.settlement for write in settle(more).writes}
    assert all(strength(after[each]) >= strength(before[each]) for each in before)
    assert after[str(id)] is Settlement.ACKED
