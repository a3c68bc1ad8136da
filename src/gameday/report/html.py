"""The page as one HTML file: no script, no request, nothing that a hostile string could become.

Jinja2 escapes everything (StrictUndefined: a part that is missing is an error, not a gap); every printed string loses
its control characters on the way; the drawings are rebuilt from an allow-list; and a content security policy allows
the one style sheet by its hash, and nothing else.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gameday.record.layout import Record
from gameday.record.lines import Damage
from gameday.report import charts, words
from gameday.report.page import Page, page
from gameday.report.svg import dark_rules

TEMPLATES = Path(__file__).parent / "templates"
DARK_INKS = "/* dark inks */"


def render(record: Record) -> Path:
    """Write ``index.html`` from the record's plan, measurement and timeline; returns its path.

    Raises :class:`gameday.errors.RecordError` when one of them cannot be read, or the page not be written.
    """
    damage = Damage()
    plan, measurement, events = record.read_plan(), record.read_measurement(), tuple(record.read_events(damage))
    record_id = f"{record.folder.parent.name}/{record.folder.name}"
    unreadable = damage.lines + damage.cut_tail
    tried = record.read_self_test()
    told = page(plan, measurement, events, record_id=record_id, unreadable=unreadable, tried=tried)
    record.write_text(record.page.name, html(told))
    return record.page


def html(told: Page) -> str:
    """The whole file."""
    style = style_sheet()
    return environment().get_template("page.html.j2").render(
        page=told,
        style=Markup(style),
        policy=policy(style),
        waterfall=Markup(charts.waterfall_svg(told.waterfall)),
        over_time=Markup(charts.over_time_svg(told.over_time)),
    )  # fmt: skip


def policy(style: str) -> str:
    """A content security policy that allows exactly this style sheet."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


@cache
def style_sheet() -> str:
    """The style sheet, with the drawings' dark inks filled in."""
    return (TEMPLATES / "report.css").read_text(encoding="utf-8").replace(DARK_INKS, dark_rules())


@cache
def environment() -> Environment:
    """Jinja2, strict: it escapes, knows no gaps, and prints no control character."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printed,
    )


def _printed(value: object) -> object:
    return value if isinstance(value, Markup) or not isinstance(value, str) else words.plain(value, 100_000)
