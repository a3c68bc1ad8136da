"""The verdict's table, rule by rule. ``good_drill`` HELD; each test takes one thing away or breaks one thing."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from records import OUTAGE, PLAN, PRIMARY, TIMERS, DrillBuilder, at_ns, good_drill, told

from gameday.facts import ABORTED, BASELINE_NOT_MET, NOT_AS_PLANNED, OUTLIVED, Kind, Objectives, Verdict, Witness
from gameday.measure.judge import judge
from gameday.measure.missing import FIRST_READING
from gameday.measure.verdict import verdict_of

HELD, BROKEN, UNKNOWN = Verdict.HELD, Verdict.BROKEN, Verdict.UNKNOWN


@pytest.fixture
def judged(tmp_path):
    return lambda drill: judge(drill.record(tmp_path))


def test_a_complete_drill_within_its_objectives_held(judged):
    found = judged(good_drill())
    assert (found.verdict, found.rta_s, found.recovery_point.rpa_s) == (HELD, 4.01, 0.1)
    assert (found.writes, found.acknowledged, found.attempts) == (4, 4, 4)
    assert found.classes["kept"] == 3
    assert found.classes["lost"] == 1
    assert found.recovery_point.wal is Witness.AGREES
    assert told(found, HELD)[:2] == ["clients were served again within the RTO", "what was lost lies within the RPO"]


def test_without_any_finding_nothing_was_shown():
    assert verdict_of([]) is UNKNOWN


# Rows that no good recovery can leave.


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda d: d.row("a"), "orders are there more than once"),
        (lambda d: d.write("x", -1.0, there=False).row("x", payload="other"), "orders came back with another checksum"),
        (lambda d: d.write("x", 4.0, xid=703).commits(703), "orders were acknowledged by the old primary after"),
        (lambda d: d.write("x", -1.0, "refused"), "orders are there although they were refused"),
        (lambda d: d.row("stranger"), "rows are there that nobody sent"),
        (lambda d: d.write("x", -1.0, "unknown").commits(703, at_s=3.6), "the old primary went on committing"),
    ],
    ids=["duplicate", "corrupted", "diverged", "ghost", "unexpected", "split brain"],
)
def test_a_row_that_cannot_be_is_broken_whatever_the_objectives(judged, spoil, what):
    found = judged(spoil(good_drill().planned(objectives=Objectives(rto_s=1e9, rpo_s=1e9))))
    assert found.verdict is BROKEN
    assert any(sentence.startswith(what) for sentence in told(found, BROKEN))


def test_rows_committed_on_the_old_primary_before_the_promotion_are_no_split_brain(judged):
    found = judged(good_drill().write("x", -0.1, "unknown", there=False).commits(703, at_s=3.4))
    assert (found.verdict, found.split_brain) == (HELD, 0)


def test_without_wal_the_split_brain_is_not_known_to_be_none(judged):
    drill = good_drill().planned(lab="aws")
    drill.wal = None
    found = judged(drill)
    assert (found.verdict, found.split_brain, found.recovery_point.wal) == (HELD, None, Witness.UNAVAILABLE)


def test_in_the_local_lab_wal_that_was_not_read_after_a_promotion_is_unknown(judged):
    drill = good_drill()
    drill.wal = None
    found = judged(drill)
    assert (found.verdict, told(found, UNKNOWN)) == (UNKNOWN, ["the old primary's WAL was not read"])


def test_an_effect_that_was_only_inferred_is_unknown(judged):
    drill = good_drill().event(
        Kind.FAULT_VERIFIED, OUTAGE, 0.3, PRIMARY, **{"replication has stopped": "inferred from the network ACLs"}
    )
    drill.verified = False
    found = judged(drill)
    assert (found.verdict, told(found, UNKNOWN)) == (UNKNOWN, ["effects of the fault were only inferred"])


def test_healing_that_never_came_to_its_end_is_unknown(judged):
    drill = good_drill().event(Kind.NOTE, FIRST_READING, 24.0, rows=3)
    found = judged(drill.event(Kind.HEAL, OUTAGE, 25.0, PRIMARY))
    assert (found.verdict, told(found, UNKNOWN)) == (UNKNOWN, ["the fault was not seen healed"])


def test_a_promotion_that_nobody_saw_is_unknown(judged):
    drill = good_drill().event(Kind.FENCED, "fenced", 25.0, PRIMARY)
    drill.events = [event for event in drill.events if event.kind is not Kind.DATABASE]
    found = judged(drill)
    assert found.verdict is UNKNOWN
    assert "the promotion was not seen" in told(found, UNKNOWN)
    assert any("the old primary was fenced" in finding.seen for finding in found.findings)


def test_a_recovery_that_only_the_drills_own_healing_brought_is_unknown(judged):
    drill = DrillBuilder().probes(bad=(0.0, 12.0)).write("a", -1.0)
    drill.event(Kind.HEAL, OUTAGE, 11.0, PRIMARY).event(Kind.HEALED, OUTAGE, 11.5, PRIMARY)
    found = judged(drill)
    assert (found.verdict, found.rta_s) == (UNKNOWN, None)
    assert any("only after the drill had healed" in time.why for time in found.recovery_times)


def test_a_client_that_is_served_by_the_old_primary_after_healing_is_broken(judged):
    drill = good_drill().event(Kind.HEALED, "healed", 20.0, PRIMARY)
    back = next(probe for probe in drill.all_probes if probe.good and probe.scheduled_mono_ns > at_ns(25.0))
    drill.all_probes[drill.all_probes.index(back)] = replace(back, region=PRIMARY)
    found = judged(drill)
    assert found.verdict is BROKEN
    assert told(found, BROKEN) == ["clients went back to the old primary when its region was healed"]


def test_answers_of_the_primary_are_no_going_back_when_nobody_was_promoted(judged):
    drill = DrillBuilder().probes().write("a", -1.0).event(Kind.HEALED, "healed", 20.0, PRIMARY)
    drill.all_probes = [replace(probe, region=PRIMARY) for probe in drill.all_probes]
    assert not any(what.startswith("clients went back") for what in told(judged(drill), BROKEN))


# Objectives.


def test_an_rta_beyond_the_rto_is_broken(judged):
    assert judged(good_drill().planned(objectives=Objectives(4.0, 10))).verdict is BROKEN
    assert judged(good_drill().planned(objectives=Objectives(4.01, 10))).verdict is HELD


def test_an_rpa_beyond_the_rpo_is_broken(judged):
    assert judged(good_drill().planned(objectives=Objectives(30, 0.09))).verdict is BROKEN
    assert judged(good_drill().planned(objectives=Objectives(30, 0.1))).verdict is HELD


def test_where_nothing_acknowledged_before_the_fault_is_left_the_loss_has_no_known_end(judged):
    drill = DrillBuilder().probes(bad=(0.0, 4.0)).write("a", -0.1, there=False).write("b", 5.0)
    found = judged(drill)
    assert (found.verdict, told(found, UNKNOWN)) == (UNKNOWN, ["nothing shows how far back the loss goes"])


def test_one_lost_write_breaks_an_rpo_of_zero_even_when_its_interval_is_empty(judged):
    drill = DrillBuilder().probes(bad=(0.0, 4.0)).write("kept", -5.0).write("a", 0.19, there=False)
    assert judged(drill.planned(objectives=Objectives(30, 0))).verdict is BROKEN


def test_a_service_that_stops_answering_for_good_is_broken_once_the_rto_has_passed(judged):
    drill = DrillBuilder().probes(bad=(0.0, 99.0)).write("kept", -5.0)
    found = judged(drill.planned(objectives=Objectives(29.0, 10)))
    assert (found.verdict, found.rta_s) == (BROKEN, None)


def test_a_service_that_stops_answering_is_unknown_while_the_rto_has_not_passed(judged):
    drill = DrillBuilder().probes(bad=(0.0, 99.0)).write("kept", -5.0)
    assert judged(drill).verdict is UNKNOWN


def scaled(scale):
    return good_drill().planned(timers=replace(TIMERS, scale=scale))  # RTA 4.01 s, RTO 30 s


def test_at_a_timer_scale_held_requires_rta_within_rto_times_scale(judged):
    assert judged(scaled(0.2)).verdict is HELD  # 6 s
    found = judged(scaled(0.1))  # 3 s
    assert found.verdict is UNKNOWN
    assert told(found, UNKNOWN) == ["at timer scale 0.1 the recovery took longer than the RTO × scale"]


def test_at_a_timer_scale_an_rta_beyond_the_rto_itself_is_broken(judged):
    assert judged(scaled(0.1).planned(objectives=Objectives(4.0, 10))).verdict is BROKEN


def test_a_timer_scale_above_one_does_not_stretch_the_rto(judged):
    assert judged(scaled(10.0).planned(objectives=Objectives(4.0, 10))).verdict is BROKEN


# Missing evidence.


def without(**fields) -> Callable[[DrillBuilder], DrillBuilder]:
    def take(drill):
        for name, value in fields.items():
            setattr(drill, name, value)
        return drill

    return take


def without_probe(number):
    def take(drill):
        del drill.all_probes[number]
        return drill

    return take


def only_probes(**how):
    def take(drill):
        drill.all_probes = []
        return drill.probes(bad=(0.0, 4.0), **how)

    return take


MISSING = {
    "no acknowledged write": (without(attempts=[], survivors=[], wal=None), "no write was acknowledged"),
    "an attempt that never settled": (lambda d: d.write("x", -1.0, "unknown", after_s=None), "attempts never settled"),
    "a probe in the middle": (without_probe(200), "probes are missing"),
    "no probe": (without(all_probes=[]), "nothing was probed"),
    "the last probes": (only_probes(span=(-10.0, 26.0)), "the prober ended before the observation did"),
    "no read probe": (only_probes(targets=("write",)), "the recovery time is unknown"),
    "no probe before the fault": (only_probes(span=(0.0, 30.0)), "the baseline was not probed"),
    "a read-back never made": (without(read_back=False), "the read-back is incomplete"),
    "a read-back without its mark": (without(complete=False), "the read-back is incomplete"),
    "an unverified fault": (without(verified=False), "nobody verified that the fault took effect"),
    "a fault that failed": (lambda d: d.event(Kind.FAULT_FAILED, "still open", 0.3), "the fault's own effect check"),
    "a fault never injected": (without(faulted=False), "a planned fault was not injected"),
    "a second fault never injected": (lambda d: d.planned(faults=(OUTAGE, "Lag()")), "a planned fault was not"),
    "a bad probe before": (lambda d: d.probes(client="kept", bad=(-5.0, -4.9)), "the baseline was not met"),
    "the drill's own note": (lambda d: d.event(Kind.NOTE, BASELINE_NOT_MET, -2), "the baseline was not met"),
    "a drill that lasted too long": (
        lambda d: d.event(Kind.WARDEN, OUTLIVED, 5, max_duration_s=600), "the drill outlived its max_duration_s",
    ),
    "an action that failed": (
        lambda d: d.event(Kind.NOTE, NOT_AS_PLANNED, 5, failed="hold: ValueError"), "the drill was not run as planned",
    ),
    "a stop condition": (
        lambda d: d.event(Kind.STOPPED, "the alarm x OK", 5, seen="ALARM"), "a stop condition no longer held",
    ),
    "somebody who asked": (
        lambda d: d.event(Kind.STOPPED, ABORTED, 5, seen="a fire", who="me"), "the drill was aborted by request",
    ),
    "a primary already unhealthy": (
        lambda d: d.event(Kind.HEALTH_CHECK, "unhealthy", -3), "the primary was already down before the fault",
    ),
    "a primary whose database is gone": (
        lambda d: d.event(Kind.DATABASE, "gone", -3, PRIMARY, role="gone"), "the primary was already down before",
    ),
    "a primary whose database failed": (
        lambda d: d.event(Kind.DATABASE, "failed", -3, PRIMARY, role="primary"), "the primary was already down before",
    ),
    "a primary that replicates another": (
        lambda d: d.event(Kind.DATABASE, "available", -3, PRIMARY, role="replica"), "the primary was already down",
    ),
    "a load that died": (lambda d: d.event(Kind.LOAD, "died", 5), "the load died during the drill"),
    "a prober that died": (lambda d: d.event(Kind.PROBER, "died", 5), "the prober died during the drill"),
    "a WAL that disagrees": (lambda d: d.commits(701), "the WAL witness disagrees"),
    "a lag that disagrees": (lambda d: d.event(Kind.LAG, "60", -1, lag_s=60.0), "the lag witness disagrees"),
    "no end of observation": (without(end_s=None), "the observation never ended"),
    "no window W": (lambda d: d.planned(timers=replace(TIMERS, window_s=0.0)), "the plan is incomplete"),
    "no standby named": (lambda d: d.planned(secondary=""), "the plan is incomplete"),
}  # fmt: skip


@pytest.mark.parametrize(("take", "what"), MISSING.values(), ids=MISSING.keys())
def test_missing_evidence_is_unknown(judged, take, what):
    found = judged(take(good_drill()))
    assert found.verdict is UNKNOWN
    assert any(sentence.startswith(what) for sentence in told(found, UNKNOWN))


@pytest.mark.parametrize("status", ["available", "backing-up", "storage-optimization"])
def test_a_primary_whose_database_serves_before_the_fault_is_no_missing_evidence(judged, status):
    assert judged(good_drill().event(Kind.DATABASE, status, -3, PRIMARY, role="primary")).verdict is HELD


def test_a_database_that_failed_and_works_again_before_the_fault_is_no_missing_evidence(judged):
    drill = good_drill().event(Kind.DATABASE, "rebooting", -4, PRIMARY, role="primary")
    assert judged(drill.event(Kind.DATABASE, "available", -3, PRIMARY, role="primary")).verdict is HELD


def test_stamps_of_two_boots_are_unknown_and_nothing_is_subtracted(judged):
    found = judged(good_drill().planned(boot="before the restart"))
    assert found.verdict is UNKNOWN
    assert (found.rta_s, found.recovery_point.rpa_s) == (None, None)


def test_a_broken_row_beats_missing_evidence(judged):
    assert judged(without(end_s=None)(good_drill()).row("stranger")).verdict is BROKEN


# The control experiment, and the planted truths.


def control() -> DrillBuilder:
    drill = DrillBuilder(plan=replace(PLAN, faults=(), expected_alarms=()), faulted=False).probes()
    return drill.write("a", -5.0).write("b", 5.0)


def test_no_fault_gives_no_recovery_time_and_nothing_lost_and_holds(judged):
    found = judged(control())
    assert (found.verdict, found.rta_s, found.recovery_point.rpa_s, found.fault) == (HELD, 0.0, 0.0, None)
    assert (found.floor.floor_s, found.excess_s) == (0.0, 0.0)
    assert [(each.target, each.baseline_good, each.baseline_scheduled) for each in found.availability] == [
        ("read", 800, 800),
        ("write", 800, 800),
    ]


def test_no_fault_and_yet_failing_probes_do_not_meet_the_baseline(judged):
    assert judged(control().probes(client="kept", bad=(1.0, 2.0))).verdict is UNKNOWN


def test_no_fault_and_one_row_deleted_is_one_lost(judged):
    drill = control()
    drill.survivors = drill.survivors[1:]
    found = judged(drill.planned(objectives=Objectives(30, 3)))
    assert (found.verdict, found.recovery_point.lost, found.recovery_point.lost_ids) == (BROKEN, 1, ("a",))


def test_n_acknowledged_rows_deleted_from_the_survivor_are_exactly_n_lost(judged):
    drill = good_drill()
    for n in range(30):
        drill.write(f"n{n:02}", -2.0 + n / 100, xid=800 + n, there=n >= 11)
    found = judged(drill)
    assert found.recovery_point.lost == 12  # with the one that good_drill loses
    assert found.recovery_point.wal is Witness.DISAGREES  # nothing of the WAL explains a deleted row
    assert found.verdict is UNKNOWN


def test_an_expected_alarm_that_stays_silent_is_told_and_changes_nothing(judged):
    found = judged(good_drill())
    assert "an expected alarm stayed silent" in told(found, HELD)
    fired = judged(good_drill().event(Kind.ALARM, "ALARM", 2.0, name="gameday-primary-health"))
    assert "an expected alarm stayed silent" not in told(fired, HELD)
