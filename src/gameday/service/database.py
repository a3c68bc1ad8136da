"""A pool of connections to wherever the endpoint's secret points, and calls that never outlive their deadline."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from gameday.service import settings as bounds
from gameday.service.cloud import Cloud, Endpoint, EndpointUnknown
from gameday.service.settings import Settings

type Connection = psycopg.AsyncConnection[tuple[Any, ...]]

CREATE_TABLES = """
    SELECT pg_advisory_xact_lock(4207);
    CREATE TABLE IF NOT EXISTS orders (
        id text PRIMARY KEY, payload text NOT NULL, sum text NOT NULL, region text NOT NULL, xid bigint NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE TABLE IF NOT EXISTS dbcheck (region text PRIMARY KEY, writes bigint NOT NULL);
"""
MAY_MAKE_TABLES = """
    SELECT NOT (pg_is_in_recovery() OR current_setting('transaction_read_only')::bool)
           AND (to_regclass('orders') IS NULL OR to_regclass('dbcheck') IS NULL)
"""
HUNG_UP_S = 1.0  # until a call whose socket was shut down has ended
POOL_CLOSES_S = 0.2  # what the pool still does then is to connect, which nobody needs

log = logging.getLogger("gameday.service")


class Untouched(Exception):
    """The database was certainly not changed: nothing that could change it was sent."""


class Unanswered(Exception):
    """Something that may have changed the database was sent, and how it ended is not known."""


@dataclass(slots=True)
class Call:
    """How far one use of the database has come. ``changing`` is set before the first byte that could change it."""

    changing: bool = False
    is_over: bool = False
    connection: Connection | None = None

    def change(self) -> None:
        """From here on the database may change; raises :class:`Untouched` when the client was told otherwise."""
        if self.is_over:
            raise Untouched("the client was answered before anything was sent")
        self.changing = True

    def hang_up(self) -> None:
        """Shut the socket down under libpq, which then sees its end at once.

        Cancelling the task instead would make psycopg ask the server to cancel the query and wait for the answer:
        on a link that is cut, that answer never comes.
        """
        if self.connection is None or self.connection.closed:
            return
        with socket.socket(fileno=os.dup(self.connection.fileno())) as twin, contextlib.suppress(OSError):
            twin.shutdown(socket.SHUT_RDWR)


@dataclass
class Database:
    """Follows the endpoint's secret; lends connections for bounded calls."""

    settings: Settings
    cloud: Cloud
    stopping: bool = False
    _endpoint: Endpoint | None = None
    _pool: AsyncConnectionPool[Connection] | None = None
    _left_behind: set[asyncio.Task[Any]] = field(default_factory=set)
    _reread: asyncio.Event = field(default_factory=asyncio.Event)
    _looked: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self) -> None:
        """Re-read the secret on its interval and whenever a connection fails; run as a task until cancelled."""
        while True:
            self._reread.clear()
            await self._read_endpoint()
            await self._create_tables()
            self._looked.set()
            await asyncio.sleep(bounds.ENDPOINT_REREAD_MIN_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._reread.wait(), self.settings.endpoint_reread_s)

    async def has_looked(self, within_s: float) -> None:
        """Wait until the secret was read and the database tried once, whatever came of it; so long at most."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._looked.wait(), within_s)

    async def call[T](self, work: Callable[[Connection, Call], Awaitable[T]]) -> T:
        """Do ``work`` on a connection within the request's deadline.

        Raises :class:`Untouched` or :class:`Unanswered`, whichever is true, when the database could not be reached,
        broke off, or did not answer in time. Other errors of ``work`` pass through.
        """
        call = Call()
        task = asyncio.create_task(self._on_a_connection(work, call))
        try:
            done, _ = await asyncio.wait({task}, timeout=self.settings.request_deadline_s)
        except asyncio.CancelledError:
            self._leave_behind(task, call)  # the service stops: nobody is told how it ends
            raise
        if not done:
            self._leave_behind(task, call)
            raise _ended(call, f"no answer from the database within {self.settings.request_deadline_s:g} s")
        return task.result()

    async def close(self) -> None:
        """Close every connection, those that were hung up first: they must not be asked to cancel, see ``hang_up``."""
        if self._left_behind:
            await asyncio.wait(self._left_behind, timeout=HUNG_UP_S)
        if self._pool:
            await self._pool.close(timeout=POOL_CLOSES_S)

    async def _on_a_connection[T](self, work: Callable[[Connection, Call], Awaitable[T]], call: Call) -> T:
        try:
            async with self._lend() as connection:
                call.connection = connection
                try:
                    return await work(connection, call)
                finally:
                    call.connection = None
        except (PoolTimeout, PoolClosed, TooManyRequests) as cause:
            self._reread.set()
            raise Untouched(f"no connection to the database: {cause}") from cause
        except psycopg.errors.ReadOnlySqlTransaction as cause:
            raise Untouched("the database is read-only") from cause
        except psycopg.Error as cause:
            self._reread.set()
            raise _ended(call, str(cause)) from cause

    def _lend(self) -> contextlib.AbstractAsyncContextManager[Connection]:
        if self.stopping:
            raise Untouched("shutting down")
        if self._pool is None:
            raise Untouched("the database's endpoint is not known yet")
        return self._pool.connection()

    def _leave_behind(self, task: asyncio.Task[Any], call: Call) -> None:
        """End a call whose client has its answer, or gets none; what it still raises is nobody's."""
        call.is_over = True
        self._keep(task)
        if call.connection is None:
            task.cancel()
        else:
            call.hang_up()

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._left_behind.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._left_behind.discard(task)
        if not task.cancelled():
            task.exception()

    async def _read_endpoint(self) -> None:
        try:
            endpoint = await self.cloud.endpoint()
        except EndpointUnknown as cause:
            log.warning("%s; keeping %s", cause, self._endpoint)
            self._reread.set()
            return
        if endpoint != self._endpoint:
            await self._move_to(endpoint)

    async def _move_to(self, endpoint: Endpoint) -> None:
        before, self._pool, self._endpoint = self._pool, self._new_pool(endpoint), endpoint
        await self._pool.open(wait=False)
        log.warning("database endpoint is %s:%d/%s", endpoint.host, endpoint.port, endpoint.dbname)
        if before:
            await before.close(timeout=self.settings.request_deadline_s)

    def _new_pool(self, endpoint: Endpoint) -> AsyncConnectionPool[Connection]:
        return AsyncConnectionPool(
            kwargs=connection_parameters(self.settings, endpoint),
            min_size=bounds.POOL_MIN,
            max_size=bounds.POOL_MAX,
            max_waiting=bounds.POOL_WAITING_MAX,
            timeout=bounds.POOL_TIMEOUT_S,
            reconnect_timeout=bounds.RECONNECT_TIMEOUT_S,
            reconnect_failed=lambda _pool: self._reread.set(),
            open=False,
        )

    async def _create_tables(self) -> None:
        """Make the tables where that is possible; a standby gets them by replication."""
        try:
            await self.call(_create_tables)
        except (Untouched, Unanswered) as cause:
            log.warning("no tables made: %s", cause)
            self._reread.set()


def connection_parameters(settings: Settings, endpoint: Endpoint) -> dict[str, Any]:
    """What libpq is told; every number protects and is therefore not scaled."""
    return {
        "host": endpoint.host,
        "port": endpoint.port,
        "dbname": endpoint.dbname,
        "user": settings.username,
        "password": settings.password,
        "application_name": "gameday.service",
        "connect_timeout": bounds.CONNECT_TIMEOUT_S,
        "tcp_user_timeout": bounds.TCP_USER_TIMEOUT_MS,
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        "keepalives_count": 3,
        "gssencmode": "disable",
        "options": f"-c statement_timeout={settings.statement_timeout_ms}",
        "autocommit": True,
    }


async def _create_tables(connection: Connection, call: Call) -> None:
    cursor = await connection.execute(MAY_MAKE_TABLES)
    row = await cursor.fetchone()
    if row and row[0]:
        call.change()
        async with connection.transaction():
            await connection.execute(CREATE_TABLES)


def _ended(call: Call, why: str) -> Untouched | Unanswered:
    return Unanswered(why) if call.changing else Untouched(why)
