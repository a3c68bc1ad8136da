"""The warden: that it watches, that its death is noticed, and what it does where there is no lab to heal."""

from pathlib import Path

import pytest

from gameday.clock import HandClock
from gameday.errors import FaultError
from gameday.facts import Kind
from gameday.faults.warden import Warden, take_back
from gameday.lab.reference import LabReference
from gameday.record.layout import Record
from gameday.record.lines import Damage


def test_a_lab_that_is_gone_ends_the_warden_at_once(tmp_path: Path) -> None:
    record, clock = Record.create(tmp_path, "drill"), HandClock(0)
    assert take_back(record, LabReference("local", "nobody-holds-this-name"), clock) == 0
    assert clock.mono_ns() == 0
    told = [event.what for event in record.read_events(Damage()) if event.kind is Kind.WARDEN]
    assert told == ["the drill died", "the lab is gone, and what was broken with it"]


def test_a_private_lab_that_is_gone_already_is_what_the_warden_wanted(tmp_path: Path) -> None:
    record, clock = Record.create(tmp_path, "drill"), HandClock(0)
    assert take_back(record, LabReference("local", "nobody-holds-this-name", private=True), clock) == 0
    assert clock.mono_ns() == 0


def test_what_cannot_be_taken_back_is_tried_for_minutes_and_written_down_each_time(tmp_path: Path) -> None:
    record, clock = Record.create(tmp_path, "drill"), HandClock(0)
    assert take_back(record, LabReference("aws", "nothing-of-that-name"), clock) == 1
    assert clock.mono_ns() > 120e9
    told = [event.what for event in record.read_events(Damage()) if event.kind is Kind.WARDEN]
    assert told.count("could not take everything back") == 7


@pytest.mark.parts
def test_a_warden_watches_until_it_is_dismissed_and_then_does_nothing(tmp_path: Path) -> None:
    record = Record.create(tmp_path, "drill")
    warden = Warden.start(record, LabReference("local", "nobody-holds-this-name"))
    warden.check()
    warden.check()
    warden.dismiss()
    assert warden.process.returncode == 0
    assert not record.timeline.exists()


@pytest.mark.parts
def test_a_warden_that_died_is_an_error_that_says_to_break_nothing(tmp_path: Path) -> None:
    record = Record.create(tmp_path, "drill")
    warden = Warden.start(record, LabReference("local", "nobody-holds-this-name"))
    warden.check()
    warden.process.kill()
    warden.process.wait()
    with pytest.raises(FaultError, match=r"exit code -9.*break nothing"):
        warden.check()
    warden.dismiss()
