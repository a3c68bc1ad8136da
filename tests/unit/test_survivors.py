"""The last reading must have every row of the one before healing; whatever their number, row by row."""

from pathlib import Path

import pytest

from gameday.clock import HandClock
from gameday.facts import READ_BACK_COMPLETE, Survivor
from gameday.record.layout import Record
from gameday.record.lines import Damage
from gameday.record.timeline import Timeline
from gameday.survivors import read_before_healing, read_finally


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record.create(tmp_path, "stub")


def noted(record: Record, *readings: dict[str, str]) -> tuple[str, dict[str, object]]:
    """The last note, when the last of the readings is the one after healing."""

    def reading(rows):
        def read(writer, within_s):
            for id, sum in rows.items():
                writer.append(Survivor(id, sum, 1, "us-west-2", 1))
            return len(rows)

        return read

    *before, after = readings
    timeline = Timeline(record, HandClock())
    for rows in before:
        read_before_healing(reading(rows), record, timeline, are_served=True)
    read_finally(reading(after), record, timeline)
    timeline.close()
    last = list(record.read_events(Damage()))[-1]
    return last.what, dict(last.detail)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({}, {"a": "1", "b": "2"}),
        ({"a": "1"}, {"a": "1"}),
        ({"b": "2"}, {"a": "1", "b": "2", "c": "3"}),
        ({"a": "1", "c": "3"}, {"a": "1", "b": "2", "c": "3", "d": "4"}),
    ],
)
def test_a_reading_with_every_row_of_the_first_is_complete(record, before, after):
    assert noted(record, before, after) == (READ_BACK_COMPLETE, {"rows": len(after)})


@pytest.mark.parametrize(
    ("before", "after", "seen"),
    [
        ({"a": "1"}, {}, "1 gone or changed, a among them"),
        ({"a": "1", "b": "2"}, {"b": "2"}, "1 gone or changed, a among them"),
        ({"a": "1", "b": "2", "c": "3"}, {"a": "1"}, "2 gone or changed, b among them"),
        ({"a": "1", "b": "2"}, {"a": "1", "b": "x", "c": "3"}, "1 gone or changed, b among them"),
        ({"b": "2", "c": "3"}, {"a": "1", "d": "4"}, "2 gone or changed, b among them"),
    ],
)
def test_a_reading_that_lacks_a_row_of_the_first_is_not_complete(record, before, after, seen):
    what, detail = noted(record, before, after)
    assert what == "survivors not read back"
    assert seen in str(detail["why"])


# A drill that observes twice while something is still broken reads twice before healing, one reading behind the other.

THREE = {"a": "1", "b": "2", "c": "3"}


@pytest.mark.parametrize("first", [{}, {"a": "1"}, {"a": "1", "b": "2"}, {"c": "3"}, THREE])
def test_every_reading_before_healing_is_held_against_the_last(record, first):
    assert noted(record, first, {"a": "1", "b": "2", "c": "3"}, THREE | {"d": "4"}) == (READ_BACK_COMPLETE, {"rows": 4})


@pytest.mark.parametrize(("first", "second"), [(THREE, {"a": "1"}), ({"a": "1"}, THREE)])
def test_a_row_of_any_reading_before_healing_is_missed(record, first, second):
    what, detail = noted(record, first, second, {"a": "1", "b": "2"})
    assert what == "survivors not read back"
    assert "1 gone or changed, c among them" in str(detail["why"])
