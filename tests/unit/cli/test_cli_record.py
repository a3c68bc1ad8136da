"""Judging, rendering and undoing from a record alone."""

import json

import pytest
from click.testing import CliRunner
from stub_world import StubFault, StubLoad, StubWorld

from gameday.cli import cli
from gameday.drill import Drill
from gameday.facts import Objectives


@pytest.fixture
def drill(tmp_path):
    world = StubWorld()
    with Drill(
        "local", Objectives(1800, 600), load=StubLoad(), reports=tmp_path, world=world, clock=world.clock
    ) as one:
        one.baseline()
        with one.injected(StubFault(world)):
            one.until_recovered(1800)
    return one


def test_an_old_drill_is_judged_again_from_its_record_alone(drill):
    before = (drill.record.folder / "measurement.json").read_text()
    (drill.record.folder / "measurement.json").unlink()
    told = CliRunner().invoke(cli, ["judge", str(drill.record.folder)])
    assert told.exit_code == 0, told.output
    assert told.output.startswith("HELD: ")
    assert json.loads((drill.record.folder / "measurement.json").read_text()) == json.loads(before)


def test_a_drill_that_did_not_hold_is_judged_with_exit_code_1(drill):
    plan = json.loads((drill.record.folder / "plan.json").read_text())
    plan["objectives"]["rto_s"] = 1
    (drill.record.folder / "plan.json").write_text(json.dumps(plan))
    told = CliRunner().invoke(cli, ["judge", str(drill.record.folder)])
    assert told.exit_code == 1
    assert told.output.startswith("BROKEN")


def test_a_report_is_rendered_again(drill):
    drill.record.page.unlink()
    told = CliRunner().invoke(cli, ["report", str(drill.record.folder)])
    assert told.exit_code == 0, told.output
    assert drill.record.page.exists()


def test_undo_says_when_nothing_is_left(drill):
    told = CliRunner().invoke(cli, ["undo", str(drill.record.folder)])
    assert (told.exit_code, told.output) == (0, "nothing is left to take back\n")
