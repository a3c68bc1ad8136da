"""The page of a campaign: figures with units and n, nothing that rounds away, escaped, offline."""

from dataclasses import replace

import pytest
from campaigns import campaign, drill, varied
from examples import HOSTILE
from test_report_html import LOADING, Reader

from gameday.facts import Verdict
from gameday.facts.campaign import Chance, Spread
from gameday.measure.campaign import measure
from gameday.report.campaign import campaign_html, campaign_page
from gameday.report.campaign_chart import bars_of, campaign_svg
from gameday.report.campaign_words import at_least, interval, lost_words, p95_words, percent, tried_words
from gameday.report.parts import Tone


def page_of(plan, done, **more):
    return campaign_page(plan, done, measure(plan, done), **more)


def html_of(plan, done, **more):
    return campaign_html(plan, done, measure(plan, done), **more)


def cells(table):
    return [[cell.text for cell in row] for row in table.rows]


# Words.


@pytest.mark.parametrize(
    ("share", "told"),
    [(0, "0 %"), (1, "100 %"), (0.5, "50.0 %"), (1 / 3, "33.3 %"), (0.0001, "0.01 %"), (0.99999, "99.999 %")],
)
def test_a_share_is_zero_or_all_only_when_it_is(share, told):
    assert percent(share) == told


def test_bounds_are_rounded_away_from_the_claim():
    found = Chance(0.5, 0.29249, 0.95551)
    assert interval(found) == "29.2 % to 95.6 %"
    assert at_least(found) == "at least 29.2 %"
    assert interval(Chance(0.5, 0.0, 1.0)) == "0 % to 100 %"


def test_a_tiny_lower_bound_is_not_zero():
    assert at_least(Chance(0.5, 0.00004, 0.9)) == "at least 0.004 %"


@pytest.mark.parametrize(
    ("lost", "told"), [(0, "none of 1,234"), (1, "1 of 1,234"), (1234, "1,234 of 1,234"), (None, "unknown")]
)
def test_a_loss_never_prints_as_zero(lost, told):
    assert lost_words(drill(1, lost=lost)) == told


def test_a_percentile_of_few_says_that_it_is_the_maximum():
    assert p95_words(Spread("RTA", 3, 0, 2.0, 4.0, True, 4.0)) == "4.00 s (the maximum)"
    assert p95_words(Spread("RTA", 20, 0, 2.0, 4.0, False, 5.0)) == "4.00 s"
    assert p95_words(Spread("RTA", 0, 3, None, None, False, None)) == "unknown"


def test_a_variation_in_the_terminal_has_every_figure_with_its_n():
    (tried,) = measure(*campaign("HHU")).tried
    first, second, *figures = tried_words(tried, 5)
    assert first == (
        "as the experiment says: 2 of 3 HELD, 0 BROKEN, 1 UNKNOWN; "
        "success rate 66.7 % (95 % confidence: 9.4 % to 99.2 %)"
    )
    assert second == "  chance of a success within 5: 99.6 %, at least 39.0 % with 95 % confidence"
    assert figures == [
        "  RTA median 11.5 s, p95 12.0 s (the maximum), n = 2 of 3",
        "  RPA median 250 ms, p95 250 ms (the maximum), n = 2 of 3",
        "  excess median 2.50 s, p95 3.00 s (the maximum), n = 2 of 3",
        "  acknowledged writes lost in one drill: 3 at most, unknown in 1 of 3",
    ]


@pytest.mark.parametrize(
    ("lost", "told"), [([0, 0], "none"), ([0, 7], "7 at most"), ([None, None], "unknown, unknown in 2 of 2")]
)
def test_the_most_that_one_drill_lost_is_told(lost, told):
    plan, done = campaign("HH")
    (tried,) = measure(plan, [replace(each, lost=one) for each, one in zip(done, lost, strict=True)]).tried
    assert tried_words(tried, 5)[-1] == f"  acknowledged writes lost in one drill: {told}"


def test_a_variation_without_a_drill_says_so():
    assert tried_words(measure(*campaign("", times=2)).tried[0], 5) == ("as the experiment says: no drill has ended",)


# The page.


def test_a_good_campaign_says_what_it_shows_and_how_sure_that_is():
    told = page_of(*campaign("HHH"))
    assert (told.headline.word, told.headline.tone) == ("HELD", Tone.GOOD)
    assert told.headline.why == (
        "Every attempt was a success, 3 of 3. 3 drills show with 95 % confidence that a success will come within "
        "5 attempts in 82.2 % of cases or more."
    )
    assert [figure.value for figure in told.figures] == ["3 of 3", "1 attempt", "13.0 s", "3"]
    assert told.figures[1].details == ("at least 82.2 % with 95 % confidence, estimate 100 %",)


def test_drills_that_were_not_held_are_named_the_broken_ones_first():
    told = page_of(*campaign("UHB"))
    assert [point.what for point in told.headline.points] == ["Drill 3 was BROKEN.", "Drill 1 was UNKNOWN."]
    assert told.headline.points[0].evidence == "Clients waited longer than the RTO."
    assert told.figures[0].standing == "1 BROKEN, 1 UNKNOWN"


def test_many_drills_that_were_not_held_do_not_fill_the_page():
    assert page_of(*campaign("U" * 9)).headline.more == "3 more drills under Drills"


def test_only_a_held_campaign_speaks_of_confidence_in_its_headline():
    assert page_of(*campaign("HX")).headline.why.endswith("takes that back.")


