"""Lines on disk: whole, in order, and a kill costs one at most."""

import os
from dataclasses import dataclass
from threading import Thread

import pytest

from gameday.errors import RecordError
from gameday.record.lines import Damage, LineWriter, read_lines


@dataclass(frozen=True)
class Line:
    n: int
    text: str = ""


def read(path):
    damage = Damage()
    return list(read_lines(path, Line, damage)), damage


def written(path, *numbers):
    writer = LineWriter(path, sync=False)
    for n in numbers:
        writer.append(Line(n))
    writer.close()


def test_what_is_appended_is_read_back_in_order(tmp_path):
    written(tmp_path / "deep" / "a.ndjson", 1, 2, 3)
    assert read(tmp_path / "deep" / "a.ndjson") == ([Line(1), Line(2), Line(3)], Damage())


def test_each_line_begins_with_the_version_of_its_form(tmp_path):
    written(tmp_path / "a", 1)
    assert (tmp_path / "a").read_bytes() == b'{"v":1,"n":1,"text":""}\n'


def test_a_missing_file_has_no_lines(tmp_path):
    assert read(tmp_path / "none") == ([], Damage())


@pytest.mark.parametrize("left", range(1, 23))
def test_a_cut_last_line_is_a_cut_tail_wherever_it_was_cut(tmp_path, left):
    written(tmp_path / "a", 1, 2)
    whole = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(whole[: len(whole) // 2 + left])
    assert read(tmp_path / "a") == ([Line(1)], Damage(lines=0, cut_tail=1))


@pytest.mark.parametrize(
    "bad",
    [
        b"[" * 100_000,
        b'{"n":1,"x":' + b"[" * 9_000 + b"]" * 9_000 + b"}",
        b"{",
        b'{"v":1}',
        b'{"n":"one"}',
        b"\xff\xfe",
        b"null",
        b'{"n":1}{"n":2}',
    ],
)
def test_an_unreadable_line_is_counted_and_the_others_are_read(tmp_path, bad):
    (tmp_path / "a").write_bytes(b'{"n":1}\n' + bad + b'\n{"n":3}\n')
    assert read(tmp_path / "a") == ([Line(1), Line(3)], Damage(lines=1))


def test_a_writer_after_a_kill_does_not_lose_its_first_line_to_the_cut_one(tmp_path):
    written(tmp_path / "a", 1)
    with (tmp_path / "a").open("ab") as file:
        file.write(b'{"v":1,"n":')
    written(tmp_path / "a", 3)
    assert read(tmp_path / "a") == ([Line(1), Line(3)], Damage(lines=1))


def test_a_field_of_a_later_version_is_no_damage(tmp_path):
    (tmp_path / "a").write_bytes(b'{"v":2,"n":1,"later":true}\n')
    assert read(tmp_path / "a") == ([Line(1)], Damage())


def test_threads_never_share_a_line(tmp_path):
    writer = LineWriter(tmp_path / "a", sync=False)
    threads = [Thread(target=lambda: [writer.append(Line(7, "x" * 5_000)) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    lines, damage = read(tmp_path / "a")
    assert (len(lines), damage) == (200, Damage())


def test_a_folder_that_cannot_be_written_is_a_record_error_that_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match=r"expected to write .*a; saw .*--reports"):
        LineWriter(tmp_path / "file" / "a", sync=False)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this platform")  # noqa: PTH110
def test_a_full_disk_is_a_record_error_not_a_lost_line(tmp_path):
    (tmp_path / "full").symlink_to("/dev/full")
    writer = LineWriter(tmp_path / "full", sync=False)
    with pytest.raises(RecordError, match="No space left on device"):
        writer.append(Line(1))
    writer.close()


def test_a_line_after_closing_is_an_error_and_closing_twice_is_none(tmp_path):
    writer = LineWriter(tmp_path / "a", sync=True)
    writer.close()
    writer.close()
    with pytest.raises(RecordError, match="it was closed"):
        writer.append(Line(1))


def test_a_file_that_cannot_be_read_at_all_is_a_record_error(tmp_path):
    with pytest.raises(RecordError, match="Is a directory"):
        read(tmp_path)


def test_a_file_that_never_ends_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecordError, match=r"expected a regular file .*pipe; saw it is a FIFO"):
        read(tmp_path / "pipe")
    (tmp_path / "zeroes").symlink_to("/dev/zero")
    with pytest.raises(RecordError, match="saw it is a device"):
        read(tmp_path / "zeroes")
