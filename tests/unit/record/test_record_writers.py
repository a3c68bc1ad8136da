"""The ledger, the timeline and the undo journal, as their readers find them."""

from dataclasses import fields

import pytest

from gameday.clock import NS, HandClock, boot_id
from gameday.errors import RecordError
from gameday.facts import Event, Kind, Settlement, Write
from gameday.record.layout import Record
from gameday.record.ledger import Acknowledgement, Attempt, Ledger, checksum
from gameday.record.lines import Damage
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

A, B, C = (UndoStep("restore_acl", "ap-southeast-2", {"subnet": name}) for name in "ABC")


def test_a_checksum_is_the_first_16_digits_of_the_payloads_sha256():
    assert checksum(b"abc") == "ba7816bf8f01cfea"


def test_an_attempt_is_one_sent_line_and_one_settlement_numbered_from_one(tmp_path):
    record, clock = Record.create(tmp_path, "d"), HandClock(5 * NS)
    ledger = Ledger(record.writes, "w", clock)
    sent = ledger.sent("id", 1, "sum", size_bytes=3)
    clock.now_ns += 7
    ledger.settled(sent, Settlement.ACKED, ack=Acknowledgement("r", 42, "0/1", "0/2"), status=200)
    ledger.close()
    first, second = record.read_writes(Damage())
    assert (first.ev, first.mono_ns, first.xid, first.line, first.size_bytes) == ("sent", 5 * NS, None, 1, 3)
    assert (second.ev, second.mono_ns, second.xid, second.line, second.status) == ("acked", 5 * NS + 7, 42, 2, 200)
    assert (second.region, second.lsn_before, second.lsn_after, second.boot) == ("r", "0/1", "0/2", boot_id())


def test_a_ledger_line_is_a_write_field_by_field_after_its_version():
    assert Attempt.__struct_fields__ == ("v", *(each.name for each in fields(Write)))


@pytest.mark.parametrize("ns", [5 * NS, 5 * NS + 1_000, 5 * NS + 100_000_000])
def test_a_ledger_line_tells_the_time_as_every_other_line(tmp_path, ns):
    record, clock = Record.create(tmp_path, "d"), HandClock(ns)
    ledger = Ledger(record.writes, "w", clock)
    ledger.settled(ledger.sent("id", 1, "sum"), Settlement.UNKNOWN)
    assert {line.utc for line in record.read_writes(Damage())} == {clock.utc()}
    ledger.close()


def test_an_attempt_settles_once_and_until_then_it_is_under_way(tmp_path):
    record = Record.create(tmp_path, "d")
    ledger = Ledger(record.writes, "w", HandClock())
    sent, other = ledger.sent("id", 1, "sum"), ledger.sent("id", 1, "sum")
    ledger.settled(sent, Settlement.ACKED)
    ledger.settled(sent, Settlement.UNKNOWN)
    assert ledger.under_way() == (other,)
    assert [line.ev for line in record.read_writes(Damage())] == ["sent", "sent", "acked"]
    ledger.close()


def test_a_sent_line_is_on_the_disk_before_its_request_can_go_out_and_a_closed_ledger_takes_none(tmp_path):
    record = Record.create(tmp_path, "d")
    ledger = Ledger(record.writes, "w", HandClock())
    ledger.sent("id", 1, "sum")
    assert [line.ev for line in record.read_writes(Damage())] == ["sent"]
    ledger.close()
    with pytest.raises(RecordError, match="it was closed"):
        ledger.sent("id", 2, "sum")
    assert [sent.attempt for sent in ledger.under_way()] == [1]


def test_a_writer_that_is_started_again_goes_on_numbering(tmp_path):
    record = Record.create(tmp_path, "d")
    for _ in range(2):
        ledger = Ledger(record.writes, "w", HandClock())
        ledger.settled(ledger.sent("id", 1, "sum"), Settlement.UNKNOWN)
        ledger.close()
    assert [line.line for line in record.read_writes(Damage())] == [1, 2, 3, 4]


def test_an_event_is_on_the_disk_when_add_returns_and_a_watcher_saw_it(tmp_path):
    record, seen = Record.create(tmp_path, "d"), []
    timeline = Timeline(record, HandClock(NS), watch=seen.append)
    timeline.add(Kind.LAG, "0.5", region="us-west-2", lag_s=0.5)
    (event,) = record.read_events(Damage())
    assert seen == [event]
    assert event == Event(boot_id(), NS, "1970-01-01T00:00:01.000000Z", Kind.LAG, "0.5", "us-west-2", {"lag_s": 0.5})
    timeline.close()


