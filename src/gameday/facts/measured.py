"""What the judgement finds: each figure with its bounds and its evidence."""

from collections.abc import Mapping
from dataclasses import dataclass

from gameday.facts.bounds import Count, StampNs
from gameday.facts.documents import ObjectsOutcome
from gameday.facts.plan import Objectives
from gameday.facts.words import Verdict, Witness


@dataclass(frozen=True, slots=True)
class FaultWindow:
    """From the stamp before the first destructive call to the end of healing (None while it lasts)."""

    fault: str
    region: str | None
    start_mono_ns: StampNs
    start_utc: str
    end_mono_ns: StampNs | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Phase:
    """One instant of the recovery, in seconds after the fault; None when it was never seen."""

    name: str
    at_s: float | None
    utc: str | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class RecoveryPoint:
    """The recovery point actual (RPA), with its count, size, ids and witnesses. Meaning: ``gameday.measure.rpo``."""

    rpa_s: float | None  # None is UNKNOWN
    lost: Count
    lost_bytes: Count | None
    lost_ids: tuple[str, ...]  # at most 1,000, oldest first
    wal: Witness
    wal_why: str
    lag: Witness
    lag_why: str
    lag_s: float | None
    wal_lost_xids: Count | None
    straddling: Count
    why: str = ""  # why it is unknown


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the loss of the primary region would have cost at one moment. Meaning: ``gameday.measure.exposure``."""

    at_s: float  # after the fault; negative before it
    lag_s: float
    writes: Count  # acknowledged within the lag before that moment


@dataclass(frozen=True, slots=True)
class RecoveryTime:
    """The recovery time actual (RTA) of one kind of probe, with bounds. Meaning: ``gameday.measure.rto``."""

    target: str  # write | read
    client: str  # fresh | kept
    rta_s: float | None  # None is UNKNOWN; 0 is no failed probe
    lower_s: float | None
    upper_s: float | None
    failed: Count
    scheduled: Count
    why: str = ""


@dataclass(frozen=True, slots=True)
class Availability:
    """Share of good probes, overall and before the fault; counts, so that nothing rounds away."""

    target: str
    good: Count
    scheduled: Count
    baseline_good: Count
    baseline_scheduled: Count


@dataclass(frozen=True, slots=True)
class ClockTold:
    """The same recovery told from another starting point, because other tools start their clocks there."""

    since: str
    at_s: float | None


@dataclass(frozen=True, slots=True)
class Floor:
    """The least that the configuration dictates before any work is done; ``parts`` sum to ``floor_s``."""

    floor_s: float | None
    parts: tuple[tuple[str, float], ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class AlarmSeen:
    """An alarm of the lab: expected by the plan or not, when it fired and when it cleared (seconds after the fault)."""

    name: str
    expected: bool
    fired_at_s: float | None
    cleared_at_s: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence that the verdict rests on. ``weight`` says what it makes of the drill, ``rule`` who says it."""

    weight: Verdict
    what: str
    expected: str
    seen: str
    next_step: str = ""
    rule: str = ""  # the rule's name; empty in records of before


@dataclass(frozen=True, slots=True)
class Bucket:
    """One slice of the chart over time; ``at_s`` is its start, in seconds after the fault (negative before it)."""

    target: str
    client: str
    at_s: float
    scheduled: Count
    good: Count
    latency_p50_ms: float | None
    latency_p99_ms: float | None


@dataclass(frozen=True, slots=True)
class ProberQuality:
    """How true the prober was to its schedule: p99 of (actual − scheduled send), and the share sent at all."""

    scheduled: Count
    sent: Count
    lateness_p50_ms: float
    lateness_p99_ms: float


@dataclass(frozen=True, slots=True)
class Restore:
    """A database made anew of a backup, times in seconds; None is UNKNOWN. Meaning: ``gameday.measure.restore``."""

    source: str  # the snapshot's name or the point in time, in words
    database: str
    region: str | None
    taken_utc: str  # the backup is complete up to then
    age_s: float | None  # at the fault
    restore_s: float | None  # from the call until the new database was available
    served_s: float | None  # from the call until clients were served again
    acknowledged_before: Count | None  # writes that the backup must hold
    verified: Count | None  # of them: there, once, with their checksum
    missing_ids: tuple[str, ...]  # some of the others
    lost_after: Count  # acknowledged after it, and not there
    why: str = ""  # why something is not known


@dataclass(frozen=True, slots=True)
class Reprotection:
    """What a failback took and cost, in seconds; None is UNKNOWN. Meaning: ``gameday.measure.reprotection``."""

    begun_utc: str
    since_healing_s: float | None  # time to re-protected
    took_s: float | None  # the same from the failback's start
    reverse_s: float | None  # from its start until the primary region's database followed the standby's
    interruption_s: float | None  # of clients, by the planned switch
    interruption_why: str
    lost: Count | None  # writes acknowledged since the failover that are not there
    lost_ids: tuple[str, ...]
    why: str = ""  # why re-protection was not seen


@dataclass(frozen=True, slots=True)
class Measurement:
    """Everything the judgement found, with its evidence: the content of ``measurement.json``."""

    drill: str
    verdict: Verdict
    objectives: Objectives
    timer_scale: float
    fault: FaultWindow | None
    rta_s: float | None  # the later of fresh writes and fresh reads; what the RTO judges
    excess_s: float | None  # RTA − floor
    recovery_times: tuple[RecoveryTime, ...]
    recovery_point: RecoveryPoint
    floor: Floor
    classes: Mapping[str, Count]  # every WriteClass's value -> count
    unexpected: Count
    split_brain: Count | None  # rows committed on the old primary after promotion; None is not known
    attempts: Count
    writes: Count
    acknowledged: Count
    phases: tuple[Phase, ...]
    clocks: tuple[ClockTold, ...]
    availability: tuple[Availability, ...]
    alarms: tuple[AlarmSeen, ...]
    findings: tuple[Finding, ...]
    buckets: tuple[Bucket, ...]
    prober: ProberQuality | None
    exposures: tuple[Exposure, ...] = ()  # in order of time
    since: str = "the fault"  # what every "after" counts from: the fault, or the switch of a planned failover
    reprotection: Reprotection | None = None  # None: nobody failed back
    objects: ObjectsOutcome | None = None  # None: the drill stored no documents
    restore: Restore | None = None  # None: no backup was restored
