"""The facts that rooms hand to each other: frozen records with units in their names, and nothing else.

Times are UTC text for people (``utc``) and monotonic nanoseconds for arithmetic (``mono_ns``); subtracting is allowed
only between stamps of one ``boot``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from gameday.facts_objects import ObjectsOutcome


class Verdict(StrEnum):
    """What a drill proved. BROKEN beats UNKNOWN beats HELD; no evidence is UNKNOWN, never HELD."""

    HELD = "HELD"
    BROKEN = "BROKEN"
    UNKNOWN = "UNKNOWN"


class Settlement(StrEnum):
    """How one attempt at a write ended, as its client saw it.

    *acked*: the client read a success that echoes id and checksum. *refused*: it definitely did not happen: no request
    byte was sent (a connect timeout included), or the answer carries the service's own ``not-applied`` header.
    *unknown* (indeterminate): everything else: timeout, reset, a proxy's 4xx or 5xx, never settled.
    """

    ACKED = "acked"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class WriteClass(StrEnum):
    """Each write's one class after the read-back; the first that matches wins, in this order."""

    DUPLICATE = "duplicate"
    CORRUPTED = "corrupted"
    DIVERGED = "diverged"
    LOST = "lost"
    KEPT = "kept"
    RECOVERED = "recovered"
    ABSENT = "absent"
    GHOST = "ghost"
    REFUSED = "refused"


