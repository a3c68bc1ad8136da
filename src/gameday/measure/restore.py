"""A restore: how old what was restored is, how long it took, and whether everything that it must hold is there.

**Age** = the fault time − the moment that the backup is complete up to (a snapshot: when it was asked for, which its
copies keep; a point in time: that moment). It bounds what is lost, as the lag does where a standby is promoted.

**Restore time** = the call that makes the new instance → the runbook saw it available. **Until served** = the same call
→ clients served, the end of the RTA.

**Integrity**: every write acknowledged before that moment was committed before it, so it must be there with its
checksum; one that is not is BROKEN, whatever the objectives. Those acknowledged after it may be gone: the RPA's affair.
In an account the moment is AWS's clock and an acknowledgement this machine's: writes within a second of the moment are
held to nothing.

A restore forks no timeline and promotes nobody, so the witnesses of a promotion (the old primary's WAL, the replica's
lag) say nothing of it: they are unavailable.
"""

from collections.abc import Iterator

from gameday.clock import NS
from gameday.facts import (
    RESTORE,
    RESTORE_MAKES,
    RESTORE_SOURCE,
    Event,
    Finding,
    Kind,
    RecoveryTime,
    Restore,
    Verdict,
    WriteClass,
)
from gameday.facts.bounds import stamp_in
from gameday.measure.case import Case
from gameday.measure.evidence import Evidence
from gameday.measure.moments import first, last

RESTORE_WITHIN_S = 2700.0  # the objective: a snapshot is restored within 45 minutes
CLOCKS_APART_S = 1.0  # in an account
IDS_TOLD = 5


def restore(evidence: Evidence, recovery: RecoveryTime) -> Restore | None:
    """The newest restore of the drill; None when nothing was restored."""
    source = chosen(evidence)
    if source is None:
        return None
    taken_ns, zero_ns = _stamp(source), evidence.zero_ns
    called, made = _step(evidence, source, "started"), _step(evidence, source, "done")
    before = (
        evidence.classified.acked_before(taken_ns - _apart_ns(evidence), most=IDS_TOLD)
        if taken_ns is not None
        else None
    )
    served_ns = zero_ns + round(recovery.rta_s * NS) if zero_ns is not None and recovery.rta_s else None
    return Restore(
        source=str(source.detail.get("source", "")),
        database=str(source.detail.get("database", "")),
        region=source.region,
        taken_utc=str(source.detail.get("taken_utc", "")),
        age_s=_between(taken_ns, zero_ns),
        restore_s=_between(called.mono_ns if called else None, made.mono_ns if made else None),
        served_s=_between(called.mono_ns if called else None, served_ns),
        acknowledged_before=before.acknowledged if before else None,
        verified=before.kept if before else None,
        missing_ids=before.missing_ids if before else (),
        lost_after=evidence.classified.counts[WriteClass.LOST.value] - (before.lost if before else 0),
        why=_unseen(taken_ns, called, made),
    )


def chosen(evidence: Evidence) -> Event | None:
    """What was restored last, as the runbook noted it after the fault."""
    since_ns = evidence.zero_ns or 0
    return last(evidence.events, Kind.NOTE, where=lambda e: e.what == RESTORE_SOURCE and e.mono_ns >= since_ns)


def integrity(case: Case) -> Iterator[Finding]:
    """Everything acknowledged before the moment that was restored must be there; nothing to hold it to is UNKNOWN."""
    told = case.restore
    if told is None:
        return
    expected = f"every write acknowledged before {told.taken_utc or 'the backup'}, with its checksum"
    if told.acknowledged_before is None:
        yield Finding(Verdict.UNKNOWN, "nobody knows what the backup must hold", "the time of the snapshot", told.why)
    elif not case.evidence.read_back.complete:
        yield Finding(Verdict.UNKNOWN, "the integrity of the backup is unknown", expected, "an incomplete read-back")
    elif told.verified != told.acknowledged_before:
        seen = f"{told.acknowledged_before - (told.verified or 0)} missing or altered: {', '.join(told.missing_ids)}"
        yield Finding(
            Verdict.BROKEN, "the restored database lacks what its backup must hold", expected, seen,
            "restore another backup, and keep this one for whoever looks for the cause",
        )  # fmt: skip
    elif not told.verified:
        yield Finding(
            Verdict.UNKNOWN, "the backup was held to nothing", expected, "no write was acknowledged before it",
            "take it while orders are placed",
        )  # fmt: skip
    else:
        seen = f"{told.verified} of {told.acknowledged_before}; {told.lost_after} acknowledged after it are lost"
        yield Finding(Verdict.HELD, "the backup held everything that it must", expected, seen)


def restored_in_time(case: Case) -> Iterator[Finding]:
    """At most 45 minutes; with scaled timers also × scale, as for the RTO: between the two nothing is shown."""
    told = case.restore
    if told is None:
        return
    scale = case.plan.timers.scale
    limit_s, expected = RESTORE_WITHIN_S * min(1.0, scale), f"a restore within {RESTORE_WITHIN_S * scale:g} s"
    if told.restore_s is None:
        yield Finding(
            Verdict.UNKNOWN, "the restore was not seen to its end", expected, told.why, f"walk the runbook {RESTORE}"
        )
    elif told.restore_s > RESTORE_WITHIN_S:
        yield Finding(Verdict.BROKEN, "the restore took longer than 45 minutes", expected, f"{told.restore_s:.3f} s")
    elif told.restore_s > limit_s:
        what = f"at timer scale {scale:g} the restore took longer than 45 minutes × scale"
        yield Finding(Verdict.UNKNOWN, what, expected, f"{told.restore_s:.3f} s", "run the drill at timer scale 1")
    else:
        yield Finding(Verdict.HELD, "the database was restored in time", expected, f"{told.restore_s:.3f} s")


RULES = (integrity, restored_in_time)


def _stamp(source: Event) -> int | None:
    return stamp_in(source.detail.get("taken_mono_ns"))


def _step(evidence: Evidence, source: Event, state: str) -> Event | None:
    return first(
        evidence.events, Kind.RUNBOOK, since_ns=source.mono_ns,
        where=lambda e: e.what == RESTORE_MAKES
        and (e.detail.get("runbook"), e.detail.get("state")) == (RESTORE, state),
    )  # fmt: skip


def _apart_ns(evidence: Evidence) -> int:
    return 0 if evidence.plan.lab == "local" else int(CLOCKS_APART_S * NS)


def _unseen(taken_ns: int | None, called: Event | None, made: Event | None) -> str:
    if taken_ns is None:
        return "the record does not tell when the backup was taken"
    if called is None:
        return "nothing was restored after a backup was chosen"
    return "" if made else "the new database was never seen available"


def _between(start_ns: int | None, end_ns: int | None) -> float | None:
    return None if start_ns is None or end_ns is None else (end_ns - start_ns) / NS
