"""The self-test on real parts: the prober, Locust and the read-back against the stand-in; and a tool that is wrong."""

from pathlib import Path

import pytest

from gameday.cli_selftest import ending_line, line_of
from gameday.errors import LoadError
from gameday.facts.selftest import PlantedTruth, SelfTest
from gameday.record.layout import Record
from gameday.selftest import self_test
from gameday.selftest.truths import Bench, an_outage, nothing_happened, rows, two_primaries
from gameday.selftest.world import StandInWorld

FAST = 100.0  # probes a second: a window of 200 takes 2 s
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
    found = truth(Bench(tmp_path, FAST))
    assert found.exact, found


@pytest.mark.parts
def test_a_row_that_vanishes_beside_those_planted_is_noticed(tmp_path: Path) -> None:
    found = rows(Bench(tmp_path, FAST, world=Careless))
    assert not found.exact
    assert "6 lost" in found.found


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
