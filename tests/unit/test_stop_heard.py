"""A stop is heard: through libraries that catch every error, in every thread, and by every wait that comes after it."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from stub_world import PRIMARY, StubFault, StubWorld, stub_lab
from test_stopping import FOREIGN, drill_in, in_no_time, stopped_events

from gameday import probing, stopping
from gameday.aws import Aws
from gameday.chaos.token import TOKEN, StoppedDrill, drilling, take
from gameday.clock import NS
from gameday.errors import DrillStopped, LabError, LoadError, RecordUnwritable
from gameday.facts import Kind, Verdict
from gameday.lab import status
from gameday.lab.status import LagSeen
from gameday.preparing import LabChoice
from gameday.record.lines import LineWriter
from gameday.stopping import Door, Interruption, Sight, Watch, unswallowed
from gameday.underway import kill_switch

__all__ = ["in_no_time"]
PATIENCE_S = 30.0


def waited_for_ever():
    """As a library that catches every error and tries again; and fails the test where nobody ends it."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(Exception):  # that is what such a library does
            threading.Event().wait(1)
    pytest.fail("the stop was swallowed")


class Greedy(StubFault):
    def inject(self, lab, undo, timeline):
        super().inject(lab, undo, timeline)
        waited_for_ever()


class Asking(StubFault):
    """Asks boto3, of somebody who takes the question and never answers."""

    def inject(self, lab, undo, timeline):
        super().inject(lab, undo, timeline)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            Aws(f"http://127.0.0.1:{silent.getsockname()[1]}").client("rds", self.region).describe_db_instances()


def breaking_once_it_is_down(world):
    return Door(elsewhere=lambda condition: Sight(world.down_since is None, "the weather"))


class Deaf:
    """Its finaliser takes its time; what is raised in one is lost."""

    def __del__(self):
        threading.Event().wait(1)


class Finalising(StubFault):
    def inject(self, lab, undo, timeline):
        super().inject(lab, undo, timeline)
        Deaf()
        waited_for_ever()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("fault", [Greedy, Asking, Finalising])
def test_a_stop_is_no_failed_try_of_a_library(fault, tmp_path, monkeypatch):
    monkeypatch.setattr(stopping, "ASKED_EVERY_S", 0.5)  # or the next signal meets pytest, telling of the one lost
    world = StubWorld()
    drill = drill_in(world, tmp_path, LabChoice("shared"), stop_when=[FOREIGN], door=breaking_once_it_is_down(world))
    with pytest.raises(DrillStopped), drill:
        drill.baseline()
        with drill.injected(fault(world)):
            pytest.fail("the fault was injected to its end")
    assert "heal" in world.did
    assert len(stopped_events(drill)) == 1
    assert drill.verdict is Verdict.UNKNOWN


def test_a_stop_that_somebody_swallowed_is_raised_before_anything_begins_anew(tmp_path):
    world, holds = StubWorld(), [True]
    door = Door(elsewhere=lambda condition: Sight(bool(holds), "the weather"))
    with drill_in(world, tmp_path, stop_when=[FOREIGN], door=door) as drill:
        drill.baseline()
        holds.clear()
        with pytest.raises(DrillStopped):
            threading.Event().wait(PATIENCE_S)
        for begun in (lambda: drill.inject(StubFault(world)), lambda: drill.hold(1), lambda: drill.until_recovered(9)):
            with pytest.raises(DrillStopped):
                begun()
    assert world.down_since is None


def test_a_drill_that_is_tried_again_where_another_was_stopped_is_interrupted_too(tmp_path):
    holds = [True]
    door = Door(elsewhere=lambda condition: Sight(bool(holds), "the weather"))

    def another():
        raise DrillStopped("no stop", "another drill's", "try again")

    try:
        another()
    except DrillStopped:
        with drill_in(StubWorld(), tmp_path, stop_when=[FOREIGN], door=door) as drill:
            drill.baseline()
            holds.clear()
            with pytest.raises(DrillStopped, match="the weather"):
                threading.Event().wait(PATIENCE_S)
                pytest.fail("it slept to the end")


@pytest.mark.parametrize("begin", [lambda drill: drill.fence(), lambda drill: drill.snapshot(PRIMARY)])
def test_a_stop_ends_a_fence_and_a_snapshot_that_wait_for_an_answer(begin, tmp_path):
    world, asked, taken = StubWorld(), threading.Event(), []
    door = Door(elsewhere=lambda condition: Sight(not asked.is_set(), "the weather"))
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        drill_in(world, tmp_path, stop_when=[FOREIGN], door=door) as drill,
    ):
        drill.baseline()
        drill.lab = replace(drill.lab, aws=Aws(f"http://127.0.0.1:{silent.getsockname()[1]}"))
        threading.Thread(target=lambda: (taken.append(silent.accept()[0]), asked.set()), daemon=True).start()
        with pytest.raises(DrillStopped):
            begin(drill)
        taken[0].close()


def test_every_thread_of_a_stopped_drill_hears_it(tmp_path):
    world, raised = StubWorld(), []

    def waits(drill):
        try:
            drill.clients.check()
        except DrillStopped as cause:
            raised.append(cause)

    door = breaking_once_it_is_down(world)
    with drill_in(world, tmp_path, stop_when=[FOREIGN], door=door) as drill:
        drill.baseline()
        with pytest.raises(DrillStopped):
            drill.inject(Greedy(world))
        beside = threading.Thread(target=waits, args=(drill,))
        beside.start()
        beside.join()
        drill.heal()
    assert len(raised) == 1


