"""The words of figures: what is there never reads as nothing, nor a measurement like its objective."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameday.report import words


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, "unknown"),
        (0, "0 s"),
        (0.00004, "< 1 ms"),
        (0.0853, "85 ms"),
        (0.9996, "1.00 s"),
        (4.616, "4.62 s"),
        (18.412, "18.4 s"),
        (59.96, "1 min"),
        (92, "1 min 32 s"),
        (1800, "30 min"),
        (3725, "1 h 2 min 5 s"),
        (-4.616, "−4.62 s"),
    ],
)
def test_a_duration_is_told_in_the_unit_people_would_say_it_in(seconds, told):
    assert words.duration(seconds) == told


@given(st.floats(min_value=1e-9, max_value=1e7))
def test_a_duration_that_is_not_zero_never_reads_zero(seconds):
    assert words.duration(seconds) not in ("0 s", "0 ms", "0.00 s")


@pytest.mark.parametrize(
    ("measured", "objective", "told"),
    [
        (1800.04, 1800, "30 min 0.04 s"),
        (1799.96, 1800, "29 min 59.96 s"),
        (15.0004, 15, "15.0004 s"),
        (15, 15, "15.0 s"),
        (22.2, 1800, "22.2 s"),
    ],
)
def test_a_measurement_shows_as_many_digits_as_set_it_apart_from_its_objective(measured, objective, told):
    assert words.against(measured, objective) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(1800, "30 min"), (1, "1 s"), (2.5, "2.5 s"), (90, "1 min 30 s"), (0, "0 s"), (5400, "1 h 30 min")],
)
def test_a_configured_span_is_told_exactly(seconds, told):
    assert words.span(seconds) == told


def test_an_instant_is_told_relative_to_the_fault():
    told = [words.after(seconds) for seconds in (18.4121, -3, 0, 92.5, 3725.1, None)]
    assert told == ["+18.412 s", "−3.000 s", "+0.000 s", "+1 min 32.500 s", "+1 h 02 min 05.100 s", "—"]


@pytest.mark.parametrize(
    ("part", "whole", "told"),
    [
        (0, 10, "0 %"),
        (10, 10, "100 %"),
        (1, 1_000_000, "0.0001 %"),
        (999_999, 1_000_000, "99.9999 %"),
        (37, 8_948, "0.41 %"),
        (0, 0, "—"),
    ],
)
def test_a_share_is_none_or_all_only_when_it_is(part, whole, told):
    assert words.share(part, whole) == told


@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_no_loss_ever_rounds_to_zero_and_no_gap_to_all(lost, kept):
    told = words.share(lost, lost + kept)
    assert float(told.removesuffix(" %")) not in (0.0, 100.0) or " of " in told


def test_sizes_counts_and_plurals():
    assert [words.size(each) for each in (None, 812, 9_472, 999_960)] == ["not known", "812 B", "9.5 kB", "1.0 MB"]
    assert (words.count(1_234_567), words.count(None)) == ("1,234,567", "not known")
    told = [words.counted(number, "write") for number in (0, 1, 1_200)]
    assert told == ["no writes", "1 write", "1,200 writes"]


def test_a_stamp_is_told_in_utc_and_what_is_no_stamp_stays_as_it_was_written():
    assert words.moment("2026-11-23T18:11:31.123456Z") == "2026-11-23 18:11:31.123 UTC"
    assert words.clock_time("2026-11-23T20:11:31.5+02:00") == "18:11:31.500"
    assert words.clock_time("yesterday") == "yesterday"


def test_controls_and_direction_overrides_do_not_reach_the_reader():
    assert words.plain("a\x1b[31m\x00\u202eb\u2028c\nd") == "a�[31m��b�c\nd"
    assert words.plain("naïve → ok") == "naïve → ok"


def test_a_long_foreign_string_is_cut_and_says_so():
    assert words.plain("x" * 50, 10) == "xxxxxxxxxx … (40 more characters)"


def test_a_clause_becomes_a_sentence():
    assert words.sentence("the prober died") == "The prober died."
    assert words.sentence("Already one.") == "Already one."
    assert words.sentence("") == ""


def test_an_events_details_are_told_on_one_line_and_not_as_python():
    told = words.details({"subnets": ["a", "b"], "latched": True, "source": None, "desired": 2})
    assert told == "subnets: a, b; latched: yes; source: —; desired: 2"


def test_a_duration_of_a_damaged_measurement_is_words_all_the_same():
    assert " h" in words.duration(1e308)
    assert (words.duration(0.0005), words.duration(0.00051)) == ("< 1 ms", "1 ms")
