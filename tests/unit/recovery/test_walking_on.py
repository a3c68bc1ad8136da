"""An interrupted walk goes on: no call is made twice, and what was found is still known."""

from dataclasses import dataclass, field

import pytest
from botocore.exceptions import ClientError
from stub_world import PRIMARY, SECONDARY, stub_lab

from gameday.clock import HandClock
from gameday.errors import InputError, RecordError, RunbookError
from gameday.lab.model import Lab
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.record.walked import WalkJournal, read_walked
from gameday.recovery.resuming import Journalist, left_of, steps_from
from gameday.recovery.runbook import Call, Check, Runbook, Scene, Step, walk


@dataclass
class Control:
    """A control plane that keeps what was called; ``dies_at`` is the call in which the caller is interrupted."""

    made: list[str] = field(default_factory=list)
    dies_at: str = ""
    refuses: dict[str, str] = field(default_factory=dict)

    def client(self, service, region):
        return self

    def paint(self, *, what):
        if what in self.refuses:
            raise ClientError({"Error": {"Code": self.refuses[what]}}, "Paint")
        self.made.append(what)
        if what == self.dies_at:
            raise KeyboardInterrupt


@pytest.fixture
def record(tmp_path):
    return Record.create(tmp_path, "runbook-moon")


@pytest.fixture
def control():
    return Control()


def paint(*what):
    return tuple(Call("moon", "paint", PRIMARY, {"what": one}, already=("Painted",)) for one in what)


def found_a_brush(scene):
    scene.found["brush"] = "b-1"
    return True


STEPS = (
    Step("find", "", "", before=(Check("a brush", found_a_brush, bool),), changes=False),
    Step("paint", "", "wash", lambda scene: paint("near", "far")),
    Step("sign", "", "erase", lambda scene: paint(f"name with {scene.found['brush']}")),
)
BOOK = Runbook("moon", "Paint the moon", "at night", STEPS)


def walked(record, control, steps=STEPS, begun=None, found=(), book=BOOK):
    """One walk, from whatever an earlier one left; returns what it raised."""
    lab = stub_lab()
    lab = Lab(lab.name, control, PRIMARY, SECONDARY, lab.outputs)
    timeline, journal = Timeline(record, HandClock()), WalkJournal(record.folder, "moon", HandClock())
    scene = Scene(lab, timeline)
    scene.found.update(found)
    try:
        if not (record.folder / "runbook.ndjson").exists():
            journal.begun("lab", "gameday", {"tasks": "2"})
        walk(book, scene, steps, HandClock(), (Journalist(journal),), begun)
    except (RunbookError, KeyboardInterrupt) as cause:
        return cause
    finally:
        timeline.close()
        journal.close()
    return None


def go_on(record, control):
    left = read_walked(record.folder)
    steps, begun = left_of(BOOK, left)
    return walked(record, control, steps, begun, left.found)


def test_a_walk_that_was_interrupted_between_two_steps_goes_on_with_the_next(record, control):
    walked(record, control, STEPS[:2])
    assert go_on(record, control) is None
    assert control.made == ["near", "far", "name with b-1"]


def test_a_call_that_was_answered_is_not_made_again(record, control):
    control.refuses = {"far": "Throttled"}
    assert isinstance(walked(record, control), RunbookError)
    control.refuses = {}
    assert go_on(record, control) is None
    assert control.made == ["near", "far", "name with b-1"]


@pytest.mark.parametrize(("answer", "goes_on"), [("Painted", True), ("Throttled", False)])
def test_a_call_of_which_nobody_knows_is_made_again_and_may_be_answered_that_it_is_so_already(
    record, control, answer, goes_on
):
    control.dies_at = "near"
    assert isinstance(walked(record, control), KeyboardInterrupt)
    control.refuses = {"near": answer}
    assert (go_on(record, control) is None) == goes_on
    assert control.made == (["near", "far", "name with b-1"] if goes_on else ["near"])


def test_that_it_is_so_already_counts_for_nothing_in_a_walk_that_was_not_interrupted(record, control):
    control.refuses = {"near": "Painted"}
    assert isinstance(walked(record, control), RunbookError)
    assert control.made == []


def test_the_checks_before_of_a_step_whose_calls_had_begun_are_not_looked_at_again(record, control):
    looked = []
    unpainted = Check("it is not painted", lambda scene: looked.append(1) or not control.made, bool)
    step = Step("paint", "", "wash", lambda scene: paint("near", "far"), before=(unpainted,))
    control.refuses = {"far": "Throttled"}
    assert isinstance(walked(record, control, (step,)), RunbookError)
    control.refuses = {}
    book = Runbook("moon", "", "", (step,))
    steps, begun = left_of(book, read_walked(record.folder))
    assert walked(record, control, steps, begun) is None
    assert looked == [1]


def test_a_cut_last_line_is_the_kills_mark_and_its_call_never_began(record, control):
    control.dies_at = "far"
    walked(record, control)
    path = record.folder / "runbook.ndjson"
    path.write_bytes(path.read_bytes()[:-9])
    left = read_walked(record.folder)
    assert (left.half_done, left.answered, left.is_unsure) == ("paint", 1, False)


def test_a_journal_with_a_line_that_cannot_be_read_is_not_guessed_at(record, control):
    walked(record, control, STEPS[:1])
    path = record.folder / "runbook.ndjson"
    path.write_text("{broken\n" + path.read_text())
    with pytest.raises(RecordError, match="--from STEP"):
        read_walked(record.folder)


def test_nothing_is_left_of_a_walk_that_came_to_its_end(record, control):
    walked(record, control)
    assert left_of(BOOK, read_walked(record.folder)) == ((), None)


def test_another_runbooks_record_is_refused(record, control):
    walked(record, control, STEPS[:1])
    with pytest.raises(InputError, match="a record of sun; saw one of moon"):
        left_of(Runbook("sun", "", "", STEPS), read_walked(record.folder))


def test_a_step_that_needs_what_nobody_found_stops_before_its_calls(record, control):
    cause = walked(record, control, STEPS[2:])
    assert isinstance(cause, RunbookError)
    assert "to know brush, which an earlier step finds" in str(cause)
    assert control.made == []


@pytest.mark.parametrize("start", ["paint", "2"])
def test_a_step_is_named_or_numbered(start):
    assert [step.name for step in steps_from(BOOK, start)] == ["paint", "sign"]


@pytest.mark.parametrize("start", ["0", "4", "pain"])
def test_a_step_that_there_is_not_is_refused_with_those_that_there_are(start):
    with pytest.raises(InputError, match=r"1 find, 2 paint, 3 sign"):
        steps_from(BOOK, start)
