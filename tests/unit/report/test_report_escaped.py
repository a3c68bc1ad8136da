"""A record whose every string is a script, judged and rendered, in a real browser: it is read, and does not run."""

import shutil
from dataclasses import replace

import pytest
from records import DrillBuilder, at_ns

from gameday.clock import HandClock
from gameday.facts import Event, Kind, Objectives
from gameday.measure.judge import judge
from gameday.record.ledger import Acknowledgement
from gameday.report.html import render

CHROMIUM = shutil.which("chromium")
RUNS = "window.owned=1;alert(1)"
BREAKS_OUT = (
    f"</title></style></script></textarea></pre></svg>--><script>{RUNS}</script><img src=x onerror='{RUNS}'>"
    f"\"'><svg onload='{RUNS}'>\" autofocus onfocus=\"{RUNS}\" x='javascript:{RUNS}' {{{{7*7}}}}"
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium"),
]


def hostile_record(folder):
    """Every string that may be any text is the same attack; kinds, regions and stamps must be what they are."""
    x = BREAKS_OUT
    drill = DrillBuilder(end_s=15.0).probes(bad=(0.0, 2.0), span=(-2.0, 15.0))
    drill.planned(
        title=x, started_utc=x, who=x, lab=x, lab_name=x, primary=x, secondary=x, expected_alarms=(x,), outputs={x: x},
        versions={x: x}, limits=(x,), load={x: x}, faults=(x,), stays_reachable=(x,), experiment={x: [x]},
        objectives=Objectives(1, 0),
    )  # fmt: skip
    for number, kind in enumerate(Kind):
        if kind not in (Kind.OBSERVATION_END, Kind.SWITCH):
            at_s = 0.3 + number / 100
            drill.events.append(Event(drill.plan.boot, at_ns(at_s), x, kind, x, x, {x: x, "name": x, "why": x}))
    drill.events.append(Event(drill.plan.boot, at_ns(0.0), HandClock(at_ns(0)).utc(), Kind.FAULT, x, x, {x: x}))
    drill.all_probes = [replace(probe, why=x, region=x, address=x) for probe in drill.all_probes]
    drill.write(x, -1.0, there=False).write(f"{x}2", -0.5, "unknown").row(f"{x}3")
    drill.attempts = [replace(each, ack=Acknowledgement(x, 7, x, x)) if each.ack else each for each in drill.attempts]
    return drill.record(folder)


@pytest.fixture
def opened():
    """A page in Debian's chromium, and what it tried: dialogs, requests beyond its own file, errors of its console."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            page = browser.new_page()
            tried = []
            page.on("dialog", lambda dialog: (tried.append(f"dialog {dialog.message}"), dialog.dismiss()))
            page.on("request", lambda request: tried.append(f"request {request.url}"))

            def open_page(file):
                page.goto(file.as_uri())
                return page, tried

            yield open_page
        finally:
            browser.close()


def test_no_string_of_a_record_runs_and_each_is_read_as_text(opened, tmp_path):
    record = hostile_record(tmp_path / "reports")
    record.write_measurement(judge(record))
    file = render(record)
    page, tried = opened(file)
    assert tried == [f"request {file.as_uri()}"]
    assert page.evaluate("window.owned") is None
    assert page.locator("script, img, [onload], [onerror], [onfocus], [autofocus]").count() == 0
    assert page.title().endswith(BREAKS_OUT[-40:]) or BREAKS_OUT[:40] in page.title()
    assert page.locator("body").inner_text().count(RUNS) > 20


def test_the_test_itself_would_notice_what_runs(opened, tmp_path):
    file = tmp_path / "index.html"
    file.write_text(f"<!doctype html><title>x</title>{BREAKS_OUT}")
    page, tried = opened(file)
    assert page.evaluate("window.owned") == 1
    assert "dialog 1" in tried
