"""The record's large files as tables: what is read, and what is counted as damage, is what the line decoder says."""

import json
import os
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gameday.errors import RecordError
from gameday.facts import Settlement, Survivor
from gameday.measure.settle import LINES
from gameday.record.ledger import Acknowledgement, Ledger
from gameday.record.lines import Damage, LineWriter, read_lines
from gameday.record.tables import Form, tables

ROWS = Form(Survivor)
GOOD = b'{"v":1,"id":"a","sum":"s","xid":7,"region":"r","count":1}\n'


def read(*files: Path, form: Form = ROWS, of: Sequence[Path] = ()) -> tuple[list[tuple], Damage]:
    damage = Damage()
    with tables(of) as opened:
        opened.read("found", "*", files, form, damage)
        return sorted(opened.db.execute("SELECT * FROM found").fetchall(), key=repr), damage


def decoded(*files: Path) -> tuple[list[tuple], Damage]:
    damage = Damage()
    return sorted((astuple(each) for path in files for each in read_lines(path, Survivor, damage)), key=repr), damage


def with_lines(path: Path, *lines: bytes) -> Path:
    path.write_bytes(GOOD + b"".join(lines) + GOOD)
    return path


@pytest.mark.parametrize(
    "line",
    [
        b'{"v":1,"id":"a","id":"b","sum":"s","count":1}\n',
        b'{"v":1,"id":5,"sum":"s","count":1}\n',
        b'{"v":1,"id":"a","sum":null,"count":1}\n',
        b'{"v":1,"id":"a","sum":"s","count":"1"}\n',
        b'{"v":1,"id":"a","sum":"s","count":1.5}\n',
        b'{"v":1,"id":"a","sum":"s","count":1e0}\n',
        b'{"v":1,"id":"a","sum":"s","count":true}\n',
        b'{"v":1,"id":"\xff","sum":"s","count":1}\n',
        b'{"v":1,"more":"\xff","id":"a","sum":"s","count":1}\n',
        b'{"v":1,"id":"\\ud800","sum":"s","count":1}\n',
        b'{"v":1,"id":"\\ud83d\\ude00 \\"\\u0000\\n","sum":"s","count":1}\n',
        b'{"v":1,"ID":"z","more":{"id":3},"id":"a" , "sum":"s","count":1}\r\n',
        b'{"v":1,"id":"a","sum":"s","count":1}{"v":1,"id":"a","sum":"s","count":1}\n',
        b'{"v":1,"id":"a","sum":"s","count":1}\r{"v":1,"id":"a","sum":"s","count":1}\n',
        b'{"v":1,"id":\n"a","sum":"s","count":1}\n',
        b'[{"v":1,"id":"a","sum":"s","count":1}]\n',
        b"null\n",
        b"\n  \n\r\n",
        b"\xef\xbb\xbf" + GOOD,
        b"\x00\n",
        b'{"v":1,"more":' + b"[" * 2_000 + b"]" * 2_000 + b',"id":"a","sum":"s","count":1}\n',
    ],
    ids=lambda line: line[:60],
)
def test_a_line_is_read_or_left_out_as_the_decoder_says(tmp_path, line):
    path = with_lines(tmp_path / "x.ndjson", line)
    assert read(path) == decoded(path)


written = st.fixed_dictionaries(
    {"id": st.text(max_size=4), "sum": st.text(max_size=3), "count": st.integers(-(2**63), 2**63 - 1)},
    optional={"xid": st.none() | st.integers(-9, 9) | st.floats(-3, 3), "region": st.none() | st.text(max_size=3)},
).map(lambda line: json.dumps(line, ensure_ascii=len(line) % 2 == 0).encode("utf-8", "surrogatepass"))
noise = st.binary(max_size=6)


