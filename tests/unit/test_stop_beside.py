"""A stop, and what runs beside the main thread: nothing is broken beside a healing, and nothing begins after it."""

import threading
from dataclasses import dataclass
from types import NoneType

import pytest
from stub_world import PRIMARY, StubFault, StubWorld
from test_stopping import FOREIGN, drill_in, in_no_time, wait_for_ever

from gameday.chaos.token import TOKEN, StoppedDrill, drilling, take
from gameday.clock import eventually, heeding
from gameday.errors import DrillStopped
from gameday.facts import Kind
from gameday.lab.bring_back import AT_ONCE, each_at_once
from gameday.record.undo import UndoStep
from gameday.recovery.runbook import Call, Runbook, Step
from gameday.stopping import Door, Sight

__all__ = ["in_no_time"]
A_WHILE_S = 0.3  # as long as the wrong order would need; the right one needs none of it
PATIENCE_S = 20.0


class Beside(threading.Thread):
    """Something that a drill does in the background, as Chaos Toolkit lets it; ``error`` is what ended it."""

    def __init__(self, act):
        super().__init__(daemon=True)
        self.act, self.error = act, None
        self.start()

    def run(self):
        try:
            self.act()
        except Exception as cause:  # noqa: BLE001  the test looks at it
            self.error = cause

    def ended(self):
        self.join(PATIENCE_S)
        assert not self.is_alive()
        return self.error


class Weather:
    """A condition that holds until ``turns``; ``look`` is how."""

    def __init__(self, error=DrillStopped):
        self.turned = threading.Event()
        self.door = Door(error, lambda condition: Sight(not self.turned.is_set(), "the weather"))

    def turns(self):
        self.turned.set()


def drill_stopped_by(weather, world, tmp_path):
    return drill_in(world, tmp_path, stop_when=[FOREIGN], door=weather.door)


@dataclass(repr=False)
class Slow(StubFault):
    """Its step is on the disk, and then its calls take a while; meanwhile the weather turns."""

    weather: Weather | None = None

    def inject(self, lab, undo, timeline):
        undo.before(UndoStep("stub", self.region))
        timeline.add(Kind.FAULT, repr(self), region=self.region)
        self.weather.turns()
        threading.Event().wait(A_WHILE_S)
        self.world.down_since = self.world.clock.mono_ns()
        self.world.did.append("broken")


@dataclass(repr=False)
class Unseen(Slow):
    """Nobody ever sees its effect."""

    def inject(self, lab, undo, timeline):
        super().inject(lab, undo, timeline)
        eventually(lambda: "bright", "dark", what=self.region, within_s=PATIENCE_S / 2)


@pytest.mark.parametrize("fault", [Slow, Unseen])
def test_healing_waits_for_what_is_being_broken_beside_it_and_for_no_effect_of_it(fault, tmp_path):
    def break_it():
        with drilling() as drill:
            drill.inject(fault(world, weather=weather))

    world, weather = StubWorld(), Weather(StoppedDrill)
    with drill_stopped_by(weather, world, tmp_path) as drill:
        take().drill, TOKEN.is_open = drill, True
        drill.baseline()
        with pytest.raises(StoppedDrill), drilling():
            beside = Beside(break_it)
            wait_for_ever()
        assert [each for each in world.did if each in ("broken", "heal")] == ["broken", "heal"]
        assert drill.undo.is_settled()
        assert isinstance(beside.ended(), StoppedDrill if fault is Unseen else NoneType)
    take()


def test_two_healings_at_once_are_one(tmp_path):
    class Lasting(StubFault):
        def heal(self, lab, undo, timeline):
            threading.Event().wait(A_WHILE_S)
            super().heal(lab, undo, timeline)

    world = StubWorld()
    with drill_in(world, tmp_path) as drill:
        drill.inject(Lasting(world))
        beside = Beside(drill.heal)
        drill.heal()
        assert beside.ended() is None
        assert world.did.count("heal") == 1


