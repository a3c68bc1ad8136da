"""The timeline's chain: who appends, who is killed while appending, and what an altered line does to it."""

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from gameday.clock import NS, HandClock
from gameday.facts import Kind
from gameday.record.chain import BEGINNING, Chain, read_chain
from gameday.record.layout import Record
from gameday.record.lines import Damage, LineWriter
from gameday.record.timeline import Timeline

APPENDS = """
import sys
from pathlib import Path
from gameday.facts import Kind
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
timeline = Timeline(Record(Path(sys.argv[1])))
for number in range(50):
    timeline.add(Kind.NOTE, f"{sys.argv[2]} {number}")
"""


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record.create(tmp_path, "d")


def say(record: Record, *what: str) -> None:
    timeline = Timeline(record, HandClock(NS))
    for each in what:
        timeline.add(Kind.NOTE, each)
    timeline.close()


def lines_of(record: Record) -> list[bytes]:
    return record.timeline.read_bytes().splitlines(keepends=True)


def test_each_line_carries_the_hash_of_the_line_before_it(record: Record) -> None:
    say(record, "a", "b", "c")
    a, b, c = lines_of(record)
    assert [json.loads(line)["prev"] for line in (a, b, c)] == [
        BEGINNING, sha256(a).hexdigest(), sha256(b).hexdigest(),
    ]  # fmt: skip
    assert read_chain(record.timeline) == Chain(3, sha256(c).hexdigest())


def test_a_chained_line_begins_and_reads_as_it_always_did(record: Record) -> None:
    say(record, "a")
    assert lines_of(record)[0].startswith(b'{"v":1,"boot":"')
    assert [event.what for event in record.read_events(Damage())] == ["a"]


def test_a_missing_timeline_is_an_empty_chain(record: Record) -> None:
    assert read_chain(record.timeline) == Chain(0, BEGINNING)


@pytest.mark.parts
def test_processes_that_append_at_once_make_one_chain(record: Record) -> None:
    command = [sys.executable, "-c", APPENDS, str(record.folder)]
    started = [subprocess.Popen([*command, name]) for name in ("drill", "warden", "undo")]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert len(list(record.read_events(Damage()))) == 150
    chain = read_chain(record.timeline)
    assert (chain.lines, chain.unlinked, chain.broken) == (150, (), ())


def test_two_writers_in_turn_make_one_chain(record: Record) -> None:
    mine, other = Timeline(record), Timeline(record)
    for number in range(3):
        mine.add(Kind.NOTE, f"mine {number}")
        other.add(Kind.NOTE, f"other {number}")
    assert read_chain(record.timeline).broken == ()
    mine.close()
    other.close()


@pytest.mark.parametrize("kept_bytes", [1, 40, 150, -2, -1])
def test_a_half_written_last_line_breaks_neither_the_next_append_nor_the_chain(record: Record, kept_bytes: int) -> None:
    say(record, "a", "b")
    a, b = lines_of(record)
    record.timeline.write_bytes(a + b[:kept_bytes])
    say(record, "warden", "warden again")
    damage, chain = Damage(), read_chain(record.timeline)
    said = [event.what for event in record.read_events(damage)]
    assert said[-2:] == ["warden", "warden again"]
    assert (chain.lines, chain.unlinked, chain.broken) == (4, (), ())
    assert damage.lines == (0 if kept_bytes == -1 else 1)  # whole but for its newline: it was said


def test_the_line_before_a_half_written_one_and_that_one_are_both_in_the_chain(record: Record) -> None:
    say(record, "a", "b")
    whole, a = record.timeline.read_bytes(), lines_of(record)[0]
    record.timeline.write_bytes(whole[:-30])
    say(record, "c")
    good = record.timeline.read_bytes()
    for place in (len(a) // 2, len(a) + 10):
        record.timeline.write_bytes(flipped(good, place))
        assert read_chain(record.timeline).broken, place


def test_a_record_that_begins_half_written_is_chained_from_its_first_byte(record: Record) -> None:
    record.timeline.write_bytes(b'{"v":1,"bo')
    say(record, "a")
    assert json.loads(lines_of(record)[1])["prev"] == sha256(b'{"v":1,"bo\n').hexdigest()
    assert read_chain(record.timeline).broken == ()


def test_a_line_longer_than_what_is_read_at_once_is_hashed_whole(record: Record) -> None:
    say(record, "a", "x" * 300_000, "c")
    assert json.loads(lines_of(record)[2])["prev"] == sha256(lines_of(record)[1]).hexdigest()


def test_every_altered_byte_before_the_last_line_breaks_the_chain_and_in_it_the_head(record: Record) -> None:
    say(record, "a", "b", "c")
    good, chain = record.timeline.read_bytes(), read_chain(record.timeline)
    for place in range(len(good)):
        record.timeline.write_bytes(flipped(good, place))
        assert read_chain(record.timeline) != chain, place
        assert read_chain(record.timeline).broken or place >= len(good) - len(lines_of(record)[-1]), place


@pytest.mark.parametrize("left_out", [0, 1, 2])
def test_a_line_that_is_taken_out_is_missed(record: Record, left_out: int) -> None:
    say(record, "a", "b", "c")
    whole, lines = read_chain(record.timeline), lines_of(record)
    del lines[left_out]
    record.timeline.write_bytes(b"".join(lines))
    assert read_chain(record.timeline) != whole


def test_lines_of_before_chains_are_told_and_the_next_ones_chained(record: Record) -> None:
    old = LineWriter(record.timeline, sync=False)
    old.append({"kind": "note", "what": "old"})
    old.close()
    say(record, "new")
    assert json.loads(lines_of(record)[1])["prev"] == sha256(lines_of(record)[0]).hexdigest()
    assert (read_chain(record.timeline).unlinked, read_chain(record.timeline).broken) == ((1,), ())


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
