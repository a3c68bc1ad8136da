"""What a person sees while a drill runs."""

import io
import re
import time

import pytest
from records import PLAN, DrillBuilder
from rich.console import Console
from stub_world import PRIMARY, StubFault, StubLoad, StubWorld

from gameday.clock import NS, boot_id
from gameday.drill import Drill
from gameday.facts import Event, Kind, Objectives, Probe
from gameday.facts.selftest import RecordSelfTest
from gameday.live import Lines, Table, display_for

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # what a terminal obeys, and does not show


def drill_shown_on(display, tmp_path, world=None):
    world = world or StubWorld()
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


@pytest.fixture
def shown(tmp_path):
    """What a terminal shows in the end, line by line, of the given probes and events."""

    def last_frame(probes, events):
        out = io.StringIO()
        table = Table(Console(file=out, force_terminal=True, width=140))
        table.opened(DrillBuilder(all_probes=probes).record(tmp_path), PLAN)
        for event in events:
            table.event(event)
        before = out.tell()
        table.closed()
        return [line.strip() for line in re.sub(CONTROL, "", out.getvalue()[before:]).splitlines()]

    return last_frame


def probes_now(target, *, good, bad):
    at = time.monotonic_ns() + 60 * NS  # newer than a few seconds ago, however slow the machine
    return [
        Probe(boot_id(), target, "fresh", seq, at, at, at, "", seq < good, "us-west-2") for seq in range(good + bad)
    ]


def told(kind, what, region=None, **detail):
    return Event(boot_id(), time.monotonic_ns(), "", kind, what, region, detail)


def test_a_terminal_shows_phase_success_lag_dns_answer_and_failover_as_they_are_now(shown):
    lines = shown(
        [*probes_now("write", good=16, bad=4), *probes_now("read", good=10, bad=0)],
        [
            told(Kind.PHASE, "inject"),
            told(Kind.PHASE, "recover"),
            told(Kind.LAG, "0.050"),
            told(Kind.LAG, "0.141"),
            told(Kind.DNS, "127.16.1.1", "ap-southeast-2"),
            told(Kind.DNS, "127.16.2.1", "us-west-2"),
            told(Kind.EXECUTION, "RUNNING"),
            told(Kind.STATE, "PromoteReplica"),
            told(Kind.DATABASE, "available", "us-west-2", role="primary"),
        ],
    )
    rows = {name: " ".join(value) for name, *value in map(str.split, lines[:8])}
    assert rows.pop("record").endswith("Z")
    assert rows == {
        "phase": "recover",
        "writes": "80.0% good of the last 20",
        "reads": "100.0% good of the last 10",
        "lag": "0.141 s",
        "DNS": "127.16.2.1 (us-west-2)",
        "failover": "RUNNING, PromoteReplica",
        "database": "primary available (us-west-2)",
    }


def test_a_terminal_shows_the_last_eight_events_but_not_every_sample_of_the_lag(shown):
    alarms = [told(Kind.ALARM, "ALARM", "us-west-2", name=f"alarm-{number}") for number in range(9)]
    lines = shown([], [*alarms, told(Kind.LAG, "0.141"), told(Kind.FAULT, "RegionOutage()", PRIMARY)])
    events = [line.partition(" s  ")[2] for line in lines if " s  " in line and not line.startswith("lag")]
    assert events == [
        *(f"alarm          ALARM alarm-{number} (us-west-2)" for number in range(2, 9)),
        f"fault          RegionOutage() ({PRIMARY})",
    ]


def test_a_terminal_keeps_the_verdict_when_the_table_is_gone(tmp_path):
    out = io.StringIO()
    drill = drill_shown_on(Table(Console(file=out, force_terminal=True, width=140)), tmp_path)
    end = re.sub(CONTROL, "", out.getvalue()).splitlines()[-12:]
    assert any(line.startswith("HELD: the objectives held") for line in end)
    assert any(line.split() == ["report", str(drill.report)] for line in end)


def test_a_pipe_is_no_terminal():
    assert isinstance(display_for(io.StringIO()), Lines)


def test_a_self_test_that_was_not_run_is_said_at_the_end_of_the_drill(tmp_path):
    class NoRoom(StubWorld):
        def judge(self, record):
            measured = super().judge(record)
            record.write_self_test(RecordSelfTest(not_run="no room"))
            return measured

    out = io.StringIO()
    drill_shown_on(Lines(out), tmp_path, NoRoom())
    assert "  SELF-TEST  Not run on this record: no room. " in out.getvalue()
