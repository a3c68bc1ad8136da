"""The WAL witness: the lost acknowledgements of the ledger, joined to the old primary's commits after the fork point.

Where WAL can be read (the local lab writes ``wal.ndjson``) the rule is exact for every acknowledged write:

1. each lost write was acknowledged by the old primary's region with a transaction id of its own, and that transaction
   is among the order commits after the fork. A *diverged* write that is not in the survivor is held to the same;
2. no transaction after the fork belongs to an acknowledged write that is **not** lost: what was committed after the
   fork cannot be in the survivor. With (1): acknowledged ∩ committed after the fork == lost, id by id;
3. the commits that remain were never acknowledged. Each must come from an attempt that stayed indeterminate, so there
   are at most as many of them as there are indeterminate attempts. (Their ids are unknown to the clients, so that
   nothing stricter is true: such a write may be *absent*, or *recovered* or *kept* by a later attempt.)

Only acknowledgements by the old primary's region are joined, since both time lines go on counting from the same id.

On RDS there is no WAL to read: the acknowledgement's LSN bracket is held against the replay LSN that was read before
the promotion. What was committed wholly before it was replayed, so it must not be lost; a write whose bracket
straddles it is listed, and the answer is never called exact. Neither file nor LSN: unavailable, which is not
disagreement.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from gameday.facts import REPLAY_LSN, Kind, WalCommit, Witness, WriteClass
from gameday.measure.classes import Classified
from gameday.measure.evidence import Evidence
from gameday.measure.moments import last
from gameday.measure.promotion import is_of_the_old_primary
from gameday.measure.settle import Attempt, SettledWrite

Answer = tuple[Witness, str, int | None]


def wal_witness(evidence: Evidence, classified: Classified) -> Answer:
    """What the WAL says of the loss, why, and how many acknowledged transactions lie after the fork."""
    if not evidence.read_back.complete:
        return Witness.UNAVAILABLE, "the read-back is incomplete, so the loss to compare with is unknown", None
    if evidence.wal is not None:
        return _joined(evidence, evidence.wal, classified)
    replayed = _replayed(evidence)
    if replayed is None:
        return Witness.UNAVAILABLE, "the old primary's commits after the fork were not read (no wal.ndjson)", None
    return _bracketed(classified.of[WriteClass.LOST], replayed, len(straddling(evidence)))


def _joined(evidence: Evidence, wal: Iterable[WalCommit], classified: Classified) -> Answer:
    committed = {commit.xid for commit in wal if commit.order}
    acknowledged = {xid for write in evidence.ledger.writes for xid in _xids(write, evidence)}
    gone = list(_gone(evidence, classified))
    lost = [_xids(write, evidence) for write in gone]
    lost_xids = {xid for xids in lost for xid in xids}
    after_fork = committed & acknowledged
    for complaint in (
        _nameless(lost),
        _none_of(lost_xids - committed, "lost by the ledger, and no commit after the fork"),
        _none_of(after_fork - lost_xids, "committed after the fork, acknowledged, and not lost by the ledger"),
        _too_many(len(committed - acknowledged), evidence),
    ):
        if complaint:
            return Witness.DISAGREES, complaint, len(after_fork)
    told = f"{len(gone)} lost writes, and the same {len(after_fork)} acknowledged transactions after the fork"
    never = len(committed - acknowledged)
    return Witness.AGREES, told + (f"; {never} more were never acknowledged" if never else ""), len(after_fork)


def _gone(evidence: Evidence, classified: Classified) -> Iterator[SettledWrite]:
    yield from classified.of[WriteClass.LOST]
    there = {row.id for row in evidence.read_back.survivors}
    yield from (write for write in classified.of[WriteClass.DIVERGED] if write.id not in there)


def _xids(write: SettledWrite, evidence: Evidence) -> frozenset[int]:
    return frozenset(each.xid for each in write.acks if _is_old(each, evidence) and each.xid is not None)


def _is_old(ack: Attempt, evidence: Evidence) -> bool:
    return is_of_the_old_primary(ack, evidence.plan.primary, evidence.promotion)


def _nameless(lost: list[frozenset[int]]) -> str:
    without = sum(not xids for xids in lost)
    if without:
        return f"{without} lost writes were not acknowledged by the old primary with a transaction id"
    shared = len(lost) - len(frozenset().union(*lost))
    return f"{shared} lost writes share a transaction with another" if shared > 0 else ""


def _none_of(xids: set[int], what: str) -> str:
    some = ", ".join(str(xid) for xid in sorted(xids)[:5])
    return f"{len(xids)} transactions were {what}: {some}{' …' if len(xids) > 5 else ''}" if xids else ""


def _too_many(never_acknowledged: int, evidence: Evidence) -> str:
    attempts = (each for write in evidence.ledger.writes for each in write.attempts)
    indeterminate = sum(each.settlement == "unknown" for each in attempts)
    if never_acknowledged <= indeterminate:
        return ""
    return (
        f"{never_acknowledged} commits after the fork were never acknowledged, "
        f"and only {indeterminate} attempts stayed indeterminate"
    )


def split_brain(evidence: Evidence, classified: Classified) -> int | None:
    """Rows committed on the old primary after the promotion, acknowledged or not; None when that cannot be known.

    By the commit stamps of the WAL where it was read, else by the diverged acknowledgements alone, which prove some
    but never none. Without a promotion there is nothing to split: 0.
    """
    diverged = len(classified.of[WriteClass.DIVERGED])
    if evidence.promotion is None:
        return 0
    promoted = _instant(evidence.promotion.utc)
    if evidence.wal is None or promoted is None:
        return diverged or None
    stamps = [_instant(commit.utc) for commit in evidence.wal if commit.order]
    if None in stamps:
        return diverged or None
    return max(diverged, sum(stamp is not None and stamp > promoted for stamp in stamps))


def _instant(utc: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(utc)
    except ValueError:
        return None
    return found if found.tzinfo else None


def straddling(evidence: Evidence) -> tuple[SettledWrite, ...]:
    """Writes of the old primary whose LSN bracket holds the replay LSN: nobody can say whether they were replayed."""
    replayed = _replayed(evidence)
    if replayed is None:
        return ()
    return tuple(
        write
        for write in evidence.ledger.writes
        if any(_is_old(each, evidence) and _straddles(each, replayed) for each in write.acks)
    )


def _straddles(ack: Attempt, replayed: int) -> bool:
    before, after = lsn(ack.lsn_before), lsn(ack.lsn_after)
    return before is not None and after is not None and before <= replayed < after


def _bracketed(lost: Iterable[SettledWrite], replayed: int, straddle: int) -> Answer:
    ends = [(write.id, lsn(each.lsn_after)) for write in lost for each in write.acks]
    replayed_yet_lost = [id for id, end in ends if end is not None and end <= replayed]
    if replayed_yet_lost:
        return Witness.DISAGREES, f"{len(replayed_yet_lost)} lost writes had been replayed before the promotion", None
    if any(end is None for _, end in ends):
        return Witness.UNAVAILABLE, "a lost write was acknowledged without its LSN", None
    told = f"every lost write ends after the replay LSN read before the promotion; {straddle} writes straddle it"
    return Witness.AGREES, f"{told}; not exact", None


def _replayed(evidence: Evidence) -> int | None:
    note = last(evidence.events, Kind.NOTE, where=lambda event: event.what == REPLAY_LSN)
    return lsn(note.detail.get("lsn")) if note else None


def lsn(text: object) -> int | None:
    """A WAL position as a number: ``0/3000148`` is high and low 32 bits in hex. None when it is none."""
    high, slash, low = text.partition("/") if isinstance(text, str) else ("", "", "")
    try:
        return (int(high, 16) << 32) + int(low, 16) if slash else None
    except ValueError:
        return None
