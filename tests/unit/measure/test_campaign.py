"""Many drills together: turns, intervals, spreads, and the rule of five attempts; values by hand, or published."""

import math
from dataclasses import replace

import pytest
from campaigns import PLAN, campaign, drill, varied
from records import good_drill

from gameday.facts import Finding, Objectives, Verdict
from gameday.facts.campaign import Chance, Turn
from gameday.measure.campaign import (
    COMPLETE,
    INTERRUPTED,
    STOPPED,
    at_least,
    chance,
    harm,
    measure,
    needed,
    spread,
    turns,
    within,
)
from gameday.measure.judge import judge
from gameday.measure.verdict import TOO_LATE

HELD, BROKEN, UNKNOWN = Verdict.HELD, Verdict.BROKEN, Verdict.UNKNOWN


def verdict(letters, **changes):
    return measure(*campaign(letters, **changes)).verdict


# The order of the drills.


def test_variations_take_turns_and_each_round_begins_with_another():
    plan = replace(PLAN, times=3, variations=({"x": "a"}, {"x": "b"}, {"x": "c"}))
    assert [turn.variation for turn in turns(plan)] == [0, 1, 2, 1, 2, 0, 2, 0, 1]
    assert [turn.number for turn in turns(plan)] == list(range(1, 10))


def test_without_a_variation_every_turn_is_the_same():
    assert turns(replace(PLAN, times=2)) == (Turn(1, 0), Turn(2, 0))


# The rule of five attempts.


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("", UNKNOWN),  # zero evidence
        ("H", HELD),
        ("HHHHH", HELD),
        ("BBBBH", HELD),  # at the fifth attempt
        ("UUUUH", HELD),
        ("BBBBB", BROKEN),
        ("BBBBBH", BROKEN),  # at the sixth
        ("HBBBBB", BROKEN),  # whoever began to count at the second would have waited too long
        ("HBBBBH", HELD),
        ("HBBBB", HELD),  # the row may end yet
        ("B", UNKNOWN),  # four attempts are left
        ("BBBB", UNKNOWN),
        ("U", UNKNOWN),
        ("UUUUU", UNKNOWN),
        ("BBUBB", UNKNOWN),  # five without a success, and one of them proves nothing
        ("UBBBBH", UNKNOWN),
        ("BBBBUBBBBH", UNKNOWN),
        ("X", BROKEN),  # harm, whatever the others say
        ("HHHHX", BROKEN),
        ("UUUUX", BROKEN),
    ],
)
def test_the_rule_of_five_attempts(letters, expected):
    assert verdict(letters) is expected


def test_an_unknown_drill_is_no_success_and_is_counted_apart():
    (tried,) = measure(*campaign("HUB")).tried
    assert (tried.held, tried.broken, tried.unknown, tried.done) == (1, 1, 1, 3)
    assert tried.success.estimate == pytest.approx(1 / 3)


def test_harm_is_named_with_its_drill():
    assert measure(*campaign("HX")).why == "drill 2: orders are gone twice; no further attempt takes that back"


def test_every_attempt_of_a_good_campaign_is_said_to_be_a_success():
    assert measure(*campaign("HHH")).why == "every attempt was a success, 3 of 3"


def test_attempts_after_the_last_success_are_not_hidden():
    found = measure(*campaign("BHHUB"))
    assert found.why == "wherever one begins to count, a success came within 2 attempts; of the last 2 none was one"
    (tried,) = found.tried
    assert (tried.first_held, tried.attempts_needed, tried.longest_without) == (2, 2, 2)


def test_without_a_success_no_attempt_was_enough():
    (tried,) = measure(*campaign("BB")).tried
    assert (tried.first_held, tried.attempts_needed, tried.longest_without) == (None, None, 2)


@pytest.mark.parametrize(("letters", "gaps"), [("", []), ("BB", []), ("H", [1]), ("BBHHUH", [3, 1, 2]), ("HBB", [1])])
def test_attempts_are_counted_from_one_success_to_the_next(letters, gaps):
    assert needed([each.verdict for each in campaign(letters)[1]]) == gaps


# Several variations, and a campaign that did not come to its end.


def test_the_heaviest_variation_is_the_campaigns_verdict_and_is_named():
    found = measure(*varied("HHHHH", "BBBBB"))
    assert found.verdict is BROKEN
    assert found.why == "with share=1.0: 5 drills in a row were BROKEN"
    assert [tried.verdict for tried in found.tried] == [HELD, BROKEN]


