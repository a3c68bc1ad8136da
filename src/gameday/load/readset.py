"""Which orders the prober may ask for: only such that must be there, so that a 404 is the service's fault."""

from bisect import bisect_right
from dataclasses import dataclass, field

from gameday.clock import NS

FIRST = 100  # as many as a drill's baseline waits for: acknowledged before anything was broken


@dataclass(frozen=True, slots=True)
class Known:
    """An acknowledged order of the prober's own."""

    id: str
    sum: str


@dataclass
class ReadSet:
    """The first hundred orders, once they were acknowledged ``age_s`` ago; after a failed probe, before *that* began.

    What was acknowledged shortly before a fault may be lost without anybody's fault in reading, and behind a replica
    that lags even what was acknowledged long before it. So only the first ones are asked for, which are older than any
    fault after a baseline; and where a probe fails before there are so many, the set is frozen. A failure before there
    is anything to read freezes nothing.
    """

    age_s: float
    _known: list[Known] = field(default_factory=list)
    _acked_ns: list[int] = field(default_factory=list)
    _frozen_at_ns: int | None = None
    _turn: int = 0

    def acknowledged(self, order: Known, now_ns: int) -> None:
        """Remember an order; orders are told in the order of their acknowledgement."""
        if self._frozen_at_ns is None and len(self._known) < FIRST:
            self._known.append(order)
            self._acked_ns.append(now_ns)

    def failed(self, sent_ns: int) -> None:
        """A probe sent at that time failed: from now on nothing younger is asked for. The earliest such time counts."""
        is_earlier = self._frozen_at_ns is None or sent_ns < self._frozen_at_ns
        if is_earlier and self._count_at(sent_ns):
            self._frozen_at_ns = sent_ns

    def next(self, now_ns: int) -> Known | None:
        """The order to ask for now, in turn from the newest back; None while there is none."""
        count = self._count(now_ns)
        if not count:
            return None
        self._turn += 1
        return self._known[count - 1 - self._turn % count]

    def _count(self, now_ns: int) -> int:
        return self._count_at(now_ns if self._frozen_at_ns is None else self._frozen_at_ns)

    def _count_at(self, at_ns: int) -> int:
        return bisect_right(self._acked_ns, at_ns - int(self.age_s * NS))
