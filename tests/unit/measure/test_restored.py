"""A restore: its age and time, what it must hold, and that a promotion's witnesses say nothing of it."""

import pytest
from records import PRIMARY, DrillBuilder, at_ns, told

from gameday.facts import RESTORE, RESTORE_MAKES, RESTORE_SOURCE, Kind, Verdict, Witness
from gameday.measure.judge import judge

HELD, BROKEN, UNKNOWN = Verdict.HELD, Verdict.BROKEN, Verdict.UNKNOWN
TAKEN, CALLED = -3.0, 1.0


@pytest.fixture
def judged(tmp_path):
    return lambda drill: judge(drill.record(tmp_path))


def writes(drill):
    """Two acknowledged before the snapshot, one after it."""
    return drill.write("a", -5.0).write("b", -4.0).write("c", -1.0, there=False)


def restored(drill, *, made_s=2.5, taken_s=TAKEN):
    """What the runbook's steps leave on the timeline; ``taken_s`` None: the record does not tell when."""
    taken = {} if taken_s is None else {"taken_mono_ns": at_ns(taken_s)}
    drill.event(
        Kind.NOTE,
        RESTORE_SOURCE,
        0.9,
        PRIMARY,
        source="snapshot s-1",
        database="db-restored",
        taken_utc="then",
        **taken,
    )
    drill.event(Kind.RUNBOOK, RESTORE_MAKES, CALLED, runbook=RESTORE, state="started")
    return drill.event(Kind.RUNBOOK, RESTORE_MAKES, made_s, runbook=RESTORE, state="done") if made_s else drill


def good():
    return restored(writes(DrillBuilder().probes(bad=(0.0, 4.0))))


def test_a_restore_tells_its_age_its_time_and_what_was_verified(judged):
    measurement = judged(good())
    found = measurement.restore
    assert (found.age_s, found.restore_s, found.acknowledged_before, found.verified) == (3.0, 1.5, 2, 2)
    assert found.lost_after == 1
    assert found.served_s == pytest.approx(measurement.rta_s - CALLED)
    assert measurement.recovery_point.lost_ids == ("c",)
    assert measurement.verdict is HELD, told(measurement, UNKNOWN)


def test_the_replicas_lag_says_nothing_of_a_restore(judged):
    drill = good().event(Kind.LAG, "0.1", -1.0, lag_s=0.1, sampled_mono_ns=at_ns(-1.0))
    point = judged(drill).recovery_point
    assert point.lag is Witness.UNAVAILABLE
    assert "backup was restored" in point.lag_why


def test_a_write_that_the_snapshot_must_hold_and_does_not_is_broken(judged):
    measurement = judged(good().write("d", -4.5, there=False))
    assert measurement.verdict is BROKEN
    assert told(measurement, BROKEN) == ["the restored database lacks what its backup must hold"]
    assert measurement.restore.missing_ids == ("d",)
    assert (measurement.restore.verified, measurement.restore.lost_after) == (2, 1)


def test_a_snapshot_of_unknown_time_was_held_to_nothing(judged):
    measurement = judged(restored(writes(DrillBuilder().probes(bad=(0.0, 4.0))), taken_s=None))
    assert measurement.verdict is UNKNOWN
    assert "nobody knows what the backup must hold" in told(measurement, UNKNOWN)


def test_a_snapshot_from_before_every_write_was_held_to_nothing(judged):
    measurement = judged(restored(writes(DrillBuilder().probes(bad=(0.0, 4.0))), taken_s=-9.0))
    assert told(measurement, UNKNOWN) == ["the backup was held to nothing"]


def test_a_restore_that_nobody_saw_end_is_unknown(judged):
    measurement = judged(restored(writes(DrillBuilder().probes(bad=(0.0, 4.0))), made_s=None))
    assert "the restore was not seen to its end" in told(measurement, UNKNOWN)


@pytest.mark.parametrize(("made_s", "weight"), [(2702.0, BROKEN), (2.5, HELD)])
def test_a_restore_may_take_45_minutes(judged, made_s, weight):
    drill = restored(writes(DrillBuilder(end_s=30.0).probes(bad=(0.0, 4.0))), made_s=made_s)
    assert any("restored in time" in what or "45 minutes" in what for what in told(judged(drill), weight))


def test_a_drill_that_restored_nothing_has_no_restore(judged):
    assert judged(writes(DrillBuilder().probes(bad=(0.0, 4.0)))).restore is None
