"""Bucket loss: a region's bucket is emptied, every version and every delete marker with it."""

from dataclasses import dataclass, field

from gameday.clock import eventually, who_is_heeded
from gameday.errors import DeadlineError, GuardError
from gameday.facts import Kind
from gameday.faults import effects
from gameday.faults.objects import breakable_objects, write_way_back
from gameday.faults.replay import take_back
from gameday.lab.bring_back import removals
from gameday.lab.model import Lab
from gameday.lab.versions import Place, Version, data_of, versions
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal

EMPTY = "the bucket is empty"
COPIED_WITHIN_S = 900.0  # at timer scale 1: what S3 promises for its copies (RTC)
LEAST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class BucketLoss:
    """Every version and delete marker of the region's bucket is deleted for good (``DeleteObjects`` by version).

    The same in AWS and in the local lab. Deletions by version are never replicated, so only the other region's bucket
    can bring the objects back: it is refused while that one lacks any of them, and unless ``confirm`` is the bucket's
    own name.
    """

    region: str
    confirm: str = ""
    effect_within_s: float = field(default=60.0, repr=False)

    @property
    def stays_reachable(self) -> tuple[str, ...]:
        """Everything but the bucket's content."""
        return ("everything but the bucket's objects: the service, its orders, the replica bucket",)

    @property
    def alarms(self) -> tuple[str, ...]:
        """None of the deployment's: S3 calls nobody for a delete that was allowed."""
        return ()

    def inject(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Empty it, and see that it is empty; raises :class:`GuardError` with nothing touched where it must not."""
        bucket = data_of(lab, self.region).bucket
        if self.confirm != bucket:
            expected = f"confirm to be {bucket}, for its versions will be gone for good"
            raise GuardError(expected, repr(self.confirm), "say its name in the experiment")
        place, before = breakable_objects(lab, self.region)
        self._demand_copies(lab, before)
        write_way_back(undo, place, before.values())
        timeline.add(Kind.FAULT, repr(self), region=self.region, bucket=place.bucket, objects=len(before))
        self._empty(lab, place)
        looks: effects.Looks = {EMPTY: lambda: not versions(lab, place)}
        effects.verify(looks, undo, timeline, repr(self), self.region, within_s=self.effect_within_s)

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Have every object again, from the replica bucket; nothing where the recovery has copied them already."""
        take_back(self, lab, undo, timeline)

    def _demand_copies(self, lab: Lab, before: dict[str, Version]) -> None:
        """Wait for copies that are on their way; a replica has its source's version id."""
        replica = data_of(lab, lab.other(self.region))

        def lacking() -> list[str]:
            there = {(one.key, one.id) for listed in versions(lab, replica).values() for one in listed}
            return [key for key, one in before.items() if (key, one.id) not in there]

        within_s = max(COPIED_WITHIN_S * lab.timer_scale, LEAST_WAIT_S)
        try:
            eventually(lacking, [], what=f"objects not in {replica.bucket}", within_s=within_s, every_s=0.5)
        except DeadlineError as cause:
            raise GuardError(
                f"every object in {replica.bucket} too", cause.seen[:200], "see its replication"
            ) from cause

    def _empty(self, lab: Lab, place: Place) -> None:
        s3 = lab.client("s3", place.region)
        everything = [one for listed in versions(lab, place).values() for one in listed]
        for arguments in removals(place, everything):
            who_is_heeded()()
            s3.delete_objects(**arguments)
