"""The recovery point actual, by the ledger, and its two witnesses."""

import pytest
from records import FAULT_S, PRIMARY, SECONDARY, DrillBuilder, at_ns

from gameday.facts import REPLAY_LSN, Kind, Witness
from gameday.measure.judge import judge
from gameday.measure.moments import lsn


@pytest.fixture
def point(tmp_path):
    return lambda drill: judge(drill.probes(bad=(0.0, 4.0)).record(tmp_path)).recovery_point


def promoted():
    return DrillBuilder().promoted(3.5).write("kept", -5.0, xid=1)


def test_nothing_lost_is_zero_seconds(point):
    found = point(promoted())
    assert (found.rpa_s, found.lost, found.lost_ids) == (0.0, 0, ())


def test_the_rpa_reaches_from_the_oldest_lost_acknowledgement_to_the_fault(point):
    found = point(promoted().write("b", -0.26, there=False).write("a", -2.01, there=False))
    assert found.rpa_s == 2.0  # acknowledged 10 ms after it was sent
    assert (found.lost, found.lost_ids) == (2, ("a", "b"))


def test_a_loss_acknowledged_after_the_fault_time_moves_the_end(point):
    found = point(promoted().write("a", -1.01, there=False).write("b", 0.19, there=False))
    assert found.rpa_s == 1.2


def test_a_loss_is_never_zero_seconds(point):
    found = point(promoted().write("a", 0.19, there=False))
    assert found.rpa_s == 1e-9


def test_indeterminate_and_absent_writes_are_not_lost(point):
    assert point(promoted().write("a", -1.0, "unknown", there=False)).lost == 0


def test_the_bytes_lost_are_told_when_the_plan_tells_the_payloads_size(point):
    drill = promoted().write("a", -1.0, there=False).sized(128)
    assert point(drill).lost_bytes == 128


def test_without_a_complete_read_back_the_rpa_is_unknown_and_the_count_an_upper_bound(point):
    drill = promoted().write("a", -1.0, there=False)
    drill.complete = False
    found = point(drill)
    assert found.rpa_s is None
    assert found.why.endswith("at most 1 writes are lost")


def test_the_wal_agrees_when_the_lost_transactions_are_the_acknowledged_commits_after_the_fork(point):
    found = point(promoted().write("a", -1.0, there=False, xid=7).commits(7))
    assert (found.wal, found.wal_lost_xids) == (Witness.AGREES, 1)


def test_the_wal_agrees_that_nothing_is_lost_when_nothing_was_committed_after_the_fork(point):
    found = point(promoted().commits())
    assert (found.wal, found.wal_lost_xids) == (Witness.AGREES, 0)


def test_the_wal_disagrees_when_a_lost_write_has_no_commit_after_the_fork(point):
    found = point(promoted().write("a", -1.0, there=False, xid=7).commits())
    assert found.wal is Witness.DISAGREES
    assert "no commit after the fork: 7" in found.wal_why


def test_the_wal_disagrees_when_a_kept_write_was_committed_after_the_fork(point):
    found = point(promoted().write("a", -1.0, xid=7).commits(7))
    assert found.wal is Witness.DISAGREES
    assert "not lost by the ledger: 7" in found.wal_why


def test_a_commit_that_was_never_acknowledged_is_legitimate_when_an_attempt_stayed_indeterminate(point):
    found = point(promoted().write("a", -0.1, "unknown", there=False).commits(7))
    assert found.wal is Witness.AGREES
    assert "1 more were never acknowledged" in found.wal_why


def test_the_wal_disagrees_when_more_was_committed_than_was_acknowledged_or_indeterminate(point):
    found = point(promoted().write("a", -0.1, "unknown", there=False).commits(7, 8))
    assert found.wal is Witness.DISAGREES


def test_commits_that_touched_no_order_do_not_count(point):
    assert point(promoted().commits(7, 8, order=False)).wal is Witness.AGREES


def test_the_new_time_line_counts_on_from_the_same_transaction_id(point):
    drill = promoted().write("a", -1.0, there=False, xid=7).write("b", 5.0, region=SECONDARY, xid=7).commits(7)
    assert point(drill).wal is Witness.AGREES