def test_an_event_loses_what_is_secret_in_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token-1")
    record, seen = Record.create(tmp_path, "d"), []
    timeline = Timeline(record, watch=seen.append)
    timeline.add(Kind.NOTE, "refused: session-token-1", why=["RuntimeError: session-token-1"], rows=3)
    timeline.close()
    (event,) = record.read_events(Damage())
    assert (event.what, event.detail) == ("refused: [redacted]", {"why": ["RuntimeError: [redacted]"], "rows": 3})
    assert seen == [event]


def test_two_processes_may_append_to_one_timeline(tmp_path):
    record = Record.create(tmp_path, "d")
    mine, other = Timeline(record), Timeline(record)
    mine.add(Kind.NOTE, "1")
    other.add(Kind.NOTE, "2")
    mine.add(Kind.NOTE, "3")
    assert [event.what for event in record.read_events(Damage())] == ["1", "2", "3"]
    mine.close()
    other.close()


def test_open_steps_are_replayed_newest_first_and_done_ones_not_at_all(tmp_path):
    journal = UndoJournal(tmp_path / "undo.ndjson")
    numbers = [journal.before(step) for step in (A, B, C)]
    journal.done(numbers[1], B)
    assert journal.open_steps() == [(numbers[2], C), (numbers[0], A)]
    journal.close()


def test_a_journal_opened_after_a_kill_goes_on_with_new_numbers_and_all_open_steps(tmp_path):
    path = tmp_path / "undo.ndjson"
    killed = UndoJournal(path)
    killed.before(A)
    killed.before(B)
    killed.close()
    path.write_bytes(path.read_bytes()[:-5])  # B was being written: its mutation never began
    warden = UndoJournal(path)
    assert warden.open_steps() == [(1, A)]
    assert warden.unreadable() == 0
    warden.done(1, A)
    assert warden.open_steps() == []
    warden.close()


def test_a_step_that_nobody_can_read_is_told(tmp_path):
    path = tmp_path / "undo.ndjson"
    journal = UndoJournal(path)
    journal.before(A)
    with path.open("ab") as file:
        file.write(b'{"ev":"before"}\n')
    assert journal.unreadable() == 1
    assert journal.open_steps() == [(1, A)]
    journal.close()


def cut(path, left):
    """The last line of a journal, as a kill left it after ``left`` bytes."""
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:-1]) + whole[-1][:left])


@pytest.mark.parametrize("left", [1, 40, -2, -1])
def test_a_step_that_was_cut_is_no_damage_to_whoever_goes_on_and_to_every_later_reader(tmp_path, left):
    path = tmp_path / "undo.ndjson"
    killed = UndoJournal(path)
    killed.before(A)
    killed.before(B)
    killed.close()
    cut(path, left)
    warden = UndoJournal(path)
    warden.done(1, A)
    warden.close()
    for journal in (warden, UndoJournal(path)):
        assert (journal.open_steps(), journal.unreadable(), journal.is_settled()) == ([], 0, True)


def test_a_journal_that_was_cut_twice_is_not_damaged(tmp_path):
    path = tmp_path / "undo.ndjson"
    for left in (30, 2):
        journal = UndoJournal(path)
        journal.before(A)
        journal.before(B)
        journal.close()
        cut(path, left)
    last = UndoJournal(path)
    last.before(C)
    last.close()
    assert UndoJournal(path).unreadable() == 0
    assert [step for _, step in UndoJournal(path).open_steps()] == [C, A, A]


@pytest.mark.parametrize("left", [b"", b"\x18"])
def test_a_writer_that_is_killed_while_it_ends_a_cut_line_leaves_it_a_cut_line(tmp_path, left):
    path = tmp_path / "undo.ndjson"
    path.write_bytes(b'{"v":1,"boot":' + left)
    assert UndoJournal(path).unreadable() == 0
    journal = UndoJournal(path)
    journal.before(A)
    journal.close()
    assert UndoJournal(path).unreadable() == 0
    assert UndoJournal(path).open_steps() == [(1, A)]


def test_a_step_of_which_a_whole_line_was_damaged_keeps_the_journal_unsettled_whatever_follows(tmp_path):
    path = tmp_path / "undo.ndjson"
    journal = UndoJournal(path)
    journal.before(A)
    assert not journal.is_settled()
    path.write_bytes(path.read_bytes()[:40] + b"\n")
    journal.before(B)
    journal.done(2, B)
    journal.close()
    for each in (journal, UndoJournal(path)):
        assert (each.open_steps(), each.unreadable(), each.is_settled()) == ([], 1, False)


def test_a_journal_that_was_never_written_is_settled(tmp_path):
    assert UndoJournal(tmp_path / "undo.ndjson").is_settled()