def test_an_interrupted_campaign_says_how_many_of_how_many():
    told = page_of(*campaign("HH", times=10))
    assert told.headline.why == "Interrupted after 2 of 10 drills."
    assert told.figures[0].details == ("2 of 10 drills ended: interrupted",)
    assert ("Drills", "2 of 10") in told.about


def test_unknown_figures_are_counted_beside_those_that_are_known():
    told = page_of(*campaign("HUU"))
    assert told.figures[2].standing == "known in 1 of 3 drills"
    assert told.figures[2].tone is Tone.DOUBT
    assert cells(told.spreads)[0] == ["RTA", "1 of 3", "11.0 s", "11.0 s (the maximum)", "11.0 s"]


def test_without_any_drill_every_figure_is_unknown_and_none_is_zero():
    told = page_of(*campaign("", times=3))
    assert [figure.value for figure in told.figures] == ["none", "unknown", "unknown", "unknown"]
    assert cells(told.spreads)[0] == ["RTA", "0 of 0", "unknown", "unknown", "unknown"]
    assert told.headline.word == "UNKNOWN"


def test_a_variation_without_a_success_is_named():
    told = page_of(*varied("HH", "BB"))
    assert (told.figures[1].value, told.figures[1].standing) == ("no success", "of share=1.0")


def test_each_variation_has_its_row_and_each_drill_its_own():
    told = page_of(*varied("HH", "HU"))
    assert [row[:5] for row in cells(told.variations)] == [
        ["share=0.5", "HELD", "2 of 2", "0", "0"],
        ["share=1.0", "HELD", "1 of 2", "0", "1"],
    ]
    assert [row[:3] for row in cells(told.runs)] == [
        ["1", "share=0.5", "HELD"], ["2", "share=1.0", "HELD"], ["3", "share=1.0", "UNKNOWN"],
        ["4", "share=0.5", "HELD"],
    ]  # fmt: skip


def test_a_drills_row_leads_to_its_record_and_says_why():
    plan, done = campaign("HB")
    rows = page_of(plan, done).runs.rows
    assert rows[0][-1].href == f"../../{done[0].record}/index.html"
    assert rows[1][-1].text.endswith(": Clients waited longer than the RTO.")


def test_a_drill_without_a_record_leads_nowhere_and_says_why():
    cell = page_of(*campaign("U")).runs.rows[0][-1]
    assert (cell.text, cell.href) == ("The lab never came up.", "")


def test_scaled_timers_are_named_even_if_they_differ():
    plan, done = campaign("HH")
    assert page_of(plan, done).scale_badge == "timers × 0.1"
    assert page_of(plan, [done[0], replace(done[1], timer_scale=0.05)]).scale_badge == "timers scaled"
    assert page_of(plan, [replace(each, timer_scale=1.0) for each in done]).scale_badge == ""


def test_the_page_says_how_it_is_reckoned_and_from_where():
    text = " ".join(page_of(*campaign("H")).reckoning)
    assert "Clopper-Pearson" in text
    assert "Biometrika 26" in text
    assert "of fewer than 20 that is the maximum" in text
    assert "independent" in text


def test_drills_on_one_lab_are_not_called_independent():
    assert "not independent" in " ".join(page_of(*campaign("H", attached=True)).reckoning)


# The file.


def test_the_file_loads_nothing_runs_nothing_and_closes_what_it_opens():
    read = Reader(html_of(*varied("HBU", "HHH")))
    assert read.open == []
    assert read.named("script") == []
    assert [name for _, attributes in read.elements for name in attributes if name in LOADING] == []
    links = {str(attributes["href"]) for attributes in read.named("a")}
    assert all(link.startswith(("#", "../../task-loss/")) for link in links)
    anchors = {attributes.get("id") for _, attributes in read.elements}
    assert all(link[1:] in anchors for link in links if link.startswith("#"))


def test_hostile_words_stay_words():
    plan, done = campaign("HU", title=HOSTILE, name=HOSTILE, experiment=HOSTILE, who=HOSTILE)
    plan = replace(plan, variations=({HOSTILE: HOSTILE},), limits=(HOSTILE,), versions={HOSTILE: HOSTILE})
    done = [replace(each, why=HOSTILE, parameters={HOSTILE: HOSTILE}, harm=(HOSTILE,)) for each in done]
    read = Reader(html_of(plan, done, record_id=HOSTILE))
    assert read.open == []
    assert [tag for tag, _ in read.elements if tag in ("script", "img")] == []


def test_lines_that_could_not_be_read_are_told():
    assert "2 lines of runs.ndjson cannot be read." in html_of(*campaign("H", times=3), unreadable=2)


# The drawing.


def test_each_drill_is_a_bar_in_the_order_of_its_attempt():
    bars = bars_of([drill(5, "B"), drill(2, "H")])
    assert [(bar.attempt, bar.number, bar.verdict) for bar in bars] == [(1, 2, Verdict.HELD), (2, 5, Verdict.BROKEN)]


def test_a_drill_without_an_rta_is_drawn_and_said_as_such():
    drawn = campaign_svg(*campaign("HU"))
    assert "no RTA" in drawn
    assert "HELD after 11.0 s, UNKNOWN after unknown" in drawn


def test_where_nothing_ended_nothing_is_drawn():
    assert campaign_svg(*campaign("", times=3)) == ""


def test_more_variations_than_can_be_seen_are_not_drawn_and_that_is_said():
    plan, done = varied(*["H"] * 10, values=tuple(map(str, range(10))))
    assert page_of(plan, done).undrawn == "2 further variations not drawn; the table has all."
    drawn = campaign_svg(plan, done)
    assert ">share=7<" in drawn
    assert "share=8" not in drawn
