"""The ledger's loss is the WAL's and the rows', id by id, however a replica lagged; a synchronous one loses nothing.

And the product, judging what the same writers put into a record, says the very same.
"""

from pathlib import Path

import pytest
from lost_orders import LATENCY_S, WRITERS, judged, lost_in_a_kill, placing_orders

from gameday.facts import Witness

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("bandwidth_bps", [0, 500_000], ids=["latency", "narrow link"])
def test_what_an_asynchronous_replica_lost_is_the_same_by_ledger_wal_and_rows(
    bandwidth_bps: float, tmp_path: Path
) -> None:
    with placing_orders(tmp_path, latency_s=LATENCY_S, bandwidth_bps=bandwidth_bps) as placing:
        lost = lost_in_a_kill(*placing)
    assert lost.by_the_ledger
    assert lost.all_agree
    assert len(lost.never_acknowledged) <= WRITERS
    found = judged(lost.record)
    assert found.ids["lost"] == {id for id, xid in lost.acked.items() if xid in lost.wal}
    assert found.point.lost == found.point.wal_lost_xids == len(lost.by_the_ledger)
    assert found.point.wal is Witness.AGREES, found.point.wal_why


def test_a_synchronous_replica_loses_nothing_and_may_hold_what_nobody_was_told(tmp_path: Path) -> None:
    with placing_orders(tmp_path, synchronous=True, first=10) as placing:
        lost = lost_in_a_kill(*placing)
    assert lost.by_the_ledger == {}
    assert lost.all_agree
    there = set(lost.new) - set(lost.acked)
    assert len(there) <= WRITERS
    assert there <= lost.never_acknowledged
    assert set(lost.by_the_rows) == lost.never_acknowledged - there
    found = judged(lost.record)
    assert (found.point.lost, found.point.rpa_s, found.ids["lost"]) == (0, 0.0, frozenset())
    assert found.point.wal is Witness.AGREES, found.point.wal_why
    assert (found.ids["recovered"], found.ids["unexpected"]) == (there, frozenset())
    assert lost.never_acknowledged <= found.ids["recovered"] | found.ids["absent"]