@given(st.lists(st.tuples(written, st.integers(0, 60), noise | st.just(b"")), max_size=5), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_its_table_is_what_the_decoder_reads(tmp_path, lines, cut):
    path = tmp_path / "x.ndjson"
    whole = b"".join(line[:at] + noise + line[at:] + b"\n" for line, at, noise in lines)
    path.write_bytes(whole[:-1] if cut else whole)
    assert read(path) == decoded(path)


# What has the shape that our writers give a line is not decoded: nothing that the decoder leaves out may have it.
texts = st.text(max_size=3) | st.text('\x01\n\t"\\\x7f/', max_size=3)
numbers = st.integers(-2, 12) | st.integers(10**17, 2 * 10**19)
shaped = st.tuples(texts, texts, st.none() | numbers, st.none() | texts, numbers).map(
    lambda values: b'{"v":1,"id":%b,"sum":%b,"xid":%b,"region":%b,"count":%b}' % tuple(map(msgspec.json.encode, values))
)
raw = st.sampled_from([b"", b"\x01", b"\n", b"\0", b"0", b"-", b"1.", b"e1", b'"', b"\\", b",", b" ", b"\xff", b"\x7f"])


@given(st.lists(st.tuples(shaped, st.integers(7, 60), raw), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_line_in_a_writers_shape_is_read_as_the_decoder_says(tmp_path, lines):
    path = tmp_path / "x.ndjson"
    path.write_bytes(b"".join(line[:at] + noise + line[at:] + b"\n" for line, at, noise in lines))
    (rows, damage), wanted = read(path), decoded(path)  # a row that lacks its count has the default
    assert (
        sorted(((*row[:4], row[4] or 1) for row in rows), key=repr),
        damage,
    ) == wanted


def test_the_writers_own_lines_have_that_shape(tmp_path):
    ledger = Ledger(tmp_path, "w")
    for number, settlement in enumerate(Settlement):
        attempt = ledger.sent(f"order-{number}", number + 1, "0f", 120)
        ledger.settled(attempt, settlement, Acknowledgement("r", 700, "0/1", "0/2"), 200, "said so")
    ledger.sent("order-9", 1, "0f")
    ledger.close()
    assert LINES.written.fullmatch((tmp_path / "w.ndjson").read_bytes())
    rows = LineWriter(tmp_path / "rows.ndjson", sync=False)
    rows.append(Survivor("a", "0f"))
    rows.append(Survivor("b", "0f", 7, "r", 2))
    rows.close()
    assert ROWS.written.fullmatch((tmp_path / "rows.ndjson").read_bytes())


def test_a_cut_last_line_is_left_out_and_counted(tmp_path):
    path = tmp_path / "x.ndjson"
    path.write_bytes(GOOD + GOOD[:-1])
    assert read(path) == ([("a", "s", 7, "r", 1)], Damage(cut_tail=1))


def test_a_number_that_no_64_bits_hold_is_damage(tmp_path):
    path = with_lines(tmp_path / "x.ndjson", b'{"v":1,"id":"a","sum":"s","count":9223372036854775808}\n')
    assert read(path)[1] == Damage(lines=1)


def test_a_narrowed_field_leaves_other_values_out(tmp_path):
    path = with_lines(tmp_path / "x.ndjson", GOOD.replace(b'"r"', b'"elsewhere"'))
    found, damage = read(path, form=Form(Survivor, region=Literal["r"]))
    assert (len(found), damage) == (2, Damage(lines=1))


def test_files_that_are_missing_or_empty_have_no_rows(tmp_path):
    (tmp_path / "empty.ndjson").touch()
    assert read(tmp_path / "empty.ndjson", tmp_path / "missing.ndjson") == ([], Damage())


def test_a_file_that_cannot_be_read_is_a_record_error(tmp_path):
    with pytest.raises(RecordError, match="readable"):
        read(tmp_path)


def test_a_file_whose_name_has_a_quote_is_read_by_that_name(tmp_path):
    assert len(read(with_lines(tmp_path / "it's [1]*.ndjson"))[0]) == 2


def test_nothing_of_a_judgement_stays_on_the_disk_also_when_it_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    damaged = with_lines(tmp_path / "x.ndjson", b"no line\n")
    with pytest.raises(ZeroDivisionError), tables() as opened:
        opened.read("found", "*", [damaged], ROWS, Damage())
        assert list((tmp_path / "temporary").rglob("*.ndjson"))
        raise ZeroDivisionError
    assert not list((tmp_path / "temporary").iterdir())


def test_what_a_writer_writes_is_read_where_it_lies(tmp_path):
    path = tmp_path / "x.ndjson"
    path.write_bytes(b"".join(b'{"v":1,' + msgspec.json.encode(Survivor(f"{n}", "é"))[1:] + b"\n" for n in range(3)))
    with tables() as opened:
        assert opened.read("found", "*", [path], ROWS, Damage()) == [path]


def test_a_line_that_duckdb_alone_refuses_is_read_beside_another_files_damage(tmp_path: Path) -> None:
    files = (
        with_lines(tmp_path / "a.ndjson", b'{"v":1,"id":5}\n'),
        with_lines(tmp_path / "b.ndjson", b'{"v":1,"id":"x","id":"y","sum":"s","count":1}\n'),
    )
    found, damage = read(*files)
    assert (found, damage) == decoded(*files)
    assert "y" in {row[0] for row in found}
    assert damage.lines == 1


def test_in_parts_every_row_is_in_one_those_of_an_id_in_the_same_and_what_is_dropped_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.ndjson"
    path.write_bytes(b"".join(GOOD.replace(b'"a"', b'"%d"' % (number % 30)) for number in range(90)))
    monkeypatch.setattr("gameday.record.tables.PART_BYTES", 1_000)
    with tables([path]) as opened:
        opened.read("found", "*", [path], ROWS, Damage())
        opened.derive("counted", "SELECT id, count(*) AS many FROM {found} GROUP BY id")
        assert opened.parts > 1
        assert len(list((opened.folder / "found").iterdir())) == opened.parts
        assert opened.row("SELECT count(*) FROM found") == (90,)
        counted = opened.db.execute("SELECT id, many FROM counted").fetchall()
        assert sorted(counted) == sorted((str(number), 3) for number in range(30))
        opened.drop("found")
        opened.drop("counted")
        assert not list(opened.folder.rglob("*.parquet"))


@pytest.mark.parametrize("part_bytes", [1_000, 40])
def test_no_name_of_a_folder_is_taken_for_a_value_or_a_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_bytes: int
) -> None:
    folder = tmp_path / "id=7" / "count=2" / "[i]*?"
    folder.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setattr("gameday.record.tables.PART_BYTES", part_bytes)
    path = with_lines(folder / "x.ndjson")
    assert read(path, of=[path]) == decoded(path)


@pytest.mark.parametrize("line", [b"", b"no line\n", b'{"v":1,"id":"a","id":"b","sum":"s","count":1}\n'])
def test_what_is_read_in_parts_is_what_the_decoder_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    path = with_lines(tmp_path / "x.ndjson", line)
    monkeypatch.setattr("gameday.record.tables.PART_BYTES", 40)
    assert read(path, of=[path]) == decoded(path)
    (tmp_path / "none.ndjson").touch()
    assert read(tmp_path / "none.ndjson", of=[path]) == ([], Damage())


def test_a_file_that_never_ends_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecordError, match="saw it is a FIFO"):
        read(tmp_path / "pipe")
