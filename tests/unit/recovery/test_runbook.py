"""A runbook's walk: checks before, calls, checks after; a check that is not met stops it where it stands."""

import pytest
from stub_world import PRIMARY, stub_lab

from gameday.clock import HandClock
from gameday.errors import InputError, RunbookError
from gameday.facts import Kind
from gameday.record.layout import Record
from gameday.record.lines import Damage
from gameday.record.timeline import Timeline
from gameday.recovery import runbook
from gameday.recovery.runbook import Check, Option, Runbook, Scene, Step, walk

NEVER = Check("the moon is blue", lambda scene: "grey", lambda seen: seen == "blue", within_s=900, next_step="wait")


def book(*steps, options=()):
    return Runbook("moon", "Paint the moon", "at night", steps, options)


def step(name, done, **more):
    def calls(scene):
        done.append(name)
        return ()

    return Step(name, f"do {name}", "nothing", calls, **more)


@pytest.fixture
def record(tmp_path):
    return Record.create(tmp_path, "moon")


@pytest.fixture
def scene(record):
    return Scene(stub_lab(), Timeline(record, HandClock()))


def told(record):
    return [(e.what, e.detail["state"]) for e in record.read_events(Damage()) if e.kind is Kind.RUNBOOK]


def test_steps_are_taken_in_order_and_told(record, scene):
    done = []
    walk(book(step("one", done), step("two", done)), scene)
    assert done == ["one", "two"]
    assert told(record) == [("one", "started"), ("one", "done"), ("two", "started"), ("two", "done")]


def test_a_check_before_that_is_not_met_stops_before_the_calls(record, scene):
    done = []
    with pytest.raises(RunbookError, match=r"moon is blue within 90 s; saw 'grey'.*nothing was called"):
        walk(book(step("one", done), step("two", done, before=(NEVER,))), scene, clock=HandClock())
    assert done == ["one"]
    assert told(record)[-1] == ("two", "stopped")


def test_a_check_after_that_is_not_met_says_that_the_calls_were_made(record, scene):
    with pytest.raises(RunbookError, match="its calls were made"):
        walk(book(step("one", [], after=(NEVER,))), scene, clock=HandClock())


def test_what_a_check_found_is_there_for_later_steps(scene):
    def look(scene):
        scene.found["snapshot"] = "s-1"
        return True

    seen = []
    later = Step("later", "", "", lambda scene: seen.append(scene.found["snapshot"]) or ())
    walk(book(Step("find", "", "", before=(Check("found", look, bool),)), later), scene)
    assert seen == ["s-1"]


def test_options_have_usual_values_and_must_be_known(scene):
    asked = book(options=(Option("region", "where", PRIMARY), Option("at", "which second")))
    with pytest.raises(InputError, match=r"option at: which second.*none"):
        Scene.of(asked, scene.lab, scene.timeline, {})
    with pytest.raises(InputError, match=r"region, at.*regoin"):
        Scene.of(asked, scene.lab, scene.timeline, {"regoin": "x"})
    assert Scene.of(asked, scene.lab, scene.timeline, {"at": "7"}).options == {"region": PRIMARY, "at": "7"}


def test_a_runbook_that_there_is_not_is_an_input_error():
    with pytest.raises(InputError, match="a runbook"):
        runbook("moon")
