"""The rules that find evidence missing: each makes a drill UNKNOWN, because what is not shown is not held.

Missing are: an acknowledged write before the fault; a part of the ledger (a line that cannot be read, an attempt
without a settlement or without its sending, a hole in a segment's numbering); a scheduled probe (a hole in its
numbering or in its schedule, or none for the last stretch of the observation); a complete read-back, and after a
promotion the one before healing; a baseline; a fault that took effect; witnesses that agree; the end of observation;
one boot's clock that never jumped; a plan that tells what is needed; a run that went as planned; a failover that
succeeded, where one ran; after a promotion, the latch that keeps clients from the old primary; and the end of a drill
that was stopped on its way. Nothing here can make a drill BROKEN.
"""

from collections.abc import Callable, Iterator

from gameday.clock import NS
from gameday.facts import BASELINE_NOT_MET, INFERRED, Event, Finding, Kind, Witness
from gameday.measure.case import Case, unknown
from gameday.measure.closing import not_as_the_drill_left_it
from gameday.measure.cut_short import not_as_planned, outlived, stopped
from gameday.measure.failovers import SUCCEEDED, arn_of, failovers
from gameday.measure.floor import LOCAL_LAB, PROMOTE
from gameday.measure.moments import first, last, number
from gameday.measure.one_clock import one_clock
from gameday.measure.prober import sequence_holes
from gameday.measure.schedule import impossible_probes, uneven_schedule
from gameday.measure.settle import NEVER_NS
from gameday.measure.switch import switch_not_made

Rule = Callable[[Case], Iterator[Finding]]
# What RDS calls a database that serves (RDS user guide, "Viewing Amazon RDS DB instance status": the last of them is
# "fully operational", and a backup is taken of a running one). Any other status proves nothing of the kind.
WORKING = frozenset({"available", "backing-up", "storage-optimization"})
FIRST_READING = "survivors read back before healing"  # what the notes of gameday.survivors say; detail.rows
FIRST_READING_FAILED = "survivors not read back before healing"  # detail.why
BLIND_S = 3.0  # the prober may be stopped and drained this long before the end of observation is stamped


def no_acknowledged_write(case: Case) -> Iterator[Finding]:
    """A drill that acknowledged nothing before the fault proves nothing."""
    first_ns = case.evidence.classified.first_acked_ns
    if first_ns is None or not case.evidence.before_fault(first_ns):
        expected = "at least one write acknowledged before the fault"
        yield unknown("no write was acknowledged before the fault", expected, "none", "look at the load's log")


def nothing_kept(case: Case) -> Iterator[Finding]:
    """Where every write acknowledged before the fault is gone, older ones may be gone too: the loss has no end."""
    if not case.evidence.read_back.complete:  # told already, and nothing is known to be lost
        return
    start = case.evidence.start
    before = case.evidence.classified.acked_before(start.mono_ns if start else NEVER_NS, most=0)
    if before.lost and not before.kept:
        expected = "at least one write acknowledged before the fault to be there"
        yield unknown("nothing shows how far back the loss goes", expected, f"none, and {before.lost} lost")


def damaged_lines(case: Case) -> Iterator[Finding]:
    """Lines that cannot be read; a cut last line, being written when its writer died, is as gone as any other."""
    for name, lines in case.evidence.damaged:
        expected = f"every line of {name} to be readable"
        yield unknown("the record is damaged", expected, f"{lines} lines that are not, or are cut")


def unsettled_attempts(case: Case) -> Iterator[Finding]:
    """Attempts without a settlement: told apart from other gaps, since a writer that was killed leaves them."""
    count = case.evidence.ledger.gaps.unsettled
    if count:
        expected = "one settlement for each attempt that was sent"
        yield unknown("attempts never settled", expected, f"{count} without", "let every writer drain before it ends")


def ledger_gaps(case: Case) -> Iterator[Finding]:
    """Everything else that must be in the ledger and is not."""
    gaps = case.evidence.ledger.gaps
    if gaps.gone:
        seen = (
            f"{gaps.missing_lines} lines missing, {gaps.unsent} settlements without a sending, "
            f"{gaps.missing_attempts} attempts missing, {gaps.contradictory} lines that contradict another"
        )
        yield unknown("the ledger has gaps", "one sent line and one settlement for each attempt", seen)


