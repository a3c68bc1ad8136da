"""The record's large files as tables: DuckDB reads them, in bounded memory, where Python's objects would not fit.

What a line of a file is stays the business of one decoder, the one of :mod:`gameday.record.lines`: every file is looked
through by it, a piece at a time, while DuckDB reads it; only what has our own writers' very shape passes without it.
DuckDB is more lenient, so what it read counts only when each line passed; of any other file it is handed a copy of the
lines that can be read, and what was left out is counted as damage.
"""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import MISSING, dataclass, fields
from errno import EDQUOT, ENOSPC
from pathlib import Path
from string import Formatter
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from gameday.errors import NoRoomToJudge, RecordError
from gameday.facts.bounds import Count, Ordinal, StampNs
from gameday.record.alone import own_folder
from gameday.record.entries import opened
from gameday.record.lines import UNREADABLE, Damage, read_lines

if TYPE_CHECKING:
    import duckdb

MEMORY_MAX = "600MB"  # of DuckDB; what does not fit goes to its temporary folder
THREADS = 2
PART_BYTES = 1 << 28  # of the files that are judged: its lines and their groups have room in the memory
PIECE_BYTES = 1 << 16  # a piece and what is decoded of it stay in the cache
LINE_BYTES_MAX = 16 << 20  # DuckDB's own bound of one object
# However many parts there are, little waits in the memory until it is written to one of them.
ROW_GROUP_ROWS, WAITING_ROWS, OPEN_FILES_MAX = 8192, 4096, 512
_ONE_PART = "rows.parquet"
_STORED = ("FORMAT parquet", "COMPRESSION uncompressed", "DICTIONARY_SIZE_LIMIT 1")  # read once or twice, then gone
_TEXTS, _WHOLE = (str, str | None), (StampNs, Count, Ordinal, Count | None, Ordinal | None)
_COLUMN: dict[Any, str] = dict.fromkeys(_TEXTS, "VARCHAR") | dict.fromkeys(_WHOLE, "BIGINT")
# How a writer writes a value. Not every value has one of these shapes: escapes, and numbers of 19 digits, have none.
_TEXT, _NUMBER, _ORDINAL = r'"[^"]*+"', "(?:0|[1-9][0-9]{0,17}+)", "[1-9][0-9]{0,17}+"
_SHAPE: dict[Any, str] = {
    str: _TEXT, StampNs: _NUMBER, Count: _NUMBER, Ordinal: _ORDINAL,
    str | None: f"(?:null|{_TEXT})", Count | None: f"(?:null|{_NUMBER})", Ordinal | None: f"(?:null|{_ORDINAL})",
}  # fmt: skip


class Form:
    """What a line must be to become a row: the fields of a frozen fact, whose types bound them.

    ``only`` narrows the type of a field to some words. Whatever else a line may hold is left aside, as everywhere in a
    record. ``written`` finds lines in the very shape that our own writers give them: they need no decoding.
    """

    def __init__(self, fact: type, **only: Any) -> None:
        hints = get_type_hints(fact)
        self.columns = {each.name: _COLUMN[hints[each.name]] for each in fields(fact)}
        types = {name: only.get(name, kind) for name, kind in hints.items()}
        defaults = {each.name: each.default for each in fields(fact) if each.default is not MISSING}
        shape = [(name, kind, *([defaults[name]] if name in defaults else [])) for name, kind in types.items()]
        self.struct = msgspec.defstruct(fact.__name__, shape, gc=False)
        values = (f'"{name}":{_shape_of(kind)}' for name, kind in types.items())
        self.written = re.compile((r'(?:\{"v":1,' + ",".join(values) + r"\}\n)++").encode())


