"""The runbook for objects that were deleted, overwritten or lost: previous versions first, then the replica bucket."""

from collections.abc import Sequence
from datetime import UTC, datetime

from gameday.errors import InputError, RunbookError
from gameday.lab.bring_back import Ways, copy_of, removals
from gameday.lab.versions import Place, data_of, is_versioned, versions
from gameday.recovery.objects import (
    BEST,
    SOURCES,
    VERSIONS,
    altered,
    burst_began,
    left_to_do,
    markers_left,
    moment_of,
    told,
)
from gameday.recovery.runbook import Calls, Check, Option, Runbook, Scene, Step

AT = "at"  # scene.found: the moment, as text
PRIMARY = "primary"


def region_of(scene: Scene) -> str:
    """The region whose bucket is recovered."""
    said = scene.options["region"]
    return scene.lab.primary if said == PRIMARY else said


def _source(scene: Scene) -> str:
    said = scene.options["from"]
    if said not in SOURCES:
        raise InputError(f"from to be {', '.join(SOURCES)}", repr(said), "correct it")
    return said


def _moment(scene: Scene) -> datetime:
    """The moment that was said, or found; a step that is taken alone finds it again."""
    if AT not in scene.found:
        _find_the_moment(scene)
    if not scene.found[AT]:
        raise RunbookError("a moment to go back to", "no change in the last day", "say at=2026-11-24T18:41:00Z")
    return moment_of(scene.found[AT])


def _find_the_moment(scene: Scene) -> str:
    said = scene.options[AT]
    if said:
        scene.found[AT] = told(moment_of(said))
        return f"{scene.found[AT]}, as was said"
    found = versions(scene.lab, _place(scene), scene.options["prefix"])
    if not found and _source(scene) != VERSIONS:
        scene.found[AT] = told(datetime.now(UTC))
        return f"{scene.found[AT]}, which is now: the bucket is empty, so what the replica bucket has is all there is"
    begun = burst_began(found, datetime.now(UTC))
    scene.found[AT] = told(begun) if begun else ""
    return f"{scene.found[AT]}, a guess: the newest burst of changes began then" if begun else ""


def _place(scene: Scene) -> Place:
    return data_of(scene.lab, region_of(scene))


def _ways(scene: Scene) -> Ways:
    return left_to_do(scene.lab, region_of(scene), _moment(scene), scene.options["prefix"], _source(scene))


def _versioned(scene: Scene) -> bool:
    return is_versioned(scene.lab, _place(scene))


def _unrecoverable(scene: Scene) -> str:
    return ", ".join(_ways(scene).unrecoverable[:5])


def _remove_markers(scene: Scene) -> Sequence[Calls]:
    wanted = region_of(scene), _moment(scene), scene.options["prefix"], _source(scene)
    arguments = removals(_place(scene), markers_left(scene.lab, *wanted))
    return Calls.of("s3", "delete_objects", region_of(scene), arguments)


def _copy_versions(scene: Scene) -> Sequence[Calls]:
    place = _place(scene)
    copies = [copy_of(place, place, one) for one in _ways(scene).from_versions]
    return Calls.of("s3", "copy_object", region_of(scene), copies)


def _copy_replicas(scene: Scene) -> Sequence[Calls]:
    place, replica = _place(scene), data_of(scene.lab, scene.lab.other(region_of(scene)))
    copies = [copy_of(place, replica, one) for one in _ways(scene).from_replica]
    return Calls.of("s3", "copy_object", region_of(scene), copies)


def _altered(scene: Scene) -> str:
    args = region_of(scene), _moment(scene), scene.options["prefix"], _source(scene)
    return ", ".join(altered(scene.lab, *args)[:5])


def nothing(seen: object) -> bool:
    return not seen


FIND = Step(
    name="find-the-moment",
    text="First stop whoever is still deleting. Then say when the bucket was last good: the moment of the fault, in "
    "whole seconds, as S3 stamps versions; what was written in that second counts as after it. Without it the start of "
    "the newest burst of changes is taken, which is a guess: look at it before going on. Of an empty bucket there is "
    "nothing to guess from, and what the replica bucket has now is taken.",
    undo="nothing was changed",
    before=(
        Check("the bucket keeps versions", _versioned, bool, next_step="nothing can be brought back from versions"),
        Check("a moment to go back to", _find_the_moment, bool, next_step="say at=2026-11-24T18:41:00Z"),
    ),
    changes=False,
)
REMOVE_MARKERS = Step(
    name="remove-delete-markers",
    text="An object that was deleted plainly lies beneath a delete marker. Removing the marker, by its version id, "
    "brings it back as it was; a thousand markers go in one call. Markers are not replicated, so the replica bucket "
    "never had them.",
    undo="delete the object again: the version stays",
    calls=_remove_markers,
)
COPY_VERSIONS = Step(
    name="copy-previous-versions",
    text="An object that was overwritten gets its previous version again, as a copy on top: S3 copies by itself, "
    "nothing passes this machine. The bad version stays beneath it, as evidence; the copy is replicated, and mends the "
    "replica bucket too.",
    undo="delete the copy by its version id: what it covered is current again",
    calls=_copy_versions,
)
COPY_REPLICAS = Step(
    name="copy-from-the-replica-bucket",
    text="What the bucket no longer has in any version comes from the other region's bucket, from the replica of the "
    "very version that was current at that moment. Objects in an archive class must be restored there first.",
    undo="delete the copy by its version id",
    calls=_copy_replicas,
)
VERIFY = Step(
    name="read-every-object",
    text="Read every object that was there at that moment, to its last byte, and hold its checksum against that of the "
    "version that was wanted. An object that is nowhere any more is named: it is lost.",
    undo="nothing was changed",
    before=(
        Check("every wanted version still exists somewhere", _unrecoverable, nothing, next_step="look into backups"),
        Check("every object has the bytes it had", _altered, nothing, next_step="run this runbook again"),
    ),
    changes=False,
)

RUNBOOK = Runbook(
    name="object-recovery",
    title="Bring objects back",
    when="Objects of a bucket were deleted or overwritten (ransomware, a bad release, a slip), or the bucket was "
    "emptied. It can be run again at any time: what is back already needs no call.",
    steps=(FIND, REMOVE_MARKERS, COPY_VERSIONS, COPY_REPLICAS, VERIFY),
    options=(
        Option("region", "the region whose bucket is recovered; primary is the lab's own", PRIMARY),
        Option(AT, "UTC, the second at whose beginning the bucket was good; empty is a guess", ""),
        Option("from", "where from: versions, replica, or best, which is versions first", BEST),
        Option("prefix", "only keys that begin so", ""),
    ),
)
