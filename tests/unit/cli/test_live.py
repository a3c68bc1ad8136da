"""What a person sees while a drill runs."""

import io

from rich.console import Console
from stub_world import PRIMARY, StubFault, StubLoad, StubWorld

from gameday.drill import Drill
from gameday.facts import Objectives
from gameday.live import Lines, Table, display_for


def drill_shown_on(display, tmp_path):
    world = StubWorld()
    with Drill(
        "local",
        Objectives(1800, 600),
        load=StubLoad(),
        reports=tmp_path,
        world=world,
        clock=world.clock,
        display=display,
    ) as drill:
        drill.baseline()
        with drill.injected(StubFault(world)):
            drill.until_recovered(1800)
    return drill


def test_where_there_is_no_terminal_each_event_is_a_plain_line(tmp_path):
    out = io.StringIO()
    drill_shown_on(Lines(out), tmp_path)
    text = out.getvalue()
    assert "\x1b" not in text
    for words in ("phase          baseline", f"fault          StubFault('{PRIMARY}')", "HELD", "report  "):
        assert words in text


def test_a_terminal_shows_the_phase_and_the_last_events_while_the_drill_runs(tmp_path):
    out = io.StringIO()
    drill_shown_on(Table(Console(file=out, force_terminal=True, width=140)), tmp_path)
    text = out.getvalue()
    for words in ("phase", "record", "HELD"):
        assert words in text


def test_a_pipe_is_no_terminal():
    assert isinstance(display_for(io.StringIO()), Lines)
