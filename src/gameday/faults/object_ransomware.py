"""Ransomware: a share of a bucket's objects is deleted, or overwritten with bytes that nobody can read."""

import math
import random
from dataclasses import dataclass, field

from gameday.clock import who_is_heeded
from gameday.errors import InputError
from gameday.facts import Kind
from gameday.faults import effects
from gameday.faults.objects import breakable_objects, write_way_back
from gameday.faults.replay import take_back
from gameday.lab.bring_back import DELETED_AT_ONCE, each_at_once, sum_of
from gameday.lab.model import Lab
from gameday.lab.versions import Place, State, Version, state_of, versions
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal

DELETED, OVERWRITTEN = "what was deleted cannot be read", "what was overwritten reads otherwise"
SOUGHT = 20  # objects of each kind that are really read


@dataclass(frozen=True, slots=True)
class ObjectRansomware:
    """A share of the objects, rounded up and drawn by ``seed``: every other one gets a delete marker (a plain delete),
    the others a new version of random bytes of the same length, as if encrypted.

    The same calls in AWS and in the local lab (``DeleteObjects``, ``PutObject``). Versions stay: somebody who deletes
    them too is :class:`gameday.faults.bucket_loss.BucketLoss`. S3 replicates the garbage, and not the delete markers.
    """

    region: str
    share: float = 1.0
    seed: int = 1
    prefix: str = ""
    effect_within_s: float = field(default=effects.WITHIN_S, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.share, bool) or not 0 < self.share <= 1:
            raise InputError("a share of the objects above 0 and up to 1", repr(self.share), "1 is all of them")

    @property
    def stays_reachable(self) -> tuple[str, ...]:
        """Everything but those objects."""
        return ("everything but these objects: the service, its orders, the bucket's old versions, the replica bucket",)

    @property
    def alarms(self) -> tuple[str, ...]:
        """None of the deployment's: S3 calls nobody for a delete that was allowed."""
        return ()

    def inject(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Delete and overwrite, and read back that it is so; raises :class:`FaultError` when it was not seen."""
        place, before = breakable_objects(lab, self.region, self.prefix)
        deleted, overwritten = self.chosen(before)
        write_way_back(undo, place, (before[key] for key in (*deleted, *overwritten)))
        timeline.add(
            Kind.FAULT, repr(self), region=self.region, bucket=place.bucket, deleted=len(deleted),
            overwritten=len(overwritten),
        )  # fmt: skip
        self._overwrite(lab, place, [before[key] for key in overwritten])
        self._delete(lab, place, deleted)
        looks: effects.Looks = {
            **({DELETED: lambda: self._are_unreadable(lab, place, before, deleted)} if deleted else {}),
            **({OVERWRITTEN: lambda: self._read_otherwise(lab, place, before, overwritten)} if overwritten else {}),
        }
        effects.verify(looks, undo, timeline, repr(self), self.region, within_s=self.effect_within_s)

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Have every object's bytes again; does nothing where the recovery has brought them back already."""
        take_back(self, lab, undo, timeline)

    def chosen(self, before: dict[str, Version]) -> tuple[list[str], list[str]]:
        """The keys to delete and those to overwrite: the same for the same seed and the same keys."""
        draw = random.Random(self.seed)
        keys = draw.sample(sorted(before), math.ceil(self.share * len(before)))
        return keys[::2], keys[1::2]

    def garbage(self, one: Version) -> bytes:
        """What an object is overwritten with."""
        return random.Random(f"{self.seed}/{one.key}").randbytes(max(1, one.size_bytes))

    def _overwrite(self, lab: Lab, place: Place, these: list[Version]) -> None:
        s3 = lab.client("s3", place.region)
        each_at_once(lambda one: s3.put_object(Bucket=place.bucket, Key=one.key, Body=self.garbage(one)), these)

    def _delete(self, lab: Lab, place: Place, keys: list[str]) -> None:
        s3 = lab.client("s3", place.region)
        for start in range(0, len(keys), DELETED_AT_ONCE):
            who_is_heeded()()
            part = [{"Key": key} for key in keys[start : start + DELETED_AT_ONCE]]
            s3.delete_objects(Bucket=place.bucket, Delete={"Objects": part, "Quiet": True})

    def _are_unreadable(self, lab: Lab, place: Place, before: dict[str, Version], keys: list[str]) -> bool:
        found = versions(lab, place, self.prefix)
        hidden = all(state_of(found.get(key, ()), before[key].id) is State.HIDDEN for key in keys)
        return hidden and all(sum_of(lab, place, key) is None for key in keys[:SOUGHT])

    def _read_otherwise(self, lab: Lab, place: Place, before: dict[str, Version], keys: list[str]) -> bool:
        found = versions(lab, place, self.prefix)
        covered = all(state_of(found.get(key, ()), before[key].id) is State.COVERED for key in keys)
        return covered and all(
            sum_of(lab, place, key) not in (None, sum_of(lab, place, key, before[key].id)) for key in keys[:SOUGHT]
        )