@dataclass(frozen=True, slots=True)
class Tables:
    """A database of one judgement's own, and the folder of what it has no memory for.

    Its tables lie in as many ``parts``: rows of one id are in the same part of each, and one part at a time fits into
    the memory. One part lies in the memory, several lie in the folder; a query sees one table.
    """

    db: "duckdb.DuckDBPyConnection"
    folder: Path
    parts: int = 1

    def read(
        self, name: str, columns: str, files: Sequence[Path], form: Form, damage: Damage,
        told: Mapping[str, Any] | None = None,
    ) -> Sequence[Path]:  # fmt: skip
        """Make a table of some files' rows: ``columns`` of each, of which ``id`` is one; ``told`` are their parameters.

        The files are looked through beside it, and it stays only where every line was one of the form: of any other
        file a copy is read. Returns what was read. Raises :class:`RecordError` when a file cannot be opened.
        """
        import duckdb

        there = [path for path in files if path.exists()]
        with ThreadPoolExecutor(max_workers=1) as beside:
            looking = beside.submit(lambda: [path for path in there if not _is_whole(path, form)])
            refused = self._attempted(name, columns, there, form, told)
        damaged = looking.result()
        if refused and not (damaged or isinstance(refused, duckdb.InvalidInputException)):
            raise refused
        if not damaged and not refused:
            return there

        def of_copies(copied: Sequence[Path]) -> Sequence[Path]:
            damage.lines = damage.cut_tail = 0
            whole = [self._copy(path, form, damage) if path in copied else path for path in there]
            self._read(name, columns, whole, form, told)
            return whole

        try:
            return of_copies(damaged or there)
        except duckdb.InvalidInputException:  # a name twice in an object, or a line beyond DuckDB's bounds, in another
            return of_copies(there)

    def derive(self, name: str, select: str) -> None:
        """Make a table of others, each part of it of that part of theirs: they stand in ``select`` as ``{lines}``."""
        others = {other for _, other, _, _ in Formatter().parse(select) if other}
        if self.parts == 1:
            self.db.execute(f"CREATE TABLE {name} AS {select.format(**{other: other for other in others})}")
            return
        for part in range(self.parts):
            path = self._part(name, part)
            path.mkdir(parents=True)
            self._store(select.format(**{other: self._rows_of(other, part) for other in others}), path / _ONE_PART)
        self._show(name)

    def drop(self, name: str) -> None:
        """A table that nobody asks any more; its room is free for others."""
        self.db.execute(f"DROP {'TABLE' if self.parts == 1 else 'VIEW'} {name}")
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def row(self, statement: str, told: object = None) -> tuple[Any, ...]:
        """The one row that a statement answers with."""
        (found,) = self.db.execute(statement, told).fetchall()
        return tuple(found)

    def _attempted(
        self, name: str, columns: str, files: Sequence[Path], form: Form, told: Mapping[str, Any] | None
    ) -> "duckdb.Error | None":
        """Why the files' rows could not be made a table, or None."""
        import duckdb

        try:
            self._read(name, columns, files, form, told)
        except duckdb.Error as cause:
            return cause
        return None

    def _read(self, name: str, columns: str, files: Sequence[Path], form: Form, told: Mapping[str, Any] | None) -> None:
        rows = _rows(files, form)
        if self.parts == 1:
            self.db.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {columns} FROM {rows}", told)
            return
        shutil.rmtree(self.folder / name, ignore_errors=True)
        # Hashed once more, as tables of hashes have a slot by the first hash.
        select = f"SELECT {columns}, hash(hash(id)) % {self.parts} AS part FROM {rows}"
        self._store(select, self.folder / name, "PARTITION_BY (part)", f"ROW_GROUP_SIZE {ROW_GROUP_ROWS}", told=told)
        for part in range(self.parts):  # one that is empty has a file too, which tells the columns
            path = self._part(name, part)
            if not path.exists():
                path.mkdir(parents=True)
                self._store(f"SELECT {columns} FROM {_rows((), form)}", path / _ONE_PART, told=told)
        self._show(name)

    def _part(self, name: str, part: int) -> Path:
        return self.folder / name / f"part={part}"  # as DuckDB names it

    def _rows_of(self, name: str, part: int) -> str:
        return _stored(self._part(name, part))

    def _store(self, select: str, path: Path, *how: str, told: Mapping[str, Any] | None = None) -> None:
        form = ", ".join((*_STORED, *how))
        self.db.execute(f"COPY ({select}) TO {_quoted(str(path))} ({form})", told)

    def _show(self, name: str) -> None:
        self.db.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM {_stored(self.folder / name)}")

    def _copy(self, path: Path, form: Form, damage: Damage) -> Path:
        with NamedTemporaryFile("wb", dir=self.folder, suffix=".ndjson", delete=False) as file:
            for line in read_lines(path, form.struct, damage):
                written = msgspec.json.encode(line) + b"\n"
                damage.lines += len(written) > LINE_BYTES_MAX
                file.write(written if len(written) <= LINE_BYTES_MAX else b"")
        return Path(file.name)