def no_probes(case: Case) -> Iterator[Finding]:
    """Without the prober there is no recovery time."""
    if not case.evidence.probes:
        yield unknown("nothing was probed", "the prober's probes", "none", "look at the prober's log")


def probe_holes(case: Case) -> Iterator[Finding]:
    """Numbers missing in a stream of probes: what was scheduled then is not known."""
    holes = sequence_holes(case.evidence.probes)
    if holes:
        yield unknown("probes are missing", "every number of the prober's schedule", f"{holes} missing")


def blind_end(case: Case) -> Iterator[Finding]:
    """The prober ended before the observation did: nobody looked at the last stretch."""
    evidence = case.evidence
    if evidence.observed_ns is None or not evidence.probes:
        return
    for target, client in sorted({(probe.target, probe.client) for probe in evidence.probes}):
        stamps = [p.scheduled_mono_ns for p in evidence.probes if p.target == target and p.client == client]
        blind_s = (evidence.observed_ns - max(stamps)) / NS
        if blind_s > BLIND_S:
            expected = f"{client} {target} probes up to the end of observation"
            yield unknown("the prober ended before the observation did", expected, f"none in its last {blind_s:.1f} s")


def writers_died(case: Case) -> Iterator[Finding]:
    """A writer that died took its last lines with it."""
    for kind in (Kind.LOAD, Kind.PROBER):
        if first(case.evidence.events, kind, where=lambda event: event.what == "died"):
            yield unknown(
                f"the {kind.value} died during the drill", f"the {kind.value} to live until it is stopped", "died"
            )


def incomplete_read_back(case: Case) -> Iterator[Finding]:
    """Losses are counted by what is *not* there, so everything that is there must have been read."""
    read_back = case.evidence.read_back
    if not read_back.complete:
        yield unknown("the read-back is incomplete", "every surviving row read back", read_back.why)


def no_first_reading(case: Case) -> Iterator[Finding]:
    """A promoted standby is read back before healing too, while nobody else can answer; the judged reading holds it.

    Without the first reading, or with an empty one, the judged one was held to nothing.
    """
    evidence = case.evidence
    if evidence.promotion is None:
        return
    since_ns = evidence.promotion.mono_ns
    healing = first(evidence.events, Kind.HEAL, since_ns=since_ns) or first(evidence.events, Kind.HEAL)
    read = first(evidence.events, Kind.NOTE, since_ns=since_ns, where=_is_first_reading)
    if healing and (read is None or read.mono_ns > healing.mono_ns):
        why = last(evidence.events, Kind.NOTE, where=lambda event: event.what == FIRST_READING_FAILED)
        yield unknown(
            "the survivors were not read back before healing",
            "every surviving row read while the old primary was cut off",
            str(why.detail.get("why", "it failed")) if why else "no such reading, so the judged one is held to nothing",
        )


def _is_first_reading(event: Event) -> bool:
    return event.what == FIRST_READING and bool(number(event.detail.get("rows")))


def baseline_not_met(case: Case) -> Iterator[Finding]:
    """Availability before the fault below the objective, or the drill's own note that it was."""
    least = case.plan.objectives.availability_min
    for each in case.availability:
        if not each.baseline_scheduled:
            expected = f"{each.target} probes before the fault"
            yield unknown("the baseline was not probed", expected, "none")
        elif each.baseline_good < least * each.baseline_scheduled:
            seen = f"{each.baseline_good} good of {each.baseline_scheduled}"
            yield unknown(
                "the baseline was not met", f"{each.target} probes good by {least:.4%} before the fault", seen
            )
    note = first(case.evidence.events, Kind.NOTE, where=lambda event: event.what == BASELINE_NOT_MET)
    if note:
        yield unknown(
            "the baseline was not met", "a working service before the fault", str(dict(note.detail)) or "a note"
        )


def primary_already_down(case: Case) -> Iterator[Finding]:
    """What was down before the fault was not broken by it, and a switch from what is down is no switch."""
    if case.evidence.start is None:
        return
    for event in _last_before_fault(case):
        yield unknown(
            "the primary was already down before the fault",
            f"{event.kind.value} of the primary to be good before the fault",
            f"{event.what} at {event.utc}",
            "repair the lab first",
        )


