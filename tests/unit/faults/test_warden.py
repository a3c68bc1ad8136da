"""The warden: that it watches, that its death is noticed, and what it does where there is no lab to heal."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from fence_stage import EAST, ThrottledAccount, Turning, lab_on

from gameday.clock import NS, HandClock, eventually
from gameday.errors import FaultError
from gameday.facts import OUTLIVED, Kind
from gameday.faults.acls import subnet_acl
from gameday.faults.replay import WATCHED
from gameday.faults.warden import DISMISSED, TAKES_OVER, UNHEEDED, Warden, _heal, _last_words, take_back
from gameday.lab.reference import LabReference
from gameday.processes import alive, identify, signal_exactly
from gameday.record.alone import TAKE_BACK, alone_in
from gameday.record.layout import Record
from gameday.record.lines import Damage
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal

NOWHERE = LabReference("local", "nobody-holds-this-name")
A_DRILL_THAT_HANGS = """
import os, signal, sys
from pathlib import Path
from gameday.faults.warden import Warden, Watch
from gameday.lab.reference import LabReference
from gameday.processes import identify
from gameday.record.alone import TAKE_BACK, alone_in
from gameday.record.layout import Record

watch = Watch(identify(os.getpid()), LabReference("local", "nobody-holds-this-name"), 0.1, ends_within_s=0.1)
warden = Warden.over(watch, Record(Path(sys.argv[1])))
print(warden.process.pid, flush=True)
while True:
    signal.pause()
"""

A_DRILL_WHOSE_CHILD_HOLDS_THE_PIPE_ON = """
import os, signal, sys
from pathlib import Path
from gameday.faults.warden import Warden
from gameday.lab.reference import LabReference
from gameday.record.alone import TAKE_BACK, alone_in
from gameday.record.layout import Record

warden = Warden.start(Record(Path(sys.argv[1])), LabReference("local", "nobody-holds-this-name"))
warden.check()
child = os.fork()
if not child:
    os.close(1)
    signal.pause()
