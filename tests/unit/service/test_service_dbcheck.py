"""The database check: a write that was committed and is there, whoever else checks the same database meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from gameday.service.database import Call
from gameday.service.orders import CheckDatabase

pytestmark = pytest.mark.postgres
CHECK = CheckDatabase("ap-southeast-2")


@dataclass
class Interleaved:
    """A connection that lets something happen between the check's write and its read."""

    connection: Any
    meanwhile: Callable[[], Awaitable[object]]

    async def execute(self, query: str, given: Any = None) -> Any:
        answer = await self.connection.execute(query, given)
        if query.lstrip().startswith("INSERT"):
            await self.meanwhile()
        return answer


async def check_while(conninfo: str, meanwhile: Callable[[Any], Awaitable[object]]) -> bool:
    """One check, and between its write and its read ``meanwhile`` on a second connection."""
    open_one = psycopg.AsyncConnection.connect
    async with await open_one(conninfo, autocommit=True) as one, await open_one(conninfo, autocommit=True) as other:
        return await CHECK(Interleaved(one, lambda: meanwhile(other)), Call())  # type: ignore[arg-type]


@pytest.mark.usefixtures("service")
def test_two_checks_at_once_of_a_sound_database_are_both_good(postgres: Any) -> None:
    seen: list[bool] = []

    async def check_too(other: Any) -> None:
        seen.append(await CHECK(other, Call()))

    seen.append(asyncio.run(check_while(postgres.conninfo, check_too)))
    assert seen == [True, True]


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("spoil", ["DELETE FROM dbcheck", "UPDATE dbcheck SET writes = writes - 1"])
def test_a_write_that_is_not_there_when_it_is_read_is_not_good(postgres: Any, spoil: str) -> None:
    assert not asyncio.run(check_while(postgres.conninfo, lambda other: other.execute(spoil)))


def test_a_service_that_is_asked_many_times_at_once_answers_200_each_time(service: Any) -> None:
    with ThreadPoolExecutor(8) as asking:
        assert set(asking.map(lambda _: service.status_of("/dbcheck"), range(80))) == {200}
