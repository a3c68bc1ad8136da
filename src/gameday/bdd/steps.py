"""The on-call engineer's sentences. Every Then has a deadline, counted from the fault, in minutes at timer scale 1."""

# mypy: allow-untyped-decorators

from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_bdd import given, parsers, then, when

from gameday.clock import NS
from gameday.drill import Drill
from gameday.errors import DeadlineError
from gameday.facts import Event, Kind, Measurement, StopCondition, Verdict, Witness
from gameday.preparing import LOCAL
from gameday.record.lines import Damage
from gameday.recovery import runbook
from gameday.seen import documents_are, lag_at_most

if TYPE_CHECKING:
    from gameday.faults.base import Fault

MINUTE_S = 60.0
CAUGHT_UP_S = 1.0
ALARM_RULE = "gameday-primary-down"  # of infra/stacks/orchestration.py; the local lab names what it starts after it


@given("orders are placed and read without errors")
def orders_flow(drill: Drill) -> None:
    """The baseline: nothing is broken in a service that does not work."""
    drill.baseline()


@given(parsers.re(r'the drill stops when the alarm "(?P<name>[^"]+)" goes off$'))
def stops_at_an_alarm(drill: Drill, name: str) -> None:
    """From the end of the baseline on; or is in any state but OK, or cannot be read."""
    drill.stops_when(StopCondition(alarm=name))


@given(parsers.re(r"the drill stops when the replica is more than (?P<seconds>\d+) seconds? behind$"))
def stops_at_a_lag(drill: Drill, seconds: str) -> None:
    """By the newest sample of its lag; or when there is none."""
    drill.stops_when(StopCondition(probe="replica_lag_s", at_most=float(seconds)))


@given(parsers.re(r"the drill stops when fewer than (?P<percent>\d+) % of orders are accepted$"))
def stops_at_refused_orders(drill: Drill, percent: str) -> None:
    """Of the newest hundred fresh writes."""
    drill.stops_when(StopCondition(probe="write_success_rate", at_least=int(percent) / 100))


@when("the primary region is cut off")
def region_cut_off(drill: Drill, gameday_region_outage: "Callable[[str], Fault]") -> None:
    """Nothing enters or leaves the primary region any more."""
    drill.inject(gameday_region_outage(drill.lab.primary))


@when("the primary database dies")
def database_dies(drill: Drill, gameday_database_loss: "Callable[[str], Fault]") -> None:
    """Its host is gone without a goodbye; the rest of the region lives."""
    drill.inject(gameday_database_loss(drill.lab.primary))


@given("a snapshot of the primary database is taken")
def snapshot_taken(drill: Drill) -> None:
    """It stands for the newest backup that there would be."""
    drill.snapshot(drill.lab.primary, 15 * MINUTE_S)


@when("its replica dies")
def replica_dies(drill: Drill, gameday_replica_loss: "Callable[[str], Fault]") -> None:
    """The other region's database is gone too: there is nothing to promote."""
    drill.inject(gameday_replica_loss(drill.lab.secondary))


@when("the on-call engineer starts the failover")
def failover_by_hand(drill: Drill) -> None:
    """The state machine is started with force: the health check sees nothing of a lost database."""
    drill.fail_over()


@when("the planned failover is started")
def planned_failover(drill: Drill) -> None:
    """A switch on purpose: the primary is drained, and the standby takes over once it has everything."""
    drill.fail_over("planned")


@when("the old primary has been fenced")
def old_primary_fenced(drill: Drill) -> None:
    """Nobody writes into it any more; then the service is watched, and the survivors are read back."""
    drill.fence()
    drill.observe()


@when(parsers.re(r'the on-call engineer walks the runbook "(?P<name>[a-z-]+)"$'))
def runbook_walked(drill: Drill, name: str) -> None:
    """Every step of it, without asking."""
    drill.run(runbook(name))


@when("the regions no longer reach each other")
def regions_part(drill: Drill, gameday_partition: "Callable[[str], Fault]") -> None:
    """Replication is severed; both regions live, and so do their clients."""
    drill.inject(gameday_partition(drill.lab.primary))


@when("replication between the regions slows down")
def replication_slows(drill: Drill, gameday_replica_lag: "Callable[[str], Fault]") -> None:
    """It goes on, too slowly for what is written; no client notices."""
    drill.inject(gameday_replica_lag(drill.lab.primary))


@when("all tasks of the primary region are stopped")
def tasks_stop(drill: Drill, gameday_task_loss: "Callable[[str], Fault]") -> None:
    """Its service has nobody left, until ECS starts others."""
    drill.inject(gameday_task_loss(drill.lab.primary))


