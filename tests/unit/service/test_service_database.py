"""A call whose request was cancelled: it ends by itself, and what it raises then is nobody's traceback."""

import asyncio
import contextlib
import gc
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


class Late(contextlib.AbstractAsyncContextManager[Connection]):
    """A connection that is waited for, and in the end there is none."""

    def __init__(self, begun: asyncio.Event, let_go: asyncio.Event) -> None:
        self.begun, self.let_go = begun, let_go

    async def __aenter__(self) -> Connection:
        self.begun.set()
        await self.let_go.wait()
        raise psycopg.OperationalError("the server is gone")

    async def __aexit__(self, *how: object) -> None: ...


@dataclass
class Failing(Database):
    """Lends nothing, and fails as soon as it is let go."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    def _lend(self) -> Late:
        return Late(self.begun, self.let_go)


async def _cancelled_and_failed() -> list[str]:
    """What the event loop had to say of exceptions that nobody took."""
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context["message"]))
    database = Failing(from_environment(ENVIRONMENT), cast(Cloud, None))
    request = asyncio.create_task(database.call(_work))
    await database.begun.wait()
    request.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await request
    database.let_go.set()
    while len(asyncio.all_tasks()) > 1:
        await asyncio.sleep(0)
    del request
    gc.collect()
    return told


async def _work(connection: Connection, call: Call) -> None:
    raise AssertionError("no connection was lent")


def test_what_a_cancelled_request_left_under_way_fails_without_a_traceback() -> None:
    assert asyncio.run(_cancelled_and_failed()) == []
