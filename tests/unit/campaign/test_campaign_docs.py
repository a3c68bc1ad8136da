"""The page about a campaign's files says what the code says."""

import re
from dataclasses import fields
from pathlib import Path

from campaigns import campaign

from gameday.facts.campaign import DrillDone
from gameday.measure.campaign import measure
from gameday.record.campaign import CampaignFolder
from gameday.report.campaign_words import percent

DOCS = Path(__file__).parents[3] / "docs"
PAGE, GUIDE = (DOCS / "campaign.md").read_text(), (DOCS / "guide.md").read_text()


def test_it_has_every_key_of_a_line_and_no_other():
    rows = re.findall(r"^\| (`.+?) \|", PAGE.split("## A line")[1], re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(field.name for field in fields(DrillDone))


def test_it_has_every_file():
    folder = CampaignFolder(Path("campaign"))
    names = [folder.runs.name, folder.page.name, f"{folder.logs.name}/", "plan.json", "campaign.json", "manifest.json"]
    assert [name for name in names if f"| `{name}` |" not in PAGE] == []


def test_the_guides_examples_of_confidence_are_true():
    for letters in ("HHH", "HHHHH"):
        (tried,) = measure(*campaign(letters)).tried
        assert f"of {'three' if letters == 'HHH' else 'five'} " in GUIDE
        assert f"{percent(tried.within_attempts.low).split('.')[0]} %" in GUIDE


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", PAGE):
        assert (DOCS / target).exists(), target
