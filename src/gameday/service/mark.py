"""``python -m gameday.service.mark write|await``: proves that a replica has everything that its primary committed.

``write`` commits one row, named by ``GAMEDAY_MARK``, into the primary, when nothing else writes any more. ``await``
ends well as soon as the replica shows that row. A replica replays its primary's WAL in order, so one that has the mark
has every commit before it: the lag is 0, of which RDS's own ReplicaLag says nothing while a primary is idle.

Environment: the service's own, ``GAMEDAY_MARK``, and ``GAMEDAY_MARK_WITHIN_S`` for how long it may take (4 minutes ×
``GAMEDAY_TIMER_SCALE``, 10 s at least). Exit code 0 when it is so, 1 when it did not come about, 2 when it was called
wrongly. Writing the same mark twice is once; awaiting it where nothing is replayed (a primary) is refused.
"""

import asyncio
import os
import sys
import time

import psycopg

from gameday.service.cloud import Cloud, EndpointUnknown
from gameday.service.database import connection_parameters
from gameday.service.settings import Settings, SettingsError, from_environment

WITHIN_S, WITHIN_MIN_S, RETRY_PAUSE_S = 240.0, 10.0, 0.25
CREATE = "CREATE TABLE IF NOT EXISTS marks (mark text PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp())"
WRITE = "INSERT INTO marks (mark) VALUES (%s) ON CONFLICT (mark) DO NOTHING"
IS_REPLICA, IS_MADE = "SELECT pg_is_in_recovery()", "SELECT to_regclass('marks') IS NOT NULL"
IS_THERE = "SELECT EXISTS (SELECT FROM marks WHERE mark = %s)"


class NotYet(Exception):
    """What must be so is not so yet; says what was seen."""


async def write(settings: Settings, mark: str) -> None:
    """Commit the mark; raises :class:`NotYet` when the database did not take it."""
    async with await _connect(settings) as connection:
        await connection.execute(CREATE)
        await connection.execute(WRITE, (mark,))


async def see(settings: Settings, mark: str) -> None:
    """Look for the mark in the replica; raises :class:`NotYet` while it is not there, or when this is no replica."""
    async with await _connect(settings) as connection:
        if not await _one(connection, IS_REPLICA):
            raise NotYet("this database replays nothing: it is no replica")
        if not await _one(connection, IS_MADE) or not await _one(connection, IS_THERE, mark):
            raise NotYet("the replica does not have the mark")


DOES = {"write": write, "await": see}


async def _connect(settings: Settings) -> psycopg.AsyncConnection[tuple[object, ...]]:
    endpoint = await Cloud(settings).endpoint()
    return await psycopg.AsyncConnection.connect(**connection_parameters(settings, endpoint))


async def _one(connection: psycopg.AsyncConnection[tuple[object, ...]], sql: str, *values: str) -> bool:
    row = await (await connection.execute(sql, values)).fetchone()
    return bool(row and row[0])


async def until_done(what: str, settings: Settings, mark: str, within_s: float) -> str:
    """Try until it is so, or the time is up; empty when it is so, else what was seen last."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            await DOES[what](settings, mark)
        except (NotYet, EndpointUnknown, psycopg.Error) as cause:
            if time.monotonic() + RETRY_PAUSE_S > deadline:
                return str(cause)
            await asyncio.sleep(RETRY_PAUSE_S)
        else:
            return ""


def main(arguments: list[str]) -> int:
    """Do what the command line says; one line of log."""
    mark, what = os.environ.get("GAMEDAY_MARK", ""), arguments[0] if len(arguments) == 1 else ""
    if what not in DOES or not mark:
        sys.stderr.write(f"expected one of {', '.join(DOES)}, and GAMEDAY_MARK; saw {arguments} and {mark!r}\n")
        return 2
    try:
        settings = from_environment()
        asked = float(os.environ.get("GAMEDAY_MARK_WITHIN_S", max(WITHIN_MIN_S, WITHIN_S * settings.timer_scale)))
    except (SettingsError, ValueError) as cause:
        sys.stderr.write(f"gameday.service.mark: {cause}\n")
        return 2
    why = asyncio.run(until_done(what, settings, mark, asked))
    told = f"not within {asked:g} s: {why}" if why else "done"
    print(f"{what} {mark}: {told}", flush=True)  # noqa: T201  its log
    return 1 if why else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