def test_nothing_is_broken_beside_a_healing_once_the_drill_was_stopped(tmp_path):
    begun = []

    class Beset(StubFault):
        def heal(self, lab, undo, timeline):
            begun.append(Beside(lambda: drill.inject(StubFault(world, "us-west-2"))))
            begun[0].join(A_WHILE_S)
            super().heal(lab, undo, timeline)
            self.world.down_since = None

    world, weather = StubWorld(), Weather()
    with drill_stopped_by(weather, world, tmp_path) as drill:
        drill.baseline()
        drill.inject(Beset(world))
        weather.turns()
        with pytest.raises(DrillStopped):
            wait_for_ever()
        drill.heal()
        assert isinstance(begun[0].ended(), DrillStopped)
        assert (world.down_since, drill.undo.is_settled()) == (None, True)


def test_what_is_healed_is_forgotten_and_not_what_was_broken_meanwhile(tmp_path):
    begun, healed = [], []

    class Beset(StubFault):
        def heal(self, lab, undo, timeline):
            begun.append(Beside(lambda: drill.inject(Other(world, "us-west-2"))))
            begun[0].join(A_WHILE_S)
            super().heal(lab, undo, timeline)

    class Other(StubFault):
        def heal(self, lab, undo, timeline):
            healed.append(self.region)
            super().heal(lab, undo, timeline)

    world = StubWorld()
    with drill_in(world, tmp_path) as drill:
        drill.inject(Beset(world))
        drill.heal()
        assert begun[0].ended() is None
        drill.heal()
    assert healed == ["us-west-2"]


def test_a_runbook_beside_a_healing_makes_no_further_call(tmp_path):
    made = []

    class First(Call):
        def make(self, lab):
            made.append("first")
            weather.turns()
            threading.Event().wait(A_WHILE_S)

    class Second(Call):
        def make(self, lab):
            made.append("second")

    class Lasting(StubFault):
        def heal(self, lab, undo, timeline):
            made.append("heal")
            beside.join(A_WHILE_S)
            super().heal(lab, undo, timeline)

    world, weather = StubWorld(), Weather()
    steps = [
        Step(call.__name__, "", "", lambda scene, call=call: (call("s3", "x", PRIMARY),)) for call in (First, Second)
    ]
    with drill_stopped_by(weather, world, tmp_path) as drill:
        drill.baseline()
        drill.inject(Lasting(world))
        with pytest.raises(DrillStopped):
            beside = Beside(lambda: drill.run(Runbook("moon", "", "", tuple(steps))))
            wait_for_ever()
        drill.heal()
        assert isinstance(beside.ended(), DrillStopped)
    assert made == ["first", "heal"]


def test_who_is_still_at_work_when_the_drill_has_ended_is_told_so(tmp_path):
    with drill_in(StubWorld(), tmp_path) as drill:
        drill.baseline()
    error = Beside(drill.clients.check).ended()
    assert isinstance(error, DrillStopped)
    assert "it has ended" in str(error)


AFTER_A_STOP = [
    lambda drill: drill.fail_over(),
    lambda drill: drill.fail_over("planned"),
    lambda drill: drill.fence(),
    lambda drill: drill.snapshot(PRIMARY),
    lambda drill: drill.run(Runbook("moon", "", "", ())),
]


@pytest.mark.parametrize("begin", AFTER_A_STOP)
def test_nothing_that_calls_aws_begins_in_any_thread_once_the_drill_was_stopped(begin, tmp_path):
    world, weather = StubWorld(), Weather()  # its AWS answers nobody: whoever asks it ends with another error
    with drill_stopped_by(weather, world, tmp_path) as drill:
        drill.baseline()
        weather.turns()
        with pytest.raises(DrillStopped):
            wait_for_ever()
        told = drill.record.timeline.read_bytes()
        assert isinstance(Beside(lambda: begin(drill)).ended(), DrillStopped)
        with pytest.raises(DrillStopped):
            begin(drill)
        assert drill.record.timeline.read_bytes() == told


def test_of_many_calls_that_are_made_as_one_none_begins_after_a_stop():
    made = []

    def may_go_on():
        if made:
            raise DrillStopped("no stop", "one", "look")

    with heeding(may_go_on), pytest.raises(DrillStopped):
        each_at_once(made.append, range(1_000))
    assert 1 <= len(made) <= AT_ONCE