@when(parsers.re(r"(?P<percent>\d+) % of the primary region's documents are deleted or overwritten$"))
def documents_ransomed(drill: Drill, percent: str, gameday_object_ransomware: "Callable[..., Fault]") -> None:
    """As ransomware does it: delete markers on some, unreadable bytes in others."""
    drill.inject(gameday_object_ransomware(drill.lab.primary, int(percent) / 100))


@when("the primary region's bucket is emptied")
def bucket_emptied(drill: Drill, gameday_bucket_loss: "Callable[[str, str], Fault]") -> None:
    """Every version and every delete marker is gone for good."""
    drill.inject(gameday_bucket_loss(drill.lab.primary, drill.lab.of(drill.lab.primary, "BucketName")))


@when("the primary region's encryption key is disabled")
def key_disabled(drill: Drill, gameday_key_unavailable: "Callable[[str], Fault]") -> None:
    """What it encrypts, documents and secrets, can be neither read nor written."""
    drill.inject(gameday_key_unavailable(drill.lab.primary))


@when("the primary region's service may no longer read its secret")
def secret_denied(drill: Drill, gameday_secret_unavailable: "Callable[[str], Fault]") -> None:
    """Where its database is, is told to no task any more that does not know it yet."""
    drill.inject(gameday_secret_unavailable(drill.lab.primary))


@when("the key can be used again")
@when("the secret can be read again")
@when("the documents have been read back")
@when("the region comes back")
@when("the database comes back")
@when("the regions reach each other again")
@when("the tasks have been replaced")
@when("replication is as quick as before")
def what_was_lost_comes_back(drill: Drill) -> None:
    """What survived is read back first; then the old primary is fenced, and only then healed."""
    drill.observe()
    drill.heal()


@then(parsers.re(r"the health check reports it within (?P<minutes>\d+) minutes?$"))
def health_check_reports(drill: Drill, minutes: str) -> None:
    """Route 53's health check of the primary turns unhealthy."""
    seen_within(drill, int(minutes), "the health check unhealthy", lambda e: is_a(e, Kind.HEALTH_CHECK, "unhealthy"))


@then(parsers.re(r"an alarm is raised within (?P<minutes>\d+) minutes?$"))
def alarm_raised(drill: Drill, minutes: str) -> None:
    """Every alarm that the plan expects goes off."""
    assert drill.plan.expected_alarms, "no alarm is expected: neither the drill nor its fault names one"
    for name in drill.plan.expected_alarms:
        seen_within(drill, int(minutes), f"the alarm {name}", alarm(name))


@then(parsers.re(r"the replica has caught up within (?P<minutes>\d+) minutes?$"))
def replica_caught_up(drill: Drill, minutes: str) -> None:
    """Its lag is a second at most, counted from when the sentence is said."""
    drill.until(lag_at_most(CAUGHT_UP_S), int(minutes) * MINUTE_S)


@then("the loss is as large as the replica was behind")
def loss_is_the_lag(drill: Drill) -> None:
    """Acknowledged orders are lost, and the lag that was seen last before the fault agrees with how many."""
    point = judged(drill).recovery_point
    assert point.lost, f"nothing was lost, and the replica was {point.lag_s} s behind"
    assert point.lag is Witness.AGREES, point.lag_why


@then("what a loss of the region would cost has grown with the lag")
def exposure_has_grown(drill: Drill) -> None:
    """Where the replica was furthest behind, more acknowledged orders were at risk than before the fault."""
    found = judged(drill).exposures
    before = [each.writes for each in found if each.at_s < 0]
    assert before, f"no lag was sampled before the fault, {len(found)} after it"
    worst = max(found, key=lambda each: each.lag_s)
    assert worst.writes > max(before), f"{worst.writes} orders at risk at {worst.lag_s:.1f} s, before {max(before)}"


@then(parsers.re(r"orders are accepted again within (?P<minutes>\d+) minutes?$"))
def orders_accepted_again(drill: Drill, minutes: str) -> None:
    """Fresh writes and reads are good again, whichever region answers them."""
    if not drill.until_recovered(int(minutes) * MINUTE_S):
        raise DeadlineError(f"orders accepted again within {minutes} minutes", drill.clients.told(newest=200))


@then(parsers.re(r"it is noticed that documents are gone within (?P<minutes>\d+) minutes?$"))
def documents_missed(drill: Drill, minutes: str) -> None:
    """The canary, which reads some documents over and over, gets one that is not as it was stored."""
    drill.until(documents_are("bad"), int(minutes) * MINUTE_S)


