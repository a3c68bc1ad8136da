"""The record's large files as tables: DuckDB reads them, in bounded memory, where Python's objects would not fit.

What a line of a file is stays the business of one decoder, the one of :mod:`gameday.record.lines`: every file is looked
through by it, a piece at a time, while DuckDB reads it. DuckDB is more lenient, so what it read counts only when each
line passed; of any other file it is handed a copy of the lines that can be read, and what was left out is counted as
damage.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from gameday.errors import NoRoomToJudge, RecordError
from gameday.facts.bounds import Count, Ordinal, StampNs
from gameday.record.alone import own_folder
from gameday.record.lines import UNREADABLE, Damage, read_lines

if TYPE_CHECKING:
    import duckdb

MEMORY_MAX = "600MB"  # of DuckDB; what does not fit goes to its temporary folder
THREADS = 2
PIECE_BYTES = 1 << 16  # a piece and what is decoded of it stay in the cache
LINE_BYTES_MAX = 16 << 20  # DuckDB's own bound of one object
_TEXTS, _WHOLE = (str, str | None), (StampNs, Count, Ordinal, Count | None, Ordinal | None)
_COLUMN: dict[Any, str] = dict.fromkeys(_TEXTS, "VARCHAR") | dict.fromkeys(_WHOLE, "BIGINT")


class Form:
    """What a line must be to become a row: the fields of a frozen fact, whose types bound them.

    ``only`` narrows the type of a field. Whatever else a line may hold is left aside, as everywhere in a record.
    """

    def __init__(self, fact: type, **only: Any) -> None:
        hints = get_type_hints(fact)
        self.columns = {each.name: _COLUMN[hints[each.name]] for each in fields(fact)}
        types = {name: only.get(name, kind) for name, kind in hints.items()}
        defaults = {each.name: each.default for each in fields(fact) if each.default is not MISSING}
        shape = [(name, kind, *([defaults[name]] if name in defaults else [])) for name, kind in types.items()]
        self.struct = msgspec.defstruct(fact.__name__, shape, gc=False)


@dataclass(frozen=True, slots=True)
class Tables:
    """A database of one judgement's own, and the folder of what it has no memory for."""

    db: "duckdb.DuckDBPyConnection"
    folder: Path

    def make(
        self, statement: str, files: Sequence[Path], form: Form, damage: Damage, told: Mapping[str, Any] | None = None
    ) -> str:
        """Run a statement that makes a table of some files' rows, which stand in it as ``{rows}``, and tell what stood
        there. The files are looked through beside it, and its table stays only where every line was one of the form.

        ``told`` are the statement's parameters. Raises :class:`RecordError` when a file cannot be opened.
        """
        import duckdb

        there = [path for path in files if path.exists()]
        rows = _rows(there, form)
        with ThreadPoolExecutor(max_workers=1) as beside:
            looking = beside.submit(lambda: [path for path in there if not _is_whole(path, form)])
            refused = self._attempted(statement.format(rows=rows), told)
        try:
            damaged = looking.result()
        except RecordError:
            self.db.rollback()
            raise
        if not damaged and refused is None:
            self.db.commit()
            return rows
        self.db.rollback()
        if refused is not None and not (damaged or isinstance(refused, duckdb.InvalidInputException)):
            raise refused

        def of_copies(copied: Sequence[Path]) -> str:
            damage.lines = damage.cut_tail = 0
            rows = _rows([self._copy(path, form, damage) if path in copied else path for path in there], form)
            self.db.execute(statement.format(rows=rows), told)
            return rows

        try:
            return of_copies(damaged or there)
        except duckdb.InvalidInputException:  # a name twice in an object, or a line beyond DuckDB's bounds, in another
            return of_copies(there)

    def _attempted(self, statement: str, told: Mapping[str, Any] | None) -> "duckdb.Error | None":
        """Run a statement in a transaction that is left open; why it could not be run, or None."""
        import duckdb

        self.db.begin()
        try:
            self.db.execute(statement, told)
        except duckdb.Error as cause:
            return cause
        return None

    def row(self, statement: str, told: object = None) -> tuple[Any, ...]:
        """The one row that a statement answers with."""
        (found,) = self.db.execute(statement, told).fetchall()
        return tuple(found)

    def _copy(self, path: Path, form: Form, damage: Damage) -> Path:
        copied = self.folder / f"{len(list(self.folder.iterdir()))}.ndjson"
        with copied.open("wb") as file:
            for line in read_lines(path, form.struct, damage):
                written = msgspec.json.encode(line) + b"\n"
                damage.lines += len(written) > LINE_BYTES_MAX
                file.write(written if len(written) <= LINE_BYTES_MAX else b"")
        return copied


@contextmanager
def tables() -> Iterator[Tables]:
    """An empty database; closed, and its folder removed, on every path."""
    import duckdb

    with own_folder("gameday-judging-") as folder:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": THREADS, "memory_limit": MEMORY_MAX, "temp_directory": str(folder / "spilled"),
            "preserve_insertion_order": False, "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }  # fmt: skip
        try:
            with closing(duckdb.connect(":memory:", config=config)) as db:
                db.execute("SET enable_progress_bar = false")  # it would be printed among what the caller prints
                yield Tables(db, folder)
        except (duckdb.OutOfMemoryException, duckdb.IOException) as cause:
            raise NoRoomToJudge(
                f"room to judge in: {MEMORY_MAX} of memory and a temporary folder beside it", str(cause),
                "free the temporary folder's disk, or name another: TMPDIR; more than 10 million writes hardly fit",
            ) from cause  # fmt: skip


def _is_whole(path: Path, form: Form) -> bool:
    """Whether every line is one of the form, so that nothing has to be left out, and DuckDB reads it the same."""
    decoder = msgspec.json.Decoder(form.struct)
    try:
        return all(_reads_alike(decoder, piece) for piece in _pieces(path))
    except UNREADABLE:
        return False


def _reads_alike(decoder: "msgspec.json.Decoder[Any]", piece: bytes) -> bool:
    return piece.endswith(b"\n") and len(decoder.decode_lines(piece.decode())) == piece.count(b"\n")


def _rows(files: Sequence[Path], form: Form) -> str:
    names = ", ".join(_quoted(str(path)) for path in files if path.stat().st_size)
    if not names:
        return f"(SELECT {', '.join(f'NULL::{kind} AS {name}' for name, kind in form.columns.items())} LIMIT 0)"
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in form.columns.items())
    return f"read_ndjson([{names}], columns = {{{columns}}}, maximum_object_size = {LINE_BYTES_MAX})"


def _pieces(path: Path) -> Iterator[bytes]:
    """A file in pieces of whole lines; a cut last line ends the last piece."""
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece + (b"" if piece.endswith(b"\n") else file.readline())
    except OSError as cause:
        raise RecordError(f"a readable {path}", f"{cause.strerror}", "make it readable, then judge again") from cause


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
