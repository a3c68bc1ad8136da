"""What the faults on objects share: the guard on a bucket, and the way back to the versions that were read before."""

from collections.abc import Iterable, Mapping
from typing import Any

from gameday.errors import FaultError, GuardError, NothingStored
from gameday.faults.acls import breakable_service
from gameday.faults.guard import may_break
from gameday.faults.replay import Verb
from gameday.lab.bring_back import bring_back
from gameday.lab.model import Lab
from gameday.lab.versions import Place, Version, current, data_of, is_versioned, versions
from gameday.record.undo import UndoJournal, UndoStep

type Told = list[Any]  # a version's id, and its size in bytes

INTENT = "objects_as_before"
OBJECTS_A_STEP = 500  # one line of the undo journal stays below 64 KiB


def objects_as_before(region: str, bucket: str, told: Mapping[str, Told]) -> UndoStep:
    """A reader of the bucket gets the bytes of these versions again."""
    return UndoStep(INTENT, region, {"bucket": bucket, "versions": dict(told)})


def write_way_back(undo: UndoJournal, place: Place, before: Iterable[Version]) -> None:
    """The undo steps of all these, on the disk. What another fault of the drill has broken already is given back as it
    was before both, whichever of their steps is replayed last."""
    known = _told_before(undo, place)
    listed = list(before)
    for start in range(0, len(listed), OBJECTS_A_STEP):
        part = listed[start : start + OBJECTS_A_STEP]
        told = {one.key: known.get(one.key, [one.id, one.size_bytes]) for one in part}
        undo.before(objects_as_before(place.region, place.bucket, told))


def _told_before(undo: UndoJournal, place: Place) -> dict[str, Told]:
    """Key -> what its oldest open step says of it."""
    told: dict[str, Told] = {}
    for _, step in undo.open_steps():  # newest first, so the oldest is set last
        if step.intent == INTENT and (step.region, step.args["bucket"]) == (place.region, place.bucket):
            told |= step.args["versions"]
    return told


def breakable_bucket(lab: Lab, region: str) -> Place:
    """The region's bucket; raises :class:`GuardError` unless it, and what fencing the region changes, may be broken."""
    place = data_of(lab, region)
    may_break(lab, region, [{"Tags": _tags(lab, place)}], "buckets")
    breakable_service(lab, region)
    return place


def breakable_objects(lab: Lab, region: str, prefix: str = "") -> tuple[Place, dict[str, Version]]:
    """The region's bucket and what is read of it now; raises :class:`GuardError` unless it may be broken and keeps
    versions, since without them nothing could be taken back."""
    place = breakable_bucket(lab, region)
    if not is_versioned(lab, place):
        raise GuardError(
            f"versioning on {place.bucket}", "none, so that nothing could be taken back", "break a versioned bucket"
        )
    found = current(versions(lab, place, prefix))
    if not found:
        raise NothingStored(f"objects under {place.bucket}/{prefix} to break", "no targets", "store some first")
    return place, found


def _tags(lab: Lab, place: Place) -> list[Any]:
    """A bucket without any tag answers with an error, NoSuchTagSet."""
    from botocore.exceptions import ClientError

    try:
        return list(lab.client("s3", place.region).get_bucket_tagging(Bucket=place.bucket)["TagSet"])
    except ClientError as cause:
        if cause.response["Error"]["Code"] == "NoSuchTagSet":
            return []
        raise


def _objects_as_before_again(lab: Lab, step: UndoStep) -> None:
    """From the bucket's own versions, or from the other region's bucket, whose replicas have the same version ids."""
    from datetime import UTC, datetime

    place = Place(step.region, step.args["bucket"])
    wanted = {
        key: Version(key, id, datetime.min.replace(tzinfo=UTC), size_bytes=size)
        for key, (id, size) in step.args["versions"].items()
    }
    left = bring_back(lab, place, data_of(lab, lab.other(step.region)), wanted)
    if not left.is_nothing:
        open_ = {one.key for one in (*left.markers, *left.from_versions, *left.from_replica)} | set(left.unrecoverable)
        raise FaultError(
            f"every object of {place.bucket} as it was",
            f"{len(open_)} not, {min(open_)} among them",
            "gameday undo RECORD tries again; what neither bucket has a version of comes back from a backup only",
        )


TAKES_BACK: dict[str, Verb] = {INTENT: _objects_as_before_again}
