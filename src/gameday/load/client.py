"""The prober's HTTP client: one request, how it ended, and whether a byte of it can have left this machine."""

import asyncio
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import ResolveResult

from gameday.load.resolve_aio import AioTtlResolver
from gameday.load.settle import NOT_APPLIED, SERVED_BY, Answer

KEPT_FOR_S = 3600.0  # the service and the balancer close sooner, if anybody does


@dataclass(slots=True)
class Sight:
    """What was seen of one request so far. ``byte_sent`` is set when a connection stands: from then on, who knows."""

    byte_sent: bool = False
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A request without a whole answer."""

    why: str


_watched: ContextVar[Sight] = ContextVar("_watched")


class _WatchedResolver(AioTtlResolver):
    """Notes which address a request is about to go to."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        _watched.get().address = found[0]["host"]
        return found


class Client:
    """``kept`` False: a fresh connection for each request. True: one connection, kept until it breaks."""

    def __init__(self, url: str, resolver: str, timeout_s: float, *, kept: bool) -> None:
        self._last_address: str | None = None
        connector = aiohttp.TCPConnector(
            resolver=_WatchedResolver(resolver),
            use_dns_cache=False,
            family=socket.AF_INET,
            force_close=not kept,
            limit=1 if kept else 0,
            keepalive_timeout=KEPT_FOR_S if kept else aiohttp.helpers.sentinel,
        )
        self._session = aiohttp.ClientSession(
            url,
            connector=connector,
            connector_owner=True,
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            trace_configs=[self._traces()],
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def post(self, path: str, body: dict[str, str], sight: Sight) -> Answer | Failure:
        """Send a JSON body."""
        content = msgspec.json.encode(body)
        return await self._ask("POST", path, sight, data=content, headers={"content-type": "application/json"})

    async def get(self, path: str, sight: Sight) -> Answer | Failure:
        """Ask for a path."""
        return await self._ask("GET", path, sight)

    async def close(self) -> None:
        await self._session.close()

    async def _ask(self, method: str, path: str, sight: Sight, **given: Any) -> Answer | Failure:
        _watched.set(sight)
        try:
            async with self._session.request(
                method, path, allow_redirects=False, trace_request_ctx=sight, **given
            ) as answer:
                body = await answer.read()
        except TimeoutError:
            return Failure("timeout" if sight.byte_sent else "timeout while connecting")
        except (aiohttp.ClientError, OSError) as cause:
            return Failure(f"{type(cause).__name__}: {cause}"[:200])
        return Answer(answer.status, body, answer.headers.get(NOT_APPLIED) == "1", answer.headers.get(SERVED_BY))

    def _traces(self) -> aiohttp.TraceConfig:
        async def connected(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
            sight: Sight = context.trace_request_ctx
            sight.byte_sent = True
            self._last_address = sight.address

        async def reused(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
            sight: Sight = context.trace_request_ctx
            sight.byte_sent, sight.address = True, self._last_address

        traces = aiohttp.TraceConfig()
        traces.on_connection_create_end.append(connected)
        traces.on_connection_reuseconn.append(reused)
        return traces


async def settle_pending(pending: set[asyncio.Task[None]], within_s: float) -> None:
    """Wait for what is in flight; each request has its own timeout, so this ends by itself, and is bounded anyhow."""
    if pending:
        await asyncio.wait(pending, timeout=within_s)
