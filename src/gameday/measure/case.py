"""What the rules of the verdict look at: the evidence, and everything that was measured of it."""

from dataclasses import dataclass

from gameday.facts import (
    AlarmSeen,
    Availability,
    Exposure,
    Finding,
    Plan,
    RecoveryPoint,
    RecoveryTime,
    Reprotection,
    Restore,
    Verdict,
)
from gameday.facts.documents import ObjectsOutcome
from gameday.measure.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Case:
    """One drill before its verdict. ``recovery`` is the later of fresh writes and fresh reads."""

    evidence: Evidence
    recovery: RecoveryTime
    recovery_point: RecoveryPoint
    availability: tuple[Availability, ...]
    alarms: tuple[AlarmSeen, ...]
    split_brain: int | None
    exposures: tuple[Exposure, ...] = ()
    reprotection: Reprotection | None = None
    objects: ObjectsOutcome | None = None
    restore: Restore | None = None

    @property
    def plan(self) -> Plan:
        return self.evidence.plan


def unknown(what: str, expected: str, seen: str, next_step: str = "") -> Finding:
    """What a rule says that misses some evidence."""
    return Finding(Verdict.UNKNOWN, what, expected, seen, next_step)
