"""A full disk: said aloud as an error of the record, with what was there still readable."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gameday.errors import RecordError
from gameday.facts import Kind
from gameday.record.layout import Record
from gameday.record.lines import Damage
from gameday.record.timeline import Timeline


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB; only root can mount one."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"this machine mounts no tmpfs: {mounted.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_a_full_disk_ends_the_timeline_aloud_and_leaves_what_was_written(small_disk: Path) -> None:
    record = Record(small_disk)
    timeline = Timeline(record)
    with pytest.raises(RecordError, match="No space left"):
        for _ in range(10_000):
            timeline.add(Kind.NOTE, "x" * 100)
    timeline.close()
    damage = Damage()
    events = list(record.read_events(damage))
    assert len(events) > 100
    assert damage.lines == 0
    assert {event.what for event in events} == {"x" * 100}


def test_a_full_disk_leaves_no_half_written_file(small_disk: Path) -> None:
    record = Record(small_disk)
    with pytest.raises(RecordError, match="No space left"):
        record.write_text("measurement.json", "x" * 1_000_000)
    assert not list(record.folder.glob("measurement*"))


def test_a_disk_without_room_for_a_record_is_refused_and_nothing_is_made(small_disk: Path) -> None:
    with pytest.raises(RecordError, match=r"32 MiB free for a record .*; saw 0\.1 MiB. Next: free the disk"):
        Record.create(small_disk / "reports", "full")
    assert [path.name for path in small_disk.rglob("*")] == ["reports"]