def _last_before_fault(case: Case) -> Iterator[Event]:
    evidence, start = case.evidence, case.evidence.start
    before_ns = start.mono_ns if start else None
    health = last(evidence.events, Kind.HEALTH_CHECK, before_ns=before_ns)
    if health and health.what == "unhealthy":
        yield health
    database = last(
        evidence.events, Kind.DATABASE, before_ns=before_ns, where=lambda event: event.region == case.plan.primary
    )
    if database and not _is_working_primary(database):
        yield database


def _is_working_primary(database: Event) -> bool:
    """The role alone proves nothing: AWS tells no role, so every instance that replicates no other is a primary."""
    return database.what in WORKING and database.detail.get("role", "primary") == "primary"


def fault_without_effect(case: Case) -> Iterator[Finding]:
    """A fault that was not injected, or whose own effect check failed or is missing."""
    evidence = case.evidence
    failed = first(evidence.events, Kind.FAULT_FAILED)
    if failed:
        yield unknown("the fault's own effect check failed", "the fault to take effect", failed.what)
    injected = sum(event.kind is Kind.FAULT for event in evidence.events)
    if injected < len(case.plan.faults):
        expected = f"the planned faults injected: {', '.join(case.plan.faults)}"
        yield unknown("a planned fault was not injected", expected, f"{injected} of {len(case.plan.faults)}")
    elif evidence.fault and not evidence.fault.verified and not failed:
        expected = f"the effect of {evidence.fault.fault} verified"
        yield unknown("nobody verified that the fault took effect", expected, "no verification after it")


def witnesses_disagree(case: Case) -> Iterator[Finding]:
    """An independent witness that contradicts the ledger's loss; an unavailable one does not."""
    point = case.recovery_point
    for name, says, why in (("WAL", point.wal, point.wal_why), ("lag", point.lag, point.lag_why)):
        if says is Witness.DISAGREES:
            yield unknown(f"the {name} witness disagrees", f"the {name} to agree with the ledger", why)


def no_end_of_observation(case: Case) -> Iterator[Finding]:
    """A drill that was cut short."""
    if case.evidence.end_ns is None:
        yield unknown("the observation never ended", "a recorded end of observation", "none: the drill was cut short")


def two_boots(case: Case) -> Iterator[Finding]:
    """Stamps of two boots cannot be subtracted."""
    count = case.evidence.foreign_stamps
    if count:
        yield unknown("stamps of another boot are in the record", f"stamps of boot {case.plan.boot}", f"{count} others")


def plan_parts(case: Case) -> Iterator[Finding]:
    """Parts of the plan without which a definition has no meaning."""
    plan = case.plan
    needed = {
        "boot": plan.boot, "primary": plan.primary, "secondary": plan.secondary,
        "timers.scale": plan.timers.scale > 0, "timers.window_s": plan.timers.window_s > 0,
    }  # fmt: skip
    lacking = [name for name, there in needed.items() if not there]
    if lacking:
        yield unknown("the plan is incomplete", "every part of plan.json that is judged by", f"no {', '.join(lacking)}")


def inferred_effects(case: Case) -> Iterator[Finding]:
    """An effect that was concluded from the configuration was not seen: replication may have flowed on (DESIGN §6)."""
    verified = (event.detail for event in case.evidence.events if event.kind is Kind.FAULT_VERIFIED)
    inferred = {name for detail in verified for name, how in detail.items() if str(how).startswith(INFERRED)}
    if inferred:
        expected = "every effect of the fault to be seen"
        yield unknown(
            "effects of the fault were only inferred", expected, ", ".join(sorted(inferred)), "look at its lag"
        )


def healing_without_end(case: Case) -> Iterator[Finding]:
    """A drill that began to take its fault back and never saw it done: nobody looked whether a client went back."""
    healing, healed = last(case.evidence.events, Kind.HEAL), last(case.evidence.events, Kind.HEALED)
    if healing and (healed is None or healed.mono_ns < healing.mono_ns):
        expected = "healing to come to its end"
        yield unknown("the fault was not seen healed", expected, "it began and never ended", "gameday undo RECORD")


