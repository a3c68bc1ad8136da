"""The service as its clients see it while a drill runs: the prober's own lines, followed as they are written.

What is seen here only tells a drill when to go on. The figures are computed later, by the judgement, from the record.
"""

from collections import deque
from dataclasses import dataclass, field
from itertools import chain
from math import inf
from pathlib import Path
from threading import Lock
from typing import Protocol

import msgspec

from gameday.clock import NS
from gameday.facts import Probe

KEPT_PROBES = 4000
STARVED_S = 3.0
FRESH = "fresh"
_DECODER = msgspec.json.Decoder(Probe)


class Pace(Protocol):
    """How often a load's prober asks, and how long it waits for an answer."""

    @property
    def writes_per_s(self) -> float: ...
    @property
    def reads_per_s(self) -> float: ...
    @property
    def probe_timeout_s(self) -> float: ...


def silence_s(load: Pace) -> float:
    """For how long a prober that lives may write nothing: a probe's own timeout, three of its periods, and a moment
    for which the machine has no time for it."""
    return load.probe_timeout_s + 3 / min(load.writes_per_s, load.reads_per_s) + STARVED_S


@dataclass(frozen=True, slots=True)
class Sight:
    """How many of the probes looked at were good: a success within the latency bound."""

    good: int
    seen: int

    @property
    def share(self) -> float:
        """The good ones' share, from 0 to 1; 0 when nothing was seen, because nothing seen proves nothing."""
        return self.good / self.seen if self.seen else 0.0

    def __str__(self) -> str:
        return f"{self.good} of {self.seen} good"


@dataclass
class Tail:
    """New whole lines of one growing file; a line still being written is left for the next look."""

    path: Path
    offset: int = 0

    def lines(self) -> list[bytes]:
        with self.path.open("rb") as file:
            file.seek(self.offset)
            piece = file.read()
        whole = piece[: piece.rfind(b"\n") + 1]
        self.offset += len(whole)
        return whole.splitlines()


@dataclass
class Outside:
    """The newest probes of every kind. Any thread may look: a hypothesis is watched beside the method that waits.

    ``silence_s``: a prober that wrote nothing for longer shows nothing any more.
    """

    probes: Path
    latency_bound_s: float
    silence_s: float = inf
    _tails: dict[Path, Tail] = field(default_factory=dict)
    _newest: dict[tuple[str, str], deque[Probe]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def look(self) -> None:
        """Read what the prober wrote since the last look; a line that cannot be read is the judgement's to count."""
        with self._lock:
            for path in sorted(self.probes.glob("*.ndjson")):
                for line in self._tails.setdefault(path, Tail(path)).lines():
                    if probe := _probe(line):
                        kind = (probe.target, probe.client)
                        self._newest.setdefault(kind, deque(maxlen=KEPT_PROBES)).append(probe)

    def sight(self, target: str, *, newest: int = KEPT_PROBES, since_ns: int = 0, client: str = FRESH) -> Sight:
        """The ``newest`` probes of ``target`` (``write`` or ``read``) scheduled at ``since_ns`` or later."""
        with self._lock:
            after = [probe for probe in self._newest.get((target, client), ()) if probe.scheduled_mono_ns >= since_ns]
        looked_at = after[-newest:]
        return Sight(sum(map(self.is_good, looked_at)), len(looked_at))

    def silent_s(self, target: str, now_ns: int, client: str = FRESH) -> float:
        """How long ago the newest probe of ``target`` was done; infinite when there is none."""
        with self._lock:
            newest = self._newest.get((target, client))
            return (now_ns - newest[-1].done_mono_ns) / NS if newest else inf

    def regions(self, *, since_ns: int) -> dict[str, int]:
        """Which regions answered good probes scheduled since then, of fresh and kept clients, and how many each."""
        counted: dict[str, int] = {}
        with self._lock:
            for probe in chain.from_iterable(self._newest.values()):
                if probe.scheduled_mono_ns >= since_ns and probe.good and probe.region:
                    counted[probe.region] = counted.get(probe.region, 0) + 1
        return counted

    def is_good(self, probe: Probe) -> bool:
        """A success as the client saw it, and within the latency bound of its schedule."""
        return probe.good and probe.done_mono_ns - probe.scheduled_mono_ns <= self.latency_bound_s * NS


def _probe(line: bytes) -> Probe | None:
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
