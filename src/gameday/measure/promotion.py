"""The standby's promotion: from then on, whatever the old primary commits or acknowledges is a split brain.

Nobody stamps the promotion itself, and two things tell of it, both a little late: the observer sees the standby's
database in the role ``primary``, at its next look; and a client reads an acknowledgement of the standby's region, which
a replica cannot give. The earlier of the two is its stamp. So the stamp never lies before the promotion, and nobody is
accused too early. Acknowledgements count from the fault or the switch on; without either there is
the observer's sight only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gameday.facts import Event, Kind
from gameday.measure.moments import first
from gameday.measure.settle import Served


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


def promotion(events: Sequence[Event], served: Served | None, *, primary: str, secondary: str) -> Promotion | None:
    """The earlier of the observer's sight and the standby's first acknowledgement; None when there is neither."""
    seen = first(events, Kind.DATABASE, where=lambda e: e.region == secondary and e.detail.get("role") == "primary")
    if served and (seen is None or served.mono_ns < seen.mono_ns):
        then = "before the observer saw" if seen else "and the observer never saw"
        told = f"the first write acknowledged by {secondary} (to {served.writer}), {then} its database as primary"
        return Promotion(served.mono_ns, served.utc, primary, told, seen=seen is not None)
    if seen is None:
        return None
    return Promotion(seen.mono_ns, seen.utc, primary, f"the observer saw {secondary}'s database as primary")
