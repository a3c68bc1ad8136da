"""The survivors are read back twice: while the old primary is still cut off, and again when every writer has stopped.

The first reading cannot have come from the old primary; the second is exact, because nothing is written any more. The
second is judged, and only if it holds every row of the first: otherwise somebody else answered.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from gameday.errors import GamedayError, ReadBackError
from gameday.facts import READ_BACK_COMPLETE, Kind, Survivor
from gameday.record.layout import Record
from gameday.record.lines import Damage, LineWriter, read_lines
from gameday.record.timeline import Timeline

READ_BACK_WITHIN_S = 60.0
BEFORE_HEALING = "survivors-before-healing.ndjson"

type ReadBack = Callable[[LineWriter, float], int]


def read_before_healing(read_back: ReadBack, record: Record, timeline: Timeline) -> None:
    """Read every row while the old primary is cut off; a note says how many, or why not all of them."""
    try:
        with closing(LineWriter(record.folder / BEFORE_HEALING, sync=False)) as writer:
            rows = read_back(writer, READ_BACK_WITHIN_S)
    except GamedayError as cause:
        timeline.add(Kind.NOTE, "survivors not read back before healing", why=str(cause))
    else:
        timeline.add(Kind.NOTE, "survivors read back before healing", rows=rows)


def read_finally(read_back: ReadBack, record: Record, timeline: Timeline) -> None:
    """Write ``survivors.ndjson`` with its completion mark, or a note why there is none; that is judged UNKNOWN."""
    try:
        with closing(LineWriter(record.survivors, sync=False)) as writer:
            read_back(writer, READ_BACK_WITHIN_S)
        rows = _sums(record.survivors)
        gone = {id for id, sum in _sums(record.folder / BEFORE_HEALING).items() if rows.get(id) != sum}
        if gone:
            raise ReadBackError(
                "every row that was there before healing",
                f"{len(gone)} gone, {min(gone)} among them",
                "who answers now?",
            )
    except GamedayError as cause:
        timeline.add(Kind.NOTE, "survivors not read back", why=str(cause))
    else:
        timeline.add(Kind.NOTE, READ_BACK_COMPLETE, rows=_count(record.survivors))


def _sums(path: Path) -> dict[str, str]:
    return {row.id: row.sum for row in read_lines(path, Survivor, Damage())}


def _count(path: Path) -> int:
    return sum(1 for _ in read_lines(path, Survivor, Damage()))
