"""Truths of every verdict: one more lost write never improves it, and evidence that is gone never makes it HELD."""

import os
import shutil
from contextlib import closing

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from records import OUTAGE, PRIMARY, SECONDARY, DrillBuilder, at_ns

from gameday.clock import HandClock
from gameday.facts import BASELINE_NOT_MET, NOT_AS_PLANNED, Kind, Objectives, Verdict, Witness
from gameday.measure.judge import judge
from gameday.record.closing import close_evidence
from gameday.record.layout import Record
from gameday.record.timeline import Timeline

pytestmark = pytest.mark.thorough

TIMES = int(os.environ.get("GAMEDAY_EXAMPLES", "1"))  # so many times the examples, for a night
WEIGHT = {Verdict.HELD: 2, Verdict.UNKNOWN: 1, Verdict.BROKEN: 0}
OBJECTIVES = st.builds(Objectives, rto_s=st.sampled_from([3.0, 30.0]), rpo_s=st.sampled_from([0.0, 1.0, 100.0]))
FLAWS = {
    "baseline": lambda drill: drill.event(Kind.NOTE, BASELINE_NOT_MET, -0.5),
    "plan": lambda drill: drill.event(Kind.NOTE, NOT_AS_PLANNED, 14.0, failed="an action"),
    "load": lambda drill: drill.event(Kind.LOAD, "died", 9.0),
    "effect": lambda drill: drill.event(Kind.FAULT_FAILED, "still reachable", 0.3),
    "health": lambda drill: drill.event(Kind.HEALTH_CHECK, "unhealthy", -1.5),
    "healing": lambda drill: drill.event(Kind.HEAL, OUTAGE, 14.5, PRIMARY),
    "failover": lambda drill: drill.event(Kind.EXECUTION, "FAILED", 3.6, SECONDARY, arn="x"),
    "lag": lambda drill: drill.event(Kind.LAG, "90", -0.5, lag_s=90.0),
    "attempt": lambda drill: drill.write("late", 14.0, "unknown", after_s=None, there=False),
    "number": lambda drill: drill.write("twice", 14.0, "unknown", attempt=2).write("twice", 14.1, "unknown", attempt=4),
}  # fmt: skip
PARTS = ("timeline.ndjson", "writes/prober.ndjson", "writes/locust.ndjson", "survivors.ndjson", "wal.ndjson")
settled = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def drill_of(flaws=(), *, promoted=True, wal=True, lab="local"):
    """A short drill that would be HELD but for its flaws: 2 s of outage, looked at for 15 s."""
    drill = DrillBuilder(end_s=14.9).probes(bad=(0.0, 2.0), span=(-2.0, 15.0)).planned(lab=lab)
    drill.write("a", -1.5, xid=700).write("b", 5.0, region=SECONDARY if promoted else PRIMARY, xid=701)
    drill.write("c", 6.0, region=SECONDARY if promoted else PRIMARY, xid=702, writer="locust")
    if promoted:
        drill.promoted(1.9)
    if wal:
        drill.commits()
        drill.wal = drill.wal or []
    for flaw in flaws:
        FLAWS[flaw](drill)
    return drill


def closed(drill, folder):
    record = drill.planned(closes=True).record(folder)
    with closing(Timeline(record, HandClock(at_ns(60)))) as timeline:
        close_evidence(record, timeline)
    return record


def test_the_drill_without_a_flaw_is_held_and_each_flaw_makes_it_unknown(tmp_path):
    assert judge(closed(drill_of(), tmp_path)).verdict is Verdict.HELD
    for flaw in FLAWS:
        assert judge(closed(drill_of([flaw]), tmp_path)).verdict is Verdict.UNKNOWN, flaw


@given(
    flaws=st.lists(st.sampled_from(sorted(FLAWS)), max_size=2, unique=True),
    lost=st.lists(st.floats(-1.9, 1.8), max_size=2),
    more_s=st.floats(-1.9, 1.8),
    kept=st.booleans(),
    promoted=st.booleans(),
    wal=st.booleans(),
    lab=st.sampled_from(["local", "aws"]),
    objectives=OBJECTIVES,
)
@settings(settled, max_examples=20 * TIMES)
def test_one_more_lost_write_never_improves_a_verdict(
    tmp_path, flaws, lost, more_s, kept, promoted, wal, lab, objectives
):
    """Unless a witness disagreed before: then the write may be what that witness missed."""

    def measured(stamps):
        drill = drill_of(flaws, promoted=promoted, wal=wal, lab=lab).planned(objectives=objectives)
        if not kept:
            drill.attempts = [each for each in drill.attempts if each.id != "a"]
            drill.survivors = [row for row in drill.survivors if row.id != "a"]
        for number, stamp in enumerate(stamps):
            drill.write(f"lost-{number}", stamp, there=False, xid=800 + number)
        return judge(drill.commits(*(800 + number for number in range(len(stamps)))).record(tmp_path))

    before = measured(lost)
    point = before.recovery_point
    assume(Witness.DISAGREES not in (point.wal, point.lag))
    assert WEIGHT[measured([*lost, more_s]).verdict] <= WEIGHT[before.verdict]


@given(
    flaws=st.lists(st.sampled_from(sorted(FLAWS)), min_size=1, max_size=3, unique=True),
    taken=st.lists(st.tuples(st.sampled_from(PARTS), st.sets(st.integers(0, 40), max_size=6)), min_size=1, max_size=3),
)
@settings(settled, max_examples=30 * TIMES)
def test_evidence_that_is_gone_never_turns_unknown_into_held(tmp_path, flaws, taken):
    """A line of the ledger, events, a survivor or a witness; an empty set of lines takes the whole file."""
    whole = tmp_path / "-".join(sorted(flaws))
    if not whole.exists():
        closed(drill_of(flaws), tmp_path / "reports").folder.rename(whole)
    folder = tmp_path / "taken"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    for name, numbers in taken:
        _take(folder / name, numbers)
    assert judge(Record.open(folder)).verdict is not Verdict.HELD


@given(numbers=st.sets(st.integers(0, 12), min_size=1), name=st.sampled_from(PARTS))
@settings(settled, max_examples=20 * TIMES)
def test_no_line_of_a_held_record_can_go_unseen(tmp_path, numbers, name):
    whole = tmp_path / "held"
    if not whole.exists():
        closed(drill_of(), tmp_path / "reports").folder.rename(whole)
    folder = tmp_path / "taken"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    before = (folder / name).read_bytes()
    _take(folder / name, numbers)
    is_whole = (folder / name).exists() and (folder / name).read_bytes() == before
    assert (judge(Record.open(folder)).verdict is Verdict.HELD) == is_whole


def _take(path, numbers):
    if not path.exists():
        return
    if not numbers:
        path.unlink()
        return
    lines = path.read_bytes().splitlines(True)
    path.write_bytes(b"".join(line for number, line in enumerate(lines) if number not in numbers))
