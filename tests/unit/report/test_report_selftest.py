"""The section of a drill's report about its own self-test: one line, and the table behind it."""

from examples import EVENTS, PLAN, held

from gameday.facts.selftest import NOTHING, PlantedTruth, RecordSelfTest
from gameday.report.html import html
from gameday.report.page import page
from gameday.report.parts import Tone
from gameday.report.selftest import trial
from gameday.report.summary import untried_lines

FOUND = PlantedTruth("lost rows", "3 more than 0", "3, the same ids", exact=True)
MISSED = PlantedTruth("an outage of reads", "RTA 2 s", "RTA 1 s", exact=False)


def printed(tried):
    return html(page(PLAN, held(), EVENTS, tried=tried))


def test_one_line_when_all_were_found_and_the_table_is_folded():
    told = trial(RecordSelfTest((FOUND,), ("no promotion",)))
    assert told.line == (
        "Each of 1 truth planted into copies of this record was found exactly; 1 truth had no place in it."
    )
    assert (told.tone, told.is_open, told.left_out) == (Tone.GOOD, False, ("no promotion",))
    text = printed(RecordSelfTest((FOUND,), ("no promotion",)))
    assert "<details><summary>What was planted" in text
    assert "<li>no promotion</li>" in text


def test_a_missed_truth_is_named_and_its_table_stands_open():
    told = trial(RecordSelfTest((FOUND, MISSED)))
    assert told.line == "Missed 1 of 2 planted truths: an outage of reads. Trust no figure of this report."
    assert told.tone is Tone.BAD
    assert "<details open><summary>What was planted" in printed(RecordSelfTest((FOUND, MISSED)))


def test_what_was_not_run_is_said_plainly_and_looks_like_doubt():
    for tried, why in ((None, "before there was such a test"), (RecordSelfTest(not_run="it is large"), "it is large")):
        assert trial(tried).line.startswith("Not run on this record: ")
        assert why in trial(tried).line
        assert trial(tried).tone is Tone.DOUBT
        assert "What was planted, and what was found" not in printed(tried)


def test_a_record_that_had_a_place_for_nothing_shows_nothing_and_looks_like_doubt():
    told = trial(RecordSelfTest((PlantedTruth(NOTHING, "the same", "the same", exact=True),), ("rows", "an outage")))
    assert told.line.startswith("Nothing was planted: this record had no place for it. ")
    assert (told.tone, told.left_out) == (Tone.DOUBT, ("rows", "an outage"))


def test_what_was_tried_before_the_room_was_gone_is_shown_with_the_doubt():
    tried = RecordSelfTest((FOUND,), not_run="no room")
    assert trial(tried).line.startswith("Not run to its end on this record: no room. ")
    assert trial(tried).tone is Tone.DOUBT
    assert "What was planted, and what was found" in printed(tried)


def test_a_miss_is_a_miss_though_the_rest_had_no_room():
    told = trial(RecordSelfTest((MISSED,), not_run="no room"))
    assert told.tone is Tone.BAD
    assert told.line.startswith("Missed 1 of 1 planted truth: an outage of reads.")


def test_the_terminal_says_on_one_line_that_nothing_was_tried_and_else_nothing():
    (line,) = untried_lines(RecordSelfTest(not_run="no room\nat all"))
    assert line.startswith("  SELF-TEST  Not run on this record: no room")
    assert "\n" not in line
    assert untried_lines(RecordSelfTest((FOUND,))) == untried_lines(None) == ()
