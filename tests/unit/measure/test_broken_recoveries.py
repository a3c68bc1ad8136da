"""Records of recoveries in which one step was left out or done wrongly: none of them is HELD.

The same on real parts: ``tests/lab/test_broken_on_purpose.py``.
"""

import pytest
from records import PRIMARY, SECONDARY, DrillBuilder, failing_over, good_drill, told

from gameday.facts import Kind, Verdict
from gameday.measure.judge import judge

HELD, UNKNOWN = Verdict.HELD, Verdict.UNKNOWN
UNLATCHED = "DNS was not latched to the standby"


@pytest.fixture
def judged(tmp_path):
    return lambda drill: judge(drill.record(tmp_path))


def outage(*, writes_back_s=None, reads_back_s=4.0, ended="SUCCEEDED"):
    """A failover that ran to ``ended``; writes are bad up to ``writes_back_s`` (None: to the end), reads as told."""
    drill = failing_over(DrillBuilder())
    drill.probes(bad=(0.0, writes_back_s or 31.0), targets=("write",))
    drill.probes(bad=(0.0, reads_back_s), targets=("read",))
    drill.write("a", -5.0).write("b", -1.0)
    return drill.event(Kind.EXECUTION, ended, 5.0, SECONDARY, arn="x") if ended else drill


def test_the_same_record_with_nothing_left_out_is_held(judged):
    found = judged(outage(writes_back_s=4.0).promoted(3.5).commits())
    assert (found.verdict, told(found, UNKNOWN)) == (HELD, [])


def test_a_promotion_that_never_came_is_not_held_although_reads_are_served(judged):
    found = judged(outage(ended="FAILED"))
    assert found.verdict is not HELD
    assert {"the recovery time is unknown", "the failover did not succeed", "the promotion was not seen"} <= {
        *told(found, UNKNOWN)
    }


@pytest.mark.parametrize("ended", ["SUCCEEDED", "FAILED", ""])
def test_what_the_failover_says_of_itself_does_not_make_it_so(judged, ended):
    found = judged(outage(ended=ended))
    assert found.verdict is not HELD
    assert found.rta_s is None


def test_a_promoted_standby_that_no_client_can_write_to_is_not_held(judged):
    found = judged(outage().promoted(3.5).commits())  # the endpoint is wrong: its tasks cannot reach the database
    assert found.verdict is not HELD
    assert "the recovery time is unknown" in told(found, UNKNOWN)


def test_reads_that_never_come_back_are_no_recovery(judged):
    found = judged(outage(writes_back_s=4.0, reads_back_s=31.0).promoted(3.5).commits())
    assert found.verdict is not HELD


def test_a_failover_that_never_starts_is_not_held(judged):
    drill = DrillBuilder().probes(bad=(0.0, 31.0), targets=("write",)).probes(bad=(0.0, 2.0), targets=("read",))
    found = judged(drill.event(Kind.DNS, "127.1.2.1", 1.6, SECONDARY).write("a", -5.0))
    assert found.verdict is not HELD


# The latch.


def latching(*looks, healed_s=None):
    """A good drill whose PRIMARY record was seen at each of ``looks``: (seconds, latched)."""
    drill = good_drill()
    for at_s, latched in looks:
        region = SECONDARY if latched else PRIMARY
        drill.event(Kind.LATCH, region, at_s, region, latched=latched)
    if healed_s is not None:
        drill.event(Kind.NOTE, "survivors read back before healing", healed_s - 0.5, rows=3)
        drill.event(Kind.HEAL, "RegionOutage", healed_s).event(Kind.HEALED, "RegionOutage", healed_s + 1)
    return drill


@pytest.mark.parametrize(
    "drill",
    [
        latching((-9.0, False)),
        latching((-9.0, False), healed_s=20.0),
        latching((-9.0, False), (25.0, True), healed_s=20.0),  # after healing it is too late
    ],
    ids=["never", "never, and healed", "too late"],
)
def test_a_promotion_without_a_latch_is_unknown_although_nobody_went_back(judged, drill):
    found = judged(drill)
    assert found.verdict is UNKNOWN
    assert told(found, UNKNOWN) == [UNLATCHED]


@pytest.mark.parametrize(
    "drill",
    [
        latching((-9.0, False), (3.0, True)),
        latching((-9.0, False), (3.0, True), healed_s=20.0),
        latching((-9.0, False), (19.9, True), healed_s=20.0),
        latching((-9.0, False), (3.0, True), (28.0, False), healed_s=20.0),  # a failback restores the record
        latching(),  # nobody looked: another kind of routing
    ],
    ids=["latched", "latched and healed", "just in time", "failed back", "nobody looked"],
)
def test_a_latch_before_healing_is_enough(judged, drill):
    found = judged(drill)
    assert (found.verdict, told(found, UNKNOWN)) == (HELD, [])


def test_without_a_promotion_no_latch_is_asked_for(judged):
    drill = DrillBuilder().probes(bad=(0.0, 4.0)).write("a", -5.0)
    found = judged(drill.event(Kind.LATCH, PRIMARY, -9.0, PRIMARY, latched=False))
    assert UNLATCHED not in told(found, UNKNOWN)
