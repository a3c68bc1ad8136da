"""The facts of documents: what was stored in the bucket, what was read back, and what became of it. See ``facts``."""

from dataclasses import dataclass

from gameday.facts.bounds import Count, StampNs

# What a NOTE says when all of them were read back; detail.documents: how many lines objects-survivors.ndjson then held.
DOCUMENTS_READ_BACK = "documents read back"


@dataclass(frozen=True, slots=True)
class Document:
    """A document that the service acknowledged before any fault; ``sum`` as in the write ledger."""

    boot: str
    key: str
    sum: str
    size_bytes: Count
    mono_ns: StampNs
    utc: str


@dataclass(frozen=True, slots=True)
class DocumentRead:
    """One document read back through the service, after the recovery and before any healing.

    ``sum`` is None unless the whole of it was read. ``status`` 404 is: not there; any other failure is no evidence.
    """

    boot: str
    key: str
    sum: str | None
    mono_ns: StampNs
    utc: str
    status: Count | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectsOutcome:
    """What became of a drill's documents. Meaning: ``gameday.measure.objects``."""

    planned: int
    stored: int
    broken: int | None  # how many objects the fault says it broke; None without such a fault
    restored: int | None  # of them, those that are as they were
    unrecovered: int  # acknowledged, and not there
    altered: int  # there, with another checksum
    unread: int  # no answer, or never asked for
    bad_keys: tuple[str, ...]  # of those that are not there or altered; at most 1,000
    detected_s: float | None  # from the fault to the canary's first bad answer
    recovery_s: float | None  # from the fault to the end of the recovery; None is not known
    why: str = ""  # why the recovery time is not known
