"""A call whose request was cancelled: its connection is hung up, and what it raises then is nobody's traceback."""

import asyncio
import contextlib
import gc
import socket
from dataclasses import dataclass, field
from typing import cast

import psycopg

from gameday.service.cloud import Cloud
from gameday.service.database import Call, Connection, Database
from gameday.service.settings import from_environment

ENVIRONMENT = {
    "GAMEDAY_REGION": "here", "GAMEDAY_ENDPOINT_SECRET": "endpoint", "GAMEDAY_BUCKET": "none", "DB_USERNAME": "nobody",
    "DB_PASSWORD": "none",
}  # fmt: skip


@dataclass
class Lent:
    """A connection to a server that never answers."""

    line: socket.socket
    closed: bool = False

    def fileno(self) -> int:
        return self.line.fileno()


@dataclass
class Silent(Database):
    """Lends such a connection."""

    line: socket.socket = field(default_factory=socket.socket)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def _lend(self) -> contextlib.AbstractAsyncContextManager[Connection]:
        return contextlib.nullcontext(cast(Connection, Lent(self.line)))

    async def work(self, _connection: Connection, call: Call) -> None:
        call.change()
        self.begun.set()
        await asyncio.get_running_loop().sock_recv(self.line, 1)
        raise psycopg.OperationalError("the connection is gone")


async def _cancelled_while_silent() -> tuple[list[str], int]:
    """What the event loop had to say of exceptions that nobody took, and how many tasks outlived the closing."""
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context["message"]))
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        database = Silent(from_environment(ENVIRONMENT), cast(Cloud, None), line=here)
        request = asyncio.create_task(database.call(database.work))
        await database.begun.wait()
        request.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await request
        await database.close()
        left = len(asyncio.all_tasks()) - 1
    del request
    gc.collect()
    return told, left


def test_a_call_under_way_when_the_service_stops_is_hung_up_and_ends_without_a_traceback() -> None:
    assert asyncio.run(_cancelled_while_silent()) == ([], 0)
