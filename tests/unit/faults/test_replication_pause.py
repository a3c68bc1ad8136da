"""Replication is paused through FIS and goes on when that is taken back, with all that was written meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from object_stage import EAST, WEST, ObjectStage, object_stage

from gameday.faults.replay import replay
from gameday.faults.replication_pause import pause_replication
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal

pytestmark = pytest.mark.parts


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[ObjectStage]:
    with object_stage(tmp_path) as built:
        built.replicate()
        yield built


@contextmanager
def ticking(stage: ObjectStage) -> Iterator[None]:
    """The lab's rounds go on meanwhile."""
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(0.05):
            stage.controller.reconcile()

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_pause_is_seen_to_run_and_is_taken_back_twice(stage: ObjectStage, timeline: Timeline, undo: UndoJournal):
    with ticking(stage):
        assert pause_replication(stage.lab, EAST, undo, timeline)
    stage.put("a")
    stage.settle()
    assert stage.status("a") == "PENDING"
    [(_, step)] = undo.open_steps()
    assert replay(undo, stage.lab) == 1
    undo.before(step)
    assert replay(undo, stage.lab) == 1
    stage.settle(0)
    assert stage.status("a") == "COMPLETED"
    assert stage.aws.client("fis", EAST).list_experiment_templates()["experimentTemplates"] == []


def test_out_of_a_region_without_a_role_for_it_nothing_is_replicated(
    stage: ObjectStage, timeline: Timeline, undo: UndoJournal
):
    assert not pause_replication(stage.lab, WEST, undo, timeline)
    assert undo.open_steps() == []
