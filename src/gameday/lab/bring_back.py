"""Having versions of objects again: which calls that takes, and whether what is read now is what was wanted.

Nothing is ever deleted but delete markers: what covers a version stays beneath its copy, as evidence. A copy is a new
version, so it is replicated too, and the other bucket's current object is good again as well.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from gameday.clock import who_is_heeded
from gameday.lab.model import Lab
from gameday.lab.versions import Place, State, Version, Versions, markers_above, state_of, versions

AT_ONCE = 16
DELETED_AT_ONCE = 1000  # DeleteObjects takes no more
COPY_MAX_BYTES = 5 << 30  # CopyObject takes no more
NOT_THERE = ("NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405")

_sums: dict[tuple[str, str, str], str] = {}  # bucket, key and version id -> SHA-256


@dataclass(frozen=True, slots=True)
class Listed:
    """A bucket's versions, and those of the other bucket that may have what it lacks (None: it is not asked).

    A list is what a look costs, on a large bucket: both are made once, and all that one look wants to know is read of
    them.
    """

    place: Place
    replica: Place | None
    here: Versions
    there: Versions

    @classmethod
    def of(cls, lab: Lab, place: Place, replica: Place | None, prefix: str = "") -> "Listed":
        """Both, as they are now; only keys that begin with ``prefix``."""
        there = versions(lab, replica, prefix) if replica else {}
        return cls(place, replica, versions(lab, place, prefix), there)


@dataclass(frozen=True, slots=True)
class Ways:
    """What brings each wanted version back: markers to remove, versions to copy from here, or from the other bucket."""

    markers: tuple[Version, ...]
    from_versions: tuple[Version, ...]
    from_replica: tuple[Version, ...]
    unrecoverable: tuple[str, ...]  # keys whose version is nowhere

    @property
    def is_nothing(self) -> bool:
        return not (self.markers or self.from_versions or self.from_replica or self.unrecoverable)


def ways(lab: Lab, seen: Listed, wanted: Mapping[str, Version], *, own: bool = True) -> Ways:
    """What is left to do; ``own`` False takes nothing from the bucket's own versions.

    A version that is covered by one of the same bytes, as after a copy, needs nothing.
    """
    states = {key: state_of(seen.here.get(key, ()), one.id) for key, one in wanted.items()}
    open_ = [one for key, one in wanted.items() if states[key] in (State.COVERED, State.GONE)]
    good = _already_good(lab, seen, open_)
    left = [one for one in open_ if one.key not in good]
    copied = [one for one in left if own and states[one.key] is State.COVERED]
    other = [one for one in left if one not in copied]
    reachable = [one for one in other if _has(seen.there, one)]
    return Ways(
        markers=markers_hiding(seen.here, wanted),
        from_versions=tuple(copied),
        from_replica=tuple(reachable),
        unrecoverable=tuple(one.key for one in other if one not in reachable),
    )


def markers_hiding(here: Versions, wanted: Mapping[str, Version]) -> tuple[Version, ...]:
    """The delete markers to remove: those of keys above whose wanted version lies nothing else."""
    hidden = [one for key, one in wanted.items() if state_of(here.get(key, ()), one.id) is State.HIDDEN]
    return tuple(marker for one in hidden for marker in markers_above(here[one.key], one.id))


def bring_back(lab: Lab, place: Place, replica: Place | None, wanted: Mapping[str, Version]) -> Ways:
    """Do all of it; what is returned is what is left, looked at again. Safe twice, and after half of it."""
    todo = ways(lab, Listed.of(lab, place, replica), wanted)
    s3 = lab.client("s3", place.region)
    for arguments in removals(place, todo.markers):
        s3.delete_objects(**arguments)
    copies = [copy_of(place, place, one) for one in todo.from_versions]
    if replica:
        copies += [copy_of(place, replica, one) for one in todo.from_replica]
    each_at_once(lambda arguments: s3.copy_object(**arguments), copies)
    return ways(lab, Listed.of(lab, place, replica), wanted)


def removals(place: Place, markers: Sequence[Version]) -> list[dict[str, Any]]:
    """The arguments of ``DeleteObjects`` that remove these delete markers, a thousand at once."""
    listed = [{"Key": one.key, "VersionId": one.id} for one in markers]
    parts = [listed[start : start + DELETED_AT_ONCE] for start in range(0, len(listed), DELETED_AT_ONCE)]
    return [{"Bucket": place.bucket, "Delete": {"Objects": part, "Quiet": True}} for part in parts]


def copy_of(place: Place, source: Place, one: Version) -> dict[str, Any]:
    """The arguments of the ``CopyObject`` that puts a version on top of its key again; S3 copies it by itself."""
    return {
        "Bucket": place.bucket,
        "Key": one.key,
        "CopySource": {"Bucket": source.bucket, "Key": one.key, "VersionId": one.id},
    }


def each_at_once[T, R](act: Callable[[T], R], things: Iterable[T]) -> list[R]:
    """Act on each, some at a time; raises the first error, when all that had begun have ended. A stop that the calling
    thread heeds lets none begin after it."""
    may_go_on = who_is_heeded()

    def one(thing: T) -> R:
        may_go_on()
        return act(thing)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="objects") as pool:
        return list(pool.map(one, things))


def sum_of(lab: Lab, place: Place, key: str, version: str | None = None) -> str | None:
    """The SHA-256 of an object's bytes, all of them read; None when there is none.

    A version's bytes never change, so a version that is asked for by its id is read once a process, and a current
    object each time.
    """
    if version and (known := _sums.get((place.bucket, key, version))):
        return known
    chosen = {"VersionId": version} if version else {}
    try:
        body = lab.client("s3", place.region).get_object(Bucket=place.bucket, Key=key, **chosen)["Body"]
    except ClientError as cause:
        if cause.response["Error"]["Code"] in NOT_THERE:
            return None
        raise
    found = hashlib.sha256()
    for part in body.iter_chunks():
        found.update(part)
    if version:
        _sums[place.bucket, key, version] = found.hexdigest()
    return found.hexdigest()


def _already_good(lab: Lab, seen: Listed, open_: Sequence[Version]) -> set[str]:
    """The keys whose current object has the bytes that are wanted, wherever these can still be read.

    Equal ETags are equal bytes. Unequal ones say nothing: under SSE-KMS each copy has another (S3 API reference,
    "Object"), so the bytes are read.
    """

    def is_good(one: Version) -> bool:
        listed = seen.here.get(one.key, ())
        if not listed or listed[0].is_marker or listed[0].size_bytes != one.size_bytes:
            return False
        own = next((each for each in listed if each.id == one.id), None)
        if own and own.etag == listed[0].etag:
            return True
        known = seen.place if own else seen.replica if _has(seen.there, one) else None
        return known is not None and sum_of(lab, seen.place, one.key) == sum_of(lab, known, one.key, one.id)

    return {one.key for one, good in zip(open_, each_at_once(is_good, open_), strict=True) if good}


def _has(found: Versions, one: Version) -> bool:
    return any(each.id == one.id for each in found.get(one.key, ()))
