"""The service as its clients see it while a drill runs: the prober's own lines, followed as they are written.

What is seen here only tells a drill when to go on. The figures are computed later, by the judgement, from the record.
"""

from collections import deque
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from threading import Lock

import msgspec

from gameday.clock import NS
from gameday.facts import Probe

KEPT_PROBES = 4000
FRESH = "fresh"
_DECODER = msgspec.json.Decoder(Probe)


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
    """The newest probes of every kind. Any thread may look: a hypothesis is watched beside the method that waits."""

    probes: Path
    latency_bound_s: float
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
