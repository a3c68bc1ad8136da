"""A failback: time to re-protected, its own interruption and loss; and the old rules hold up to the switch."""

import pytest
from records import PRIMARY, SECONDARY, DrillBuilder, at_ns, good_drill, told

from gameday.facts import (
    FAILBACK,
    FAILBACK_DRAINS,
    FAILBACK_PROMOTES,
    FAILBACK_PROTECTED,
    FAILBACK_REBUILDS,
    Kind,
    Objectives,
    Verdict,
    Witness,
)  # fmt: skip
from gameday.measure.judge import judge

HELD, BROKEN, UNKNOWN = Verdict.HELD, Verdict.BROKEN, Verdict.UNKNOWN
HEALED, END = 31.0, 80.0
REBUILT, DRAINS, PROMOTES, PROTECTED = 38.0, 45.0, 47.0, 58.0


@pytest.fixture
def judged(tmp_path):
    return lambda drill: judge(drill.record(tmp_path))


def step(drill, name, started_s, done_s, runbook=FAILBACK):
    drill.event(Kind.RUNBOOK, name, started_s, runbook=runbook, state="started")
    return drill.event(Kind.RUNBOOK, name, done_s, runbook=runbook, state="done") if done_s else drill


def healed_drill(*, bad_from=DRAINS + 0.1, bad_to=50.0):
    """``good_drill``, healed after its observation, probed until 80 s; the switch is felt from 45.1 to 50 s."""
    drill = DrillBuilder(end_s=30.0).promoted(3.5)
    drill.write("a", -5.0, xid=700).write("b", -1.0, xid=701).write("c", -0.11, xid=702, there=False)
    drill.write("d", 5.0, region=SECONDARY, xid=702).commits(702)
    for target in ("write", "read"):
        for seq in range(round(90 / 0.05)):
            at_s = -10 + seq * 0.05
            good = not (0 <= at_s < 4 or bad_from <= at_s < bad_to)
            drill.probe(target, seq, at_s, good=good, took_s=0.01 if good else 1.0)
    drill.event(Kind.NOTE, "survivors read back before healing", 30.1, rows=3)
    drill.event(Kind.HEAL, "x", 30.5, PRIMARY).event(Kind.FENCED, "tasks 0", 30.6, PRIMARY)
    drill.event(Kind.HEALED, "x", HEALED, PRIMARY)
    return drill.event(Kind.OBSERVATION_END, "healing included", 34.0)


def walked(drill, *, done=PROTECTED):
    """The runbook's steps, and what the observer saw of them."""
    step(drill, "look-around", 35.0, 35.5)
    step(drill, FAILBACK_REBUILDS, 36.0, REBUILT)
    step(drill, FAILBACK_DRAINS, DRAINS, 46.5)
    step(drill, FAILBACK_PROMOTES, PROMOTES, 48.5)
    step(drill, FAILBACK_PROTECTED, 55.0, done)
    drill.event(Kind.DATABASE, "available", 54.0, SECONDARY, role="replica", id="gameday-replica")
    lag = {"lag_s": 0.05, "sampled_mono_ns": at_ns(54.5)}
    drill.event(Kind.LAG, "0.050", 55.0, SECONDARY, **lag)
    return drill.event(Kind.OBSERVATION_END, "observed", END)


def test_a_failback_is_measured_on_its_own_and_the_recovery_as_without_it(judged):
    found = judged(walked(healed_drill()))
    back = found.reprotection
    assert (back.since_healing_s, back.took_s, back.reverse_s) == (PROTECTED - HEALED, PROTECTED - 35.0, REBUILT - 35.0)
    assert back.interruption_s == pytest.approx(5.01)
    assert (back.lost, back.why) == (0, "")
    assert found.rta_s == pytest.approx(4.01)
    assert found.verdict is HELD, found.findings
    assert "both regions protect each other again" in told(found, HELD)


def test_a_drill_without_a_failback_has_none_of_its_figures(judged):
    assert judged(good_drill()).reprotection is None


def test_another_runbook_is_no_failback(judged):
    drill = good_drill()
    assert judged(step(drill, FAILBACK_DRAINS, 6.0, 7.0, runbook="other")).reprotection is None


def test_a_write_lost_since_the_failover_is_broken_whatever_the_objectives(judged):
    drill = walked(healed_drill()).planned(objectives=Objectives(rto_s=1e9, rpo_s=1e9))
    found = judged(drill.write("late", 44.9, region=SECONDARY, xid=710, there=False))
    assert (found.reprotection.lost, found.reprotection.lost_ids) == (1, ("late",))
    assert "the failback lost what was written since the failover" in told(found, BROKEN)