@then(parsers.re(r"every document was there again within (?P<minutes>\d+) minutes?$"))
def documents_recovered(drill: Drill, minutes: str) -> None:
    """All that was acknowledged before the fault, read back with its checksum; the time, as it is judged."""
    outcome = judged(drill).objects
    assert outcome is not None, "the drill stored no documents: give its load some"
    bad = f"{outcome.unrecovered} gone, {outcome.altered} altered, {outcome.unread} not read"
    assert not (outcome.unrecovered or outcome.altered or outcome.unread), bad
    limit_s = int(minutes) * MINUTE_S * drill.lab.timer_scale
    assert outcome.recovery_s is not None, outcome.why
    assert outcome.recovery_s <= limit_s, f"{outcome.recovery_s:.1f} s, allowed are {limit_s:g} s"


@then("no order was refused or failed")
def nobody_noticed(drill: Drill) -> None:
    """No probe failed: the recovery time actual is 0 s."""
    assert judged(drill).rta_s == 0, findings(drill)


@then("no acknowledged order is lost")
def nothing_lost(drill: Drill) -> None:
    """Every acknowledged order was read back, and none is there twice or altered."""
    point = judged(drill).recovery_point
    assert point.rpa_s is not None, f"the recovery point is unknown: {point.why}"
    assert point.lost == 0, f"{point.lost} orders over {point.rpa_s:.3f} s"


@then(parsers.re(r"the failover starts by itself within (?P<minutes>\d+) minutes?$"))
def failover_starts(drill: Drill, minutes: str) -> None:
    """The state machine runs. In the local lab its execution's name tells that the alarm's rule started it, and nobody
    by hand; AWS gives such executions names of its own, which tell nothing."""
    begun = seen_within(drill, int(minutes), "a running failover", lambda e: is_a(e, Kind.EXECUTION, "RUNNING"))
    name = str(begun.detail.get("arn", "")).rpartition(":")[2]
    by_itself = name.startswith(ALARM_RULE) or drill.plan.lab != LOCAL
    assert by_itself, f"the failover was not started by the rule {ALARM_RULE}, but as {name!r}"


@then(parsers.re(r"the service's name leads to the other region within (?P<minutes>\d+) minutes?$"))
def name_leads_elsewhere(drill: Drill, minutes: str) -> None:
    """The resolver answers with the standby's balancer."""
    other = drill.lab.secondary
    seen_within(drill, int(minutes), f"DNS leading to {other}", lambda e: e.kind is Kind.DNS and e.region == other)


@then(parsers.re(r"orders are accepted in the other region within (?P<minutes>\d+) minutes?$"))
def orders_accepted_elsewhere(drill: Drill, minutes: str) -> None:
    """Fresh writes and reads are good again, and it is the standby's region that answers them."""
    begun, limit_s = fault_of(drill), int(minutes) * MINUTE_S
    recovered = drill.until_recovered(limit_s)
    answering = drill.clients.outside.regions(since_ns=begun.mono_ns)
    if not recovered or drill.lab.secondary not in answering:
        seen = f"{drill.clients.told(newest=200)}; answering: {', '.join(answering) or 'nobody'}"
        raise DeadlineError(f"orders accepted in {drill.lab.secondary} within {minutes} minutes", seen)


@then(parsers.re(r"no client has gone back to it (?P<minutes>\d+) minutes? later$"))
def no_client_went_back(drill: Drill, minutes: str) -> None:
    """For so long after the healing, nobody is answered by the old primary, on fresh or kept-alive connections."""
    healed = [event for event in events_of(drill) if event.kind is Kind.HEALED]
    assert healed, "nothing was healed yet: say 'When the region comes back' first"
    drill.hold(int(minutes) * MINUTE_S)
    drill.clients.outside.look()
    answering = drill.clients.outside.regions(since_ns=healed[-1].mono_ns)
    assert drill.lab.primary not in answering, f"{answering[drill.lab.primary]} answers from {drill.lab.primary}"
    assert answering, "nobody was answered at all"


@then(parsers.re(r"orders are accepted in the primary region again within (?P<minutes>\d+) minutes?$"))
def orders_accepted_at_home(drill: Drill, minutes: str) -> None:
    """Fresh writes and reads are good, the primary's region answers the newest of them, and the other none."""
    if not drill.until_recovered(int(minutes) * MINUTE_S):
        raise DeadlineError(f"orders accepted again within {minutes} minutes", drill.clients.told(newest=200))
    begun_ns = drill.clients.clock.mono_ns()
    drill.observe()
    answering = drill.clients.outside.regions(since_ns=begun_ns)
    assert set(answering) == {drill.lab.primary}, f"answering: {answering or 'nobody'}"


@then(parsers.re(r"both regions protect each other again within (?P<minutes>\d+) minutes? of the healing$"))
def protected_again(drill: Drill, minutes: str) -> None:
    """The time to re-protected, as it is judged."""
    back, limit_s = judged(drill).reprotection, int(minutes) * MINUTE_S * drill.lab.timer_scale
    assert back is not None, "nobody failed back"
    assert back.since_healing_s is not None, f"re-protection was not seen: {back.why}"
    assert back.since_healing_s <= limit_s, f"{back.since_healing_s:.1f} s, allowed are {limit_s:g} s"


