"""Where each part of a record lies, and how its whole files (plan, measurement, manifest) are written and read."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gameday.errors import InputError, RecordError
from gameday.facts import Event, Measurement, Plan, Probe, WalCommit, Write
from gameday.facts.documents import Document, DocumentRead
from gameday.facts.selftest import RecordSelfTest
from gameday.record.entries import read_whole
from gameday.record.lines import UNREADABLE, Damage, LineWriter, read_lines
from gameday.record.manifest import MANIFEST, STATEMENT, manifest_of, read_manifest, sha256_of
from gameday.record.statement import statement_of

OTHER_REPORTS = "or choose another folder: --reports, or `reports` in the experiment's configuration"
SELF_TEST = "selftest.json"
ROOM_MIN_BYTES = 32 << 20  # a drill of the shipped size writes about 6 MiB
_NEXT = {
    "plan.json": "without its plan a record cannot be judged: restore it, or run the drill again",
    "measurement.json": "judge the record again: gameday judge",
    SELF_TEST: "judge the record again: gameday judge",
}


@dataclass(frozen=True, slots=True)
class Record:
    """The folder ``reports/<drill>/<UTC time>/`` of one drill."""

    folder: Path

    @classmethod
    def create(cls, reports: Path, drill: str) -> "Record":
        """Make the folder of a new drill; raises :class:`RecordError`, with nothing made, when that is not possible."""
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
        made = cls(reports / drill / stamp)
        try:
            made._make(reports)
        except RecordError:
            made._unmake()
            raise
        return made

    @classmethod
    def open(cls, folder: Path) -> "Record":
        """An existing record; raises :class:`RecordError` when ``folder`` holds no ``plan.json``."""
        if not (folder / "plan.json").is_file():
            raise RecordError(f"a record at {folder}", "no plan.json in it", "name a folder reports/<drill>/<time>")
        return cls(folder)

    @property
    def timeline(self) -> Path:
        return self.folder / "timeline.ndjson"

    @property
    def undo(self) -> Path:
        return self.folder / "undo.ndjson"

    @property
    def survivors(self) -> Path:
        return self.folder / "survivors.ndjson"

    @property
    def objects(self) -> Path:
        """The documents that were acknowledged."""
        return self.folder / "objects.ndjson"

    @property
    def objects_survivors(self) -> Path:
        """And what was read back of them."""
        return self.folder / "objects-survivors.ndjson"

    @property
    def wal(self) -> Path:
        return self.folder / "wal.ndjson"

    @property
    def journal(self) -> Path:
        return self.folder / "journal.json"

    @property
    def page(self) -> Path:
        return self.folder / "index.html"

    @property
    def writes(self) -> Path:
        return self.folder / "writes"

    @property
    def probes(self) -> Path:
        return self.folder / "probes"

    def write_plan(self, plan: Plan) -> None:
        """Write ``plan.json``; where even the first cannot be written, the record's empty folders go again."""
        try:
            self.write_text("plan.json", pretty(plan))
        except RecordError:
            if not (self.folder / "plan.json").exists():
                self._unmake()
            raise

    def _make(self, reports: Path) -> None:
        try:
            self.writes.mkdir(parents=True)
            self.probes.mkdir()
            free = shutil.disk_usage(self.folder).free
        except OSError as cause:
            seen, then = f"{cause.strerror}: {cause.filename}", f"make it writable, {OTHER_REPORTS}"
            raise RecordError(f"a writable folder {reports}", seen, then) from cause
        if free < ROOM_MIN_BYTES:
            expected = f"{ROOM_MIN_BYTES >> 20} MiB free for a record in {reports}"
            raise RecordError(expected, f"{free / 2**20:.1f} MiB", f"free the disk, {OTHER_REPORTS}")

    def _unmake(self) -> None:
        """Remove the record's folders as far as they are empty: without a plan a record is none."""
        for folder in (self.writes, self.probes, self.folder, self.folder.parent):
            with contextlib.suppress(OSError):  # not empty, or never made
                folder.rmdir()

    def write_measurement(self, measurement: Measurement) -> None:
        self.write_text("measurement.json", pretty(measurement))

    def write_self_test(self, tried: RecordSelfTest) -> None:
        self.write_text(SELF_TEST, pretty(tried))

    def read_self_test(self) -> RecordSelfTest | None:
        """What was planted into copies of this record; None in records of before. Raises :class:`RecordError`."""
        return self._decode(SELF_TEST, RecordSelfTest) if (self.folder / SELF_TEST).exists() else None

    def read_plan(self) -> Plan:
        return self._decode("plan.json", Plan)

    def read_measurement(self) -> Measurement:
        return self._decode("measurement.json", Measurement)

    def read_events(self, damage: Damage) -> Iterator[Event]:
        return read_lines(self.timeline, Event, damage)

    def read_writes(self, damage: Damage) -> Iterator[Write]:
        """Every ledger line, segment after segment."""
        for segment in self.segments:
            yield from read_lines(segment, Write, damage)

    @property
    def segments(self) -> tuple[Path, ...]:
        """The ledger's files; order between segments means nothing, stamps do."""
        return tuple(sorted(self.writes.glob("*.ndjson")))

    def read_probes(self, damage: Damage) -> Iterator[Probe]:
        for segment in sorted(self.probes.glob("*.ndjson")):
            yield from read_lines(segment, Probe, damage)

    def read_objects(self, damage: Damage) -> Iterator[Document]:
        return read_lines(self.objects, Document, damage)

    def read_objects_survivors(self, damage: Damage) -> Iterator[DocumentRead]:
        return read_lines(self.objects_survivors, DocumentRead, damage)

    def read_wal(self, damage: Damage) -> Iterator[WalCommit]:
        return read_lines(self.wal, WalCommit, damage)

    def write_text(self, name: str, text: str) -> None:
        """Write a whole file so that it is there completely or not at all."""
        then = OTHER_REPORTS if name == "plan.json" else "then judge again: gameday judge"
        write_whole(self.folder / name, text, f"free the disk, {then}")

    def seal(self, *changed: str) -> None:
        """Write ``manifest.json`` and, once there is a measurement, ``statement.json`` about it.

        With the names of what was ``changed`` since it was sealed, the manifest keeps what it says of all other files.
        """
        before = read_manifest(self.folder) if changed and (self.folder / MANIFEST).exists() else None
        self.write_text(MANIFEST, pretty(manifest_of(self.folder, before, changed)))
        if (self.folder / "measurement.json").exists():
            self.write_text(STATEMENT, self.statement())

    def statement(self) -> str:
        """What ``statement.json`` must be, from plan, measurement and manifest as they are."""
        plan_sha256 = read_manifest(self.folder).files.get("plan.json", "")
        told = statement_of(
            self.read_plan(),
            self.read_measurement(),
            manifest_sha256=sha256_of(self.folder / MANIFEST),
            plan_sha256=plan_sha256,
        )
        return pretty(told)

    def line_writer(self, path: Path, *, sync: bool = True) -> LineWriter:
        return LineWriter(path, sync=sync)

    def _decode[T](self, name: str, form: type[T]) -> T:
        path = self.folder / name
        try:
            return msgspec.json.decode(read_whole(path), type=form)
        except (OSError, *UNREADABLE, InputError) as cause:
            raise RecordError(f"a readable {path}", str(cause), _NEXT.get(name, "")) from cause


def write_whole(path: Path, text: str, next_step: str) -> None:
    """Write a file so that it is there completely or not at all; raises :class:`RecordError`."""
    half = path.with_suffix(path.suffix + ".part")
    try:
        with half.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError as cause:
        with contextlib.suppress(OSError):  # the first error is the one worth reading
            half.unlink(missing_ok=True)
        raise RecordError(f"to write {path}", f"{cause.strerror}", next_step) from cause


def pretty(whole: object) -> str:
    """A frozen fact as JSON for people, with a newline at its end."""
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"
