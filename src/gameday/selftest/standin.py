"""The stand-in: a service in memory behind two doors, one a region, and a name server that points at one of them.

It speaks as the reference service does (orders, and the listing that the read-back asks for), and does on command, to
the nanosecond that it stamps, what a drill must find. It serves from a thread of its own.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Self

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
from aiohttp import web

from gameday.clock import NS, SYSTEM
from gameday.errors import LabError
from gameday.record.ledger import checksum

STARTED_WITHIN_S = 10.0
NOT_APPLIED = {"x-gameday-not-applied": "1"}


@dataclass
class Row:
    """One row of the database, or ``count`` rows of one id."""

    id: str
    sum: str
    xid: int
    region: str
    count: int = 1


@dataclass
class Door:
    """A region's service: where it listens, whether it takes requests, and the rows of its database."""

    region: str
    address: str
    rows: dict[str, Row] = field(default_factory=dict)
    is_open: bool = True
    closed_until_ns: int = 0
    may_still_take: int = 0  # writes that it takes although it is closed
    taken: list[str] = field(default_factory=list)  # the ids of those

    def is_refusing(self) -> bool:
        """Whether it answers that it does nothing; ``closed_until_ns`` is on the machine's monotonic clock."""
        return not self.is_open or SYSTEM.mono_ns() < self.closed_until_ns

    def takes(self, id: str) -> bool:
        """Whether a write may come in now; one of those that it takes although it is closed is noted."""
        if not self.is_refusing():
            return True
        if self.may_still_take == 0:
            return False
        self.may_still_take -= 1
        self.taken.append(id)
        return True


@dataclass
class StandIn:
    """Two doors and the name that leads to one of them. Use it with ``with``; what it opened ends with it."""

    primary: Door
    secondary: Door
    ttl_s: int = 1
    xids: int = 0
    url: str = ""
    resolver: str = ""
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _ready: threading.Event = field(default_factory=threading.Event)
    _failure: BaseException | None = None

    def __enter__(self) -> Self:
        self.leads_to = self.primary
        self._thread = threading.Thread(target=self._serve, name="stand-in", daemon=True)
        self._thread.start()
        if not self._ready.wait(STARTED_WITHIN_S) or self._failure:
            seen = repr(self._failure) if self._failure else "it still starts"
            raise LabError(f"the stand-in to serve within {STARTED_WITHIN_S:g} s", seen, "look at this machine's load")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(STARTED_WITHIN_S)

    def close_for(self, seconds: float) -> int:
        """Refuse everything at the door that the name leads to, for so long; returns the stamp at which it ends."""
        door = self.leads_to
        door.closed_until_ns = SYSTEM.mono_ns() + int(seconds * NS)
        return door.closed_until_ns

    def promote(self) -> None:
        """The secondary takes over with every row of the primary, and the name leads to it; the primary is closed."""
        self.primary.is_open = False
        self.secondary.rows = {id: Row(**vars(row)) for id, row in list(self.primary.rows.items())}
        self.leads_to = self.secondary

    def _serve(self) -> None:
        try:
            self._loop.run_until_complete(self._until_over())
        except BaseException as cause:  # noqa: BLE001  handed to whoever waits for the start
            self._failure = cause
            self._ready.set()
        finally:
            self._loop.close()

    async def _until_over(self) -> None:
        async with AsyncExitStack() as stack:
            port = await _listen(stack, self._app(self.primary), self.primary.address, 0)
            await _listen(stack, self._app(self.secondary), self.secondary.address, port)
            names = Names(lambda: (self.leads_to.address, self.ttl_s))
            opened, _ = await self._loop.create_datagram_endpoint(lambda: names, local_addr=(self.primary.address, 0))
            stack.callback(opened.close)
            self.resolver = "{}:{}".format(*opened.get_extra_info("sockname")[:2])
            self.url = f"http://app.stand-in.example:{port}"
            self._ready.set()
            await self._over.wait()

    def _app(self, door: Door) -> web.Application:
        app = web.Application()
        app.router.add_post("/orders", self._behind(door, self._place))
        app.router.add_get("/orders/{id}", self._behind(door, self._find))
        app.router.add_get("/orders", self._behind(door, self._list))
        return app

    def _behind(self, door: Door, act: "Act") -> Callable[[web.Request], Coroutine[Any, Any, web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            return await act(door, request)

        return answer

    async def _place(self, door: Door, request: web.Request) -> web.Response:
        body = await request.json()
        if not door.takes(body["id"]):
            return web.json_response({}, status=503, headers=NOT_APPLIED)
        self.xids += 1
        row = Row(body["id"], checksum(body["payload"].encode()), self.xids, door.region)
        door.rows[row.id] = row
        told = {"id": row.id, "sum": row.sum, "region": door.region, "xid": row.xid, "lsn_before": "0/1"}
        return web.json_response(told | {"lsn_after": "0/2"}, headers=_of(door))

    async def _find(self, door: Door, request: web.Request) -> web.Response:
        if door.is_refusing():
            return web.json_response({}, status=503)
        row = door.rows.get(request.match_info["id"])
        return web.json_response(vars(row) if row else {}, status=200 if row else 404, headers=_of(door))

    async def _list(self, door: Door, request: web.Request) -> web.Response:
        if door.is_refusing():
            return web.json_response({}, status=503)
        limit, after = int(request.query["limit"]), request.query["after"]
        later = sorted(id for id in door.rows if id > after)
        rows = [vars(door.rows[id]) for id in later[:limit]]
        return web.json_response(
            {"orders": rows, "complete": len(later) <= limit, "writable": True, "database": door.region}
        )


type Act = Callable[[Door, web.Request], Coroutine[Any, Any, web.Response]]


def _of(door: Door) -> dict[str, str]:
    return {"x-gameday-region": door.region}


async def _listen(stack: AsyncExitStack, app: web.Application, address: str, port: int) -> int:
    """Serve on an address until ``stack`` ends; port 0 takes a free one, which is returned."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, address, port).start()
    return int(runner.addresses[0][1])


class Names(asyncio.DatagramProtocol):
    """A name server whose every name has the one address that it is told, with the TTL in seconds that goes with it."""

    def __init__(self, told: Callable[[], tuple[str, int]]) -> None:
        self._told = told

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        asked, (address_told, ttl_s) = question.question[0], self._told()
        if asked.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(asked.name, ttl_s, "IN", "A", address_told))
        self._transport.sendto(answer.to_wire(), address)
