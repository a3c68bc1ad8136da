"""Values at the edge of what a record may hold are judged, or told as what they are; nobody meets a traceback."""

import json

import pytest
from records import FAULT_S, SECONDARY, DrillBuilder, at_ns, good_drill
from test_documents_judged import Documents

from gameday.errors import RecordError
from gameday.facts import REPLAY_LSN, Kind, Verdict
from gameday.facts.bounds import MOST
from gameday.measure.judge import judge
from gameday.measure.moments import counted, lsn
from gameday.record.layout import Record
from gameday.record.tables import tables
from gameday.report.words import moment

HELD, UNKNOWN = Verdict.HELD, Verdict.UNKNOWN
NO_MOMENTS = ["200000-01-01 00:00:00", "0044-03-15 (BC) 00:00:00", "infinity", "290309-12-22 (BC) 00:00:00"]


def again(record: Record):
    """Judged, written down and read again, as everybody else reads it."""
    record.write_measurement(judge(record))
    return record.read_measurement()


def test_lost_bytes_beyond_what_a_record_can_tell_are_not_known(tmp_path):
    drill = good_drill().write("e", -0.5, xid=703, there=False).commits(703).sized(MOST)
    point = again(drill.record(tmp_path)).recovery_point
    assert (point.lost, point.lost_bytes) == (2, None)


@pytest.mark.parametrize("lag_s", [1e9, 1e10, 1e12])
def test_a_lag_longer_than_the_clock_has_run_puts_every_write_at_risk(tmp_path, lag_s):
    drill = good_drill().planned(lab="aws").event(Kind.LAG, "x", -0.5, SECONDARY, lag_s=lag_s)
    (exposure,) = again(drill.record(tmp_path)).exposures
    assert (exposure.lag_s, exposure.writes) == (lag_s, 2)  # a and b; c was acknowledged later


@pytest.mark.parametrize("text", ["f" * 60 + "/0", "0/" + "f" * 9, "-1/0", "0x1/0", "1_0/0", " 1/0", "1/", "\u0661/0"])
def test_what_is_no_position_of_a_wal_is_none(tmp_path, text):
    assert lsn(text) is None
    drill = good_drill().planned(lab="aws").event(Kind.NOTE, REPLAY_LSN, 3.4, SECONDARY, lsn=text)
    drill.wal = None
    assert again(drill.record(tmp_path)).recovery_point.wal.value == "unavailable"


def test_the_last_position_of_a_wal_is_one(tmp_path):
    assert lsn("ffffffff/FFFFFFFF") == 2**64 - 1
    drill = good_drill().planned(lab="aws").event(Kind.NOTE, REPLAY_LSN, 3.4, SECONDARY, lsn="ffffffff/ffffffff")
    drill.write("e", -0.5, lsn=("ffffffff/fffffffe", "ffffffff/ffffffff")).wal = None
    assert again(drill.record(tmp_path)).recovery_point.lost == 1


@pytest.mark.parametrize("utc", NO_MOMENTS)
def test_an_acknowledgement_of_the_standby_in_no_year_of_ours_is_unknown(tmp_path, utc):
    drill = DrillBuilder().probes(bad=(0.0, 4.0)).write("a", -1.0).write("d", 3.0, region=SECONDARY).commits()
    record = drill.promoted(3.5).record(tmp_path)
    segment = record.writes / "prober.ndjson"
    lines = [json.loads(line) for line in segment.read_bytes().splitlines()]
    acked = [line | {"utc": utc} if line.get("region") == SECONDARY else line for line in lines]
    segment.write_text("".join(json.dumps(line) + "\n" for line in acked))
    assert again(record).verdict is UNKNOWN


@pytest.mark.parametrize("utc", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_fault_at_the_end_of_all_years_is_a_clock_that_jumped(tmp_path, utc):
    record = good_drill().record(tmp_path)
    lines = record.timeline.read_text().splitlines(True)
    (fault,) = [line for line in lines if '"kind":"fault",' in line]
    other = json.dumps(json.loads(fault) | {"utc": utc}) + "\n"
    record.timeline.write_text("".join(lines).replace(fault, other))
    found = again(record)
    assert found.verdict is UNKNOWN
    assert "the clock jumped" in [finding.what for finding in found.findings]


@pytest.mark.parametrize("utc", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", *NO_MOMENTS])
def test_a_moment_outside_all_years_is_shown_as_it_was_written(utc):
    assert moment(utc) == utc


@pytest.mark.parametrize("count", [1e308, MOST, 10**400])
def test_documents_broken_beyond_counting_are_as_many_as_can_be_told(tmp_path, count):
    drill = Documents()
    drill.judged(tmp_path)
    (plan,) = tmp_path.rglob("plan.json")
    record = Record.open(plan.parent)
    lines = [json.loads(line) for line in record.timeline.read_bytes().splitlines()]
    for line in lines:
        if line["kind"] == "fault":
            line["detail"] |= {"deleted": count, "overwritten": count}
    record.timeline.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = again(record)
    assert found.objects.broken == (MOST if count != 10**400 else 0)


def test_a_count_is_never_below_nothing():
    assert [counted(each) for each in (-1, "x", None, True, 3.0, 1e308)] == [None, None, None, None, 3, MOST]


def test_the_last_stamps_that_a_clock_can_have_are_judged(tmp_path):
    record = good_drill().record(tmp_path)
    segment = record.writes / "prober.ndjson"
    segment.write_text(segment.read_text().replace(str(at_ns(5.01)), str(MOST)))
    record.timeline.write_text(record.timeline.read_text().replace(str((FAULT_S + 30) * 10**9), str(MOST)))
    assert again(record).verdict is UNKNOWN


def test_whatever_else_the_tables_refuse_is_an_error_that_says_what_to_do():
    told = r"a record whose lines can be joined; saw ConversionException: .*Next: look for a value"
    with pytest.raises(RecordError, match=told), tables() as opened:
        opened.row("SELECT 'x'::BIGINT")


def test_more_probes_than_can_be_counted_are_as_many_as_can_be_told(tmp_path):
    record = good_drill().record(tmp_path)
    (probes,) = record.probes.glob("*.ndjson")
    lines = [json.loads(line) for line in probes.read_bytes().splitlines()]
    lines[-1]["seq"] = MOST
    probes.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = again(record)
    assert (found.verdict, found.prober.scheduled) == (UNKNOWN, MOST)
