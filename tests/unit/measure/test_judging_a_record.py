"""Judging reads a record and writes nothing; the same record gives the same measurement."""

from records import good_drill

from gameday.facts import Measurement
from gameday.measure.judge import judge
from gameday.record.layout import Record


def test_a_measurement_can_be_written_down_and_read_again(tmp_path):
    record = good_drill().record(tmp_path)
    found = judge(record)
    record.write_measurement(found)
    again = record.read_measurement()
    assert isinstance(again, Measurement)
    assert again == found


def test_judging_changes_nothing_in_the_record_and_is_repeatable(tmp_path):
    record = good_drill().record(tmp_path)
    before = {path: path.read_bytes() for path in record.folder.rglob("*") if path.is_file()}
    assert judge(record) == judge(Record.open(record.folder))
    assert {path: path.read_bytes() for path in record.folder.rglob("*") if path.is_file()} == before


def test_a_killed_drill_that_left_only_its_plan_is_judged_unknown(tmp_path):
    record = good_drill().record(tmp_path)
    for path in record.folder.rglob("*.ndjson"):
        path.unlink()
    found = judge(record)
    assert found.verdict == "UNKNOWN"
    assert (found.fault, found.rta_s, found.prober, found.buckets) == (None, None, None, ())
