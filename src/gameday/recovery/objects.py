"""Which objects a recovery must bring back: the moment it goes back to, and what was read then."""

from datetime import UTC, datetime, timedelta

from gameday.clock import utc_text
from gameday.errors import InputError
from gameday.lab.bring_back import Listed, Ways, each_at_once, markers_hiding, sum_of, ways
from gameday.lab.model import Lab
from gameday.lab.versions import Place, Version, Versions, as_of, before, current, data_of

BURST_GAP = timedelta(minutes=1)
LOOKED_BACK = timedelta(days=1)
VERSIONS, REPLICA, BEST = "versions", "replica", "best"
SOURCES = (VERSIONS, REPLICA, BEST)


def moment_of(text: str) -> datetime:
    """UTC text as a moment; raises :class:`InputError` when it is none or names no zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as cause:
        raise InputError("at as UTC, like 2026-11-24T18:41:00Z", repr(text), "correct it") from cause
    if found.tzinfo is None:
        raise InputError("at with its zone, like 2026-11-24T18:41:00Z", repr(text), "end it with Z")
    return found.astimezone(UTC)


def burst_began(found: Versions, now: datetime) -> datetime | None:
    """When the newest burst of changes began: deletions and overwrites of the last day, each less than a minute after
    the one before. A guess, and only where nobody knows better: ordinary overwrites lengthen it."""
    changes = sorted(
        (listed[0].at for listed in found.values() if listed[0].is_marker or len(listed) > 1), reverse=True
    )
    recent = [at for at in changes if now - at <= LOOKED_BACK]
    if not recent:
        return None
    begun = recent[0]
    for at in recent:
        if begun - at > BURST_GAP:
            break
        begun = at
    return begun


def wanted_at(seen: Listed, moment: datetime, source: str) -> dict[str, Version]:
    """What was read of the bucket when that second began, from its own versions, the replica bucket, or both.

    The bucket's own versions and markers count where a key has any from before; else the replica bucket's. That one has
    no delete markers: an object that was deleted on purpose, and of which the bucket knows nothing any more, comes back
    as well.
    """
    wanted = {} if source == REPLICA else as_of(seen.here, moment)
    if source != VERSIONS:
        known = set() if source == REPLICA else set(before(seen.here, moment))
        wanted |= {key: one for key, one in as_of(seen.there, moment).items() if key not in known}
    return wanted


def left_to_do(lab: Lab, region: str, moment: datetime, prefix: str, source: str) -> Ways:
    """What is not back yet, looked at anew."""
    seen = _listed(lab, region, prefix, source)
    return ways(lab, seen, wanted_at(seen, moment, source), own=source != REPLICA)


def markers_left(lab: Lab, region: str, moment: datetime, prefix: str, source: str) -> tuple[Version, ...]:
    """The delete markers that still hide what is wanted; nothing is read for it but the lists of versions."""
    seen = _listed(lab, region, prefix, source)
    return markers_hiding(seen.here, wanted_at(seen, moment, source))


def altered(lab: Lab, region: str, moment: datetime, prefix: str, source: str) -> list[str]:
    """The keys whose object, read to its last byte, is not the one that was wanted.

    A copy is held against the version that it was made of, which is read too. Where the wanted version itself is the
    current one, being read is all that it must prove: S3 answers with its checksum, and boto3 compares.
    """
    seen, place, other = _listed(lab, region, prefix, source), data_of(lab, region), data_of(lab, lab.other(region))
    now = current(seen.here)

    def differs(one: Version) -> bool:
        if one.key in now and now[one.key].id == one.id:
            return sum_of(lab, place, one.key) is None
        known = _where(lab, one, place, other)
        return known is None or sum_of(lab, place, one.key) != known

    wanted = list(wanted_at(seen, moment, source).values())
    return [one.key for one, bad in zip(wanted, each_at_once(differs, wanted), strict=True) if bad]


def _listed(lab: Lab, region: str, prefix: str, source: str) -> Listed:
    replica = None if source == VERSIONS else data_of(lab, lab.other(region))
    return Listed.of(lab, data_of(lab, region), replica, prefix)


def _where(lab: Lab, one: Version, place: Place, other: Place) -> str | None:
    """The checksum of the version that is wanted, from whichever bucket has it."""
    return sum_of(lab, place, one.key, one.id) or sum_of(lab, other, one.key, one.id)


def told(moment: datetime) -> str:
    """A moment as S3's stamps have it: whole seconds."""
    return utc_text(moment.replace(microsecond=0)).replace(".000000", "")
