"""The self-test on real parts: the prober, Locust and the read-back against the stand-in; and a tool that is wrong."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from records import DrillBuilder, at_ns, good_drill

from gameday.cli_selftest import ending_line, line_of
from gameday.clock import NS
from gameday.errors import LoadError
from gameday.facts import Measurement, Probe, RecoveryTime, Settlement, Verdict, Write
from gameday.facts.selftest import PlantedTruth, SelfTest
from gameday.measure.judge import judge
from gameday.record.layout import Record
from gameday.record.ledger import Ledger, checksum
from gameday.record.lines import Damage
from gameday.selftest import self_test
from gameday.selftest.standin import Door, Row, StandIn
from gameday.selftest.truths import (
    CLASSES,
    ROWS,
    UNEXPECTED,
    Bench,
    an_outage,
    nothing_happened,
    outage_held_against,
    rows,
    rows_held_against,
    seen_over_ns,
    two_primaries,
)
from gameday.selftest.world import StandInWorld

PROBES_PER_S = 50.0  # a window of 200 takes 4 s; beside other tests, and measured, the stand-in serves no 200 a second
STALL_S = 20.0  # a busy machine is late, and that is not what is tried here
FOUND = PlantedTruth("rows", "5 lost", "5 lost", exact=True)
MISSED = PlantedTruth("an outage", "1.5 s", "2.5 s", exact=False, error_s=1.0)


class Careless(StandInWorld):
    """Loses a row more than it says."""

    def plant(self, record: Record) -> None:
        super().plant(record)
        rows = self.stand_in.leads_to.rows
        del rows[max(id for id in list(rows) if id not in frozenset().union(*self.planted.values()))]


@pytest.mark.parts
@pytest.mark.parametrize("truth", [nothing_happened, an_outage, rows, two_primaries])
def test_what_is_planted_is_found_exactly(truth, tmp_path: Path) -> None:
    found = truth(Bench(tmp_path, PROBES_PER_S, probe_timeout_s=STALL_S))
    assert found.exact, found


@pytest.mark.parts
def test_a_row_that_vanishes_beside_those_planted_is_noticed(tmp_path: Path) -> None:
    found = rows(Bench(tmp_path, PROBES_PER_S, Careless, STALL_S))
    assert not found.exact
    assert "6 lost" in found.found


# ---- an outage, by hand: 20 probes a second, 1.5 s of them bad, each good one done 10 ms after its schedule

PERIOD_NS = NS // 20


def probed(*late: tuple[float, float]) -> Sequence[Probe]:
    """``late``: the schedule of a good probe within the outage, and when it was done."""
    drill = DrillBuilder().probes(bad=(0.0, 1.5))
    for number, (at_s, done_s) in enumerate(late):
        drill.probe("write", 1_000 + number, at_s, took_s=done_s - at_s)
    return drill.all_probes


def told(record: Record, write: tuple[float, float], read: tuple[float, float]) -> Measurement:
    """A measurement with such bounds."""
    times = tuple(
        RecoveryTime(target, "fresh", upper_s, lower_s, upper_s, 30, 600, "")
        for target, (lower_s, upper_s) in (("write", write), ("read", read))
    )
    measured = judge(record)
    lossless = replace(measured.recovery_point, lost=0)
    return replace(measured, recovery_times=times, rta_s=max(write[1], read[1]), recovery_point=lossless)


def due_s(probes: Sequence[Probe], ends_s: float = 1.499) -> dict[str, float]:
    over = seen_over_ns(probes, at_ns(ends_s), PERIOD_NS)
    return {target: (over_ns - at_ns(0.0)) / NS for target, over_ns in over.items()}


@pytest.fixture
def held(tmp_path: Path) -> Record:
    return good_drill().record(tmp_path)


def test_the_end_of_an_outage_was_seen_when_the_first_probe_after_it_was_done() -> None:
    assert due_s(probed()) == {"write": 1.51, "read": 1.51}
    assert due_s(probed((1.4, 1.6))) == {"write": 1.6, "read": 1.51}  # sent late, and served


def test_a_probe_that_came_periods_later_says_nothing_of_the_end() -> None:
    assert due_s(probed(), ends_s=1.401) == {"write": 1.51, "read": 1.51}
    assert due_s(probed(), ends_s=1.399) == {}


def test_an_outage_is_found_when_its_bounds_enclose_it_and_end_as_its_probes_saw_it(held: Record) -> None:
    found = outage_held_against(1.499, due_s(probed()), told(held, (1.45, 1.51), (1.45, 1.51)))
    assert found.exact, found
    assert found.error_s == 0.011


@pytest.mark.parametrize("far_s", [10.0, 1.56])
def test_an_outage_that_is_told_as_too_long_is_missed(held: Record, far_s: float) -> None:
    for write, read in (((1.45, far_s), (1.45, 1.51)), ((1.45, 1.51), (1.45, far_s))):
        found = outage_held_against(1.499, due_s(probed()), told(held, write, read))
        assert not found.exact
        assert f"{far_s} s, its end seen by 1.510 s" in found.found


def test_an_outage_that_is_told_as_too_short_or_of_one_target_only_is_missed(held: Record) -> None:
    short = told(held, (1.0, 1.4), (1.45, 1.51))
    assert not outage_held_against(1.499, due_s(probed()), short).exact
    right = told(held, (1.45, 1.51), (1.45, 1.51))
    for times in (right.recovery_times[:1], ()):
        assert not outage_held_against(1.499, due_s(probed()), replace(right, recovery_times=times)).exact
    assert not outage_held_against(1.499, due_s(probed()), replace(right, rta_s=3.0)).exact


# ---- rows

KINDS = (*(kind.value for kind in CLASSES), UNEXPECTED)


def test_rows_of_which_none_could_be_planted_were_not_found() -> None:
    planted = {"lost": frozenset("abcde"), "ghost": frozenset[str]()}
    found = {kind: planted.get(kind, frozenset()) for kind in KINDS}
    missed = rows_held_against("rows", {"lost": 5, "ghost": 3}, planted, found, Verdict.BROKEN)
    assert not missed.exact
    assert missed.planted == "5 lost, 3 ghost, BROKEN"
    assert missed.found == "no place for all of them: only 5 lost planted"
    assert rows_held_against("rows", {"lost": 5}, planted, found, Verdict.BROKEN).exact


def world_of(ids: str) -> StandInWorld:
    """A stand-in that nobody asks, with such rows."""
    rows = {id: Row(id, checksum(id.encode()), 1, "ap-southeast-2") for id in ids}
    with closing(asyncio.new_event_loop()) as unused:
        stand_in = StandIn(Door("ap-southeast-2", "", rows), Door("us-west-2", ""), _loop=unused)
    stand_in.leads_to = stand_in.primary
    return StandInWorld(stand_in, ROWS)


class WrittenMeanwhile(Record):
    """After each reading of the ledger a client writes on: an order of the reading's own number is refused."""

    def read_writes(self, damage: Damage) -> Iterator[Write]:
        yield from super().read_writes(damage)
        ledger = Ledger(self.writes, f"late-{len(self.segments)}")
        ledger.settled(ledger.sent(f"late-{len(self.segments)}", 1, "sum"), Settlement.REFUSED)
        ledger.close()


