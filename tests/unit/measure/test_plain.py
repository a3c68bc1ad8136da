"""What passes as plain is judged as the long way judges it, and what misses that by one thing goes the long way."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import BOOT, NEW, OLD, ids_by_class, judged, line, row

from gameday.facts import Survivor, Write
from gameday.measure import plain
from gameday.measure.settle import LedgerGaps, Sides

PROMOTED_NS = 100
SENT, ACKED, ROW = line("a", "sent", 9, size_bytes=3), line("a", "acked", 10, region=OLD, size_bytes=3), row()
NEVER = plain._IDS.replace("AS is_plain", "AND false AS is_plain")
assert NEVER != plain._IDS
PLAIN = [
    ("kept", [SENT, ACKED], [ROW]),
    ("lost", [SENT, ACKED], []),
    ("kept", [ACKED, SENT], [ROW]),
    ("kept", [SENT, replace(ACKED, mono_ns=9)], [ROW]),
    ("kept", [SENT, replace(ACKED, region=NEW, mono_ns=200)], [ROW]),
    ("lost", [SENT, replace(ACKED, region=NEW)], []),
    ("diverged", [SENT, replace(ACKED, mono_ns=200)], [ROW]),
    ("diverged", [SENT, replace(ACKED, mono_ns=200)], []),
    ("kept", [SENT, replace(ACKED, mono_ns=PROMOTED_NS)], [ROW]),
]
# One thing each that no plain write has, the class that it gives, and what the ledger lacks or tells twice.
OTHERS = {
    "a row that is there twice": ("duplicate", [SENT, ACKED], [row(count=2)], {}),
    "a row that is told twice": ("duplicate", [SENT, ACKED], [ROW, ROW], {}),
    "a row of another sum": ("corrupted", [SENT, ACKED], [row("bad")], {}),
    "acknowledged with another sum": ("kept", [SENT, replace(ACKED, sum="bad")], [ROW], {}),
    "its second attempt": ("kept", [replace(each, attempt=2) for each in (SENT, ACKED)], [ROW], {}),
    "another attempt acknowledged": (
        "kept", [SENT, replace(ACKED, attempt=2)], [ROW], {"unsettled": 1, "unsent": 1},
    ),
    "another writer acknowledged": (
        "kept", [SENT, replace(ACKED, writer="x")], [ROW], {"unsettled": 1, "unsent": 1},
    ),
    "acknowledged before it was sent": ("kept", [SENT, replace(ACKED, mono_ns=8)], [ROW], {"contradictory": 1}),
    "acknowledged twice": ("kept", [SENT, ACKED, ACKED], [ROW], {"contradictory": 1}),
    "acknowledged by both": ("kept", [SENT, ACKED, replace(ACKED, region=NEW)], [ROW], {"contradictory": 1}),
    "sent twice": ("kept", [SENT, SENT, ACKED], [ROW], {"contradictory": 1}),
    "refused as well": ("kept", [SENT, ACKED, line("a", "refused", 11)], [ROW], {"contradictory": 1}),
    "refused": ("ghost", [SENT, line("a", "refused", 10)], [ROW], {}),
    "unknown": ("recovered", [SENT, line("a", "unknown", 10)], [ROW], {}),
    "never settled": ("absent", [SENT], [], {"unsettled": 1}),
    "never sent": ("kept", [ACKED], [ROW], {"unsent": 1}),
    "a row that nobody sent": ("unexpected", [], [ROW], {}),
}  # fmt: skip


# A plain one's writer and sum are not told again: nobody asks for them.
EACH = """id, attempt, sents, settles, early, strength, acked_ns, failed_ns, old_ns, old_xid, newer, size_bytes,
    end_lsn, endless AND strength = 2, straddles"""


@contextmanager
def only_the_long_way() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain, "_IDS", NEVER)
        yield


def told(folder: Path, lines: Sequence[Write], rows: Sequence[Survivor], sides: Sides | None = None) -> dict[str, Any]:
    """All that a judgement asks of its ledger and its classes."""
    with judged(folder, lines, rows, PROMOTED_NS, sides) as (ledger, found):
        db = found.tables.db
        return {
            "classes": ids_by_class(found), "gaps": ledger.gaps, "attempts": ledger.attempts,
            "indeterminate": ledger.indeterminate, "straddling": ledger.straddling,
            "by the primary": ledger.only_acknowledged_by_the_primary(), "failure": ledger.first_failure(0),
            "acked": (found.acknowledged, found.first_acked_ns, found.rows, found.unexpected),
            "writes": db.execute("SELECT * FROM writes ORDER BY ALL").fetchall(),
            "each attempt": db.execute(f"SELECT {EACH} FROM attempts ORDER BY ALL").fetchall(),
        }  # fmt: skip


def passes_as_plain(folder: Path, lines: Sequence[Write], rows: Sequence[Survivor]) -> list[str]:
    with judged(folder, lines, rows, PROMOTED_NS) as (_, found):
        return [id for (id,) in found.tables.db.execute("SELECT id FROM ids WHERE is_plain").fetchall()]


@pytest.mark.parametrize(("of_class", "lines", "rows"), PLAIN)
def test_a_plain_write_is_judged_as_on_the_long_way(tmp_path, of_class, lines, rows):
    found = told(tmp_path, lines, rows)
    assert passes_as_plain(tmp_path, lines, rows) == ["a"]
    assert (found["classes"][of_class], found["gaps"]) == (("a",), LedgerGaps())
    with only_the_long_way():
        assert told(tmp_path, lines, rows) == found


@pytest.mark.parametrize("what", OTHERS)
def test_one_thing_that_no_plain_write_has_sends_it_the_long_way(tmp_path, what):
    of_class, lines, rows, gaps = OTHERS[what]
    found = told(tmp_path, lines, rows)
    assert passes_as_plain(tmp_path, lines, rows) == []
    assert (found["classes"][of_class], found["gaps"]) == (("a",), LedgerGaps(**gaps))


THERE = st.sampled_from([row(), row(), row("bad"), row(count=2)])
SOME = st.tuples(
    st.sampled_from(["w", "w", "w", "x"]), st.sampled_from([1, 1, 1, 2]),
    st.sampled_from(["acked", "acked", "refused"]), st.sampled_from([OLD, NEW, None]),
    st.sampled_from([5, 90, 110]), st.sampled_from(["good", "good", "bad"]),
    st.sampled_from([None, "0/10", "0/20"]), st.lists(THERE, max_size=2),
)  # fmt: skip


@pytest.mark.thorough
@given(st.lists(SOME, min_size=1, max_size=8), st.sets(st.integers(0, 16)), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_passes_as_plain_is_judged_as_on_the_long_way(tmp_path, some, gone, has_positions):
    lines, rows = [], []
    for number, (writer, attempt, ev, region, at, sum, lsn, there) in enumerate(some):
        id = str(number)
        lines += [
            line(id, "sent", 9, size_bytes=3),
            replace(
                line(id, ev, at, attempt=attempt, writer=writer, sum=sum, region=region, size_bytes=3),
                xid=number, lsn_before="0/1", lsn_after=lsn,
            ),
        ]  # fmt: skip
        rows += [replace(each, id=id) for each in there]
    lines = [each for number, each in enumerate(lines) if number not in gone]
    sides = Sides(BOOT, OLD, NEW, replayed=0x15 if has_positions else None)
    found = told(tmp_path, lines, rows, sides)
    with only_the_long_way():
        assert told(tmp_path, lines, rows, sides) == found
