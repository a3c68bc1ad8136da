"""The recovery point actual (RPA): how much acknowledged time is gone by the ledger, held against two witnesses.

**RPA** = max(fault time, newest lost acknowledgement) − oldest lost acknowledgement; 0 s only when nothing is lost,
and a loss never is 0: one nanosecond at least. Told with count, bytes and ids. It is UNKNOWN without a complete
read-back, or when the stamps cannot be subtracted; the count is then an upper bound.
"""

from gameday.clock import NS
from gameday.facts import RecoveryPoint, WriteClass
from gameday.measure.classes import Loss
from gameday.measure.evidence import Evidence
from gameday.measure.lag import lag_witness
from gameday.measure.wal import wal_witness

IDS_MAX = 1_000


def recovery_point(evidence: Evidence) -> RecoveryPoint:
    """The RPA of a drill, with what the WAL and the last lag say of it."""
    lost = evidence.classified.lost()
    why = _unknown(evidence, lost)
    rpa_s = None if why else rpa_ns(lost, evidence.zero_ns) / NS
    wal, wal_why, wal_lost = wal_witness(evidence)
    lag, lag_why, lag_s = lag_witness(evidence, rpa_s)
    return RecoveryPoint(
        rpa_s=rpa_s, lost=lost.count, lost_bytes=lost.size_bytes,
        lost_ids=evidence.classified.ids(WriteClass.LOST.value, most=IDS_MAX), wal=wal, wal_why=wal_why,
        lag=lag, lag_why=lag_why, lag_s=lag_s, wal_lost_xids=wal_lost, straddling=evidence.ledger.straddling, why=why,
    )  # fmt: skip


def rpa_ns(lost: Loss, fault_ns: int | None) -> int:
    """The definition itself, in nanoseconds."""
    if lost.oldest_ns is None or lost.newest_ns is None:
        return 0
    newest = lost.newest_ns if fault_ns is None else max(lost.newest_ns, fault_ns)
    return max(1, newest - lost.oldest_ns)


def _unknown(evidence: Evidence, lost: Loss) -> str:
    if not evidence.read_back.complete:
        return f"{evidence.read_back.why}; at most {lost.count} writes are lost"
    if evidence.foreign_stamps:
        return "stamps of two boots cannot be subtracted"
    if evidence.zero_ns is None and evidence.plan.faults:
        return "there is no fault time to reckon from"
    return ""
