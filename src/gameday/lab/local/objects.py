"""S3 replication between the regions: new versions are copied with a lag, and CloudWatch is told how that goes.

As AWS's cross-region replication does it: only versions written under a rule, never deletions of versions, never delete
markers (no rule of ours asks for them; the local lab copies none), never what was there before the rule. S3 does not
run through a VPC, so no network ACL stops it; a pause is a FIS experiment (:mod:`gameday.lab.local.pauses`).
"""

import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from gameday.clock import NS, SYSTEM, Clock
from gameday.lab.local.ground import ACCOUNT, Ground
from gameday.lab.local.metrics import MetricStore
from gameday.lab.local.patches.s3 import STATUS
from gameday.lab.local.pauses import Pause, attend
from gameday.lab.local.replication import COMPLETED, FAILED, PENDING, Rule, copy, filters_by_tag, rules_of, why_not

METRIC_PERIOD_S = 60.0  # S3 publishes each minute
COPIES_MAX = 200  # a round: some 10 ms
SPACE = "AWS/S3"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A version on its way: written at ``written_ns``, to be there at ``due_ns``."""

    source: Any
    version: Any
    rule: Rule
    written_ns: int
    due_ns: int


@dataclass
class Traffic:
    """What one rule did since it last told CloudWatch."""

    copied: int = 0
    failed: int = 0
    latency_max_s: float = 0.0


@dataclass
class ObjectController:
    """Copies what was written, once its lag is over; what cannot be copied is FAILED, and stays so, as in AWS.

    The metrics go where AWS publishes them (S3 user guide, "Using S3 Replication metrics"): ``ReplicationLatency``,
    ``BytesPendingReplication`` and ``OperationsPendingReplication`` in the destination's region, none once that bucket
    is gone; ``OperationsFailedReplication`` in the source's, only when something was replicated or failed.
    """

    ground: Ground
    clock: Clock = SYSTEM
    name: str = field(default="objects", init=False)

    def __post_init__(self) -> None:
        self._metrics = MetricStore(self.clock)
        self._lock = threading.Lock()
        self._waiting: deque[Waiting] = deque()
        self._traffic: dict[tuple[str, Rule], Traffic] = defaultdict(Traffic)
        self._told_ns = self.clock.mono_ns()
        self._said: set[str] = set()

    def accept(self, bucket: Any, version: Any) -> None:
        """A version was written: it is PENDING from now on, when a rule of its bucket copies it. From any thread."""
        rules = [rule for rule in rules_of(bucket) if rule.takes(version)] if bucket.is_versioned else []
        by_destination = {rule.destination: rule for rule in reversed(rules)}  # the highest priority counts
        if not by_destination:
            return
        setattr(version, STATUS, PENDING)
        now = self.clock.mono_ns()
        delays = self.ground.delays
        due = now + int((delays.object_replication_s + delays.link_latency_s) * NS)
        with self._lock:
            self._waiting.extend(Waiting(bucket, version, rule, now, due) for rule in by_destination.values())

    def reconcile(self) -> None:
        backend = _backend()
        for bucket in list(backend.buckets.values()):
            if filters_by_tag(bucket) and bucket.name not in self._said:
                self._said.add(bucket.name)
                self.ground.said(f"bucket {bucket.name}: a replication rule that filters by tag is not done here")
        pauses = attend(self.ground.scale, time.time(), self.ground.said)
        self._copy_what_is_due(backend, pauses)
        now = self.clock.mono_ns()
        if now - self._told_ns >= METRIC_PERIOD_S * self.ground.scale * NS:
            self._told_ns = now
            self._tell(backend, now)

    def close(self) -> None:
        """Nothing is held open."""

    # -- copies --------------------------------------------------------------------------------------------------

    def _copy_what_is_due(self, backend: Any, pauses: list[Pause]) -> None:
        now, left, kept = self.clock.mono_ns(), COPIES_MAX, []
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
        for one in waiting:
            destination = backend.buckets.get(one.rule.destination)
            is_paused = destination and any(p.covers(one.source, one.rule.prefix, destination) for p in pauses)
            if one.due_ns > now or is_paused or not left:
                kept.append(one)
            else:
                left -= 1
                self._copy(backend, one, destination, now)
        with self._lock:
            self._waiting.extendleft(reversed(kept))

    def _copy(self, backend: Any, one: Waiting, destination: Any | None, now: int) -> None:
        """A version that was deleted meanwhile is no longer replicated, and counts as nothing."""
        if not any(each is one.version for each in one.source.keys.getlist(one.version.name, [])):
            return
        traffic = self._traffic[one.source.name, one.rule]
        why = why_not(ACCOUNT, one.source, one.version, one.rule, destination)
        if why:
            traffic.failed += 1
            setattr(one.version, STATUS, FAILED)
            self._say_once(f"replication of {one.source.name} fails: {why}")
            return
        copy(one.version, one.rule, destination, backend.tagger)
        traffic.copied += 1
        traffic.latency_max_s = max(traffic.latency_max_s, (now - one.written_ns) / NS)
        if getattr(one.version, STATUS, None) == PENDING:  # with several destinations FAILED wins
            setattr(one.version, STATUS, COMPLETED)

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self.ground.said(line)

    # -- metrics -------------------------------------------------------------------------------------------------

    def _tell(self, backend: Any, now: int) -> None:
        with self._lock:
            waiting = list(self._waiting)
        for bucket in list(backend.buckets.values()):
            for rule in rules_of(bucket):
                if rule.has_metrics:
                    pending = [one for one in waiting if one.source is bucket and one.rule == rule]
                    self._tell_rule(bucket, rule, backend.buckets.get(rule.destination), pending, now)

    def _tell_rule(self, source: Any, rule: Rule, destination: Any | None, pending: list[Waiting], now: int) -> None:
        done = self._traffic.pop((source.name, rule), Traffic())
        of = {"SourceBucket": source.name, "DestinationBucket": rule.destination, "RuleId": rule.id}
        if done.copied or done.failed:
            operations = done.copied + done.failed
            name = "OperationsFailedReplication"
            self._metrics.put_ones(source.region_name, SPACE, name, of, done.failed, operations)
        if destination is None:
            return
        oldest_s = max(((now - one.written_ns) / NS for one in pending), default=0.0)
        figures = {
            "ReplicationLatency": max(oldest_s, done.latency_max_s),
            "BytesPendingReplication": float(sum(one.version.size for one in pending)),
            "OperationsPendingReplication": float(len(pending)),
        }
        for name, value in figures.items():
            self._metrics.put(destination.region_name, SPACE, name, of, value)


def _backend() -> Any:
    from moto.s3.models import s3_backends

    return s3_backends[ACCOUNT]["aws"]
