"""The recovery point actual (RPA): how much acknowledged time is gone by the ledger, held against two witnesses.

**RPA** = max(fault time, newest lost acknowledgement) − oldest lost acknowledgement; 0 s only when nothing is lost,
and a loss never is 0: one nanosecond at least. Told with count, bytes and ids. It is UNKNOWN without a complete
read-back, or when the stamps cannot be subtracted; the count is then an upper bound.
"""

from collections.abc import Sequence

from gameday.clock import NS
from gameday.facts import RecoveryPoint, WriteClass
from gameday.measure.classes import Classified
from gameday.measure.evidence import Evidence
from gameday.measure.lag import lag_witness
from gameday.measure.settle import SettledWrite
from gameday.measure.wal import straddling, wal_witness

IDS_MAX = 1_000


def recovery_point(evidence: Evidence, classified: Classified) -> RecoveryPoint:
    """The RPA of a drill, with what the WAL and the last lag say of it."""
    lost = sorted(classified.of[WriteClass.LOST], key=lambda write: (write.acked_mono_ns or 0, write.id))
    why = _unknown(evidence, lost)
    rpa_s = None if why else rpa_ns(lost, evidence.zero_ns) / NS
    wal, wal_why, wal_lost = wal_witness(evidence, classified)
    lag, lag_why, lag_s = lag_witness(evidence, rpa_s)
    return RecoveryPoint(
        rpa_s=rpa_s, lost=len(lost), lost_bytes=_bytes(lost),
        lost_ids=tuple(write.id for write in lost[:IDS_MAX]), wal=wal, wal_why=wal_why, lag=lag, lag_why=lag_why,
        lag_s=lag_s, wal_lost_xids=wal_lost, straddling=len(straddling(evidence)), why=why,
    )  # fmt: skip


def rpa_ns(lost: Sequence[SettledWrite], fault_ns: int | None) -> int:
    """The definition itself, in nanoseconds."""
    acked = [write.acked_mono_ns for write in lost if write.acked_mono_ns is not None]
    if not acked:
        return 0
    newest = max(acked) if fault_ns is None else max(*acked, fault_ns)
    return max(1, newest - min(acked))


def _unknown(evidence: Evidence, lost: Sequence[SettledWrite]) -> str:
    if not evidence.read_back.complete:
        return f"{evidence.read_back.why}; at most {len(lost)} writes are lost"
    if evidence.foreign_stamps:
        return "stamps of two boots cannot be subtracted"
    if evidence.zero_ns is None and evidence.plan.faults:
        return "there is no fault time to reckon from"
    return ""


def _bytes(lost: Sequence[SettledWrite]) -> int | None:
    """The size of the lost payloads; None when the ledger does not tell each one's."""
    sizes = [write.attempts[0].size_bytes for write in lost]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
