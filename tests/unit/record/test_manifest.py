"""What a manifest is made of: every file that may be read, else an error that says what to do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gameday.errors import RecordError
from gameday.record.layout import Record
from gameday.record.manifest import hashes_of, read_manifest
from gameday.record.undo import UndoJournal, UndoStep

NOBODY = 65534


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may enter every folder."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_a_folder_that_may_be_listed_and_not_entered_is_told_with_what_to_do() -> None:
    with TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "writes").mkdir()
        (folder / "writes" / "a.ndjson").touch()
        (folder / "writes").chmod(0o644)
        with as_nobody(), pytest.raises(RecordError, match=r"Permission denied.*Next: make it readable"):
            hashes_of(folder, "make it readable")
        (folder / "writes").chmod(0o755)


def test_an_undo_journal_whose_last_line_a_full_disk_had_cut_may_be_gone_on_from(tmp_path: Path) -> None:
    record = Record.create(tmp_path, "cut")
    for is_cut in (True, False):
        journal = UndoJournal(record.undo)
        journal.before(UndoStep("restore_acl", "ap-southeast-2"))
        journal.close()
        if is_cut:
            record.undo.write_bytes(record.undo.read_bytes()[:-20])
        record.seal("undo.ndjson")
        assert read_manifest(record.folder).files == hashes_of(record.folder, "look")
    assert b"\x18\n" in record.undo.read_bytes()
