"""The standby's promotion: from then on, whatever the old primary commits or acknowledges is a split brain.

Nobody stamps the promotion itself, and two things tell of it, both a little late: the observer sees the standby's
database in the role ``primary``, at its next look; and a client reads an acknowledgement of the standby's region, which
a replica cannot give. The earlier of the two is its stamp. So the stamp never lies before the promotion, and nobody is
accused too early. Acknowledgements count from the fault or the switch on; without either there is
the observer's sight only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gameday.facts import Event, Kind
from gameday.measure.moments import Start, first
from gameday.measure.settle import Attempt, SettledWrite


@dataclass(frozen=True, slots=True)
class Promotion:
    """When the standby was promoted at the latest, and whose acknowledgements are the old primary's from then on.

    ``evidence`` says in words which of the two told the stamp. ``seen``: the observer saw it too, then or later.
    """

    mono_ns: int
    utc: str
    old_region: str
    evidence: str = ""
    seen: bool = True
    until_ns: int | None = None  # a failback promotes the old region again: from here on its answers are wanted


def promotion(
    events: Sequence[Event], writes: Iterable[SettledWrite], start: Start | None, *, primary: str, secondary: str
) -> Promotion | None:
    """The earlier of the observer's sight and the standby's first acknowledgement; None when there is neither."""
    seen = first(events, Kind.DATABASE, where=lambda e: e.region == secondary and e.detail.get("role") == "primary")
    served = _first_served(writes, secondary, start.mono_ns) if start else None
    if served and (seen is None or served[0] < seen.mono_ns):
        stamp_ns, utc, writer = served
        then = "before the observer saw" if seen else "and the observer never saw"
        told = f"the first write acknowledged by {secondary} (to {writer}), {then} its database as primary"
        return Promotion(stamp_ns, utc, primary, told, seen=seen is not None)
    if seen is None:
        return None
    return Promotion(seen.mono_ns, seen.utc, primary, f"the observer saw {secondary}'s database as primary")


def _first_served(writes: Iterable[SettledWrite], region: str, since_ns: int) -> tuple[int, str, str] | None:
    """The first acknowledgement of a region: when a client read it (stamp and UTC), and which client."""
    acks = (each for write in writes for each in write.acks if each.region == region)
    stamped = ((each.settled_mono_ns, each.settled_utc, each.writer) for each in acks if each.settled_mono_ns)
    return min((each for each in stamped if each[0] >= since_ns), default=None)


def is_of_the_old_primary(ack: Attempt, primary: str, promoted: Promotion | None) -> bool:
    """Whether the primary region acknowledged it before a failback promoted a new database there."""
    until_ns = promoted.until_ns if promoted else None
    return ack.region == primary and (until_ns is None or ack.settled_mono_ns is None or ack.settled_mono_ns < until_ns)
