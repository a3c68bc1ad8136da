"""The words of a record: verdicts, settlements, classes, witnesses, kinds of events, and what notes say."""

from enum import StrEnum


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
    STOPPED = "stopped"  # the drill is aborted; what = the condition that no longer held, or ABORTED; detail: seen, who
    NOTIFICATION = "notification"
    NOTE = "note"


# Rules of the verdict that only tell: what they find is HELD, and worth a warning.
REMARKS = ("silent_alarms", "failed_before")

# What a NOTE says when the judgement counts on it.
OUTLIVED = "the drill outlived its max_duration_s"  # a WARDEN's what; detail.max_duration_s
INFERRED = "inferred"  # how a FAULT_VERIFIED's detail begins for an effect that was concluded, not seen
READ_BACK_COMPLETE = "read-back complete"  # detail.rows: how many lines survivors.ndjson then held
BASELINE_NOT_MET = "baseline not met"
EVIDENCE_CLOSED = "evidence closed"  # the drill's last; detail: files (name -> SHA-256), timeline (of what is before)
ABORTED = "somebody asked it to end"  # a STOPPED's what; detail.who, detail.seen (what they said)
NOT_AS_PLANNED = "not run as planned"  # detail.failed: each activity that failed, each hypothesis that was not met
SILENT_HEALTH_PATH = "silent_health_path"  # a FAULT's detail: the health check gets no answer, not even a refusal
UNNOTICED = "unnoticed"  # a FAULT's detail: clients are served on; where another fault follows, that one's time counts
APPROVED = "approved"  # somebody allowed the failover; its clock starts here
FAILBACK = "failback"  # a RUNBOOK's detail.runbook; four of its steps:
FAILBACK_REBUILDS = "rebuild-the-primary-as-a-replica"  # done: protected again, the other way round
FAILBACK_DRAINS = "drain-the-standby"  # started: the planned switch begins, and clients wait
FAILBACK_PROMOTES = "promote-the-primary"  # started: from here on the primary region may acknowledge again
FAILBACK_PROTECTED = "see-both-regions-protected"  # done: both regions are as they were
REPLAY_LSN = "replay LSN before promotion"  # detail.lsn, read from the standby; region = the standby's
RESTORE = "database-restore"  # a RUNBOOK's detail.runbook; one of its steps:
RESTORE_MAKES = "restore-to-a-new-instance"  # started: the restore is called; done: the new database is available
# A NOTE's what; detail: source, snapshot, database, age_s, taken_utc, taken_mono_ns (what is older is in it).
RESTORE_SOURCE = "what is restored"