def test_under_chaos_a_stopped_drill_heals_before_anything_in_the_background_is_waited_for(tmp_path):
    world = StubWorld()
    door = Door(StoppedDrill, breaking_once_it_is_down(world).elsewhere)
    with drill_in(world, tmp_path, stop_when=[FOREIGN], door=door) as drill:
        take().drill, TOKEN.is_open = drill, True
        drill.baseline()
        with pytest.raises(StoppedDrill), drilling() as current:
            current.inject(Greedy(world))
        assert "heal" in world.did
    take()


@pytest.mark.parametrize("is_late", [False, True])
def test_what_another_signal_raises_is_carried_too_and_only_inside(is_late):
    def term(number, frame):
        raise InterruptedError("SIGTERM signal received")

    before = signal.signal(signal.SIGTERM, term)
    try:
        with pytest.raises(InterruptedError) as raised:
            if not is_late:
                with unswallowed():
                    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
                    waited_for_ever()
            with unswallowed():
                pass
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait(PATIENCE_S)
        assert not isinstance(raised.value, Interruption)
        assert signal.getsignal(signal.SIGTERM) is term
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("asks", [lambda holds: holds.clear(), lambda holds: kill_switch().write_text("maintenance\n")])
def test_a_stop_that_the_disk_refuses_is_signalled_again_and_again_all_the_same(asks, tmp_path):
    world, holds = StubWorld(), [True]
    door = Door(elsewhere=lambda condition: Sight(bool(holds), "the weather"))
    with pytest.raises(RecordUnwritable), drill_in(world, tmp_path, stop_when=[FOREIGN], door=door) as drill:
        drill.baseline()
        drill.timeline._lines = LineWriter(Path("/dev/full"), sync=True)
        asks(holds)
        for _ in range(3):
            with pytest.raises(DrillStopped), unswallowed():
                waited_for_ever()
        drill.timeline.add(Kind.NOTE, "no room")


def test_a_look_that_wants_to_end_the_process_is_a_breach():
    def ends(condition):
        raise SystemExit(3)

    assert Watch(FOREIGN, ends).sight() == Sight(False, "it cannot be read: 3")


def test_the_success_rate_of_a_prober_that_fell_silent_shows_nothing(tmp_path):
    world = StubWorld()
    with drill_in(world, tmp_path) as drill:
        drill.baseline()
        assert probing.write_success_rate(drill) == 1.0
        world.next_ns = 10**30  # from now on it writes nothing
        world.clock.now_ns += int((drill.clients.outside.silence_s - 0.5) * NS)
        assert probing.write_success_rate(drill) == 1.0
        world.clock.now_ns += NS
        for rate, target in ((probing.write_success_rate, "write"), (probing.read_success_rate, "read")):
            with pytest.raises(LoadError, match=rf"a {target} probe within the last 4.2 s; saw none for 4\.\d s"):
                rate(drill)


@pytest.mark.parametrize(("age_s", "shown"), [(29, True), (31, False)])
def test_a_lag_that_nobody_sampled_of_late_is_none(age_s, shown, monkeypatch):
    def replica_lag(lab, within):
        taken = datetime.now(UTC) - timedelta(seconds=age_s)
        return LagSeen(2.0, taken) if datetime.now(UTC) - taken <= within else None

    monkeypatch.setattr(status, "replica_lag", replica_lag)
    at = SimpleNamespace(lab=stub_lab(scale=0.1))  # its metric has a period of 6 s
    if shown:
        assert probing.replica_lag_s(at) == 2.0
    else:
        with pytest.raises(LabError, match="none in the last 30 s"):
            probing.replica_lag_s(at)


class Signalling:
    """A profiler that gives this process a signal at the given one of the moments in ``unswallowed`` at which Python
    runs a handler: where a function begins, and after one in C. ``given`` is whether it came so far."""

    PARTS = ("unswallowed", "signal", "getsignal")

    def __init__(self, after):
        self.after, self.given = after, False

    def __call__(self, frame, event, argument):
        code = frame.f_code
        if (
            event in ("call", "c_return")
            and code.co_name in self.PARTS
            and code.co_filename in (stopping.__file__, signal.__file__)
        ):
            self.after -= 1
            if self.after < 0 and not self.given:
                self.given = True
                signal.raise_signal(signal.SIGTERM)


def in_and_out():
    with unswallowed():
        pass


def test_a_signal_at_any_moment_of_going_in_or_out_leaves_everything_as_it_was():
    def term(number, frame):
        raise InterruptedError("SIGTERM signal received")

    before, moments, given = signal.signal(signal.SIGTERM, term), 0, True
    try:
        while given:
            profiler = Signalling(moments)
            sys.setprofile(profiler)
            try:
                in_and_out()
            except InterruptedError:
                raised = True
            else:
                raised = False
            finally:
                sys.setprofile(None)
            given, moments = profiler.given, moments + 1
            assert (raised, signal.getsignal(signal.SIGTERM) is term, stopping._INSIDE.get()) == (given, True, False)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert moments > 5