@then("nothing that was written since the failover is lost")
def nothing_lost_since(drill: Drill) -> None:
    """The recovery point of the failback itself."""
    back = judged(drill).reprotection
    assert back is not None, "nobody failed back"
    assert back.lost == 0, f"{back.lost} lost: {', '.join(back.lost_ids)}"


@then(parsers.re(r"orders were accepted again within (?P<minutes>\d+) minutes?$"))
def recovered_within(drill: Drill, minutes: str) -> None:
    """The recovery time actual, as it is judged."""
    rta_s, limit_s = judged(drill).rta_s, int(minutes) * MINUTE_S * drill.lab.timer_scale
    assert rta_s is not None, f"the recovery time is unknown: {findings(drill)}"
    assert rta_s <= limit_s, f"{rta_s:.1f} s, allowed are {limit_s:g} s at timer scale {drill.lab.timer_scale:g}"


@then(parsers.re(r"at most the last (?P<minutes>\d+) minutes? of acknowledged orders are lost$"))
def lost_at_most(drill: Drill, minutes: str) -> None:
    """The recovery point actual, as it is judged."""
    point = judged(drill).recovery_point
    assert point.rpa_s is not None, f"the recovery point is unknown: {point.why}"
    assert point.rpa_s <= int(minutes) * MINUTE_S, f"{point.lost} orders over {point.rpa_s:.3f} s"


@then("every order acknowledged before the snapshot is there")
def backup_is_whole(drill: Drill) -> None:
    """Each of them, once, with its checksum."""
    restored = judged(drill).restore
    assert restored, "nothing was restored"
    assert restored.verified, f"nothing was verified: {restored.why or 'no order was acknowledged before the snapshot'}"
    assert restored.verified == restored.acknowledged_before, f"missing: {', '.join(restored.missing_ids)}"


@then(parsers.re(r"the database was restored within (?P<minutes>\d+) minutes?$"))
def restored_within(drill: Drill, minutes: str) -> None:
    """From the call that restores it until it was available."""
    restored, limit_s = judged(drill).restore, int(minutes) * MINUTE_S * drill.lab.timer_scale
    assert restored, "nothing was restored"
    assert restored.restore_s is not None, f"the restore was not seen to its end: {restored.why}"
    assert restored.restore_s <= limit_s, f"{restored.restore_s:.1f} s, allowed are {limit_s:g} s"


@then("the drill has held its objectives")
def held(drill: Drill) -> None:
    """The verdict is HELD: the objectives are met, and nothing that would show otherwise is missing."""
    assert judged(drill).verdict is Verdict.HELD, findings(drill)


def seen_within(drill: Drill, minutes: int, what: str, wanted: Callable[[Event], bool]) -> Event:
    """The first such event since the fault; raises :class:`DeadlineError` when it does not come in time."""
    begun, limit_ns = fault_of(drill).mono_ns, int(minutes * MINUTE_S * drill.lab.timer_scale * NS)
    found: list[Event] = []

    def look() -> bool:
        found.extend(event for event in events_of(drill) if event.mono_ns >= begun and wanted(event))
        return bool(found)

    drill.clients.until(look, what, max(0.0, (begun + limit_ns - drill.clients.clock.mono_ns()) / NS))
    took_s = (found[0].mono_ns - begun) / NS
    if found[0].mono_ns > begun + limit_ns:
        raise DeadlineError(f"{what} within {limit_ns / NS:g} s of the fault", f"it took {took_s:.1f} s")
    return found[0]


def is_a(event: Event, kind: Kind, what: str) -> bool:
    return event.kind is kind and event.what == what


def alarm(name: str) -> Callable[[Event], bool]:
    return lambda event: is_a(event, Kind.ALARM, "ALARM") and event.detail.get("name") == name


def fault_of(drill: Drill) -> Event:
    """The stamp from which every deadline counts: the fault, or the switch."""
    begun = [event for event in events_of(drill) if event.kind in (Kind.FAULT, Kind.SWITCH)]
    assert begun, (
        "nothing was broken or switched yet: a Then with a deadline follows a When that breaks something, or switches"
    )
    return begun[0]


def events_of(drill: Drill) -> list[Event]:
    return list(drill.record.read_events(Damage()))


def judged(drill: Drill) -> Measurement:
    """End the drill and judge it, once."""
    drill.conclude()
    return drill.measurement or drill.judge()


def findings(drill: Drill) -> str:
    told = judged(drill).findings
    return "; ".join(f"{each.weight.value}: {each.what}, saw {each.seen}" for each in told)
