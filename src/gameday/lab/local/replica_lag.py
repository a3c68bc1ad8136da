"""How far a replica is behind, in seconds: now − the last moment at which it was known to hold all its source had.

RDS for PostgreSQL takes ``now() - pg_last_xact_replay_timestamp()``, which grows on an idle source and is true only
while it writes; RDS hides that with a heartbeat of its own. Here positions in the WAL are compared instead, so an idle,
caught-up replica is 0 s behind, and one whose source cannot be heard is further behind with every second.
"""

from collections import deque
from dataclasses import dataclass, field

CONTACT_S = 3.0  # a replica reports each second (wal_receiver_status_interval), plus the link's latency
SAMPLES_MAX = 4000


@dataclass(frozen=True, slots=True)
class Sighting:
    """What source and replica said at one moment. Positions are bytes of WAL; ages are seconds.

    ``source_lsn`` is None when the source could not be asked; ``report_age_s`` is the age of the last report that the
    source got from the replica, None when it knows of no replica; ``replay_age_s`` is how long ago the transaction that
    was replayed last had been committed.
    """

    at_s: float
    source_lsn: int | None
    report_age_s: float | None
    replayed_lsn: int
    replay_age_s: float | None

    @property
    def in_contact(self) -> bool:
        return self.source_lsn is not None and self.report_age_s is not None and self.report_age_s < CONTACT_S


@dataclass
class LagMeter:
    """Remembers what the source had and when; ``complete_at_s`` is a moment at which the replica held all of it."""

    complete_at_s: float
    _ahead: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=SAMPLES_MAX), init=False)

    def lag_s(self, seen: Sighting) -> float:
        """The lag now; sightings come in order of time."""
        if seen.source_lsn is not None:
            self._ahead.append((seen.at_s, seen.source_lsn))
        while self._ahead and self._ahead[0][0] <= _heard_until_s(seen) and self._ahead[0][1] <= seen.replayed_lsn:
            self.complete_at_s = self._ahead.popleft()[0]
        behind_s = max(0.0, seen.at_s - self.complete_at_s)
        if seen.in_contact and seen.replay_age_s is not None:
            return min(behind_s, seen.replay_age_s)
        return behind_s


def _heard_until_s(seen: Sighting) -> float:
    """Until when source and replica heard of each other; without a sign, nothing newer counts."""
    if seen.in_contact:
        return seen.at_s
    return float("-inf") if seen.report_age_s is None else seen.at_s - seen.report_age_s
