"""A bucket's versions as S3 lists them, what a key was at a moment, and what it takes to have that again.

S3 stamps versions with whole seconds. So "as it was at 12:00:05" is as it was when that second began: whatever carries
the stamp 12:00:05 counts as written after it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from gameday.lab.model import Lab


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a key, or a delete marker, with S3's stamp of whole seconds."""

    key: str
    id: str
    at: datetime
    is_marker: bool = False
    size_bytes: int = 0
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket and the region it is asked in."""

    region: str
    bucket: str


type Versions = Mapping[str, tuple[Version, ...]]  # key -> its versions and markers, the newest first


class State(StrEnum):
    """What became of a key that should show a certain version."""

    CURRENT = "current"  # it is the one that is read
    HIDDEN = "hidden"  # only delete markers lie above it
    COVERED = "covered"  # another version lies above it
    GONE = "gone"  # the bucket has it no more


def data_of(lab: Lab, region: str) -> Place:
    """The region's bucket of the deployment."""
    return Place(region, lab.of(region, "BucketName"))


def is_versioned(lab: Lab, place: Place) -> bool:
    """Whether the bucket keeps versions now."""
    told = lab.client("s3", place.region).get_bucket_versioning(Bucket=place.bucket)
    return str(told.get("Status")) == "Enabled"


def versions(lab: Lab, place: Place, prefix: str = "") -> Versions:
    """Every version and marker under a prefix."""
    pages = lab.client("s3", place.region).get_paginator("list_object_versions")
    found: dict[str, list[tuple[bool, Version]]] = {}
    for page in pages.paginate(Bucket=place.bucket, Prefix=prefix):
        for kind in ("Versions", "DeleteMarkers"):
            for each in page.get(kind, []):
                is_marker = kind == "DeleteMarkers"
                seen = Version(
                    each["Key"],
                    each["VersionId"],
                    each["LastModified"],
                    is_marker,
                    each.get("Size", 0),
                    each.get("ETag", ""),
                )
                found.setdefault(seen.key, []).append((each["IsLatest"], seen))
    return {key: _newest_first(listed) for key, listed in found.items()}


def _newest_first(listed: list[tuple[bool, Version]]) -> tuple[Version, ...]:
    """Versions and markers come in lists of their own, each the newest first; of one second, the latest is known, and
    a marker is taken for the newer."""
    order = sorted(listed, key=lambda one: (one[0], one[1].at, one[1].is_marker), reverse=True)
    return tuple(version for _, version in order)


def current(found: Versions) -> dict[str, Version]:
    """What a reader gets now, by key; a deleted key is none."""
    return {key: listed[0] for key, listed in found.items() if not listed[0].is_marker}


def as_of(found: Versions, moment: datetime) -> dict[str, Version]:
    """What a reader got when that second began, by key: the versions to be had again."""
    return {key: listed[0] for key, listed in before(found, moment).items() if not listed[0].is_marker}


def before(found: Versions, moment: datetime) -> dict[str, list[Version]]:
    """The versions and markers that were there when that second began, by key; a key without any is left out."""
    begun = moment.astimezone(UTC).replace(microsecond=0)
    old = {key: [one for one in listed if one.at < begun] for key, listed in found.items()}
    return {key: listed for key, listed in old.items() if listed}


def state_of(listed: Iterable[Version], wanted: str) -> State:
    """How the version ``wanted`` of a key stands among all of them."""
    above: list[Version] = []
    for one in listed:
        if one.id == wanted:
            break
        above.append(one)
    else:
        return State.GONE
    if not above:
        return State.CURRENT
    return State.HIDDEN if all(one.is_marker for one in above) else State.COVERED


def markers_above(listed: Iterable[Version], wanted: str) -> list[Version]:
    """The delete markers that lie above a version."""
    above: list[Version] = []
    for one in listed:
        if one.id == wanted:
            break
        above.append(one)
    return [one for one in above if one.is_marker]
