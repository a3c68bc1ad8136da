"""The drill's last note: what every judged file held, and what is noticed of a change afterwards."""

import os

import pytest
from test_record_layout import PLAN

from gameday.errors import RecordError
from gameday.facts import EVIDENCE_CLOSED, Kind
from gameday.record.closing import Closing, close_evidence, closing_of
from gameday.record.layout import Record
from gameday.record.ledger import Ledger
from gameday.record.timeline import Timeline


def closed(folder):
    record = Record.create(folder, "d")
    record.write_plan(PLAN)
    ledger = Ledger(record.writes, "prober")
    for id in ("a", "b"):
        ledger.sent(id, 1, "sum")
    ledger.close()
    timeline = Timeline(record)
    timeline.add(Kind.PHASE, "prepare")
    timeline.add(Kind.PHASE, "heal")
    close_evidence(record, timeline)
    timeline.close()
    return record


def test_a_record_as_it_was_left_has_no_change(tmp_path):
    assert closing_of(closed(tmp_path)) == Closing(is_told=True)


def test_a_record_without_the_note_tells_nothing(tmp_path):
    record = Record.create(tmp_path, "d")
    assert closing_of(record) == Closing()
    Timeline(record).add(Kind.PHASE, f"not the {EVIDENCE_CLOSED} one")
    assert closing_of(record) == Closing()


def test_the_last_lines_of_a_segment_are_missed(tmp_path):
    record = closed(tmp_path)
    segment = record.writes / "prober.ndjson"
    segment.write_bytes(segment.read_bytes().splitlines(True)[0])
    assert closing_of(record).changed == ("writes/prober.ndjson",)


def test_a_file_that_is_gone_or_that_came_later_is_named(tmp_path):
    record = closed(tmp_path)
    (record.writes / "prober.ndjson").unlink()
    record.survivors.write_text("")
    assert closing_of(record).changed == ("survivors.ndjson", "writes/prober.ndjson")


def test_an_event_before_the_note_is_missed_and_one_after_it_belongs_to_nobody(tmp_path):
    record = closed(tmp_path)
    later = Timeline(record)
    later.add(Kind.HEALED, "by hand")
    later.close()
    assert closing_of(record).changed == ()
    record.timeline.write_bytes(b"".join(record.timeline.read_bytes().splitlines(True)[1:]))
    assert closing_of(record).changed == ("timeline.ndjson",)


def test_the_last_note_counts_when_a_drill_went_on(tmp_path):
    record = closed(tmp_path)
    record.survivors.write_text("")
    timeline = Timeline(record)
    close_evidence(record, timeline)
    timeline.close()
    assert closing_of(record) == Closing(is_told=True)


def test_a_note_that_holds_no_sums_proves_nothing(tmp_path):
    record = closed(tmp_path)
    timeline = Timeline(record)
    timeline.add(Kind.NOTE, EVIDENCE_CLOSED, files=["plan.json"], timeline=7)
    timeline.close()
    assert closing_of(record).changed == ("plan.json", "timeline.ndjson", "writes/prober.ndjson")


def test_a_file_that_never_ends_is_refused_and_not_waited_for(tmp_path):
    record = closed(tmp_path)
    os.mkfifo(record.probes / "z.ndjson")
    with pytest.raises(RecordError, match=r"z\.ndjson; saw it is a FIFO"):
        closing_of(record)
