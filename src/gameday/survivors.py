"""What is left at the end: survivors, read back twice, the old primary's WAL, and who answers after healing.

The survivors are read while the old primary is still cut off, and again when every writer has stopped.

The first reading cannot have come from the old primary; the second is exact, because nothing is written any more. The
second is judged, and only if it holds every row of the first: otherwise somebody else answered.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from gameday.clients import Clients
from gameday.errors import GamedayError, ReadBackError
from gameday.facts import READ_BACK_COMPLETE, Kind, Plan, Survivor, WalCommit
from gameday.record.layout import Record
from gameday.record.lines import Damage, LineWriter, read_lines
from gameday.record.timeline import Timeline

READ_BACK_WITHIN_S = 60.0
TRIED_S = 5.0  # where no client is answered
BEFORE_HEALING = "survivors-before-healing.ndjson"
AFTER_HEALING_S = 3.0
TARGET_HEALTH_S = 20.0  # until a balancer trusts a task that came back: 2 looks, 10 s apart, at timer scale 1

type ReadBack = Callable[[LineWriter, float], int]  # writes the rows in order of their ids


def read_before_healing(read_back: ReadBack, record: Record, timeline: Timeline, *, are_served: bool) -> None:
    """Read every row while the old primary is cut off; a note says how many, or why not all of them.

    Where clients are not served at all, it is tried for some seconds only.
    """
    try:
        with closing(LineWriter(record.folder / BEFORE_HEALING, sync=False)) as writer:
            rows = read_back(writer, READ_BACK_WITHIN_S if are_served else TRIED_S)
    except GamedayError as cause:
        timeline.add(Kind.NOTE, "survivors not read back before healing", why=str(cause))
    else:
        timeline.add(Kind.NOTE, "survivors read back before healing", rows=rows)


def read_finally(read_back: ReadBack, record: Record, timeline: Timeline) -> None:
    """Write ``survivors.ndjson`` with its completion mark, or a note why there is none; that is judged UNKNOWN."""
    try:
        with closing(LineWriter(record.survivors, sync=False)) as writer:
            read_back(writer, READ_BACK_WITHIN_S)
        rows = sum(1 for _ in _rows(record.survivors))
        gone, first = _missing_rows(_rows(record.folder / BEFORE_HEALING), lambda: _rows(record.survivors))
        if gone:
            raise ReadBackError(
                "every row that was there before healing",
                f"{gone:,} gone or changed, {first} among them",
                "who answers now?",
            )
    except GamedayError as cause:
        timeline.add(Kind.NOTE, "survivors not read back", why=str(cause))
    else:
        timeline.add(Kind.NOTE, READ_BACK_COMPLETE, rows=rows)


def read_wal(read: Callable[[], tuple[WalCommit, ...] | None], record: Record, timeline: Timeline) -> None:
    """Write what the old primary committed after the fork; one that cannot be read is a note, and no witness."""
    try:
        commits = read()
    except GamedayError as cause:
        timeline.add(Kind.NOTE, "the old primary's WAL could not be read", why=str(cause))
        return
    if commits is not None:
        with closing(record.line_writer(record.wal, sync=False)) as writer:
            for commit in commits:
                writer.append(commit)


def look_after_healing(clients: Clients, plan: Plan, window_s: float, fenced: set[str]) -> None:
    """Whether a client went back to a ``fenced`` region; ends the observation only after that look.

    It lasts as long as an unlatched name needs to lead clients back: targets in service, checks good, caches expired.
    """
    timers, healed_ns = plan.timers, clients.clock.mono_ns()
    checked_s = timers.health_check_threshold * timers.health_check_interval_s
    back_s = TARGET_HEALTH_S * timers.scale + checked_s + 2 * timers.dns_ttl_s
    clients.hold(AFTER_HEALING_S + (back_s if fenced else 0.0))
    clients.outside.look()
    answered = clients.outside.regions(since_ns=healed_ns)
    back = sorted(fenced & set(answered))
    what = f"clients went back to {', '.join(back)}" if back else "no client went back"
    clients.timeline.add(Kind.NOTE, f"after healing: {what}", answered=answered, went_back=back)
    clients.timeline.add(Kind.OBSERVATION_END, "looked at until here, healing included", window_s=window_s)


def _rows(path: Path) -> Iterator[Survivor]:
    return read_lines(path, Survivor, Damage())


def _missing_rows(before: Iterator[Survivor], after: Callable[[], Iterator[Survivor]]) -> tuple[int, str]:
    """How many rows of ``before`` the last reading lacks or has otherwise, and the id of the first of those.

    Each reading is in order of ids, so that a row of each is all that is held, however many there are. Where several
    were made before healing, ids that go back begin another one, which is held against the last from its start.
    """
    gone, first, last = 0, "", ""
    rows: Iterator[Survivor] = iter(())
    row: Survivor | None = None
    for old in before:
        if not last or old.id <= last:
            rows = after()
            row = next(rows, None)
        last = old.id
        while row and row.id < old.id:
            row = next(rows, None)
        if not row or (row.id, row.sum) != (old.id, old.sum):
            gone, first = gone + 1, first or old.id
    return gone, first