class Witness(StrEnum):
    """What an independent witness says of the RPA. ``UNAVAILABLE`` is not ``DISAGREES``."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    UNAVAILABLE = "unavailable"


class Kind(StrEnum):
    """Every kind of event a timeline may hold, in one list. ``what`` and ``detail`` are described beside each."""

    PHASE = "phase"  # the drill's own phase: what = prepare|baseline|inject|recover|observe|heal|judge
    FAULT = "fault"  # stamped immediately before the first destructive call; what = the fault's repr
    FAULT_VERIFIED = "fault_verified"  # its effect check held; detail: effect -> sentence
    FAULT_FAILED = "fault_failed"  # its effect check failed; what = why
    SWITCH = "switch"  # a planned failover begins, and nothing is broken; what = who asks for it; detail.execution
    HEAL = "heal"  # healing starts; what = the fault's repr
    HEALED = "healed"
    FENCED = "fenced"  # the old primary is isolated and this was verified; region = which
    HEALTH_CHECK = "health_check"  # what = healthy|unhealthy
    ALARM = "alarm"  # what = OK|ALARM|INSUFFICIENT_DATA; detail: name, entered_mono_ns (when it turned)
    EXECUTION = "execution"  # what = RUNNING|SUCCEEDED|FAILED|TIMED_OUT|ABORTED; detail.arn
    STATE = "state"  # the state machine entered a state; what = its name; detail: type, execution (its ARN)
    DATABASE = "database"  # what = RDS status; detail: role (primary|replica|gone), id, endpoint
    TASKS = "tasks"  # what = "RUNNING/DESIRED"; detail: running, desired
    DNS = "dns"  # what = comma-separated addresses the resolver answers; region = whose they are, if known
    LAG = "lag"  # what = replica lag in seconds, as text; detail: lag_s, sampled_utc, sampled_mono_ns
    ENDPOINT = "endpoint"  # what = rewritten|not needed
    LATCH = "latch"  # what = the PRIMARY record's target; detail.latched (bool)
    LOAD = "load"  # what = started|stopped|died
    PROBER = "prober"  # what = started|stopped|died
    DOCUMENTS = "documents"  # the canary's sight of some documents: what = good|bad|unanswered; detail.why
    RUNBOOK = "runbook"  # a runbook's step; what = its name; detail: runbook, state (started|done|stopped), why
    OBSERVATION_END = "observation_end"  # nothing after this was looked at
    WARDEN = "warden"
    NOTIFICATION = "notification"
    NOTE = "note"


# What a NOTE says when the judgement counts on it.
INFERRED = "inferred"  # how a FAULT_VERIFIED's detail begins for an effect that was concluded, not seen
READ_BACK_COMPLETE = "read-back complete"  # detail.rows: how many lines survivors.ndjson then held
BASELINE_NOT_MET = "baseline not met"
NOT_AS_PLANNED = "not run as planned"  # detail.failed: each activity that failed, each hypothesis that was not met
SILENT_HEALTH_PATH = "silent_health_path"  # a FAULT's detail: the health check gets no answer, not even a refusal
UNNOTICED = "unnoticed"  # a FAULT's detail: clients are served on; where another fault follows, that one's time counts
APPROVED = "approved"  # somebody allowed the failover; its clock starts here
FAILBACK = "failback"  # a RUNBOOK's detail.runbook; four of its steps:
FAILBACK_REBUILDS = "rebuild-the-primary-as-a-replica"  # done: protected again, the other way round
FAILBACK_DRAINS = "drain-the-standby"  # started: the planned switch begins, and clients wait
FAILBACK_PROMOTES = "promote-the-primary"  # started: from here on the primary region may acknowledge again
FAILBACK_PROTECTED = "start-the-standbys-task"  # done: both regions are as they were
REPLAY_LSN = "replay LSN before promotion"  # detail.lsn, read from the standby; region = the standby's
RESTORE = "database-restore"  # a RUNBOOK's detail.runbook; one of its steps:
RESTORE_MAKES = "restore-to-a-new-instance"  # started: the restore is called; done: the new database is available
# A NOTE's what; detail: source, snapshot, database, age_s, taken_utc, taken_mono_ns (what is older is in it).
RESTORE_SOURCE = "what is restored"


@dataclass(frozen=True, slots=True)
class Objectives:
    """What the business asks for. ``latency_bound_s``: a slower answer is not a good one."""

    rto_s: float
    rpo_s: float
    latency_bound_s: float = 1.0
    availability_min: float = 0.999
    object_recovery_s: float = 600.0  # to have every document again

    def __post_init__(self) -> None:
        from gameday.errors import InputError

        for name, value in asdict(self).items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
                raise InputError(f"{name} to be a number of seconds, 0 or more", repr(value), f"correct {name}")
        if self.availability_min > 1:
            raise InputError("availability_min between 0 and 1", repr(self.availability_min), "write 99.9 % as 0.999")


@dataclass(frozen=True, slots=True)
class Timers:
    """Every delay that configuration dictates, already multiplied by ``scale``; in ``plan.json`` and in the floor."""

    scale: float
    health_check_interval_s: float
    health_check_threshold: int
    health_check_timeout_s: float
    dns_ttl_s: float
    alarm_period_s: float
    alarm_periods: int
    rds_promotion_s: float
    ecs_start_s: float
    asl_wait_s: Mapping[str, float]  # Wait state's name -> seconds
    window_s: float  # W of the RTA's definition


@dataclass(frozen=True, slots=True)
class Write:
    """One line of the ledger (DESIGN §4). ``ev`` is ``sent`` or a :class:`Settlement`'s value."""

    boot: str
    writer: str
    id: str
    attempt: int
    ev: str
    mono_ns: int
    utc: str
    sum: str
    region: str | None = None
    xid: int | None = None
    lsn_before: str | None = None
    lsn_after: str | None = None
    status: int | None = None
    why: str | None = None
    size_bytes: int | None = None  # of the payload
    line: int | None = None  # the line's number in its segment, from 1: a hole shows that a line is gone


