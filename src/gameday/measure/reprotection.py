"""Re-protection: how long the deployment stood on one leg, what the way back cost, and whether it lost anything.

**Time to re-protected** = end of healing → both regions as before the outage: the primary region serves, and the
standby follows it again. It counts only what was *seen*: the runbook's last step done, the standby's database by the
observer as an available replica, and a lag of it that was sampled after the switch.

**Interruption of the failback** = start of the drain → completion of the first good fresh probe that opens a sustained
window, by the definition of the RTA (``gameday.measure.rto``) with the drain as its fault time, and the last end of
observation; the later of writes and reads. It is planned, so it is no part of the RTA, whose observation ends with the
last end of observation recorded before the failback began. It is held against the RTO all the same.

**RPA of the failback**: what it lost are the writes that are not there and that somebody else than the old primary
acknowledged. A single one is BROKEN: a planned switch may lose nothing.
"""

from collections.abc import Iterator

from gameday.clock import NS
from gameday.facts import Event, Finding, Kind, RecoveryTime, Reprotection, Verdict, WriteClass
from gameday.measure.case import Case
from gameday.measure.evidence import Evidence
from gameday.measure.failback import Failback
from gameday.measure.moments import first, number
from gameday.measure.rto import Terms, overall, recovery_time

NEXT = "walk it to its end: gameday runbook run failback --resume RECORD"
IDS_TOLD = 5
SINCE_THE_FAILOVER = "newer"  # acknowledged by the promoted standby, or by the primary after it was promoted again


def reprotection(evidence: Evidence) -> Reprotection | None:
    """The failback's own figures; None when there was none."""
    walked = evidence.failback
    if walked is None:
        return None
    healed_ns = evidence.fault.end_mono_ns if evidence.fault else None
    why = _unseen(evidence, walked)
    done_ns = None if why else walked.protected_ns
    interruption = _interruption(evidence, walked)
    return Reprotection(
        begun_utc=walked.begun_utc,
        since_healing_s=_between(healed_ns, done_ns),
        took_s=_between(walked.begun_ns, done_ns),
        reverse_s=_between(walked.begun_ns, walked.rebuilt_ns),
        interruption_s=interruption.rta_s,
        interruption_why=interruption.why,
        lost=evidence.classified.lost(SINCE_THE_FAILOVER).count if evidence.read_back.complete else None,
        lost_ids=evidence.classified.ids(WriteClass.LOST.value, most=IDS_TOLD, which=SINCE_THE_FAILOVER),
        why=why,
    )


def _between(start_ns: int | None, end_ns: int | None) -> float | None:
    return None if start_ns is None or end_ns is None else (end_ns - start_ns) / NS


def _interruption(evidence: Evidence, walked: Failback) -> RecoveryTime:
    plan = evidence.plan
    terms = Terms(walked.drains_ns, evidence.observed_ns, plan.timers.window_s, plan.objectives.latency_bound_s)
    return overall(recovery_time(evidence.probes, target, "fresh", terms) for target in ("write", "read"))


def _unseen(evidence: Evidence, walked: Failback) -> str:
    """Why re-protection was not seen; empty when it was."""
    if walked.protected_ns is None or walked.promotes_ns is None:
        return f"the runbook stopped at {walked.stopped}" if walked.stopped else "the runbook was not walked to its end"
    since_ns, standby = walked.promotes_ns, evidence.plan.secondary

    def follows(event: Event) -> bool:
        return event.region == standby and event.what == "available" and event.detail.get("role") == "replica"

    if first(evidence.events, Kind.DATABASE, since_ns=since_ns, where=follows) is None:
        return f"the observer did not see {standby}'s database as an available replica after the switch"

    def was_sampled(event: Event) -> bool:
        sampled, lag_s = number(event.detail.get("sampled_mono_ns")), number(event.detail.get("lag_s"))
        return sampled is not None and sampled >= since_ns and lag_s is not None and lag_s >= 0

    if first(evidence.events, Kind.LAG, since_ns=since_ns, where=was_sampled) is None:
        return f"no lag of {standby}'s database was sampled after the switch"
    return ""


# ---- the rules


def failback_loss(case: Case) -> Iterator[Finding]:
    """A failback is planned: it may lose nothing."""
    back = case.reprotection
    if back and back.lost:
        some = ", ".join(back.lost_ids) + (" …" if back.lost > len(back.lost_ids) else "")
        yield Finding(
            Verdict.BROKEN,
            "the failback lost what was written since the failover",
            "no write lost that was acknowledged after the promotion",
            f"{back.lost}: {some}",
            "compare the drain and the wait for the replica in the timeline with docs/runbooks/failback.md",
        )


def failback_interruption(case: Case) -> Iterator[Finding]:
    """The planned switch's interruption is held against the RTO, on its own."""
    back, rto_s = case.reprotection, case.plan.objectives.rto_s
    if back is None or case.evidence.failback is None or case.evidence.failback.drains_ns is None:
        return
    expected = f"clients served again within {rto_s:g} s of the failback's drain"
    if back.interruption_s is None:
        yield Finding(Verdict.UNKNOWN, "how long the failback interrupted is unknown", expected, back.interruption_why)
    elif back.interruption_s > rto_s:
        yield Finding(Verdict.BROKEN, "the failback kept clients waiting", expected, f"{back.interruption_s:.3f} s")
    else:
        yield Finding(
            Verdict.HELD, "the failback's interruption lies within the RTO", expected, f"{back.interruption_s:.3f} s"
        )


def reprotected(case: Case) -> Iterator[Finding]:
    """Both regions protect each other again, and this was seen; else nothing is held."""
    back = case.reprotection
    if back is None:
        return
    expected = "the primary to serve, and the standby to follow it again"
    if back.why:
        yield Finding(Verdict.UNKNOWN, "re-protection was not seen", expected, back.why, NEXT)
    else:
        told = "not known" if back.since_healing_s is None else f"{back.since_healing_s:.3f} s after healing"
        yield Finding(Verdict.HELD, "both regions protect each other again", expected, told)


RULES = (failback_loss, failback_interruption, reprotected)
