"""What became of a drill's documents, by their read-back alone, and how long it took to have them again.

*Unrecovered* is a document that was acknowledged before the fault and is not there after the recovery; *altered* is one
whose checksum is another. A reading without an answer is neither: it is missing evidence. *Restored* are those that the
fault says it broke and that are good again.

The *detection* is the canary's first bad answer after the fault. The *recovery time of objects* runs from the fault to
the later of two stamps: the end of the last runbook that was walked, and the canary's first good sight after its last
bad one. It is known only when the read-back that followed was complete and every document good: until then somebody
only claimed to be finished.
"""

from collections.abc import Iterator

from gameday.clock import NS
from gameday.facts import Event, Finding, Kind, Verdict
from gameday.facts.bounds import MOST
from gameday.facts.documents import DOCUMENTS_READ_BACK, Document, DocumentRead, ObjectsOutcome
from gameday.measure.evidence import Evidence
from gameday.measure.moments import counted, first, last, number

NOT_THERE = 404
KEYS_MAX = 1_000
BAD, GOOD, DONE = "bad", "good", "done"


def objects_outcome(evidence: Evidence) -> ObjectsOutcome | None:
    """What became of the documents; None when the drill was to store none and stored none."""
    planned = counted(evidence.plan.load.get("documents")) or 0
    if not planned and not evidence.documents:
        return None
    reads = {read.key: read for read in evidence.document_reads}
    gone = [one for one in evidence.documents if _is_gone(reads.get(one.key))]
    altered = [one for one in evidence.documents if _is_altered(one, reads.get(one.key))]
    unread = [one for one in evidence.documents if _is_unread(reads.get(one.key))]
    broken = _broken(evidence)
    bad = len(gone) + len(altered)
    why = _why_unknown(evidence, bad, len(unread))
    return ObjectsOutcome(
        planned=planned,
        stored=len(evidence.documents),
        broken=broken,
        restored=None if broken is None or unread else max(0, broken - bad),
        unrecovered=len(gone),
        altered=len(altered),
        unread=len(unread),
        bad_keys=tuple(sorted(one.key for one in (*gone, *altered)))[:KEYS_MAX],
        detected_s=_after_fault(evidence, _first_bad(evidence)),
        recovery_s=None if why else _after_fault(evidence, _recovered(evidence)),
        why=why,
    )


def object_findings(evidence: Evidence, outcome: ObjectsOutcome | None) -> Iterator[Finding]:
    """What the verdict says of the documents."""
    if outcome is None:
        return
    yield from _documents_missing(evidence, outcome)
    keys = ", ".join(outcome.bad_keys[:5])
    if outcome.unrecovered:
        seen = f"{outcome.unrecovered} of {outcome.stored}: {keys}"
        yield Finding(Verdict.BROKEN, "documents were not recovered", "every acknowledged document to be there", seen)
    if outcome.altered:
        seen = f"{outcome.altered} of {outcome.stored}: {keys}"
        yield Finding(Verdict.BROKEN, "documents came back altered", "every document with its own checksum", seen)
    if outcome.broken:
        yield from _detection(outcome)
        yield from _recovery_time(evidence, outcome)
    elif not (outcome.unrecovered or outcome.altered or outcome.unread):
        expected = "every acknowledged document to be there"
        yield Finding(Verdict.HELD, "no document is lost or altered", expected, f"{outcome.stored} of {outcome.stored}")


def _documents_missing(evidence: Evidence, outcome: ObjectsOutcome) -> Iterator[Finding]:
    if outcome.stored < outcome.planned:
        expected, seen = f"{outcome.planned} documents acknowledged before the fault", f"{outcome.stored}"
        yield Finding(Verdict.UNKNOWN, "documents are missing from the record", expected, seen, "look at its log")
    elif any(not evidence.before_fault(one.mono_ns) for one in evidence.documents):
        yield Finding(
            Verdict.UNKNOWN, "documents were stored after the fault", "all of them stored before it", "some were not"
        )
    if outcome.unread or not _is_complete(evidence):
        expected = "every document read back, before anything was healed"
        seen = f"{outcome.unread} of {outcome.stored} without an answer, or no completion mark before the healing"
        yield Finding(Verdict.UNKNOWN, "the documents were not read back", expected, seen)