def test_of_variations_that_all_held_the_one_that_took_most_attempts_is_named():
    assert measure(*varied("HH", "BH")).why.startswith("with share=1.0: ")
    assert measure(*varied("HH", "HH")).why == "with each of 2 variations: every attempt was a success, 2 of 2"


def test_every_variation_must_show_it():
    assert measure(*varied("HH", "HB")).verdict is HELD
    assert measure(*varied("HH", "BB")).verdict is UNKNOWN


def test_drills_of_another_variation_are_no_attempts_of_this_one():
    assert measure(*varied("BBB", "BBB")).verdict is UNKNOWN  # six in a row by number, three of each


@pytest.mark.parametrize(("letters", "expected"), [("HHH", UNKNOWN), ("", UNKNOWN), ("HX", BROKEN), ("BBBBB", BROKEN)])
def test_a_campaign_that_was_interrupted_is_never_held(letters, expected):
    found = measure(*campaign(letters, times=10))
    assert (found.verdict, found.ended, found.done, found.planned) == (expected, INTERRUPTED, len(letters), 10)


def test_an_interrupted_campaign_says_how_many_of_how_many():
    assert measure(*campaign("HHH", times=10)).why == "interrupted after 3 of 10 drills"


def test_a_campaign_that_was_to_stop_at_a_broken_drill_says_that_it_did():
    found = measure(*campaign("HB", times=10, stop_on_broken=True))
    assert (found.verdict, found.ended) == (UNKNOWN, STOPPED)
    assert found.why == "stopped at a BROKEN drill after 2 of 10 drills"


def test_a_campaign_that_ended_before_it_had_to_stop_was_interrupted():
    assert measure(*campaign("HH", times=10, stop_on_broken=True)).ended == INTERRUPTED


def test_a_broken_drill_at_the_very_end_leaves_the_campaign_complete():
    assert measure(*campaign("HHB", stop_on_broken=True)).ended == COMPLETE


def test_a_drill_counts_once_and_only_if_it_was_planned():
    plan, done = campaign("HH")
    strangers = [drill(2, "B"), drill(3, "B"), drill(1, "B", variation=7)]
    found = measure(plan, [*strangers, *done])
    assert (found.done, found.verdict) == (2, HELD)


def test_drills_are_attempts_in_the_order_of_their_numbers():
    plan, done = campaign("BBBBBH")
    assert measure(plan, done[::-1]) == measure(plan, done)


# The confidence interval.


@pytest.mark.parametrize(
    ("successes", "tries", "low", "high"),
    [  # published 95 % Clopper-Pearson limits
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (2, 10, 0.0252, 0.5561),
        (3, 10, 0.0667, 0.6525),
        (5, 10, 0.1871, 0.8129),
        (8, 10, 0.4439, 0.9748),
        (10, 10, 0.6915, 1.0),
        (1, 20, 0.0013, 0.2487),
        (5, 5, 0.4782, 1.0),
        (0, 30, 0.0, 0.1157),
        (10, 100, 0.0490, 0.1762),
        (50, 100, 0.3983, 0.6017),
    ],
)
def test_the_interval_is_the_published_one(successes, tries, low, high):
    found = chance(successes, tries)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert found.estimate == successes / tries


@pytest.mark.parametrize("tries", [1, 2, 3, 5, 8, 30, 1000])
def test_where_all_or_none_succeeded_the_ends_have_a_closed_form(tries):
    end = 0.025 ** (1 / tries)
    assert chance(tries, tries) == Chance(1.0, pytest.approx(end, abs=1e-12), 1.0)
    assert chance(0, tries) == Chance(0.0, 0.0, pytest.approx(1 - end, abs=1e-12))


@pytest.mark.parametrize("tries", [1, 2, 3, 5, 10])
def test_the_interval_covers_the_truth_in_95_of_100_cases_or_more(tries):
    found = [chance(successes, tries) for successes in range(tries + 1)]
    for p in (number / 200 for number in range(1, 200)):
        covered = math.fsum(
            math.comb(tries, k) * p**k * (1 - p) ** (tries - k)
            for k, each in enumerate(found)
            if each.low <= p <= each.high
        )
        assert covered >= 0.95, (tries, p, covered)


def test_more_successes_move_both_ends_up():
    found = [chance(successes, 12) for successes in range(13)]
    assert [each.low for each in found] == sorted({each.low for each in found})
    assert [each.high for each in found] == sorted({each.high for each in found})


