"""Healing as a whole: what was taken back unfenced is watched, whatever a step or the disk says about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fence_stage import EAST, FAILING, WEST, Account, Stub, Turning, lab_on

from gameday.clock import HandClock
from gameday.errors import FaultError, RecordUnwritable
from gameday.facts import Kind
from gameday.faults import task_loss
from gameday.faults.account_warden import schedule_gone
from gameday.faults.acls import subnet_acl
from gameday.faults.base import Fault
from gameday.faults.region_outage import RegionOutage
from gameday.faults.replay import WATCHED, fence_and_replay, take_back, take_back_by_hand
from gameday.faults.task_loss import service_runs
from gameday.record.layout import Record
from gameday.record.lines import Damage, LineWriter
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoLine, UndoStep

OUTAGE: Fault = RegionOutage(EAST)
STEP, UNKNOWN_STEP = subnet_acl(EAST, "subnet", "acl"), UndoStep("moon_back", EAST)


@pytest.fixture
def full(record: Record) -> Iterator[tuple[UndoJournal, Timeline]]:
    """The journal of an outage with one step open, and a timeline, on a disk that has filled up since."""
    undo, full = UndoJournal(record.undo), Record(record.folder / "full")
    undo.before(STEP)
    undo.answered()
    undo.close()
    full.folder.mkdir()
    full.timeline.symlink_to("/dev/full")
    late = UndoJournal(record.undo)
    late._lines = LineWriter(full.timeline, sync=True)
    yield late, (timeline := Timeline(full))
    late.close()
    timeline.close()


def a_failover_after(seconds: float, account: Account) -> Turning:
    return Turning(seconds, partial(setattr, account, "execution", "RUNNING"))


def test_a_full_disk_keeps_nobody_from_fencing_for_a_failover_that_follows(full: tuple[UndoJournal, Timeline]) -> None:
    account = Account(health=FAILING)
    with pytest.raises(RecordUnwritable, match="No space left"):
        fence_and_replay(full[0], lab_on(account), full[1], a_failover_after(20, account))
    assert (account.desired, account.ingress) == (0, [])


def test_a_step_that_fails_keeps_nobody_from_fencing_for_a_failover_that_follows(
    undo: UndoJournal, timeline: Timeline
) -> None:
    account = Account(health=FAILING)
    for step in (STEP, UNKNOWN_STEP, STEP):
        undo.before(step)
    undo.answered()
    with pytest.raises(FaultError, match=r"every step taken back.*moon_back"):
        fence_and_replay(undo, lab_on(account), timeline, a_failover_after(20, account))
    assert (account.desired, account.ingress) == (0, [])


class Unrevokable(list[str]):
    def clear(self) -> None:
        """A rule that somebody puts back at once."""


def test_a_late_fence_that_fails_counts_more_than_a_disk_that_is_full(full: tuple[UndoJournal, Timeline]) -> None:
    """Whoever sees it tries again, which does not help against a full disk."""
    account = Account(health=FAILING, ingress=Unrevokable(["5432 from the tasks"]))
    with pytest.raises(FaultError, match="fencing ap-southeast-2"):
        fence_and_replay(full[0], lab_on(account), full[1], a_failover_after(20, account))


def test_a_late_fence_that_fails_is_a_note_to_the_step_that_failed_before(
    undo: UndoJournal, timeline: Timeline
) -> None:
    account = Account(health=FAILING, ingress=Unrevokable(["5432 from the tasks"]))
    undo.before(UNKNOWN_STEP)
    with pytest.raises(FaultError, match="moon_back") as told:
        fence_and_replay(undo, lab_on(account), timeline, a_failover_after(20, account))
    (note,) = told.value.__notes__
    assert "watching for a failover that follows failed too" in note
    assert "fencing ap-southeast-2" in note


def test_a_step_that_was_cut_does_not_fail_the_healing(undo: UndoJournal, timeline: Timeline) -> None:
    undo.before(STEP)
    undo.answered()
    with undo.path.open("ab") as file:
        file.write(b'{"v":1,"boot":"')
    for opened in (UndoJournal(undo.path), UndoJournal(undo.path)):
        take_back(OUTAGE, lab_on(Account()), opened, timeline)
        assert opened.open_steps() == []
        opened.close()


@pytest.mark.parametrize("steps", [[], [STEP]])
def test_a_damaged_line_fails_the_healing_after_all_others_were_taken_back(
    undo: UndoJournal, timeline: Timeline, steps: list[UndoStep]
) -> None:
    undo.path.write_bytes(b'{"v":1,"boot":"\n')
    for step in steps:
        undo.before(step)
    for _ in range(2):
        with pytest.raises(FaultError, match=r"every line of .*undo\.ndjson readable; saw 1 .*Next: .*by hand"):
            take_back(OUTAGE, lab_on(Account()), undo, timeline)
    assert undo.open_steps() == []


def test_while_a_line_is_unreadable_the_accounts_own_schedule_stays(undo: UndoJournal, timeline: Timeline) -> None:
    """It knows the network as it was before, and may take back what nobody else can."""
    undo.path.write_bytes(b'{"v":1,"boot":"\n')
    scheduled = schedule_gone(EAST, "one")
    for step in (scheduled, STEP):
        undo.before(step)
    undo.answered()
    with pytest.raises(FaultError, match="cannot be read"):
        fence_and_replay(undo, lab_on(Account()), timeline)
    assert [step for _, step in undo.open_steps()] == [scheduled]


def test_a_watch_that_is_cut_short_stays_on_the_disk_and_is_watched_again(
    undo: UndoJournal, timeline: Timeline
) -> None:
    """By a kill, by Ctrl-C, by the end of the drill's time; the account's own schedule stays meanwhile."""
    account, scheduled = Account(health=FAILING), schedule_gone(EAST, "one")
    for step in (scheduled, STEP):
        undo.before(step)
    undo.answered()
    with pytest.raises(KeyboardInterrupt):
        fence_and_replay(undo, lab_on(account), timeline, Turning(1, interrupt))
    assert [step for _, step in undo.open_steps()] == [UndoStep(WATCHED, EAST), scheduled]
    assert fence_and_replay(undo, lab_on(account), timeline, a_failover_after(20, account)) == 1
    assert (account.desired, account.ingress, undo.open_steps()) == (0, [], [])


def interrupt() -> None:
    raise KeyboardInterrupt


class Filling(LineWriter):
    """A disk that takes what is begun, and then nothing more."""

    def append(self, record: UndoLine) -> None:
        if record.ev == "done":
            with Path("/dev/full").open("wb", buffering=0) as full:
                try:
                    full.write(b"x")
                except OSError as cause:
                    raise RecordUnwritable("to write", str(cause), "free the disk") from cause
        super().append(record)


def test_a_disk_that_fills_up_while_it_is_watched_keeps_no_schedule_in_the_account(
    undo: UndoJournal, timeline: Timeline
) -> None:
    account = Account()
    undo._lines = Filling(undo.path, sync=True)
    for step in (schedule_gone(EAST, "one"), STEP):
        undo.before(step)
    undo.answered()
    with pytest.raises(RecordUnwritable, match="No space left"):
        fence_and_replay(undo, lab_on(account), timeline)
    assert account.schedules_deleted == 1


def test_a_region_that_was_fenced_before_it_was_healed_is_not_watched(undo: UndoJournal, timeline: Timeline) -> None:
    clock = HandClock()
    undo.before(STEP)
    undo.answered()
    assert fence_and_replay(undo, lab_on(Account(points_at=WEST, health=FAILING)), timeline, clock) == 1
    assert (clock.now_ns, undo.open_steps()) == (0, [])


def test_what_only_waits_is_taken_back_after_what_it_waits_for(undo: UndoJournal, timeline: Timeline) -> None:
    """No task starts behind an ACL that denies all, however long it is waited for."""
    account = Account()
    for step in (schedule_gone(EAST, "one"), STEP, service_runs(EAST), STEP):
        undo.before(step)
    undo.answered()
    fence_and_replay(undo, lab_on(account), timeline)
    done = [line.step.intent for line in undo._read() if line.ev == "done"]
    assert done == ["subnet_acl", "subnet_acl", "service_runs", WATCHED, "schedule_gone"]


@dataclass
class TasksThatNeverRun(Account):
    """A failover begins once the network is restored, and no task comes up until it is over."""

    def client(self, service: str, region: str) -> Stub:
        return NoTasks(self, region)


class NoTasks(Stub):
    def describe_network_acls(self, **of: Any) -> dict[str, Any]:
        self.account.execution = "RUNNING"
        return super().describe_network_acls(**of)

    def describe_services(self, **_: Any) -> dict[str, Any]:
        return {"services": [{"runningCount": 0, "desiredCount": self.account.desired}]}


def test_a_failover_that_follows_while_tasks_are_waited_for_is_fenced_for_at_once(
    undo: UndoJournal, timeline: Timeline, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once fenced, the region wants no task; the wait for two would have failed."""
    monkeypatch.setattr(task_loss, "REPLACED_WITHIN_S", 0.5)
    account = TasksThatNeverRun(health=FAILING)
    for step in (service_runs(EAST), STEP):
        undo.before(step)
    undo.answered()
    assert fence_and_replay(undo, lab_on(account), timeline, HandClock()) == 2
    assert (account.desired, account.ingress, undo.open_steps()) == (0, [], [])
    assert [event.kind for event in record.read_events(Damage())].count(Kind.FENCED) == 1


def test_what_is_taken_back_by_hand_is_on_the_timeline_and_is_no_healing_of_the_drill(
    undo: UndoJournal, timeline: Timeline, record: Record
) -> None:
    undo.before(STEP)
    undo.answered()
    assert take_back_by_hand(undo, lab_on(Account()), timeline) == 1
    events = record.read_events(Damage())
    assert [(event.kind, event.what) for event in events] == [
        (Kind.NOTE, "gameday undo takes back"), (Kind.NOTE, "gameday undo has taken back"),
    ]  # fmt: skip


def test_nothing_broken_is_nothing_to_do(undo: UndoJournal, timeline: Timeline, record: Record) -> None:
    take_back(OUTAGE, lab_on(Account()), undo, timeline)
    assert not record.timeline.exists()