@dataclass(frozen=True, slots=True)
class Probe:
    """One scheduled probe of the open-model prober. ``target`` is write or read; ``client`` is fresh or kept.

    ``good`` is the client's own sight (a success that echoes what was asked, a read of an id replicated before the
    fault that is found). The latency bound is applied when judging, from ``done_mono_ns`` − ``scheduled_mono_ns``.
    ``seq`` counts from 0 for each target and client; a number that is missing is evidence that is missing.
    """

    boot: str
    target: str
    client: str
    seq: int
    scheduled_mono_ns: int
    sent_mono_ns: int
    done_mono_ns: int
    utc: str
    good: bool
    region: str | None = None
    address: str | None = None
    status: int | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline."""

    boot: str
    mono_ns: int
    utc: str
    kind: Kind
    what: str
    region: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Survivor:
    """One row (or ``count`` rows of one id) found in the surviving database."""

    id: str
    sum: str
    xid: int | None = None
    region: str | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class WalCommit:
    """One commit record on the old primary after the fork point (from pg_waldump; local lab only).

    ``utc`` is the commit's own stamp. ``order`` is False for commits that touched no order (vacuum, catalog).
    """

    xid: int
    lsn: str
    utc: str
    order: bool = True


@dataclass(frozen=True, slots=True)
class FaultWindow:
    """From the stamp before the first destructive call to the end of healing (None while it lasts)."""

    fault: str
    region: str | None
    start_mono_ns: int
    start_utc: str
    end_mono_ns: int | None = None
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
    lost: int
    lost_bytes: int | None
    lost_ids: tuple[str, ...]  # at most 1,000, oldest first
    wal: Witness
    wal_why: str
    lag: Witness
    lag_why: str
    lag_s: float | None
    wal_lost_xids: int | None
    straddling: int
    why: str = ""  # why it is unknown


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the loss of the primary region would have cost at one moment. Meaning: ``gameday.measure.exposure``."""

    at_s: float  # after the fault; negative before it
    lag_s: float
    writes: int  # acknowledged within the lag before that moment


@dataclass(frozen=True, slots=True)
class RecoveryTime:
    """The recovery time actual (RTA) of one kind of probe, with bounds. Meaning: ``gameday.measure.rto``."""

    target: str  # write | read
    client: str  # fresh | kept
    rta_s: float | None  # None is UNKNOWN; 0 is no failed probe
    lower_s: float | None
    upper_s: float | None
    failed: int
    scheduled: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Availability:
    """Share of good probes, overall and before the fault; counts, so that nothing rounds away."""

    target: str
    good: int
    scheduled: int
    baseline_good: int
    baseline_scheduled: int


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
    """One sentence that the verdict rests on. ``weight`` says what it makes of the drill."""

    weight: Verdict
    what: str
    expected: str
    seen: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One slice of the chart over time; ``at_s`` is its start, in seconds after the fault (negative before it)."""

    target: str
    client: str
    at_s: float
    scheduled: int
    good: int
    latency_p50_ms: float | None
    latency_p99_ms: float | None


@dataclass(frozen=True, slots=True)
class ProberQuality:
    """How true the prober was to its schedule: p99 of (actual − scheduled send), and the share sent at all."""

    scheduled: int
    sent: int
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
    acknowledged_before: int | None  # writes that the backup must hold
    verified: int | None  # of them: there, once, with their checksum
    missing_ids: tuple[str, ...]  # some of the others
    lost_after: int  # acknowledged after it, and not there
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
    lost: int | None  # writes acknowledged since the failover that are not there
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
    classes: Mapping[str, int]  # every WriteClass's value -> count
    unexpected: int
    split_brain: int | None  # rows committed on the old primary after promotion; None is not known
    attempts: int
    writes: int
    acknowledged: int
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


@dataclass(frozen=True, slots=True)
class Plan:
    """What a drill set out to do: the content of ``plan.json``, written before anything else."""

    drill: str
    title: str
    started_utc: str
    boot: str
    who: str
    objectives: Objectives
    timers: Timers
    lab: str  # "local" or "aws"
    lab_name: str
    primary: str
    secondary: str
    expected_alarms: tuple[str, ...]
    outputs: Mapping[str, str]
    versions: Mapping[str, str]
    limits: tuple[str, ...]  # what this lab cannot prove
    load: Mapping[str, float | int | str]  # users and spawn_rate, or stages; workers, writes_per_s, reads_per_s …
    faults: tuple[str, ...]
    stays_reachable: tuple[str, ...] = ()  # what the faults leave reachable
    link_latency_s: float = 0.0  # one way, between the regions
    metric_period_s: float = 60.0  # of the lag metric, scaled
    switches: bool = False  # a planned failover: nothing is broken, its times count from the switch, no loss is allowed
    experiment: Mapping[str, Any] = field(default_factory=dict)  # the Chaos Toolkit experiment, redacted
