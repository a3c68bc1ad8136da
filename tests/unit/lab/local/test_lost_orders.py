"""The ledger's loss is the WAL's and the rows', id by id, however a replica lagged; a synchronous one loses nothing."""

import pytest
from lost_orders import LATENCY_S, WRITERS, lost_in_a_kill, placing_orders

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("bandwidth_bps", [0, 500_000], ids=["latency", "narrow link"])
def test_what_an_asynchronous_replica_lost_is_the_same_by_ledger_wal_and_rows(bandwidth_bps: float) -> None:
    with placing_orders(latency_s=LATENCY_S, bandwidth_bps=bandwidth_bps) as placing:
        lost = lost_in_a_kill(*placing)
    assert lost.by_the_ledger
    assert lost.all_agree
    assert len(lost.never_acknowledged) <= WRITERS


def test_a_synchronous_replica_loses_nothing_and_may_hold_what_nobody_was_told() -> None:
    with placing_orders(synchronous=True, first=10) as placing:
        lost = lost_in_a_kill(*placing)
    assert lost.by_the_ledger == {}
    assert lost.all_agree
    there = sorted(set(lost.new) - set(lost.acked))
    assert len(there) <= WRITERS
    assert set(there) <= lost.never_acknowledged
    assert set(lost.by_the_rows) == lost.never_acknowledged - set(there)
