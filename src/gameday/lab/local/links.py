"""Links: every byte between two places of the lab crosses one, and one process carries them all.

This is the lab's side: plain records, and a client that speaks JSON lines to :mod:`gameday.lab.local.link_process`.
A link joins two TCP connections, so the kernels at its ends go on acknowledging what they received: a cut is seen by
whoever waits for an answer, as with a black-holed network, but TCP's own keep-alive probes do not see it.
"""

import contextlib
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from gameday.errors import LabError, PortsTaken

type Address = tuple[str, int]

ANSWER_WITHIN_S = 10.0
COMMAND = (sys.executable, "-m", "gameday.lab.local.link_process")


@dataclass(frozen=True, slots=True)
class Place:
    """A tier of a region: ``client`` (of no region, ""), ``balancer``, ``tasks`` or ``database``."""

    region: str
    tier: str


@dataclass(frozen=True, slots=True)
class HttpAnswers:
    """The final answers (none of 1xx) that went to clients of a link that was opened with ``http``, since then."""

    total: int = 0
    target_5xx: int = 0
    own_5xx: int = 0  # 502 and 503, made by the link
    untargeted: int = 0  # the 503 among them: there was no target to choose

    def __add__(self, other: "HttpAnswers") -> "HttpAnswers":
        return HttpAnswers(
            self.total + other.total,
            self.target_5xx + other.target_5xx,
            self.own_5xx + other.own_5xx,
            self.untargeted + other.untargeted,
        )

    def __sub__(self, other: "HttpAnswers") -> "HttpAnswers":
        return HttpAnswers(
            self.total - other.total,
            self.target_5xx - other.target_5xx,
            self.own_5xx - other.own_5xx,
            self.untargeted - other.untargeted,
        )


@dataclass(frozen=True, slots=True)
class LinkState:
    """A link as it is now. ``path`` is the way a connection takes, from who connects to who listens."""

    name: str
    listen: Address
    targets: tuple[Address, ...]
    path: tuple[Place, ...]
    is_cut: bool
    admits: bool
    connections: int
    bytes_passed: int
    answers: HttpAnswers = HttpAnswers()


class Open(msgspec.Struct, tag="open", frozen=True):
    """Listen, and carry what connects to the targets in turn."""

    name: str
    listen: Address
    targets: tuple[Address, ...]
    path: tuple[Place, ...]
    http: bool
    latency_s: float


class Retarget(msgspec.Struct, tag="retarget", frozen=True):
    """Other targets, for new connections."""

    name: str
    targets: tuple[Address, ...]


class Shape(msgspec.Struct, tag="shape", frozen=True):
    """Another latency or bandwidth; None leaves it. A bandwidth of 0 is no limit."""

    name: str
    latency_s: float | None
    bandwidth_bps: float | None


class Cut(msgspec.Struct, tag="cut", frozen=True):
    """Silence in both directions, or its end."""

    name: str
    is_cut: bool


class Admit(msgspec.Struct, tag="admit", frozen=True):
    """Whether new connections are let in."""

    name: str
    allowed: bool


class Sever(msgspec.Struct, tag="sever", frozen=True):
    """Reset every connection."""

    name: str


class Close(msgspec.Struct, tag="close", frozen=True):
    """Reset every connection and stop listening."""

    name: str


class Tell(msgspec.Struct, tag="tell", frozen=True):
    """Tell every link's state."""


type Request = Open | Retarget | Shape | Cut | Admit | Sever | Close | Tell


class Asked(msgspec.Struct, frozen=True):
    """A request on its way; its answer comes back with the same number."""

    number: int
    request: Request


class Answer(msgspec.Struct, frozen=True):
    """What became of a request; ``seen`` is empty when it was done."""

    number: int = 0
    links: tuple[LinkState, ...] = ()
    expected: str = ""
    seen: str = ""
    taken: bool = False


