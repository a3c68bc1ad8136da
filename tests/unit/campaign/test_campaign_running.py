"""Drills one after another, with a stub instead of ``chaos``: each is written down, and any end leaves a report."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from stage import done

from gameday.campaign.asking import campaign_again
from gameday.campaign.running import conclude
from gameday.clock import eventually
from gameday.errors import InputError, RecordError
from gameday.facts import Verdict
from gameday.facts.selftest import PlantedTruth, SelfTest
from gameday.measure.campaign import COMPLETE, INTERRUPTED, STOPPED
from gameday.processes import alive, identify
from gameday.record.campaign import CampaignFolder

HELD, BROKEN, UNKNOWN = Verdict.HELD, Verdict.BROKEN, Verdict.UNKNOWN
FAILED = SelfTest("", 50.0, 80.0, {}, (PlantedTruth("an outage", "1.5 s", "9 s", exact=False),))
HERE = Path(__file__).parent
FILES = ["campaign.json", "index.html", "logs", "manifest.json", "plan.json", "runs.ndjson", "selftest.json"]


def test_a_campaign_leaves_its_plan_its_drills_its_figures_and_a_page(stage):
    folder, found = stage.run("HELD 0", "HELD 0")
    assert (found.verdict, found.ended, found.done) == (HELD, COMPLETE, 2)
    assert sorted(path.name for path in folder.folder.iterdir()) == FILES
    assert folder.folder.parent == stage.reports / "campaign-stub"
    assert [each.record for each in done(folder)] == ["stub/0-0", "stub/1-0"]


def test_every_figure_of_a_drill_is_its_records(stage):
    folder, _ = stage.run("HELD 0")
    (one,) = done(folder)
    assert (one.rta_s, one.rpa_s, one.lost, one.acknowledged) == (22.211, 0.0853, 37, 8948)
    assert (one.rto_s, one.rpo_s, one.timer_scale, one.exit_code) == (1800, 600, 0.1, 0)
    assert one.excess_s == pytest.approx(one.rta_s - one.floor_s)
    assert 0 < one.duration_s < 60


def test_each_drill_is_given_its_own_variables(stage):
    stage.run(*["HELD 0"] * 4, times=2, vary=("users=10,20",), fixed=("timer_scale=0.05",))
    assert [call["given"]["users"] for call in stage.calls()] == ["10", "20", "20", "10"]
    assert {call["given"]["timer_scale"] for call in stage.calls()} == {"0.05"}
    assert {call["words"][0] for call in stage.calls()} == {"run"}


@pytest.mark.parametrize(
    ("act", "verdict", "why"),
    [
        ("BROKEN 1", BROKEN, ""),
        ("UNKNOWN 1", UNKNOWN, ""),
        ("HELD 1", UNKNOWN, "its record says HELD, and chaos run exited 1"),
        ("nothing 1", UNKNOWN, "chaos run left no record and exited 1; its words: logs/0001.log"),
        ("nothing 0", UNKNOWN, "chaos run left no record and exited 0"),
        ("torn 0", UNKNOWN, "its record cannot be read"),
        ("two 0", UNKNOWN, "2 records of stub appeared meanwhile"),
    ],
)
def test_a_verdict_is_the_records_and_without_one_it_is_unknown(stage, act, verdict, why):
    folder, found = stage.run(act)
    (one,) = done(folder)
    assert one.verdict is verdict
    assert one.why.startswith(why)
    assert one.why
    assert found.verdict is not HELD


def test_a_record_that_was_there_before_is_no_drills(stage):
    (stage.reports / "stub" / "0-earlier").mkdir(parents=True)
    folder, _ = stage.run("HELD 0")
    assert done(folder)[0].record == "stub/0-0"


def test_what_chaos_run_said_is_kept_and_counts_for_nothing(stage):
    folder, _ = stage.run("nothing 0")
    assert folder.log_of(1).read_text() == "the drill says: nothing\n"


def test_each_drill_is_one_line_with_what_is_left(stage):
    stage.run("HELD 0", "UNKNOWN 1", "HELD 0")
    begin, tested, first, second, third = stage.said
    assert tested == "self-test passed: 1 planted truth found exactly, in 48.9 s"
    assert begin.startswith("3 drills of ")
    assert "campaign-stub" in begin
    assert first.startswith("1/3  HELD     RTA 22.2 s  lost 37 of 8,948  took ")
    assert first.endswith(" left")
    assert second.splitlines()[0].startswith("2/3  UNKNOWN  RTA unknown  lost unknown")
    assert len(second.splitlines()) == 2  # and why
    assert "left" not in third


def test_after_a_broken_drill_no_other_is_run_if_that_was_asked(stage):
    folder, found = stage.run("HELD 0", "BROKEN 1", "HELD 0", stop_on_broken=True)
    assert (found.ended, len(done(folder))) == (STOPPED, 2)


def test_without_that_wish_the_others_are_run(stage):
    folder, found = stage.run("HELD 0", "BROKEN 1", "HELD 0")
    assert (found.ended, len(done(folder))) == (COMPLETE, 3)


def test_an_unknown_drill_stops_nothing(stage):
    _, found = stage.run("UNKNOWN 1", "HELD 0", stop_on_broken=True)
    assert found.done == 2


# Ended half-way.

PROGRAM = """
import signal, sys
from pathlib import Path
sys.path[:0] = {paths!r}
from stage import Stage
def interrupt(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, interrupt)
signal.signal(signal.SIGINT, interrupt)
stage = Stage(Path({folder!r}))
campaign, folder = stage.begun(3)
stage.runner(campaign, folder).run()
"""


@pytest.fixture
def running(stage):
    """A campaign of three in a process of its own, whose second drill goes on until it is told to end."""
    stage.acts("HELD 0", "waits", "HELD 0")
    paths = [str(HERE), *(str(HERE.parent / name) for name in ("report", "measure"))]
    text = PROGRAM.format(paths=paths, folder=str(stage.folder))
    process = subprocess.Popen([sys.executable, "-c", text], stderr=subprocess.DEVNULL)
    eventually((stage.folder / "waiting").exists, True, what="the second drill", within_s=60)
    yield process
    process.kill()
    process.wait()


def the_campaign(stage):
    (folder,) = (stage.reports / "campaign-stub").iterdir()
    return CampaignFolder.open(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_an_interrupted_campaign_ends_its_drill_and_says_how_far_it_came(stage, running, number):
    drill = identify(stage.calls()[1]["pid"])
    running.send_signal(number)
    assert running.wait(30) != 0
    assert not alive(drill)
    assert (stage.folder / "ended in its own way").exists()
    folder = the_campaign(stage)
    assert [each.number for each in done(folder)] == [1]  # the drill that was ended is no finished one
    assert "interrupted after 1 of 3 drills" in folder.page.read_text().lower()


def test_a_killed_campaign_leaves_no_drill_and_is_rendered_from_what_is_there(stage, running):
    drill = identify(stage.calls()[1]["pid"])
    running.send_signal(signal.SIGKILL)
    running.wait(30)
    eventually(lambda: alive(drill), False, what="the drill", within_s=10)
    folder = the_campaign(stage)
    assert not folder.page.exists()
    found = conclude(folder)
    assert (found.verdict, found.ended, found.done, found.planned) == (UNKNOWN, INTERRUPTED, 1, 3)
    assert folder.page.exists()


def test_a_campaign_that_runs_cannot_be_resumed_beside_itself(stage, running):
    folder = the_campaign(stage)
    with pytest.raises(InputError, match="another process does"):
        stage.runner(campaign_again(folder.read_plan(), stage.reports), folder).run()
    assert running.poll() is None


def test_a_campaign_is_resumed_with_the_drills_that_it_lacks(stage):
    stage.acts("HELD 0", "HELD 0", "HELD 0")
    campaign, folder = stage.begun(3)
    whole = folder.runs
    stage.runner(campaign, folder).run()
    lines = whole.read_text().splitlines(keepends=True)
    whole.write_text(lines[0] + lines[1][:40])  # as a kill in the middle of a line leaves it
    assert conclude(folder).done == 1
    stage.acts(*["HELD 0"] * 5)
    found = stage.runner(campaign, folder).run()
    assert (found.verdict, found.ended, found.done) == (HELD, COMPLETE, 3)
    assert "1 of them done before" in stage.said[-3]  # and the tool is not tested again


def test_a_line_that_cannot_be_read_is_a_drill_that_is_missing_and_is_said(stage):
    folder, _ = stage.run("HELD 0", "HELD 0")
    lines = folder.runs.read_text().splitlines(keepends=True)
    folder.runs.write_text("not a line\n" + lines[1])
    found = conclude(folder)
    assert (found.verdict, found.done) == (UNKNOWN, 1)
    assert "1 line of runs.ndjson cannot be read." in folder.page.read_text()


def test_the_same_campaign_is_judged_the_same_again(stage):
    folder, found = stage.run("HELD 0", "BROKEN 1")
    before = (folder.folder / "campaign.json").read_bytes()
    assert conclude(folder) == found
    assert (folder.folder / "campaign.json").read_bytes() == before


def test_a_tool_that_fails_its_own_test_proves_nothing_and_says_what_it_missed(stage):
    stage.selftest = FAILED
    folder, found = stage.run("HELD 0")
    assert (found.verdict, found.done) == (UNKNOWN, 1)
    assert found.why == "the self-test missed an outage, so nothing that it measured is proved"
    assert any("self-test FAILED" in line and "planted 1.5 s, found 9 s" in line for line in stage.said)
    assert "1.5 s" in folder.page.read_text()


def test_a_campaign_without_a_self_test_proves_nothing(stage):
    folder, _ = stage.run("HELD 0")
    (folder.folder / "selftest.json").unlink()
    found = conclude(folder)
    assert (found.verdict, found.why) == (
        UNKNOWN, "the tool was not tested on itself, so nothing that it measured is proved"
    )  # fmt: skip


def test_harm_is_broken_whatever_the_self_test_says(stage):
    stage.selftest = FAILED
    assert stage.run(*["BROKEN 1"] * 5)[1].verdict is BROKEN


def test_a_resumed_campaign_was_tested_before_its_first_drill(stage):
    folder, _ = stage.run("HELD 0", "HELD 0", times=3)
    stage.selftest = FAILED
    stage.acts("HELD 0")
    found = stage.runner(campaign_again(folder.read_plan(), stage.reports), folder).run()
    assert (found.done, found.selftest.is_passed) == (3, True)


def test_what_is_no_campaign_is_refused(stage):
    with pytest.raises(InputError, match=r"no plan\.json in it"):
        CampaignFolder.open(stage.folder)
    (stage.folder / "plan.json").write_text('{"drill": "x"}')  # a drill's
    with pytest.raises(RecordError, match="a campaign's plan"):
        CampaignFolder.open(stage.folder).read_plan()


def test_where_a_file_is_no_campaigns_folder_can_be(stage):
    stage.reports.write_text("a file")
    with pytest.raises(RecordError, match="a writable folder"):
        CampaignFolder.create(stage.reports, "stub")
