"""Wall clock and monotonic clock are held against each other: a clock that jumped shows nothing as held."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import ledgers
import pytest
from records import DrillBuilder, at_ns, good_drill, told

from gameday.clock import NS, utc_text
from gameday.facts import Objectives, Verdict, Write
from gameday.measure.judge import judge
from gameday.measure.one_clock import Jump, jump
from gameday.record.layout import Record

HELD, BROKEN, UNKNOWN = Verdict.HELD, Verdict.BROKEN, Verdict.UNKNOWN
JUMPED = ["the clock jumped"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stepped(record: Record, since_s: float, by_s: float, folders=(".", "writes", "probes")) -> Record:
    """From a moment on the wall clock of every line is another."""
    for path in (path for folder in folders for path in (record.folder / folder).glob("*.ndjson")):
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        for line in lines:
            if line.get("done_mono_ns", line.get("mono_ns", 0)) >= at_ns(since_s):
                line["utc"] = utc_text(datetime.fromisoformat(line["utc"]) + timedelta(seconds=by_s))
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return record


def two_primaries(committed_s: float) -> DrillBuilder:
    """The standby was promoted at 1.9 s; later an order that nobody saw acknowledged commits on the old primary."""
    drill = DrillBuilder().probes(bad=(0.0, 2.0)).promoted(1.9).write("a", -1.0, xid=700)
    drill.write("b", 2.5, "unknown", there=False)
    return drill.commits(701, at_s=committed_s)


# What a jump would hide.


def test_a_split_brain_that_a_clock_set_back_would_hide_is_unknown(tmp_path):
    assert judge(two_primaries(2.6).record(tmp_path)).verdict is BROKEN
    found = judge(stepped(two_primaries(1.6).record(tmp_path), since_s=2.0, by_s=-1.0))
    assert (found.verdict, told(found, UNKNOWN)) == (UNKNOWN, JUMPED)
    (finding,) = [each for each in found.findings if each.weight is UNKNOWN]
    assert finding.seen.startswith("the wall clock lost 1.000 s between +1.950 s and +2.000 s")
    assert finding.next_step.startswith("keep the machine awake")


def test_an_outage_that_the_machine_slept_through_is_unknown(tmp_path):
    drill = DrillBuilder().probes(bad=(0.0, 2.0)).write("a", -1.0)
    assert judge(drill.record(tmp_path)).verdict is HELD
    found = judge(stepped(drill.record(tmp_path), since_s=1.0, by_s=40 * 60))
    assert (found.verdict, told(found, UNKNOWN)) == (UNKNOWN, JUMPED)


def test_a_drill_that_is_broken_stays_broken_whatever_its_clock_did(tmp_path):
    late = good_drill().planned(objectives=Objectives(2, 10)).record(tmp_path)
    assert judge(stepped(late, since_s=1.0, by_s=3600)).verdict is BROKEN
    for since_s in (-5.0, 3.0):
        assert judge(stepped(two_primaries(9.0).record(tmp_path), since_s, -1.0)).verdict is BROKEN


@pytest.mark.parametrize("part", [".", "writes", "probes"])
def test_a_jump_that_only_one_part_of_the_record_shows_is_seen(tmp_path, part):
    found = judge(stepped(good_drill().record(tmp_path), since_s=-20.0, by_s=1.0, folders=(part,)))
    assert (found.verdict, told(found, UNKNOWN)) == (UNKNOWN, JUMPED)


def told_at(mono_ns: int, utc: str) -> Write:
    return replace(ledgers.line(f"{mono_ns}", "sent", mono_ns), utc=utc)


def test_of_stamps_that_are_as_far_ahead_the_same_is_told_whichever_is_read_first(tmp_path):
    stamps = [(at_ns(at_s), at_s + (1 if at_s >= 5 else 0)) for at_s in range(10)]
    lines = [told_at(at, utc_text(EPOCH + timedelta(seconds=told_s))) for at, told_s in stamps]
    found = set()
    for each in (lines, lines[::-1], lines[3:] + lines[:3]):
        with ledgers.judged(tmp_path, each) as (ledger, _):
            found.add(ledger.clocks)
    assert len(found) == 1


@pytest.mark.parametrize("utc", ["294247-01-10 04:00:54.775806", "290309-12-22 (BC) 00:00:00", "infinity"])
def test_the_last_stamp_that_duckdb_knows_does_not_keep_a_ledger_from_being_judged(tmp_path, utc):
    with ledgers.judged(tmp_path, [told_at(1, utc)]) as (ledger, _):
        assert ledger.attempts == 1


def test_a_line_that_tells_no_time_shows_nothing_of_the_clock(tmp_path):
    record = good_drill().record(tmp_path)
    lines = record.timeline.read_text()
    record.timeline.write_text(lines.replace('"utc":"1970', '"utc":"or 1970', 1))
    assert told(judge(record), UNKNOWN) == ["stamps tell no time"]


@pytest.mark.parametrize("utc", ["", "yesterday", "1970-01-01T00:01:40"])
def test_a_commit_that_tells_no_time_leaves_a_split_brain_unknown(tmp_path, utc):
    record = good_drill().record(tmp_path)
    (commit,) = [json.loads(line) for line in record.wal.read_bytes().splitlines()]
    record.wal.write_text(json.dumps(commit | {"utc": utc}) + "\n")
    found = judge(record)
    assert (found.split_brain, told(found, UNKNOWN)) == (None, ["a split brain cannot be ruled out"])


# What is no jump.


def clock_of(hours: float, gained_ppm: int = 0, steps: tuple[tuple[float, float], ...] = ()) -> list[tuple[int, int]]:
    """A stamp each second: when, and how far ahead the wall clock is that drifts, and is set at some hours."""
    seconds = range(round(hours * 3600))
    set_to = [sum(by_s for at_h, by_s in steps if second >= at_h * 3600) for second in seconds]
    drift_ns = [second * gained_ppm * 1_000 for second in seconds]
    return [(second * NS, 10**18 + drift_ns[second] + round(set_to[second] * NS)) for second in seconds]


@pytest.mark.parametrize("gained_ppm", [-500, 0, 500])
def test_ntp_may_slew_the_clock_for_hours(gained_ppm):
    assert jump(clock_of(8, gained_ppm)) is None


@pytest.mark.parametrize("by_s", [-1.0, 1.0])
@pytest.mark.parametrize("gained_ppm", [-500, 0, 500])
def test_a_step_of_a_second_is_seen_in_a_drill_of_hours_too(gained_ppm, by_s):
    found = jump(clock_of(8, gained_ppm, ((5.0, by_s),)))
    assert found is not None
    assert found.until_ns - 5 * 3600 * NS < 1200 * NS
    assert found.gained_ns / by_s > NS / 4


def test_a_step_that_is_taken_back_is_seen_when_it_happens():
    found = jump(clock_of(1, steps=((0.5, 2.0), (0.6, -2.0))))
    assert found == Jump(1799 * NS, 1800 * NS, 2 * NS)


def test_many_steps_that_are_each_small_are_one_jump():
    assert jump(clock_of(0.1, steps=((0.01, 0.2), (0.02, 0.2), (0.03, 0.2)))) is not None


def test_a_process_that_a_busy_machine_stops_between_its_two_stamps_is_no_jump():
    at_ns_, ahead_ns = clock_of(0.1)[7]
    assert jump([*clock_of(0.1), (at_ns_, ahead_ns + 4 * NS // 10)]) is None
