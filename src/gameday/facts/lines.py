"""What a record's files hold, line by line: writes, probes, events, survivors, commits."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gameday.facts.bounds import Count, Ordinal, StampNs
from gameday.facts.words import Kind


@dataclass(frozen=True, slots=True)
class Write:
    """One line of the ledger (DESIGN §4). ``ev`` is ``sent`` or a :class:`Settlement`'s value."""

    boot: str
    writer: str
    id: str
    attempt: Ordinal
    ev: str
    mono_ns: StampNs
    utc: str
    sum: str
    region: str | None = None
    xid: Count | None = None
    lsn_before: str | None = None
    lsn_after: str | None = None
    status: Count | None = None
    why: str | None = None
    size_bytes: Count | None = None  # of the payload
    line: Ordinal | None = None  # the line's number in its segment, from 1: a hole shows that a line is gone


@dataclass(frozen=True, slots=True)
class Probe:
    """One scheduled probe of the open-model prober. ``target`` is write or read; ``client`` is fresh or kept.

    ``good`` is the client's own sight (a success that echoes what was asked, a read of an id replicated before the
    fault that is found). The latency bound is applied when judging, from ``done_mono_ns`` − ``scheduled_mono_ns``.
    ``seq`` counts from 0 for each target and client; a number that is missing is evidence that is missing.
    """

    boot: str
    target: str
    client: str
    seq: Count
    scheduled_mono_ns: StampNs
    sent_mono_ns: StampNs
    done_mono_ns: StampNs
    utc: str
    good: bool
    region: str | None = None
    address: str | None = None
    status: Count | None = None
    why: str | None = None

    def __post_init__(self) -> None:
        """Keep the few words that all probes share once, not with each: a long drill has millions."""
        for name in ("boot", "target", "client", "region", "address"):
            if word := getattr(self, name):
                object.__setattr__(self, name, sys.intern(word))


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline."""

    boot: str
    mono_ns: StampNs
    utc: str
    kind: Kind
    what: str
    region: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Survivor:
    """One row (or ``count`` rows of one id) found in the surviving database."""

    id: str
    sum: str
    xid: Count | None = None
    region: str | None = None
    count: Ordinal = 1


@dataclass(frozen=True, slots=True)
class WalCommit:
    """One commit record on the old primary after the fork point (from pg_waldump; local lab only).

    ``utc`` is the commit's own stamp. ``order`` is False for commits that touched no order (vacuum, catalog).
    """

    xid: Count
    lsn: str
    utc: str
    order: bool = True