def _detection(outcome: ObjectsOutcome) -> Iterator[Finding]:
    expected = "the canary to read a document that is gone or altered"
    if outcome.detected_s is None:
        yield Finding(Verdict.UNKNOWN, "nobody noticed that documents were gone", expected, "it never did")
    else:
        yield Finding(Verdict.HELD, "the loss of documents was noticed", expected, f"{outcome.detected_s:.1f} s after")


def _recovery_time(evidence: Evidence, outcome: ObjectsOutcome) -> Iterator[Finding]:
    """At most the objective, and at scaled timers the objective × scale, as for the RTO."""
    limit_s, scale = evidence.plan.objectives.object_recovery_s, evidence.plan.timers.scale
    expected = f"every document to be there again within {limit_s:g} s"
    if outcome.recovery_s is None:
        yield Finding(Verdict.UNKNOWN, "how long the documents were gone is unknown", expected, outcome.why)
        return
    seen = f"{outcome.recovery_s:.1f} s"
    if outcome.recovery_s > limit_s:
        yield Finding(Verdict.BROKEN, "the recovery of documents took too long", expected, seen)
    elif outcome.recovery_s > limit_s * scale and scale != 1:
        yield Finding(
            Verdict.UNKNOWN,
            f"at timer scale {scale:g} the recovery of documents took longer than the objective × scale",
            f"at most {limit_s * scale:g} s",
            seen,
            "run the drill at timer scale 1",
        )
    else:
        yield Finding(Verdict.HELD, "every document was there again in time", expected, seen)


def _is_gone(read: DocumentRead | None) -> bool:
    return read is not None and read.status == NOT_THERE


def _is_altered(document: Document, read: DocumentRead | None) -> bool:
    return read is not None and read.sum is not None and read.sum != document.sum


def _is_unread(read: DocumentRead | None) -> bool:
    return read is None or (read.sum is None and read.status != NOT_THERE)


def _broken(evidence: Evidence) -> int | None:
    """What the faults say that they broke: their events count the objects."""
    names = ("deleted", "overwritten", "objects")
    counts = [
        counted(event.detail[name])
        for event in evidence.events
        if event.kind is Kind.FAULT
        for name in names
        if name in event.detail
    ]
    return min(MOST, sum(count or 0 for count in counts)) if counts else None


def _mark(evidence: Evidence) -> Event | None:
    return last(evidence.events, Kind.NOTE, where=lambda event: event.what == DOCUMENTS_READ_BACK)


def _is_complete(evidence: Evidence) -> bool:
    """The completion mark tells as many lines as are there, and came before the healing, which would mend what the
    recovery left."""
    mark = _mark(evidence)
    healing = first(evidence.events, Kind.HEAL, since_ns=evidence.zero_ns or 0)
    told = number(mark.detail.get("documents")) if mark else None
    early = mark is not None and (healing is None or mark.mono_ns < healing.mono_ns)
    return early and told == len(evidence.document_reads)


def _first_bad(evidence: Evidence) -> Event | None:
    since_ns = evidence.zero_ns or 0
    return first(evidence.events, Kind.DOCUMENTS, since_ns=since_ns, where=lambda event: event.what == BAD)


def _recovered(evidence: Evidence) -> Event | None:
    """The later of the last runbook's end and the canary's good sight after its last bad one, before the read-back."""
    mark, since_ns = _mark(evidence), evidence.zero_ns or 0
    before_ns = mark.mono_ns if mark else None
    walked = last(
        evidence.events, Kind.RUNBOOK, before_ns=before_ns, where=lambda event: event.detail.get("state") == DONE
    )
    good = last(evidence.events, Kind.DOCUMENTS, before_ns=before_ns, where=lambda event: event.what == GOOD)
    seen = [event for event in (walked, good) if event and event.mono_ns >= since_ns]
    return max(seen, key=lambda event: event.mono_ns, default=None)


def _why_unknown(evidence: Evidence, bad: int, unread: int) -> str:
    mark = _mark(evidence)
    newest = last(evidence.events, Kind.DOCUMENTS, before_ns=mark.mono_ns if mark else None)
    if unread or not _is_complete(evidence):
        return "the documents were not read back completely"
    if bad:
        return "documents were still missing or altered when they were read back"
    if newest is not None and newest.what == BAD:
        return "the canary still read a bad document before the read-back"
    return "" if _recovered(evidence) else "neither a runbook was walked, nor did the canary see documents come back"


def _after_fault(evidence: Evidence, event: Event | None) -> float | None:
    if event is None or evidence.zero_ns is None:
        return None
    return (event.mono_ns - evidence.zero_ns) / NS