def test_what_the_outage_lost_the_failback_did_not_lose(judged):
    found = judged(walked(healed_drill()))
    assert (found.recovery_point.lost, found.reprotection.lost) == (1, 0)


def test_the_primarys_acknowledgements_are_wanted_from_its_second_promotion_on(judged):
    found = judged(walked(healed_drill()).write("new", 52.0, xid=702))  # an id that the old time line used too
    assert (found.verdict, found.classes["diverged"]) == (HELD, 0), found.findings
    assert found.recovery_point.wal is Witness.AGREES


def test_an_acknowledgement_of_the_old_primary_before_it_is_broken(judged):
    found = judged(walked(healed_drill()).write("old", 46.9, xid=711).commits(711, at_s=46.9))
    assert found.classes["diverged"] == 1
    assert found.verdict is BROKEN


@pytest.mark.parametrize(("at_s", "verdict"), [(PROMOTES - 1, BROKEN), (PROMOTES + 5, HELD)])
def test_a_client_that_the_primary_answers_went_back_only_before_the_switch(judged, at_s, verdict):
    drill = walked(healed_drill())
    number = next(n for n, probe in enumerate(drill.all_probes) if probe.scheduled_mono_ns >= at_ns(at_s))
    there = drill.all_probes[number]
    drill.all_probes[number] = type(there)(
        there.boot, there.target, there.client, there.seq, there.scheduled_mono_ns, there.sent_mono_ns,
        there.scheduled_mono_ns + 10_000_000, there.utc, True, PRIMARY, status=200,
    )  # fmt: skip
    found = judged(drill)
    assert found.verdict is verdict, found.findings
    went_back = "clients went back to the old primary when its region was healed"
    assert (went_back in told(found, BROKEN)) == (verdict is BROKEN)


@pytest.mark.parametrize(
    ("unsee", "why"),
    [
        (lambda e: e.kind is Kind.RUNBOOK and e.what == FAILBACK_PROTECTED, "not walked to its end"),
        (lambda e: e.kind is Kind.DATABASE and e.detail["role"] == "replica", "as an available replica"),
        (lambda e: e.kind is Kind.LAG, "no lag of us-west-2's database was sampled"),
    ],
    ids=["last step", "replica", "lag"],
)
def test_a_re_protection_that_was_not_seen_is_unknown(judged, unsee, why):
    drill = walked(healed_drill())
    drill.events = [event for event in drill.events if not unsee(event)]
    found = judged(drill)
    assert found.verdict is UNKNOWN
    assert (found.reprotection.since_healing_s, found.reprotection.took_s) == (None, None)
    assert why in found.reprotection.why
    assert "re-protection was not seen" in told(found, UNKNOWN)


def test_a_lag_sampled_before_the_switch_protects_nobody(judged):
    drill = walked(healed_drill())
    drill.events = [event for event in drill.events if event.kind is not Kind.LAG]
    drill.event(Kind.LAG, "0.050", 55.0, SECONDARY, lag_s=0.05, sampled_mono_ns=at_ns(PROMOTES - 1))
    assert judged(drill).verdict is UNKNOWN


def test_a_step_that_stopped_is_named(judged):
    drill = step(healed_drill(bad_from=9, bad_to=9), "look-around", 35.0, 35.5)
    why = {"runbook": FAILBACK, "state": "stopped", "why": "no sample of its lag"}
    drill.event(Kind.RUNBOOK, FAILBACK_REBUILDS, 40.0, **why).event(Kind.OBSERVATION_END, "observed", END)
    found = judged(drill)
    assert found.verdict is UNKNOWN
    assert f"the runbook stopped at {FAILBACK_REBUILDS}: no sample of its lag" in found.reprotection.why


def test_clients_that_stay_without_an_answer_after_the_switch_make_it_unknown(judged):
    found = judged(walked(healed_drill(bad_to=80.0)))
    assert found.reprotection.interruption_s is None
    assert "how long the failback interrupted is unknown" in told(found, UNKNOWN)
    assert found.rta_s == pytest.approx(4.01)


def test_an_interruption_longer_than_the_rto_is_broken(judged):
    found = judged(walked(healed_drill(bad_to=65.0)).planned(objectives=Objectives(rto_s=10, rpo_s=10)))
    assert "the failback kept clients waiting" in told(found, BROKEN)
    assert found.rta_s == pytest.approx(4.01)