def test_the_ends_are_where_the_tails_are_two_and_a_half_per_cent():
    found = chance(3, 7)
    assert at_least(3, 7, found.low) == pytest.approx(0.025)
    assert 1 - at_least(4, 7, found.high) == pytest.approx(0.025)


@pytest.mark.parametrize(("successes", "tries"), [(0, 0), (-1, 5), (6, 5)])
def test_what_cannot_be_has_no_interval(successes, tries):
    with pytest.raises(ValueError, match="successes of"):
        chance(successes, tries)


def test_a_success_within_five_attempts_is_reckoned_from_one():
    found = within(Chance(0.5, 0.1, 1.0), 5)
    assert (found.estimate, found.low, found.high) == (0.96875, pytest.approx(0.40951), 1.0)


def test_five_of_five_show_with_95_per_cent_confidence_more_than_95_per_cent():
    (tried,) = measure(*campaign("HHHHH")).tried
    assert tried.within_attempts.low == pytest.approx(1 - (1 - 0.025**0.2) ** 5)
    assert 0.95 < tried.within_attempts.low < 0.97


def test_without_a_drill_there_is_no_rate():
    (tried,) = measure(*campaign("", times=3)).tried
    assert (tried.success, tried.within_attempts) == (None, None)


# How figures are spread.


def test_of_few_figures_the_95th_percentile_is_the_maximum_and_says_so():
    found = spread("RTA", [4.0, 1.0, 2.0])
    assert (found.median_s, found.p95_s, found.max_s, found.p95_is_max) == (2.0, 4.0, 4.0, True)
    assert (found.n, found.missing) == (3, 0)


@pytest.mark.parametrize(("n", "p95", "is_max"), [(19, 19, True), (20, 19, False), (21, 20, False), (100, 95, False)])
def test_the_95th_percentile_is_the_nearest_rank(n, p95, is_max):
    found = spread("RTA", [float(number) for number in range(n, 0, -1)])
    assert (found.p95_s, found.p95_is_max, found.max_s) == (p95, is_max, n)


def test_the_median_of_an_even_number_lies_between_the_middle_two():
    assert spread("RTA", [1.0, 2.0, 4.0, 9.0]).median_s == 3.0


def test_an_unknown_figure_is_counted_and_is_no_zero():
    found = spread("RTA", [None, 5.0, None])
    assert (found.n, found.missing, found.median_s) == (1, 2, 5.0)


def test_without_any_figure_nothing_is_known():
    found = spread("RPA", [None, None])
    assert (found.n, found.missing, found.median_s, found.p95_s, found.max_s) == (0, 2, None, None, None)
    assert not found.p95_is_max


def test_each_variation_has_its_own_spread():
    low, high = measure(*varied("HH", "HH")).tried
    assert [each.what for each in low.spreads] == ["RTA", "RPA", "excess"]
    assert (low.spreads[0].median_s, high.spreads[0].median_s) == (12.5, 12.5)  # turns 1 and 4, 2 and 3
    assert (low.spreads[0].max_s, high.spreads[0].max_s) == (14.0, 13.0)


def test_the_worst_loss_is_that_of_the_drills_that_tell():
    plan, done = campaign("HHU")
    (tried,) = measure(plan, [replace(done[0], lost=7), *done[1:]]).tried
    assert (tried.lost_max, tried.lost_unknown) == (7, 1)


# What no further attempt takes back.


def test_a_late_recovery_is_an_attempt_that_failed(tmp_path):
    late = judge(good_drill().planned(objectives=Objectives(rto_s=1, rpo_s=600)).record(tmp_path))
    assert late.verdict is BROKEN
    assert TOO_LATE in {finding.what for finding in late.findings}
    assert harm(late) == ()


def test_a_loss_beyond_the_rpo_is_harm(tmp_path):
    lossy = judge(good_drill().planned(objectives=Objectives(rto_s=1800, rpo_s=0.01)).record(tmp_path))
    assert harm(lossy) == ("more was lost than the RPO allows",)


def test_whatever_else_breaks_a_drill_is_harm_even_if_this_rule_does_not_know_it(tmp_path):
    held = judge(good_drill().record(tmp_path))
    assert harm(held) == ()
    worse = replace(held, findings=(*held.findings, Finding(BROKEN, "something new", "", "")))
    assert harm(worse) == ("something new",)
