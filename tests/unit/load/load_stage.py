"""A service we own and can make misbehave, and a DNS server that says what it is told."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
import pytest
from aiohttp import web

from gameday.clock import eventually
from gameday.record.layout import Record
from gameday.record.ledger import checksum

ADDRESS = "127.204.2.1"
OTHER_ADDRESS = "127.204.2.2"
RUN = "2026-11-23T18-11-31.000000Z"


@dataclass
class FakeService:
    """Orders in memory.

    ``mood``: good, hang, hang_after (stores first), trickle (for ever), cut (in the answer), not_applied, broken,
    reset, forget.
    """

    address: str = ADDRESS
    port: int = 0
    mood: str = "good"
    orders: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    connections: set[object] = field(default_factory=set)
    extra: dict[str, Any] = field(default_factory=dict)  # put over every page of the listing
    page_size_max: int = 1000
    new_database_each_page: bool = False
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def start(self) -> "FakeService":
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}"

    def count(self, method: str) -> int:
        return sum(1 for asked, _ in self.asked if asked == method)

    def _serve(self) -> None:
        self._loop.run_until_complete(self._until_over())
        self._loop.close()

    async def _until_over(self) -> None:
        self._over = asyncio.Event()
        app = web.Application()
        app.router.add_post("/orders", self._place)
        app.router.add_get("/orders/{id}", self._find)
        app.router.add_get("/orders", self._list)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, self.address, self.port)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._over.wait()
        await runner.cleanup()

    async def _misbehave(self, request: web.Request) -> web.StreamResponse | None:
        self.asked.append((request.method, request.path))
        self.connections.add(request.transport.get_extra_info("peername") if request.transport else None)
        if self.mood == "hang":
            await asyncio.sleep(60)
        if self.mood == "trickle":
            await _trickle(request)
        if self.mood == "cut":
            return await _cut(request)
        if self.mood == "not_applied":
            return web.json_response({}, status=503, headers={"x-gameday-not-applied": "1"})
        if self.mood == "broken":
            return web.json_response({}, status=503)
        if self.mood == "reset" and request.transport:
            request.transport.abort()
        return None

    async def _place(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if bad := await self._misbehave(request):
            return bad
        if self.mood != "reset":
            self.orders[body["id"]] = checksum(body["payload"].encode())
        if self.mood == "hang_after":
            await asyncio.sleep(60)
        told = {"id": body["id"], "sum": self.orders.get(body["id"]), "region": "here", "xid": 7}
        return web.json_response(told | {"lsn_before": "0/1", "lsn_after": "0/2"}, headers=self._headers)

    async def _find(self, request: web.Request) -> web.StreamResponse:
        if bad := await self._misbehave(request):
            return bad
        id = request.match_info["id"]
        if id not in self.orders or self.mood == "forget":
            return web.json_response({}, status=404, headers=self._headers)
        return web.json_response({"id": id, "sum": self.orders[id], "region": "here", "xid": 7}, headers=self._headers)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if bad := await self._misbehave(request):
            return bad
        limit = min(int(request.query["limit"]), self.page_size_max)
        ids = sorted(id for id in self.orders if id > request.query["after"])
        rows = [{"id": id, "sum": self.orders[id], "xid": 7, "region": "here", "count": 1} for id in ids[:limit]]
        database = f"1/{len(self.asked)}" if self.new_database_each_page else "1/1"
        page = {"orders": rows, "complete": len(ids) <= limit, "writable": True, "database": database}
        return web.json_response(page | self.extra)

    @property
    def _headers(self) -> dict[str, str]:
        return {"x-gameday-region": "here"}


async def _trickle(request: web.Request) -> None:
    """An answer that never ends, and never lets a client's patience with a silent server run out."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(b" ")
        await asyncio.sleep(0.1)


async def _cut(request: web.Request) -> web.StreamResponse:
    """An answer that is told to be longer than it is."""
    answer = web.StreamResponse(headers={"content-length": "1000"})
    await answer.prepare(request)
    await answer.write(b"{")
    if request.transport:
        request.transport.close()
    return answer


@pytest.fixture
def service() -> Iterator[FakeService]:
    running = FakeService().start()
    yield running
    running.stop()


@dataclass
class FakeDns(asyncio.DatagramProtocol):
    """Answers every A question with ``address`` and ``ttl``; counts the questions; says nothing when it is silent."""

    address: str = ADDRESS
    ttl: int = 1
    silent: bool = False
    questions: int = 0

    def start(self) -> "FakeDns":
        self._loop, self._ready = asyncio.new_event_loop(), threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def resolver(self) -> str:
        return f"{ADDRESS}:{self.port}"

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.questions += 1
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        asked = question.question[0]
        if asked.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(asked.name, self.ttl, "IN", "A", self.address))
        if not self.silent:
            self._transport.sendto(answer.to_wire(), address)

    def _serve(self) -> None:
        opening = self._loop.create_datagram_endpoint(lambda: self, local_addr=(ADDRESS, 0))
        transport, _ = self._loop.run_until_complete(opening)
        self.port = transport.get_extra_info("sockname")[1]
        self._ready.set()
        self._loop.run_forever()
        transport.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


@pytest.fixture
def name_server() -> Iterator[FakeDns]:
    running = FakeDns().start()
    yield running
    running.stop()


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return new_record(tmp_path)


def new_record(tmp_path: Path) -> Record:
    folder = tmp_path / RUN
    for part in ("writes", "probes"):
        (folder / part).mkdir(parents=True)
    return Record(folder)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where a connection is never answered: its queue is full, so the kernel drops each further SYN."""
    with socket.create_server((ADDRESS, 0), backlog=0) as listener, ExitStack() as queue:
        port: int = listener.getsockname()[1]
        for _ in range(3):
            dummy = queue.enter_context(socket.socket())
            dummy.setblocking(False)
            dummy.connect_ex((ADDRESS, port))
        yield port


def until(look: Any, what: str, within_s: float = 10) -> None:
    eventually(lambda: bool(look()), True, what=what, within_s=within_s, every_s=0.02)
