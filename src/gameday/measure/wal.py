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

from gameday.facts import Witness, WriteClass
from gameday.measure.evidence import Evidence
from gameday.measure.moments import instant, replayed
from gameday.measure.transactions import Joined, Some, ends_of_lost, joined_to

Answer = tuple[Witness, str, int | None]


def wal_witness(evidence: Evidence) -> Answer:
    """What the WAL says of the loss, why, and how many acknowledged transactions lie after the fork."""
    if not evidence.read_back.complete:
        return Witness.UNAVAILABLE, "the read-back is incomplete, so the loss to compare with is unknown", None
    if evidence.wal is not None:
        return _joined(
            joined_to(evidence.classified.tables, [commit.xid for commit in evidence.wal if commit.order]), evidence
        )
    if replayed(evidence.events) is None:
        return Witness.UNAVAILABLE, "the old primary's commits after the fork were not read (no wal.ndjson)", None
    return _bracketed(evidence)


def _joined(joined: Joined, evidence: Evidence) -> Answer:
    for complaint in (
        _nameless(joined),
        _none_of(joined.uncommitted, "lost by the ledger, and no commit after the fork"),
        _none_of(joined.not_lost, "committed after the fork, acknowledged, and not lost by the ledger"),
        _too_many(joined.never_acknowledged, evidence.ledger.indeterminate),
    ):
        if complaint:
            return Witness.DISAGREES, complaint, joined.after_fork
    told = f"{joined.gone} lost writes, and the same {joined.after_fork} acknowledged transactions after the fork"
    never = joined.never_acknowledged
    return Witness.AGREES, told + (f"; {never} more were never acknowledged" if never else ""), joined.after_fork


def _nameless(joined: Joined) -> str:
    if joined.nameless:
        return f"{joined.nameless} lost writes were not acknowledged by the old primary with a transaction id"
    return f"{joined.shared} lost writes share a transaction with another" if joined.shared > 0 else ""


def _none_of(xids: Some, what: str) -> str:
    some = ", ".join(str(xid) for xid in xids.first)
    return (
        f"{xids.count} transactions were {what}: {some}{' …' if xids.count > len(xids.first) else ''}" if some else ""
    )


def _too_many(never_acknowledged: int, indeterminate: int) -> str:
    if never_acknowledged <= indeterminate:
        return ""
    return (
        f"{never_acknowledged} commits after the fork were never acknowledged, "
        f"and only {indeterminate} attempts stayed indeterminate"
    )


def split_brain(evidence: Evidence) -> int | None:
    """Rows committed on the old primary after the promotion, acknowledged or not; None when that cannot be known.

    By the commit stamps of the WAL where it was read, else by the diverged acknowledgements alone, which prove some
    but never none. Without a promotion there is nothing to split: 0.
    """
    diverged = evidence.classified.counts[WriteClass.DIVERGED.value]
    if evidence.promotion is None:
        return 0
    promoted = instant(evidence.promotion.utc)
    if evidence.wal is None or promoted is None:
        return diverged or None
    stamps = [instant(commit.utc) for commit in evidence.wal if commit.order]
    if None in stamps:
        return diverged or None
    return max(diverged, sum(stamp is not None and stamp > promoted for stamp in stamps))


def _bracketed(evidence: Evidence) -> Answer:
    replayed_yet_lost, endless = ends_of_lost(evidence.classified.tables, replayed(evidence.events) or 0)
    if replayed_yet_lost:
        return Witness.DISAGREES, f"{replayed_yet_lost} lost writes had been replayed before the promotion", None
    if endless:
        return Witness.UNAVAILABLE, "a lost write was acknowledged without its LSN", None
    told = "every lost write ends after the replay LSN read before the promotion; "
    return Witness.AGREES, f"{told}{evidence.ledger.straddling} writes straddle it; not exact", None