def test_rows_are_planted_while_clients_still_write(tmp_path: Path) -> None:
    world = world_of("abd")
    world.plant(WrittenMeanwhile(good_drill().record(tmp_path).folder))
    assert world.planted["lost"] == frozenset("abd")


def test_a_ledger_with_too_few_writes_has_fewer_planted_and_its_truth_is_missed(tmp_path: Path) -> None:
    drill = good_drill().write("refused", 0.5, settled="refused", there=False)
    world = world_of("abd")
    world.plant(drill.record(tmp_path))
    counts = {kind: len(ids) for kind, ids in world.planted.items()}
    assert counts == {"lost": 3, "duplicate": 0, "corrupted": 0, "ghost": 1, "unexpected": 2}
    missed = rows_held_against("rows", asdict(ROWS), world.planted, {}, Verdict.BROKEN)
    assert missed.found == "no place for all of them: only 3 lost, 1 ghost, 2 unexpected planted"


def test_it_is_passed_only_when_every_truth_was_found() -> None:
    assert self_test(Path(), truths=[lambda bench: FOUND]).is_passed
    found = self_test(Path(), truths=[lambda bench: FOUND, lambda bench: MISSED])
    assert (found.is_passed, found.missed) == (False, ("an outage",))


def test_without_a_truth_nothing_is_proved() -> None:
    assert not SelfTest("", 0.0, 80.0, {}, ()).is_passed


def test_a_drill_that_ends_with_an_error_has_found_nothing_and_the_next_truth_is_tried() -> None:
    def rows_of_another_service(bench: Bench) -> PlantedTruth:
        raise LoadError("the prober alive", "exit code 1")

    found = self_test(Path(), truths=[rows_of_another_service, lambda bench: FOUND])
    assert found.missed == ("rows of another service",)
    assert "exit code 1" in found.truths[0].found
    assert len(found.truths) == 2


def test_each_truth_is_told_with_what_was_planted_and_what_was_found() -> None:
    assert line_of(FOUND).splitlines()[0] == "found   rows"
    assert line_of(MISSED).splitlines() == [
        "MISSED  an outage",
        "          planted  1.5 s",
        "          found    2.5 s  (RTA − planted: +1000 ms)",
    ]


def test_the_end_says_how_many_or_which_were_missed_and_what_to_do() -> None:
    assert ending_line((), 4, 48.9) == "Each of 4 planted truths was found exactly, in 49 s."
    assert "no verdict on this machine is proved" in ending_line(("rows",), 4, 48.9)
