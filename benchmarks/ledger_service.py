"""The least that answers as the reference service does: it must never be what Locust waits for."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import ClassVar

import msgspec

from gameday.record.ledger import checksum

ADDRESS = "127.204.4.1"
HEAD = (
    b"HTTP/1.1 %d %s\r\nserver: bench\r\ncontent-type: application/json\r\nx-gameday-region: east\r\ncontent-length: "
)
FOUND, GONE = HEAD % (200, b"OK"), HEAD % (404, b"Not Found")


class _Order(msgspec.Struct):
    id: str
    payload: str


class _Answers(asyncio.Protocol):
    """One connection: requests with a content-length or without a body, one after the other."""

    orders: ClassVar[dict[str, bytes]] = {}  # of the process: what a read of each id is told
    decode = msgspec.json.Decoder(_Order).decode

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._seen = transport, b""

    def data_received(self, data: bytes) -> None:
        self._seen += data
        while (end := self._seen.find(b"\r\n\r\n") + 4) > 3:
            head = self._seen[:end]
            whole = end + _length(head)
            if len(self._seen) < whole:
                return
            body, self._seen = self._seen[end:whole], self._seen[whole:]
            self._transport.write(self._placed(body) if head.startswith(b"POST") else self._found(head))

    def _placed(self, body: bytes) -> bytes:
        order, number = self.decode(body), len(self.orders) + 1
        told = {"id": order.id, "sum": checksum(order.payload.encode()), "region": "east", "xid": number}
        content = msgspec.json.encode(told | {"lsn_before": f"0/{number:X}", "lsn_after": f"0/{number + 1:X}"})
        self.orders[order.id] = answer = FOUND + b"%d\r\n\r\n" % len(content) + content
        return answer

    def _found(self, head: bytes) -> bytes:
        id = head.split(b" ", 2)[1].removeprefix(b"/orders/").decode()
        return self.orders.get(id, GONE + b"2\r\n\r\n{}")


def _length(head: bytes) -> int:
    _, _, told = head.lower().partition(b"content-length:")
    return int(told.partition(b"\r\n")[0] or 0)


@contextmanager
def cheap_service() -> Iterator[str]:
    """It, in a process of its own; its URL."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://{ADDRESS}:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(told: Connection) -> None:
    asyncio.run(_until_ended(told))


async def _until_ended(told: Connection) -> None:
    server = await asyncio.get_running_loop().create_server(_Answers, ADDRESS, 0)
    told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