def test_a_lost_write_of_the_new_primary_cannot_be_explained_by_the_old_ones_wal(point):
    found = point(promoted().write("a", 5.0, there=False, region=SECONDARY, xid=7).commits())
    assert found.wal is Witness.DISAGREES


def test_two_lost_writes_in_one_transaction_disagree(point):
    drill = promoted().write("a", -1.0, there=False, xid=7).write("b", -1.0, there=False, xid=7).commits(7)
    assert "share a transaction" in point(drill).wal_why


def test_without_wal_the_witness_is_unavailable_which_is_not_disagreement(point):
    found = point(promoted().write("a", -1.0, there=False, xid=7))
    assert (found.wal, found.wal_lost_xids) == (Witness.UNAVAILABLE, None)


def replayed_to(lsn):
    return promoted().event(Kind.NOTE, REPLAY_LSN, 3.4, SECONDARY, lsn=lsn)


def test_on_rds_a_lost_write_that_ends_after_the_replay_lsn_agrees_and_is_never_called_exact(point):
    found = point(replayed_to("0/100").write("a", -1.0, there=False, lsn=("0/F0", "0/110")))
    assert (found.wal, found.straddling) == (Witness.AGREES, 1)
    assert found.wal_why.endswith("1 writes straddle it; not exact")


def test_on_rds_a_lost_write_that_was_replayed_disagrees(point):
    assert point(replayed_to("1/0").write("a", -1.0, there=False, lsn=("0/F0", "0/110"))).wal is Witness.DISAGREES


def test_on_rds_a_lost_write_without_its_lsn_leaves_the_witness_unavailable(point):
    assert point(replayed_to("1/0").write("a", -1.0, there=False)).wal is Witness.UNAVAILABLE


def test_a_wal_position_is_two_hexadecimal_halves():
    assert lsn("1/A") == 2**32 + 10
    assert [lsn(each) for each in ("x/1", "12", None, 3)] == [None] * 4


def lagging(lag_s, sampled_s):
    stamp = (FAULT_S + sampled_s) * 1_000_000_000
    return promoted().event(Kind.LAG, f"{lag_s}", sampled_s, SECONDARY, lag_s=lag_s, sampled_mono_ns=int(stamp))


def test_the_lag_agrees_within_sample_age_metric_period_and_link_latency(point):
    found = point(lagging(0.5, -2.0).write("a", -3.51, there=False))  # 3.5 s against 0.5 s, within 2 + 1 + 0.07 s
    assert (found.lag, found.lag_s) == (Witness.AGREES, 0.5)


def test_the_lag_disagrees_beyond_that(point):
    found = point(lagging(0.5, -2.0).write("a", -3.59, there=False))
    assert found.lag is Witness.DISAGREES
    assert "may differ by 3.07 s" in found.lag_why


def test_only_the_lag_seen_last_before_the_fault_counts(point):
    drill = lagging(90.0, -9.0).event(Kind.LAG, "0.0", -1.0, lag_s=0.0).event(Kind.LAG, "80", 0.5, lag_s=80.0)
    assert point(drill).lag_s == 0.0


@pytest.mark.parametrize("seen", ["-1", "unknown", "nan"])
def test_a_lag_that_is_no_lag_leaves_the_witness_unavailable(point, seen):
    assert point(promoted().event(Kind.LAG, seen, -1.0)).lag is Witness.UNAVAILABLE


def test_the_lag_of_a_standby_that_was_never_promoted_says_nothing(point):
    drill = DrillBuilder().write("kept", -5.0).event(Kind.LAG, "300", -1.0, lag_s=300.0)
    assert point(drill).lag is Witness.UNAVAILABLE


def test_at_most_a_thousand_ids_are_listed_and_all_are_counted(point):
    drill = promoted()
    for n in range(1_001):
        drill.write(f"{n:04}", -1.0, there=False)
    found = point(drill)
    assert (found.lost, len(found.lost_ids)) == (1_001, 1_000)


def test_the_stamp_of_the_builder_is_what_it_says():
    assert at_ns(0.5) == 100_500_000_000
    assert PRIMARY != SECONDARY
