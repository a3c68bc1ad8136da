"""``gameday runbook``: what it says, what it asks, what it refuses, and what it leaves behind."""

import json

import pytest
from click.testing import CliRunner
from stub_world import stub_lab

from gameday.cli import cli
from gameday.cli_runbook import _only_show
from gameday.errors import GamedayError, InputError
from gameday.record.alone import alone_in
from gameday.recovery.runbook import Call, Check, Runbook, Step
from gameday.walk_told import Errand, walk_told

SKY = Check("it is night", lambda scene: "dark", lambda seen: seen == "dark")
DAY = Check("it is day", lambda scene: "dark", lambda seen: seen == "bright", next_step="wait for the sun")
WRITES = Check("it takes paint", lambda scene: pytest.fail("it was painted"), bool, writes=True)


class Control:
    endpoint_url, is_local = "http://127.0.0.1:9", True

    def __init__(self):
        self.made = []

    def client(self, service, region):
        return self

    def paint(self, *, what):
        self.made.append(what)


@pytest.fixture
def control():
    return Control()


@pytest.fixture
def told(control, tmp_path):
    """What a walk of those steps says, when it is answered so; and what it raised."""

    def run(*steps, answers="", yes=False):
        import click

        lab = stub_lab()
        lab = type(lab)(lab.name, control, lab.primary, lab.secondary, lab.outputs)
        errand = Errand(Runbook("moon", "Paint the moon", "at night", steps), lab, steps, {})

        @click.command()
        def command():
            walk_told(errand, tmp_path, yes=yes)

        return CliRunner().invoke(command, input=answers)

    return run


def step(name, *what, **more):
    return Step(
        name, f"Do {name}.", "wash it", lambda s: [Call("moon", "paint", "x", {"what": w}) for w in what], **more
    )


def test_each_step_is_said_seen_shown_and_asked_for(told, control):
    result = told(step("near", "n", before=(SKY,)), step("far", "f"), answers="y\ny\n")
    assert control.made == ["n", "f"]
    for line in ("1/2 near", "    Do near.", "    seen    it is night: dark",
                 "    call    aws moon paint --region x --what n", "    Make it so? [y/N]: y", "2/2 far"):  # fmt: skip
        assert line in result.output.split("\n"), result.output
    assert "moon is done" in result.output


def test_no_stops_it_before_the_calls_and_names_the_way_to_go_on(told, control, tmp_path):
    result = told(step("near", "n"), step("far", "f"), answers="y\nn\n")
    assert control.made == ["n"]
    assert isinstance(result.exception, GamedayError)
    (folder,) = tmp_path.glob("runbook-moon/*")
    assert result.exception.__notes__ == [f"to go on: gameday runbook run moon --resume {folder}"]


def test_who_said_yes_is_not_asked_and_who_only_looks_is_not_asked_either(told, control):
    assert "Make it so" not in told(step("near", "n"), yes=True).output
    assert "Make it so" not in told(step("look", before=(SKY,))).output
    assert "Make it so" not in told(step("read", "r", changes=False)).output
    assert control.made == ["n", "r"]


def test_a_step_whose_precondition_fails_stops_before_its_calls_and_says_why(told, control):
    result = told(step("near", "n", before=(DAY,)), yes=True)
    assert control.made == []
    assert "expected it is day; saw 'dark' (near: nothing was called). Next: wait for the sun" in str(result.exception)


def test_the_record_of_a_walk_is_sealed_and_has_no_clients(told, tmp_path):
    told(step("near", "n"), yes=True)
    (folder,) = tmp_path.glob("runbook-moon/*")
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "runbook.ndjson", "timeline.ndjson"]
    events = [json.loads(line) for line in (folder / "timeline.ndjson").read_text().splitlines()]
    assert [(e["kind"], e["what"]) for e in events] == [
        ("phase", "runbook moon"), ("runbook", "near"), ("runbook", "near"),
    ]  # fmt: skip


def test_where_it_is_only_shown_a_check_that_writes_is_named_and_not_looked_at():
    import click

    book = Runbook("moon", "Paint the moon", "at night", (step("near", "n", before=(SKY, WRITES)),))

    @click.command()
    def command():
        _only_show(book, book.steps, stub_lab(), {})

    told = CliRunner().invoke(command).output.split("\n")
    assert "    before  it is night: dark (met)" in told
    assert "    before  it takes paint: looked at when it is run, since looking writes" in told
    assert "    call    aws moon paint --region x --what n" in told


def gameday(*words):
    return CliRunner().invoke(cli, ["runbook", *words])


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["show", "failbak"], "a runbook ("),
        (["run", "failbak", "--yes"], "a runbook ("),
        (["run", "failback"], "somebody to ask before each change"),
        (["run", "failback", "--yes", "--from", "14"], "a step of failback (1 look-around, "),
        (["run", "failback", "--yes", "--option", "tasks"], "an option as KEY=VALUE"),
        (["run", "failback", "--yes", "--option", "taks=2"], "an option of the runbook failback (tasks, "),
        (["run", "failback", "--yes", "--option", "tasks=many"], "tasks of the form "),
        (["run", "failback", "--yes", "--option", "tasks=0"], "tasks of the form "),
        (["run", "failback", "--yes", "--lab", "local"], "a lab that is up, or aws"),
        (["run", "failback", "--yes", "--resume", "x", "--from", "2"], "--resume alone"),
        (["run", "failback", "--yes", "--resume", "x", "--record", "y"], "--resume alone"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_before_anything_is_touched(words, what, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = gameday(*words)
    assert isinstance(result.exception, InputError), result.output
    assert result.exception.expected.startswith(what)
    assert list(tmp_path.iterdir()) == []


def test_two_walks_of_one_record_at_once_are_refused(tmp_path):
    with alone_in(tmp_path, "walk a runbook in"):
        result = gameday("run", "failback", "--yes", "--resume", str(tmp_path))
    assert isinstance(result.exception, InputError)
    assert "nobody else to walk a runbook in" in str(result.exception)


def test_the_list_names_every_runbook_and_when_it_is_for():
    assert "failback             Fail back to the primary region" in gameday("list").output


def test_what_is_shown_is_the_document():
    assert gameday("show", "failback").output.startswith("# Fail back to the primary region\n")