def unseen_promotion(case: Case) -> Iterator[Finding]:
    """Something says that the standby was promoted, and nobody saw when: then what came after it cannot be told.

    An acknowledgement of the standby is such a sign too. What the old primary did after it is held against the drill,
    but the first client may have come to the standby long after the promotion, so it does not clear the time before.
    """
    evidence = case.evidence
    if evidence.promotion is not None and evidence.promotion.seen:
        return
    signs = {
        f"{case.plan.secondary} acknowledged writes": evidence.promotion is not None,
        "the old primary was fenced": first(evidence.events, Kind.FENCED) is not None,
        f"the failover came to {PROMOTE}": any(
            event.kind is Kind.STATE and event.what == PROMOTE for event in evidence.events
        ),
        "the old primary committed orders after a fork": any(commit.order for commit in evidence.wal or ()),
    }
    seen = [sign for sign, is_there in signs.items() if is_there]
    if seen:
        expected = "the moment of the promotion on the timeline"
        yield unknown("the promotion was not seen", expected, f"{' and '.join(seen)}, and no promoted database")


def unproved_failover(case: Case) -> Iterator[Finding]:
    """The newest failover failed, or had not ended: the deployment's own check did not prove the standby."""
    runs = failovers(case.evidence)
    if runs and runs[-1].what != SUCCEEDED:
        yield unknown(
            "the failover did not succeed",
            "the newest failover to succeed, its post-check and its notification included",
            f"{runs[-1].what}, seen last at {runs[-1].utc}",
            f"read the history of execution {arn_of(runs[-1])}: which state failed, and whether anybody was told",
        )


def unlatched(case: Case) -> Iterator[Finding]:
    """The standby was promoted, and DNS was seen pointing at the old primary until healing began, or to the end.

    Then only the fence kept the clients where they were: a health check that turns healthy again sends them back to a
    database that is no primary any more. Nothing is said of a lab in which nobody looked at the record.
    """
    evidence = case.evidence
    if evidence.promotion is None:
        return
    healing = first(evidence.events, Kind.HEAL, since_ns=evidence.promotion.mono_ns)
    looks = [event for event in evidence.events if event.kind is Kind.LATCH]
    in_time = [event for event in looks if healing is None or event.mono_ns < healing.mono_ns]
    if looks and not any(event.detail.get("latched") is True for event in in_time):
        yield unknown(
            "DNS was not latched to the standby",
            f"the PRIMARY record to point at {case.plan.secondary} once it was promoted, and before healing",
            f"it pointed at {looks[-1].what}",
            "latch DNS before promoting",
        )


def unread_wal(case: Case) -> Iterator[Finding]:
    """In the local lab the old primary's WAL can be read, so after a promotion it must have been.

    A restore makes a new database of a backup: nothing forks from the old primary, so there is no such WAL.
    """
    evidence = case.evidence
    if case.plan.lab == LOCAL_LAB and case.restore is None and evidence.promotion is not None and evidence.wal is None:
        expected = "the old primary's commits after the fork (wal.ndjson)"
        yield unknown("the old primary's WAL was not read", expected, "none, so a split brain cannot be ruled out")


def timeless_commits(case: Case) -> Iterator[Finding]:
    """Where the WAL was read, but a commit or the promotion tells no time, nobody knows which of the two came first."""
    if case.evidence.wal is not None and case.split_brain is None:
        expected = "the time in UTC of the promotion, and of every commit after the fork"
        yield unknown("a split brain cannot be ruled out", expected, "a stamp that is no time")


MISSING: tuple[Rule, ...] = (
    no_acknowledged_write,
    nothing_kept,
    damaged_lines,
    not_as_the_drill_left_it,
    unsettled_attempts,
    ledger_gaps,
    no_probes,
    probe_holes,
    impossible_probes,
    uneven_schedule,
    blind_end,
    writers_died,
    incomplete_read_back,
    no_first_reading,
    baseline_not_met,
    primary_already_down,
    fault_without_effect,
    switch_not_made,
    witnesses_disagree,
    no_end_of_observation,
    two_boots,
    one_clock,
    plan_parts,
    inferred_effects,
    healing_without_end,
    unseen_promotion,
    unproved_failover,
    unlatched,
    unread_wal,
    timeless_commits,
    stopped,
    not_as_planned,
    outlived,
)
