"""What a link does with a connection: two sockets, and in each direction a queue whose pieces are each due at a time.

Sockets are watched directly (no asyncio transports): a frozen flow is then one that nobody watches, so neither bytes
nor an end nor a reset of one side can leak to the other.
"""

import asyncio
import contextlib
import socket
import struct
from collections import deque
from enum import Enum, auto

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gameday.lab.local.links import Address, HttpAnswers

CHUNK_BYTES = 16 * 1024
IN_FLIGHT_MAX_BYTES = 4 * 1024 * 1024  # a TCP window's usual limit
IN_FLIGHT_MIN_BYTES = 64 * 1024
ROUTER_BUFFER_S = 0.25  # what a narrow line may hold beyond its latency
EARLY_S = 0.0005
ANSWERED_LINGER_S = 1.0
NO_TARGET = 503  # the status of a balancer that has none
TCP_ESTABLISHED = 1  # linux/tcp_states.h; the first byte of TCP_INFO
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Mark(Enum):
    """What travels in a queue besides bytes."""

    DIAL = auto()
    END = auto()
    RESET = auto()


class Lane:
    """One direction of a line: the moment its narrowest piece is free again."""

    def __init__(self) -> None:
        self.free_at = 0.0


class Line:
    """What all connections of a link share: latency, bandwidth, targets, and whether it is frozen."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, targets: tuple[Address, ...], http: bool, latency_s: float
    ) -> None:
        self.loop, self.targets, self.http, self.latency_s = loop, targets, http, latency_s
        self.bandwidth_bps = 0.0
        self.is_frozen = False
        self.pairs: set[Pair] = set()
        self.bytes_passed = 0
        self.answers = HttpAnswers()
        self.lanes = (Lane(), Lane())
        self._turn = 0

    def next_target(self) -> Address | None:
        if not self.targets:
            return None
        self._turn += 1
        return self.targets[self._turn % len(self.targets)]

    def retarget(self, targets: tuple[Address, ...]) -> None:
        self.targets = targets

    def shape(self, latency_s: float | None, bandwidth_bps: float | None) -> None:
        self.latency_s = self.latency_s if latency_s is None else latency_s
        self.bandwidth_bps = self.bandwidth_bps if bandwidth_bps is None else bandwidth_bps

    def due(self, lane: Lane, size: int) -> float:
        """When ``size`` bytes that enter now have arrived."""
        now = self.loop.time()
        if self.bandwidth_bps:
            lane.free_at = max(lane.free_at, now) + size * 8 / self.bandwidth_bps
            return lane.free_at + self.latency_s
        return now + self.latency_s

    def in_flight_max(self) -> float:
        """How many bytes of one connection may be under way in one direction."""
        if not self.bandwidth_bps:
            return IN_FLIGHT_MAX_BYTES
        fits = self.bandwidth_bps / 8 * (self.latency_s + ROUTER_BUFFER_S)
        return min(IN_FLIGHT_MAX_BYTES, max(IN_FLIGHT_MIN_BYTES, fits))

    def freeze(self, is_frozen: bool) -> None:
        self.is_frozen = is_frozen
        for pair in list(self.pairs):
            pair.settle()

    def sever(self) -> None:
        for pair in list(self.pairs):
            pair.reset()

    def drop_gone_clients(self) -> None:
        """Reset every connection whose client is gone; what it had sent and was not delivered is dropped."""
        for pair in list(self.pairs):
            if pair.client_is_gone():
                pair.reset()


class AnswerCounter:
    """Reads along what one connection's target says, and counts each final answer when its head is complete.

    The first thing that is not HTTP, or no longer (an upgrade), ends the counting, never the connection. It does not
    see the questions: behind an answer to HEAD it looks for a body, and then it may miss the next answers.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._parser: HttpResponseParser | None = HttpResponseParser(self)

    def heard(self, piece: bytes) -> None:
        if self._parser:
            try:
                self._parser.feed_data(piece)
            except (HttpParserError, HttpParserUpgrade):
                self._parser = None

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        status = self._parser.get_status_code() if self._parser else 0
        if status >= 200:
            self._line.answers += HttpAnswers(total=1, target_5xx=int(status >= 500))


