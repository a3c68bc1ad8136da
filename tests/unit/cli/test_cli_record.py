"""Judging, rendering and undoing from a record alone."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, redirect_stderr
from hashlib import sha256
from io import StringIO
from threading import Event

import pytest
from click.testing import CliRunner
from fence_stage import Account, lab_on
from stub_world import StubFault, StubLoad, StubWorld

from gameday.cli import cli
from gameday.drill import Drill
from gameday.errors import FaultError, InputError
from gameday.facts import Objectives
from gameday.lab import reference
from gameday.measure import proved
from gameday.record.alone import TAKE_BACK, alone_in
from gameday.record.manifest import hashes_of, read_manifest
from gameday.record.undo import UndoJournal, UndoStep
from gameday.underway import announced


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


def test_a_record_is_verified_line_by_line(drill):
    told = CliRunner().invoke(cli, ["verify", str(drill.record.folder)])
    assert told.exit_code == 0, told.output
    manifest = sha256((drill.record.folder / "manifest.json").read_bytes()).hexdigest()
    assert told.output.splitlines()[-1] == f"VERIFIED: manifest SHA-256 {manifest}"
    assert [line.split()[0] for line in told.output.splitlines()[:-1]] == [
        "manifest", "files", "chain", "judgement", "statement",
    ]  # fmt: skip


def test_a_record_that_was_judged_and_rendered_again_is_verified_too(drill):
    for command in ("judge", "report"):
        assert CliRunner().invoke(cli, [command, str(drill.record.folder)]).exit_code == 0
    assert CliRunner().invoke(cli, ["verify", str(drill.record.folder)]).exit_code == 0


@pytest.mark.parametrize("command", ["judge", "report"])
def test_an_altered_record_is_not_verified_with_exit_code_1_whatever_is_made_of_it_afterwards(drill, command):
    survivors = drill.record.survivors
    survivors.write_bytes(survivors.read_bytes().replace(b'"count":1', b'"count":2', 1))
    CliRunner().invoke(cli, [command, str(drill.record.folder)])
    told = CliRunner().invoke(cli, ["verify", str(drill.record.folder)])
    assert told.exit_code == 1
    assert "files     NOT  altered: survivors.ndjson\n" in told.output
    assert "\nNOT VERIFIED: manifest SHA-256 " in told.output


def test_a_record_is_held_to_the_manifest_that_was_kept_elsewhere(drill):
    told = CliRunner().invoke(cli, ["verify", str(drill.record.folder), "--manifest", "0" * 64])
    assert told.exit_code == 1
    assert f", not {'0' * 64}\n" in told.output


def test_undo_says_when_nothing_is_left(drill):
    told = CliRunner().invoke(cli, ["undo", str(drill.record.folder)])
    assert (told.exit_code, told.output) == (0, "nothing is left to take back\n")


def test_undo_never_says_that_nothing_is_left_when_a_step_cannot_be_read(drill):
    where, plan = drill.record.folder, drill.record.folder / "plan.json"
    drill.record.undo.write_bytes(b'{"v":1,"ev":"before"}\n')
    told = CliRunner().invoke(cli, ["undo", str(where)])
    assert (told.exit_code, "nothing is left" in told.output) == (0, False)
    assert "is gone, and what was broken with it" in told.output
    plan.write_text(json.dumps(json.loads(plan.read_text()) | {"lab": "aws"}))
    told = CliRunner().invoke(cli, ["undo", str(where)])
    assert (told.exit_code, told.output) == (1, "")
    assert isinstance(told.exception, FaultError)
    assert "every line of" in str(told.exception)
    assert "Next: read it, and compare both regions" in str(told.exception)


def test_undo_leaves_a_drill_in_progress_alone(drill, tmp_path, monkeypatch):
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path / "home"))
    where, journal = drill.record.folder, UndoJournal(drill.record.undo)
    journal.before(UndoStep("moon_back", "ap-southeast-2"))
    journal.close()
    before = drill.record.undo.read_bytes()
    with announced(drill.record, "drill", "the-lab"):
        told = CliRunner().invoke(cli, ["undo", str(where)])
    assert (told.exit_code, drill.record.undo.read_bytes()) == (1, before)
    assert isinstance(told.exception, InputError)
    assert f"Next: gameday abort {where.resolve()} ends and heals it" in str(told.exception)
    assert "is gone, and what was broken" in CliRunner().invoke(cli, ["undo", str(where)]).output


def test_undo_waits_while_the_warden_takes_back_and_does_what_is_left(drill):
    journal = UndoJournal(drill.record.undo)
    step = UndoStep("moon_back", "ap-southeast-2")
    number = journal.before(step)
    waits, begun = Waiting(), ExitStack()
    begun.enter_context(alone_in(drill.record.folder, TAKE_BACK))

    def heals():
        waits.begun.wait(30)
        journal.done(number, step)
        journal.close()
        begun.close()

    with ThreadPoolExecutor() as warden:
        warden.submit(heals)
        with redirect_stderr(waits):
            cli.main(["undo", str(drill.record.folder)], standalone_mode=False)
    assert "takes back: waiting up to 300 s" in waits.getvalue()
    assert journal.is_settled()


class Waiting(StringIO):
    """Says when somebody wrote to it."""

    def __init__(self):
        super().__init__()
        self.begun = Event()

    def write(self, text):
        written = super().write(text)
        self.begun.set()
        return written


def test_undo_leaves_nothing_in_the_record_that_its_manifest_does_not_know(drill):
    CliRunner().invoke(cli, ["undo", str(drill.record.folder)])
    assert CliRunner().invoke(cli, ["verify", str(drill.record.folder)]).exit_code == 0


def test_an_undo_that_fails_seals_what_it_has_written(drill, monkeypatch):
    journal = UndoJournal(drill.record.undo)
    journal.before(UndoStep("moon_back", "ap-southeast-2"))
    journal.close()
    drill.record.seal("undo.ndjson")
    monkeypatch.setattr(reference, "is_gone", lambda named: False)
    monkeypatch.setattr(reference, "reach", lambda named: lab_on(Account()))
    told = CliRunner().invoke(cli, ["undo", str(drill.record.folder)])
    assert isinstance(told.exception, FaultError)
    assert "gameday undo takes back" in drill.record.timeline.read_text()
    assert read_manifest(drill.record.folder).files == hashes_of(drill.record.folder, "look")


def test_judging_says_aloud_that_the_self_test_was_not_run_and_the_verdict_stays(drill, monkeypatch):
    monkeypatch.setattr(proved, "BYTES_MAX", 10)
    told = CliRunner().invoke(cli, ["judge", str(drill.record.folder)])
    assert told.exit_code == 0, told.output
    assert "\n  SELF-TEST  Not run on this record: the record holds 0 MiB of lines" in told.output
