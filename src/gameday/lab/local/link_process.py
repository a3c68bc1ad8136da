"""The one process that carries all links of a lab: ``python -m gameday.lab.local.link_process``, told over its pipes.

It reads one request a line from standard input, answers one line each, with the request's number, after it took effect,
and ends when standard input closes, so it cannot outlive its owner.
"""

import asyncio
import contextlib
import errno
import os
import resource
import socket
import sys

import msgspec
from msgspec.structs import replace

from gameday.errors import GamedayError, LabError, PortsTaken
from gameday.lab.local import links
from gameday.lab.local.link_pair import Line, Pair
from gameday.lab.local.links import Address, Answer, Asked, LinkState, Request

BACKLOG = 1024
SOCKET_BUFFER_BYTES = 128 * 1024  # small: what waits in a kernel is on nobody's wire, so let little of it wait


class Link:
    """One listener and its connections."""

    def __init__(self, wanted: links.Open, loop: asyncio.AbstractEventLoop) -> None:
        self._wanted, self._loop = wanted, loop
        self.line = Line(loop, tuple(wanted.targets), wanted.http, wanted.latency_s)
        self._is_cut, self._admits = False, True
        self._plug: socket.socket | None = None
        self._listener = _listen(wanted.listen)
        loop.add_reader(self._listener, self._accept)

    def state(self) -> LinkState:
        wanted, line = self._wanted, self.line
        return LinkState(
            wanted.name, wanted.listen, line.targets, wanted.path,
            self._is_cut, self._admits, len(line.pairs), line.bytes_passed, line.answers,
        )  # fmt: skip

    def cut(self, is_cut: bool) -> None:
        """A task whose process ended during the cut is a host that is gone, and what it had sent into the silence with
        it: Fargate takes a stopped task's network interface away, so nobody repeats its packets."""
        if self._is_cut and not is_cut and self._wanted.path[0].tier == "tasks":
            self.line.drop_gone_clients()
        self._is_cut = is_cut
        self.line.freeze(is_cut)
        self._settle_door()

    def admit(self, allowed: bool) -> None:
        self._admits = allowed
        self._settle_door()

    def close(self) -> None:
        self._loop.remove_reader(self._listener)
        self._listener.close()
        if self._plug:
            self._plug.close()
        self.line.sever()

    def _settle_door(self) -> None:
        is_open = self._admits and not self._is_cut
        if is_open and self._plug:
            self._unplug(self._plug)
        elif not is_open and not self._plug:
            self._plug = self._plugged()

    def _plugged(self) -> socket.socket:
        """Leave new connections unanswered, without root: a queue of length 0 holds one connection, and this is it.

        Linux drops a SYN that finds the accept queue full. Callers repeat it, so they come through later.
        """
        self._loop.remove_reader(self._listener)
        self._listener.listen(0)
        plug = socket.socket()
        plug.setblocking(False)
        plug.connect_ex(self._wanted.listen)
        return plug

    def _unplug(self, plug: socket.socket) -> None:
        own = plug.getsockname()
        plug.close()
        self._plug = None
        self._listener.listen(BACKLOG)
        self._accept(except_from=own)
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self, except_from: Address | None = None) -> None:
        while True:
            try:
                client, peer = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue
            if peer == except_from:
                client.close()
                continue
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.line.pairs.add(Pair(self.line, client))


def _listen(address: Address) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for side in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            listener.setsockopt(socket.SOL_SOCKET, side, SOCKET_BUFFER_BYTES)
        listener.setblocking(False)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as cause:
        listener.close()
        kind = PortsTaken if cause.errno == errno.EADDRINUSE else LabError
        raise kind(f"to listen at {address[0]}:{address[1]}", cause.strerror or str(cause)) from cause
    return listener


class Switchboard:
    """Carries requests out on the links it holds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._links: dict[str, Link] = {}

    def answer(self, line: bytes) -> Answer:
        asked = msgspec.json.decode(line, type=Asked)
        try:
            return replace(self._do(asked.request), number=asked.number)
        except GamedayError as refused:
            taken = isinstance(refused, PortsTaken)
            return Answer(asked.number, expected=refused.expected, seen=refused.seen, taken=taken)

    def _do(self, request: Request) -> Answer:
        match request:
            case links.Tell():
                return Answer(links=tuple(link.state() for link in self._links.values()))
            case links.Open():
                self._open(request)
            case links.Close(name=name):
                self._named(name).close()
                del self._links[name]
            case links.Cut(name=name, is_cut=is_cut):
                self._named(name).cut(is_cut)
            case links.Admit(name=name, allowed=allowed):
                self._named(name).admit(allowed)
            case links.Sever(name=name):
                self._named(name).line.sever()
            case links.Retarget(name=name, targets=targets):
                self._named(name).line.retarget(targets)
            case links.Shape(name=name, latency_s=latency_s, bandwidth_bps=bandwidth_bps):
                self._named(name).line.shape(latency_s, bandwidth_bps)
        return Answer()

    def _open(self, wanted: links.Open) -> None:
        if wanted.name in self._links:
            raise LabError(f"no link called {wanted.name} yet", "one is open")
        self._links[wanted.name] = Link(wanted, self._loop)

    def _named(self, name: str) -> Link:
        if name not in self._links:
            raise LabError(f"a link called {name}", f"only {', '.join(self._links) or 'none'}")
        return self._links[name]


async def serve() -> None:
    """Answer requests until standard input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    board = Switchboard(loop)
    while line := await reader.readline():
        _say(msgspec.json.encode(board.answer(line)) + b"\n")


def _say(line: bytes) -> None:
    while line:
        line = line[os.write(sys.stdout.fileno(), line) :]


def main() -> None:
    """Run until the owner is gone."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        asyncio.run(serve())


if __name__ == "__main__":
    main()