print(warden.process.pid, child, flush=True)
os.write(warden.process.stdin.fileno(), sys.argv[2].encode())
os._exit(0)
"""


def said(record: Record) -> list[str]:
    return [event.what for event in record.read_events(Damage()) if event.kind is Kind.WARDEN]


def test_a_lab_that_is_gone_ends_the_warden_at_once(tmp_path: Path) -> None:
    record, clock = Record.create(tmp_path, "drill"), HandClock(0)
    assert take_back(record, NOWHERE, clock) == 0
    assert clock.mono_ns() == 0
    assert said(record) == [TAKES_OVER, "the lab is gone, and what was broken with it"]


def test_a_private_lab_that_is_gone_already_is_what_the_warden_wanted(tmp_path: Path) -> None:
    record, clock = Record.create(tmp_path, "drill"), HandClock(0)
    assert take_back(record, LabReference("local", "nobody-holds-this-name", private=True), clock) == 0
    assert clock.mono_ns() == 0


def test_a_warden_waits_for_its_turn_while_somebody_else_takes_back(tmp_path: Path) -> None:
    record, other = Record.create(tmp_path, "drill"), ExitStack()
    other.enter_context(alone_in(record.folder, TAKE_BACK))
    clock = Turning(20.0, other.close)
    assert take_back(record, NOWHERE, clock) == 0
    assert 20 <= clock.mono_ns() / NS < 21


def test_what_cannot_be_taken_back_is_tried_for_minutes_and_written_down_each_time(tmp_path: Path) -> None:
    record, clock = Record.create(tmp_path, "drill"), HandClock(0)
    assert take_back(record, LabReference("aws", "nothing-of-that-name"), clock) == 1
    assert clock.mono_ns() > 120e9
    assert said(record).count("could not take everything back") == 7


def test_a_region_that_an_earlier_try_gave_back_and_could_not_watch_is_fenced_by_the_next(tmp_path: Path) -> None:
    record, account, clock = Record.create(tmp_path, "drill"), ThrottledAccount(), HandClock()
    with closing(UndoJournal(record.undo)) as undo, closing(Timeline(record)) as timeline:
        undo.before(subnet_acl(EAST, "subnet", "acl"))
        with pytest.raises(ClientError, match="Throttling"):
            _heal(lab_on(account), record, timeline, clock)
        assert [step.intent for _, step in undo.open_steps()] == [WATCHED]
        account.execution = "RUNNING"
        _heal(lab_on(account), record, timeline, clock)
        assert undo.open_steps() == []
    assert (account.desired, account.ingress) == (0, [])


@pytest.mark.parts
def test_a_warden_watches_until_it_is_dismissed_and_then_does_nothing(tmp_path: Path) -> None:
    record = Record.create(tmp_path, "drill")
    warden = Warden.start(record, NOWHERE)
    warden.check()
    warden.check()
    warden.dismiss()
    assert warden.process.returncode == 0
    assert not record.timeline.exists()


@pytest.mark.parts
@pytest.mark.parametrize("number", UNHEEDED)
def test_a_warden_heeds_no_terminal_and_no_shutdown_not_even_while_it_starts(
    tmp_path: Path, number: signal.Signals
) -> None:
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    warden = Warden.start(Record.create(tmp_path, "drill"), NOWHERE)
    warden.process.send_signal(number)  # its interpreter has hardly begun
    warden.check()
    warden.process.send_signal(number)
    warden.check()
    warden.dismiss()
    assert warden.process.returncode == 0
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask


@pytest.mark.parts
def test_a_warden_that_died_is_an_error_that_says_to_break_nothing(tmp_path: Path) -> None:
    record = Record.create(tmp_path, "drill")
    warden = Warden.start(record, NOWHERE)
    warden.check()
    warden.process.kill()
    warden.process.wait()
    with pytest.raises(FaultError, match=r"exit code -9.*break nothing"):
        warden.check()
    warden.dismiss()


@pytest.mark.parts
def test_a_drill_that_lasts_too_long_is_told_and_ends_by_itself(tmp_path: Path) -> None:
    record = Record.create(tmp_path, "drill")
    warden = Warden.start(record, NOWHERE, max_duration_s=0.1)
    eventually(lambda: said(record), [OUTLIVED], what="the warden", within_s=30)
    with pytest.raises(FaultError, match=r"over within its max_duration_s of 0\.1 s; saw it still runs"):
        eventually(warden.check, lambda _: False, what="the warden's word", within_s=10)
    with pytest.raises(FaultError, match="max_duration_s"):  # and again: nothing may be broken any more
        warden.check()
    warden.dismiss()
    assert warden.process.returncode == 0
    assert said(record) == [OUTLIVED]


@pytest.mark.parts
def test_a_drill_that_hangs_is_killed_and_taken_back(tmp_path: Path) -> None:
    record = Record.create(tmp_path, "drill")
    command = [sys.executable, "-c", A_DRILL_THAT_HANGS, str(record.folder)]
    drill = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert drill.stdout
    warden = identify(int(drill.stdout.readline()))
    assert drill.wait(30) == -9
    drill.stdout.close()
    if warden:  # else it has ended already
        eventually(lambda: alive(warden), False, what="the warden", within_s=10)
    assert said(record) == [OUTLIVED, TAKES_OVER, "the lab is gone, and what was broken with it"]


@pytest.mark.parts
@pytest.mark.parametrize(
    ("last_words", "done"), [("", [TAKES_OVER, "the lab is gone, and what was broken with it"]), ("dismissed", [])]
)
def test_a_drill_that_ends_has_ended_though_a_child_holds_its_pipe_on(
    tmp_path: Path, last_words: str, done: list[str]
) -> None:
    record = Record.create(tmp_path, "drill")
    command = [sys.executable, "-c", A_DRILL_WHOSE_CHILD_HOLDS_THE_PIPE_ON, str(record.folder), last_words]
    drill = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    warden, child = (identify(int(pid)) for pid in drill.stdout.split())
    assert child
    try:
        if warden:
            eventually(lambda: alive(warden), False, what="the warden", within_s=10)
        assert alive(child)
        assert (said(record) if record.timeline.exists() else []) == done
    finally:
        signal_exactly(child, signal.SIGKILL)


@pytest.mark.parametrize(("said", "heard"), [(DISMISSED, DISMISSED), (b"", None)])
def test_a_dismissal_at_the_very_end_of_its_time_counts(said: bytes, heard: bytes | None) -> None:
    read, write = os.pipe()
    stdin = os.dup(0)
    os.dup2(read, 0)
    try:
        os.write(write, said)
        me = identify(os.getpid())
        assert me
        assert _last_words(me, 0.0) == heard
    finally:
        os.dup2(stdin, 0)
        for number in (read, write, stdin):
            os.close(number)


@pytest.mark.parts
def test_a_drill_that_could_not_heal_leaves_it_to_the_warden_and_lives_on(tmp_path: Path) -> None:
    record = Record.create(tmp_path, "drill")
    warden = Warden.start(record, NOWHERE)
    warden.check()
    warden.dismiss(takes_over=True)
    assert warden.process.wait(10) == 0
    assert said(record) == [TAKES_OVER, "the lab is gone, and what was broken with it"]
