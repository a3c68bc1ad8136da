"""``gameday campaign`` on the command line: what is refused, what is rendered again, and with which exit code."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from campaigns import PASSED, campaign, drill
from click.testing import CliRunner

from gameday.cli import cli
from gameday.errors import InputError
from gameday.record.campaign import CampaignFolder

NO_FAULT = Path(__file__).parents[3] / "experiments" / "no-fault.json"


def invoked(*words):
    return CliRunner().invoke(cli, ["campaign", *map(str, words)])


@pytest.fixture
def written(tmp_path):
    """Writes a campaign as a killed one would have left it."""

    def write(letters, **changes):
        plan, done = campaign(letters, **changes)
        folder = CampaignFolder.create(tmp_path / "reports", plan.name)
        folder.write_plan(plan)
        folder.write_selftest(PASSED)
        writer = folder.done_writer()
        for each in done:
            writer.append(each)
        writer.close()
        return folder

    return write


def test_it_explains_itself():
    told = invoked("--help")
    assert told.exit_code == 0
    assert all(word in told.output for word in ("--times", "--vary", "--stop-on-broken", "--report", "--resume"))


@pytest.mark.parametrize(("letters", "code"), [("HHH", 0), ("BBBBB", 1), ("U", 1), ("HX", 1)])
def test_a_campaign_is_rendered_again_and_only_held_exits_0(written, letters, code):
    folder = written(letters)
    told = invoked("--report", folder.folder)
    assert told.exit_code == code
    assert str(folder.page) in told.output
    found = json.loads((folder.folder / "campaign.json").read_text())
    assert told.output.startswith(found["verdict"])
    manifest = json.loads((folder.folder / "manifest.json").read_text())
    assert sorted(manifest) == ["campaign.json", "index.html", "plan.json", "runs.ndjson", "selftest.json"]


def test_a_campaign_that_was_killed_says_how_far_it_came(written):
    told = invoked("--report", written("HH", times=7).folder)
    assert told.exit_code == 1
    assert told.output.startswith("UNKNOWN: interrupted after 2 of 7 drills")
    assert "  2 of 7 drills ended: interrupted" in told.output


def test_a_campaign_killed_before_its_first_drill_ended_proves_nothing(written):
    told = invoked("--report", written("", times=3).folder)
    assert told.exit_code == 1
    assert "no drill has ended" in told.output


def test_no_line_drives_the_terminal(written):
    folder = written("H", times=2)
    writer = folder.done_writer()
    writer.append(replace(drill(2, "X"), harm=("\x1b[31mred\nnew line",)))
    writer.close()
    told = invoked("--report", folder.folder).output
    assert told.splitlines()[0].startswith("BROKEN: drill 2: �[31mred new line; no further")


@pytest.mark.parametrize(
    "words", [(), (NO_FAULT, "--report", "x"), ("--report", "x", "--resume", "y")], ids=["none", "two", "both"]
)
def test_it_wants_one_thing(words):
    assert isinstance(invoked(*words).exception, InputError)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--times", 0), "at least 1 drill"),
        (("--vary", "userz=1,2"), "did you mean 'users'?"),
        (("--vary", "users=1,x"), "'x'"),
        (("--var", "lab=mine"), "lab: mine"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_created(tmp_path, words, told):
    done = invoked(NO_FAULT, "--reports", tmp_path / "reports", *words)
    assert isinstance(done.exception, InputError)
    assert told in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_a_resumed_campaign_must_have_its_experiment(written):
    done = invoked("--resume", written("H", times=2, experiment="gone.json").folder)
    assert isinstance(done.exception, InputError)
    assert "gone.json" in str(done.exception)
