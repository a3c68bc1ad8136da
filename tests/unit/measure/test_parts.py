"""A record that is judged in parts, as a large one is, gives the very measurement that it gives in one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.fuzz_bases import bases
from hypothesis import HealthCheck, given, settings
from ledgers import ids_by_class, judged
from records import SECONDARY, DrillBuilder
from test_classes import ledger_of, survivors, writes

from gameday.facts import REPLAY_LSN, Kind, Measurement, Verdict
from gameday.measure.judge import judge
from gameday.record import tables
from gameday.record.layout import Record

pytestmark = pytest.mark.thorough


def size_of(record: Record) -> int:
    return sum(path.stat().st_size for path in (*record.segments, record.survivors) if path.exists())


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> Callable[[Record], Measurement]:
    def of(record: Record) -> Measurement:
        with monkeypatch.context() as patch:
            patch.setattr(tables, "PART_BYTES", size_of(record) // 4)
            return judge(record)

    return of


def test_every_kind_of_drill_gives_the_same_measurement(tmp_path, in_parts):
    for base in bases():
        record = Record(tmp_path / base.name)
        for name, data in base.files.items():
            path = record.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        found = in_parts(record)
        assert found == judge(record)
        assert found.verdict is Verdict.HELD


def test_what_is_lost_doubled_altered_or_damaged_and_every_position_of_the_wal_is_found_the_same(tmp_path, in_parts):
    drill = DrillBuilder().probes(bad=(0.0, 4.0)).promoted(3.5)
    drill.event(Kind.NOTE, REPLAY_LSN, 3.4, SECONDARY, lsn="0/100")
    for number in range(40):
        drill.write(f"w{number}", -9.0 + number / 10, there=number % 7 != 0, lsn=("0/F0", "0/110"), xid=number + 1)
    drill.row("nobody's").row("w8", count=2).row("w7", payload="another").commits(1, 8, 15)
    record = drill.record(tmp_path)
    whole = judge(record)
    assert {"lost", "duplicate", "corrupted"} <= {name for name, count in whole.classes.items() if count}
    assert in_parts(record) == whole
    with record.segments[0].open("ab") as segment:
        segment.write(b'{"v":1,"id":5}\n')
    assert in_parts(record) == judge(record)
    record.survivors.unlink()
    assert in_parts(record) == judge(record)


@given(writes, survivors)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_ledger_gets_the_same_classes(tmp_path: Path, sent, there):
    lines, rows = ledger_of(sent, there)
    with judged(tmp_path, lines, rows, 100) as (ledger, found):
        whole = (ledger.gaps, ledger.attempts, found.counts, ids_by_class(found))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "PART_BYTES", 1_000)
        with judged(tmp_path, lines, rows, 100) as (ledger, found):
            assert (ledger.gaps, ledger.attempts, found.counts, ids_by_class(found)) == whole
