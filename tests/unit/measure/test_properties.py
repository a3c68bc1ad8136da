"""Truths of every ledger, whatever happened to its attempts and in whatever order its lines lie."""

import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import NEW, OLD, ids_by_class, judged, line, row

pytestmark = pytest.mark.thorough

TIMES = int(os.environ.get("GAMEDAY_EXAMPLES", "1"))  # so many times the examples, for a night
PROMOTED_NS = 1_000
STRENGTH = ("refused", "ghost", "absent", "recovered", "lost", "kept", "diverged", "corrupted", "duplicate")
ATTEMPTS = st.tuples(
    st.integers(0, 4),  # which write
    st.sampled_from(["prober", "locust-1", "locust-2"]),
    st.sampled_from(["acked", "refused", "unknown", "never"]),
    st.sampled_from([OLD, NEW]),
    st.integers(1, 2_000),  # the settlement's stamp
)
ROWS = st.dictionaries(st.integers(0, 6), st.tuples(st.sampled_from(["good", "bad"]), st.integers(1, 2)), max_size=6)


def settled(examples):
    """The folder is emptied by nobody between examples: each writes its own two files anew."""
    return settings(
        max_examples=examples * TIMES, deadline=None, derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )  # fmt: skip


def lines_of(attempts):
    """Two lines an attempt, one where it never settled; each writer numbers its attempts at one write from 1."""
    counts, lines = {}, []
    for id, writer, how, region, stamp in attempts:
        number = counts[writer, id] = counts.get((writer, id), 0) + 1
        lines.append(line(str(id), "sent", stamp - 1, attempt=number, writer=writer))
        if how != "never":
            where = region if how == "acked" else None
            lines.append(line(str(id), how, stamp, attempt=number, writer=writer, region=where))
    return lines


def ranks(found):
    return {id: STRENGTH.index(each) for each, ids in ids_by_class(found).items() if each in STRENGTH for id in ids}


@given(st.data(), st.lists(ATTEMPTS, min_size=1, max_size=12), ROWS)
@settled(25)
def test_the_order_of_lines_says_nothing_and_each_write_has_one_class(tmp_path, data, attempts, rows):
    lines, there = lines_of(attempts), [row(sum, count, id=str(id)) for id, (sum, count) in rows.items()]
    with judged(tmp_path, lines, there, PROMOTED_NS) as (_, found):
        before = ids_by_class(found)
    with judged(tmp_path, data.draw(st.permutations(lines)), there, PROMOTED_NS) as (_, found):
        assert ids_by_class(found) == before
    assert sorted(id for ids in before.values() for id in ids) == sorted(
        {*(str(id) for id, *_ in attempts), *(str(id) for id in rows)}
    )


@given(st.lists(ATTEMPTS, min_size=1, max_size=12), st.integers(0, 23))
@settled(25)
def test_a_line_that_is_gone_is_told_unless_it_was_its_writers_last(tmp_path, attempts, gone):
    lines, numbers = [], {}
    for each in lines_of(attempts):
        numbers[each.writer] = numbers.get(each.writer, 0) + 1
        lines.append(replace(each, line=numbers[each.writer]))
    with judged(tmp_path, lines) as (ledger, _):
        assert (ledger.gaps.unsettled, ledger.gaps.gone) == (sum(how == "never" for _, _, how, _, _ in attempts), 0)
    taken = lines.pop(gone % len(lines))
    with judged(tmp_path, lines) as (ledger, _):
        assert ledger.gaps.missing_lines == (taken.line != numbers[taken.writer])


@given(st.lists(ATTEMPTS, min_size=1, max_size=12), st.integers(0, 4))
@settled(25)
def test_a_stronger_settlement_never_weakens_a_write(tmp_path, attempts, id):
    lines = lines_of(attempts)
    with judged(tmp_path, lines) as (_, found):
        before = {
            one: STRENGTH.index(each) for each, ids in ids_by_class(found).items() if each in STRENGTH for one in ids
        }
    more = [*lines, *lines_of([(id, "another", "acked", NEW, 5)])]
    with judged(tmp_path, more) as (_, found):
        after = {
            one: STRENGTH.index(each) for each, ids in ids_by_class(found).items() if each in STRENGTH for one in ids
        }
    assert all(after[each] >= before[each] for each in before)
    assert after[str(id)] == STRENGTH.index("lost")  # acknowledged, and no row is there