class Flow:
    """One direction of one connection: what was read from ``source``, until it is due at ``sink``."""

    def __init__(self, pair: "Pair", lane: Lane) -> None:
        self._pair, self._line, self._lane = pair, pair.line, lane
        self.source: socket.socket | None = None
        self.sink: socket.socket | None = None
        self.counter: AnswerCounter | None = None
        self._queue: deque[tuple[float, bytes | Mark]] = deque()
        self._queued_bytes = 0
        self._last_due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_reading = self._is_writing = False
        self._sink_is_full = False
        self.is_held = False  # while the target is being dialled
        self._heard_end = False
        self.is_over = False

    def push(self, piece: bytes | Mark) -> None:
        """Put a piece on the wire; pieces never overtake each other."""
        size = len(piece) if isinstance(piece, bytes) else 0
        self._last_due = max(self._last_due, self._line.due(self._lane, size))
        self._queue.append((self._last_due, piece))
        self._queued_bytes += size
        self.settle()

    def fail(self) -> None:
        """Let a reset travel to the sink, once, behind what is under way; nothing more is read."""
        if not self._heard_end:
            self._heard_end = True
            self.push(Mark.RESET)

    def settle(self) -> None:
        """Watch exactly what may move now; when frozen, that is nothing."""
        runs = not self._line.is_frozen and not self.is_over
        has_room = self._queued_bytes < self._line.in_flight_max()
        self._read_if(runs and not self._heard_end and has_room)
        self._write_if(runs and self._sink_is_full)
        self._wake_if(runs and not self._sink_is_full and not self.is_held and bool(self._queue))

    def stop(self) -> None:
        """Watch nothing any more."""
        self.is_over = True
        self.settle()

    def _read_if(self, wanted: bool) -> None:
        wanted = wanted and self.source is not None
        if wanted != self._is_reading and self.source:
            self._is_reading = wanted
            if wanted:
                self._line.loop.add_reader(self.source, self._readable)
            else:
                self._line.loop.remove_reader(self.source)

    def _write_if(self, wanted: bool) -> None:
        if wanted != self._is_writing and self.sink:
            self._is_writing = wanted
            if wanted:
                self._line.loop.add_writer(self.sink, self._writable)
            else:
                self._line.loop.remove_writer(self.sink)

    def _wake_if(self, wanted: bool) -> None:
        if self._timer and not wanted:
            self._timer.cancel()
            self._timer = None
        if wanted and not self._timer:
            self._timer = self._line.loop.call_at(self._queue[0][0], self._deliver)

    def _readable(self) -> None:
        if self.source is None:
            return
        try:
            piece = self.source.recv(CHUNK_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.fail()
            return
        self._heard_end = not piece
        if self.counter:
            self.counter.heard(piece)
        self.push(piece or Mark.END)

    def _writable(self) -> None:
        self._sink_is_full = False
        self._deliver()

    def _deliver(self) -> None:
        self._timer = None
        now = self._line.loop.time() + EARLY_S
        while self._queue and self._queue[0][0] <= now and not (self.is_held or self._sink_is_full or self.is_over):
            _, piece = self._queue.popleft()
            if isinstance(piece, Mark):
                self._pair.arrived(self, piece)
            else:
                self._send(piece)
        self.settle()

    def _send(self, piece: bytes) -> None:
        self._queued_bytes -= len(piece)
        if self.sink is None:
            self._pair.answer_here()
            return
        try:
            sent = self.sink.send(piece)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._pair.broken(self)
            return
        self._line.bytes_passed += sent
        if sent < len(piece):
            self._queue.appendleft((0.0, piece[sent:]))
            self._queued_bytes += len(piece) - sent
            self._sink_is_full = True


class Pair:
    """One connection: the client's socket, the target's, and a flow each way."""

    def __init__(self, line: Line, client: socket.socket) -> None:
        self.line = line
        self._client = client
        self._server: socket.socket | None = None
        self._answer: tuple[int, bytes] | None = None
        self.there, self.back = Flow(self, line.lanes[0]), Flow(self, line.lanes[1])
        self.back.counter = AnswerCounter(line) if line.http else None
        self.there.source = self.back.sink = client
        self.there.push(Mark.DIAL)  # the target hears of the connection one latency later, like of any byte

    def settle(self) -> None:
        self.there.settle()
        self.back.settle()

    def arrived(self, flow: Flow, mark: Mark) -> None:
        """A mark reached its end."""
        match mark:
            case Mark.DIAL:
                self._dial()
            case Mark.RESET:
                self.reset()
            case Mark.END:
                self._end(flow)

    def broken(self, flow: Flow) -> None:
        """The sink of ``flow`` refused bytes: it is gone, and its other side hears so one latency later."""
        flow.is_over = True
        other = self.back if flow is self.there else self.there
        if other.is_over:
            self.reset()
        other.fail()

    def client_is_gone(self) -> bool:
        """Whether the client's side was closed, or reset, though nobody has read as far as that yet."""
        state = self._client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        return state[0] != TCP_ESTABLISHED

    def answer_here(self) -> None:
        """Bytes for a target that there is none of: answer the first of them in its place, swallow the rest."""
        if self._answer:
            status, answer = self._answer
            self.back.push(answer)
            self.back.push(Mark.END)
            self.line.answers += HttpAnswers(total=1, own_5xx=1, untargeted=int(status == NO_TARGET))
            self._answer = None

    def reset(self) -> None:
        """End both sides with a reset; what was under way is gone."""
        for side in (self._client, self._server):
            if side:
                with contextlib.suppress(OSError):
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.close()

    def close(self) -> None:
        """Close both sides; what a kernel has already taken is still delivered."""
        self.there.stop()
        self.back.stop()
        self.line.pairs.discard(self)
        self._client.close()
        if self._server and not self.there.is_held:
            self._server.close()

    def _end(self, flow: Flow) -> None:
        if flow.sink:
            with contextlib.suppress(OSError):  # the other side may be gone already
                flow.sink.shutdown(socket.SHUT_WR)
        flow.stop()
        if self.there.is_over and self.back.is_over:
            self.close()
        elif flow is self.back and self._server is None:
            self.line.loop.call_later(ANSWERED_LINGER_S, self.close)

    def _dial(self) -> None:
        target = self.line.next_target()
        if target is None:
            self._refused(NO_TARGET, "Service Unavailable")
            return
        self._server = socket.socket()
        self._server.setblocking(False)
        self._server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.there.is_held = True
        self._dialling = self.line.loop.create_task(self._connect(self._server, target))

    async def _connect(self, server: socket.socket, target: Address) -> None:
        try:
            await self.line.loop.sock_connect(server, target)
            is_connected = True
        except OSError:
            is_connected = False
        self.there.is_held = False
        if is_connected and not self.there.is_over:
            self.there.sink = self.back.source = server
        else:
            server.close()
            self._server = None
        if not is_connected and not self.there.is_over:
            self._refused(502, "Bad Gateway")
        self.settle()

    def _refused(self, status: int, reason: str) -> None:
        if not self.line.http:
            self.back.fail()
            return
        body = f"{status} {reason}\n"
        answer = (
            f"HTTP/1.1 {status} {reason}\r\nServer: gameday-balancer\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
        )
        self._answer = (status, answer.encode())
