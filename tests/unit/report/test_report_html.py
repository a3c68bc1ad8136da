"""The report as a file: one, offline, escaped, accessible, small, and quick to import."""

import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from examples import EVENTS, HOSTILE, PLAN, broken, held, hostile, unknown

from gameday.errors import RecordError
from gameday.record.layout import Record
from gameday.report.charts import over_time_svg, waterfall_svg
from gameday.report.html import html, render
from gameday.report.page import over_time, page
from gameday.report.svg import ATTRIBUTES, INKS, dark_rules, safe_svg

LARGEST = 1_500_000
VOID = frozenset({"meta", "link", "br", "img"})
LOADING = frozenset({"src", "srcset", "data", "action", "poster", "formaction", "background", "ping"})


class Reader(HTMLParser):
    """What a page holds: its elements in order, its texts by element, and whether all that opens closes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and data.strip():
            self.texts.setdefault(self.open[-1], []).append(data.strip())

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def read():
    return Reader(html(page(PLAN, held(), EVENTS, record_id="region-outage/1")))


@pytest.fixture(scope="module")
def read_hostile():
    return Reader(html(page(*hostile(), record_id=HOSTILE)))


def test_everything_that_opens_closes(read, read_hostile):
    assert (read.open, read_hostile.open) == ([], [])


def test_the_title_begins_with_the_verdict(read):
    assert read.texts["title"][:1] == [f"HELD · {PLAN.title}"]


def test_the_verdict_comes_before_everything_else(read):
    assert read.texts["h2"][0] == "Findings"  # the verdict's own heading holds spans
    assert read.texts["span"].index("HELD") < 3
    sections = [attributes["id"] for attributes in read.named("section") if "id" in attributes]
    assert sections == [
        "verdict", "findings", "self-test", "phases", "over-time", "losses", "clocks", "alarms", "effects", "limits",
        "conditions", "record",
    ]  # fmt: skip


def test_scaled_timers_are_named_before_the_verdict():
    text = html(page(PLAN, held(), ()))
    assert text.index("timers × 0.1") < text.index('class="word"')


@pytest.mark.parametrize("which", ["read", "read_hostile"])
def test_no_element_can_run_or_load_anything(which, request):
    reader = request.getfixturevalue(which)
    assert not {"script", "iframe", "object", "embed", "img", "image", "foreignobject", "use", "base", "form"} & {
        name for name, _ in reader.elements
    }
    for name, attributes in reader.elements:
        assert not LOADING & set(attributes), name
        assert not [key for key in attributes if key.startswith("on") or key == "style"], name
        assert all(target.startswith(("#", "data:,")) for target in [attributes.get("href") or "#"]), name


def test_the_style_asks_for_nothing_from_outside():
    text = html(page(PLAN, held(), EVENTS))
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_allows_one_style_sheet_and_nothing_else(read):
    policy = next(each["content"] for each in read.named("meta") if "http-equiv" in each)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_hostile_strings_are_printed_as_they_are_without_their_controls(read_hostile):
    shown = HOSTILE.replace("\u202e", "�").replace("\x1b", "�").replace("\x00", "�")
    assert read_hostile.texts["h1"] == [shown]
    assert any(shown in text for text in read_hostile.texts["code"])


def test_a_template_expression_in_a_name_is_not_evaluated(read_hostile):
    assert "{{7*7}}" in read_hostile.texts["h1"][0]


def test_an_id_stands_once_on_the_page(read):
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_link_on_the_page_leads_somewhere(read):
    ids = {attributes.get("id") for _, attributes in read.elements}
    targets = [attributes["href"][1:] for attributes in read.named("a")]
    assert set(targets) <= ids


def test_headings_skip_no_level(read):
    levels = [int(name[1]) for name, _ in read.elements if name in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_tables_have_captions_and_headings_with_scopes(read):
    assert len(read.named("caption")) == len(read.named("table"))
    assert all(attributes["scope"] in ("col", "row") for attributes in read.named("th"))


def test_drawings_have_a_title_and_a_description(read):
    ids = {attributes.get("id") for _, attributes in read.elements}
    labels = [attributes["aria-labelledby"].split() for attributes in read.named("svg")]
    assert len(labels) == 2
    assert all(set(label) <= ids for label in labels)


def test_the_language_is_named(read):
    assert read.named("html") == [{"lang": "en"}]


def test_the_largest_page_stays_small():
    plan, measured = replace(PLAN, experiment={"x": "y" * 200_000}), broken()
    long = html(page(plan, measured, [EVENTS[3]] * 5_000))
    assert len(long.encode()) < LARGEST


def test_a_drill_without_probes_and_phases_still_has_a_page():
    bare = replace(
        unknown(), buckets=(), phases=(), recovery_times=(), availability=(), alarms=(), findings=(), prober=None
    )
    reader = Reader(html(page(PLAN, bare, ())))
    assert "No probe was recorded, so there is nothing to draw." in reader.texts["p"]
    assert reader.named("svg") == []


def test_a_long_drill_is_drawn_in_minutes():
    buckets = tuple(replace(each, at_s=each.at_s * 60) for each in held().buckets)
    drawn = over_time_svg(over_time(replace(held(), buckets=buckets)))
    assert "minutes after the fault" in drawn
    assert "seconds after the fault" not in drawn


@pytest.mark.parametrize("measured", [held(), broken(), unknown()], ids=["held", "broken", "unknown"])
def test_drawings_use_only_inks_that_have_a_dark_counterpart(measured):
    told = page(PLAN, measured, ())
    known = {ink.light for ink in INKS.values()} | {"none", "transparent"}
    for drawn in (waterfall_svg(told.waterfall), over_time_svg(told.over_time)):
        used = {node.get(use) for node in ET.fromstring(drawn).iter() for use in ("fill", "stroke")} - {None}
        assert used <= known


def test_every_ink_is_turned_dark_by_the_style():
    assert all(ink.dark in dark_rules() for ink in INKS.values())


def test_a_drawing_is_rebuilt_without_what_could_run_or_load():
    drawn = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4" onload="x()"><script>x()</script>'
        '<g onclick="x()" style="x"><a href="javascript:x()"><path d="M0,0"/></a><image href="http://x.invalid/"/>'
        '<path d="M1.23456,2" fill="red" clip-path="url(#c)"/></g></svg>'
    )
    safe = safe_svg(drawn, "one", "a <title>", "told")
    kept = ET.fromstring(safe)
    assert {node.tag.split("}")[1] for node in kept.iter()} == {"svg", "title", "desc", "g", "path"}
    path = kept.find(".//{*}path")
    assert path is not None
    assert dict(path.items()) == {"d": "M1.23,2", "fill": "red", "clip-path": "url(#one-c)"}
    assert "a &lt;title&gt;" in safe
    assert not [name for name in ATTRIBUTES if name.startswith("on") or "href" in name]


def test_render_writes_one_file_into_the_record(tmp_path):
    record = Record.create(tmp_path, "region-outage")
    record.write_plan(PLAN)
    record.write_measurement(held())
    lines = record.line_writer(record.timeline, sync=False)
    for each in EVENTS:
        lines.append(each)
    lines.close()
    with record.timeline.open("a") as file:
        file.write("not a line\n")
    assert render(record) == record.folder / "index.html"
    text = record.page.read_text(encoding="utf-8")
    assert f"region-outage/{record.folder.name}" in text
    assert "1 line could not be read" in text


def test_without_a_measurement_there_is_no_report(tmp_path):
    record = Record.create(tmp_path, "region-outage")
    record.write_plan(PLAN)
    with pytest.raises(RecordError, match=r"measurement\.json"):
        render(record)
    assert not record.page.exists()


def test_the_drawing_libraries_are_not_imported_before_something_is_drawn():
    look = (
        "import sys, gameday.report.html, gameday.report.summary; "
        "print(sorted({'altair', 'vl_convert'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.strip() == "[]"