@contextmanager
def tables(files: Sequence[Path] = ()) -> Iterator[Tables]:
    """An empty database with parts enough for some files; closed, and its folder removed, on every path.

    Raises :class:`NoRoomToJudge`, and :class:`RecordError` where the files hold what DuckDB does not join.
    """
    import duckdb

    parts = 1 + sum(path.stat().st_size for path in files if path.exists()) // PART_BYTES
    with own_folder("gameday-judging-") as folder:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": THREADS, "memory_limit": MEMORY_MAX, "temp_directory": str(folder / "spilled"),
            "preserve_insertion_order": False, "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }  # fmt: skip
        try:
            with closing(duckdb.connect(":memory:", config=config)) as db:
                db.execute("SET enable_progress_bar = false")  # it would be printed among what the caller prints
                db.execute(f"SET partitioned_write_flush_threshold = {WAITING_ROWS}")
                db.execute(f"SET partitioned_write_max_open_files = {OPEN_FILES_MAX}")
                yield Tables(db, folder, parts)
        except (duckdb.OutOfMemoryException, duckdb.IOException, OSError) as cause:
            if isinstance(cause, OSError) and cause.errno not in (ENOSPC, EDQUOT):
                raise
            raise NoRoomToJudge(
                f"room to judge in: {MEMORY_MAX} of memory and a temporary folder beside it", str(cause),
                "free the temporary folder's disk, or name another: TMPDIR",
            ) from cause  # fmt: skip
        except duckdb.Error as cause:
            raise RecordError(
                "a record whose lines can be joined", f"{type(cause).__name__}: {str(cause).partition(chr(10))[0]}",
                "look for a value in it that no drill writes, and tell gameday's authors: it should be told as damage",
            ) from cause  # fmt: skip


def _shape_of(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f'"(?:{"|".join(map(re.escape, get_args(kind)))})"'
    return _SHAPE[kind]


def _is_whole(path: Path, form: Form) -> bool:
    """Whether every line is one of the form, so that nothing has to be left out, and DuckDB reads it the same."""
    decoder = msgspec.json.Decoder(form.struct)
    try:
        return all(_is_written(form, piece) or _reads_alike(decoder, piece) for piece in _pieces(path))
    except UNREADABLE:
        return False


def _is_written(form: Form, piece: bytes) -> bool:
    """Whether all is as our writers write it: the decoder would read it. Of control characters, which it would not,
    DuckDB tells."""
    return piece.isascii() and b"\\" not in piece and form.written.fullmatch(piece) is not None


def _reads_alike(decoder: "msgspec.json.Decoder[Any]", piece: bytes) -> bool:
    return piece.endswith(b"\n") and len(decoder.decode_lines(piece.decode())) == piece.count(b"\n")


def _rows(files: Sequence[Path], form: Form) -> str:
    names = ", ".join(_quoted(str(path)) for path in files if path.stat().st_size)
    if not names:
        return f"(SELECT {', '.join(f'NULL::{kind} AS {name}' for name, kind in form.columns.items())} LIMIT 0)"
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in form.columns.items())
    return (
        f"read_ndjson([{names}], columns = {{{columns}}}, maximum_object_size = {LINE_BYTES_MAX}, "
        "hive_partitioning = false)"  # else a folder that is called id=7 would give every row that id
    )


def _stored(folder: Path) -> str:
    files = ", ".join(_quoted(str(path)) for path in folder.rglob("*.parquet"))
    return f"read_parquet([{files}], hive_partitioning = false)"


def _pieces(path: Path) -> Iterator[bytes]:
    """A file in pieces of whole lines; a cut last line ends the last piece."""
    try:
        with opened(path) as file:
            while piece := file.read(PIECE_BYTES):
                yield piece + (b"" if piece.endswith(b"\n") else file.readline())
    except OSError as cause:
        raise RecordError(f"a readable {path}", f"{cause.strerror}", "make it readable, then judge again") from cause


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