class LinkBoard:
    """The lab's client of its one link process; may be used from any thread. Each call returns after it took effect."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.answer_within_s = ANSWER_WITHIN_S
        self._lock = threading.Lock()
        self._asked = 0
        self._unread = b""

    @classmethod
    def launch(cls, start: "Callable[..., subprocess.Popen[bytes]]") -> "LinkBoard":
        """Start the link process through ``start(command, stdin=PIPE, stdout=PIPE)`` and wait until it answers.

        It ends when its standard input closes, that is at the latest with its owner.
        """
        board = cls(start(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        try:
            board.links()
        except BaseException:
            board.stop()
            raise
        return board

    def open(
        self,
        name: str,
        listen: Address,
        targets: Sequence[Address],
        path: tuple[Place, ...],
        *,
        http: bool = False,
        latency_s: float = 0.0,
    ) -> None:
        """Listen at ``listen`` and carry each connection to the next of ``targets``; raises :class:`PortsTaken`.

        ``latency_s`` is one way, in each direction. Without a target, or when the target refuses, a connection is
        reset; with ``http`` it is answered 503 or 502 instead, and the link counts answers (:class:`HttpAnswers`).
        """
        self._ask(Open(name, listen, tuple(targets), path, http, latency_s))

    def retarget(self, name: str, targets: Sequence[Address]) -> None:
        """Carry new connections to other targets, in turn; established ones stay where they are."""
        self._ask(Retarget(name, tuple(targets)))

    def shape(self, name: str, *, latency_s: float | None = None, bandwidth_bps: float | None = None) -> None:
        """Change the latency (one way) or the bandwidth (bits a second, each direction; 0 is no limit).

        All connections of the link share the bandwidth.
        """
        self._ask(Shape(name, latency_s, bandwidth_bps))

    def cut(self, name: str, is_cut: bool) -> None:
        """Silence both directions: nothing is read, delivered, answered or ended until the cut is taken back."""
        self._ask(Cut(name, is_cut))

    def admit(self, name: str, allowed: bool) -> None:
        """With False, new connections are dropped silently; established ones go on."""
        self._ask(Admit(name, allowed))

    def sever(self, name: str) -> None:
        """Reset every connection; bytes in flight are gone."""
        self._ask(Sever(name))

    def close(self, name: str) -> None:
        """Reset every connection and stop listening."""
        self._ask(Close(name))

    def links(self) -> tuple[LinkState, ...]:
        """Every link's state, in the order they were opened."""
        return self._ask(Tell()).links

    def stop(self) -> None:
        """End the link process and with it every link. Safe twice."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            self.process.wait(ANSWER_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _ask(self, request: Request) -> Answer:
        with self._lock:
            self._asked += 1
            self._send(msgspec.json.encode(Asked(self._asked, request)) + b"\n")
            answer = self._answer_to(self._asked)
        if answer.seen:
            kind, then = (PortsTaken, "free it, or choose other ports") if answer.taken else (LabError, "")
            raise kind(answer.expected, answer.seen, then)
        return answer

    def _send(self, line: bytes) -> None:
        stdin = self.process.stdin
        if stdin is None or stdin.closed:
            raise LabError("a running link process", "it was stopped", "start the lab again")
        try:
            stdin.write(line)
            stdin.flush()
        except BrokenPipeError as cause:
            raise self._gone() from cause

    def _answer_to(self, number: int) -> Answer:
        """An answer with an older number came after its time was over: whoever asked has been told so already."""
        deadline = time.monotonic() + self.answer_within_s
        while (answer := msgspec.json.decode(self._read_line(deadline), type=Answer)).number != number:
            pass
        return answer

    def _read_line(self, deadline: float) -> bytes:
        assert self.process.stdout is not None
        fd = self.process.stdout.fileno()
        while b"\n" not in self._unread:
            if not select.select([fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise LabError(
                    f"an answer of the link process within {self.answer_within_s:g} s", "none", "see its log"
                )
            piece = os.read(fd, 1 << 16)
            if not piece:
                raise self._gone()
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _gone(self) -> LabError:
        return LabError("a running link process", f"it ended with code {self.process.poll()}", "see its log")
