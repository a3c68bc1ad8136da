"""Tiny drills by hand: a builder that writes real records with the real writers, on a clock that is turned by hand.

Times are seconds after the fault, which is struck at 100 s of the hand clock (negative: before it). Nothing is written
until :meth:`DrillBuilder.record` is called, so a test can say what its drill was in any order::

    drill = DrillBuilder()
    drill.write("a", -1.0)                      # acknowledged 10 ms later by the primary, there after recovery
    drill.write("b", -0.1, there=False)         # acknowledged and lost
    drill.probes(bad=(0.0, 4.0))                # 20 write and 20 read probes/s from -10 s to 30 s
    measurement = judge(drill.record(tmp_path))
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gameday.clock import NS, HandClock, boot_id
from gameday.facts import (
    READ_BACK_COMPLETE,
    Event,
    Kind,
    Objectives,
    Plan,
    Probe,
    Settlement,
    Survivor,
    Timers,
    WalCommit,
)
from gameday.record.layout import Record
from gameday.record.ledger import Acknowledgement, Ledger, checksum
from gameday.record.ledger import Attempt as LedgerAttempt
from gameday.record.timeline import Timeline

FAULT_S = 100
PRIMARY, SECONDARY = "ap-southeast-2", "us-west-2"
OUTAGE = f"RegionOutage(region='{PRIMARY}')"
TIMERS = Timers(
    scale=1.0, health_check_interval_s=1.0, health_check_threshold=3, health_check_timeout_s=0.4, dns_ttl_s=3.0,
    alarm_period_s=6.0, alarm_periods=2, rds_promotion_s=6.0, ecs_start_s=3.0,
    asl_wait_s={"WaitForPromotion": 1.0, "WaitForTasks": 1.0, "Settle": 2.0}, window_s=3.0,
)  # fmt: skip
PLAN = Plan(
    drill="region-outage", title="Region outage", started_utc="1970-01-01T00:01:30.000000Z", boot=boot_id(), who="us",
    objectives=Objectives(rto_s=30.0, rpo_s=10.0), timers=TIMERS, lab="local", lab_name="test", primary=PRIMARY,
    secondary=SECONDARY, expected_alarms=("gameday-primary-health",), outputs={}, versions={}, limits=(),
    load={"writes_per_s": 20, "reads_per_s": 20, "probe_timeout_s": 1.0}, faults=(OUTAGE,), link_latency_s=0.07,
    metric_period_s=1.0,
)  # fmt: skip


def at_ns(after_fault_s: float) -> int:
    """A stamp of the hand clock, from seconds after the fault."""
    return round((FAULT_S + after_fault_s) * NS)


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt to be written to the ledger; ``ack_s`` None: it never settled."""

    id: str
    number: int
    sent_s: float
    settled_s: float | None
    settlement: Settlement
    ack: Acknowledgement | None
    writer: str


@dataclass
class DrillBuilder:
    """A drill that was struck by a fault and observed for 30 s; each method adds to it. ``faulted=False``: control."""

    plan: Plan = PLAN
    faulted: bool = True
    end_s: float | None = 30.0
    verified: bool = True
    complete: bool = True  # the read-back's completion mark
    survivors: list[Survivor] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    all_probes: list[Probe] = field(default_factory=list)
    attempts: list[Attempted] = field(default_factory=list)
    wal: list[WalCommit] | None = None
    read_back: bool = True
    size_bytes: int | None = None

    def sized(self, size_bytes: int) -> "DrillBuilder":
        """Every payload weighs so much."""
        self.size_bytes = size_bytes
        return self

    def planned(self, **changes: Any) -> "DrillBuilder":
        """Change fields of the plan."""
        self.plan = replace(self.plan, **changes)
        return self

    def event(self, kind: Kind, what: str, at_s: float, region: str | None = None, **detail: Any) -> "DrillBuilder":
        utc = HandClock(at_ns(at_s)).utc()
        self.events.append(Event(self.plan.boot, at_ns(at_s), utc, kind, what, region, detail))
        return self

    def promoted(self, at_s: float) -> "DrillBuilder":
        """The standby was seen promoted."""
        return self.event(
            Kind.DATABASE, "available", at_s, SECONDARY, role="primary", id="gameday-replica", source=None
        )

    def write(
        self,
        id: str,
        sent_s: float,
        settled: str = "acked",
        *,
        there: bool = True,
        xid: int | None = None,
        region: str = PRIMARY,
        after_s: float | None = 0.01,
        attempt: int = 1,
        lsn: tuple[str, str] | None = None,
        writer: str = "prober",
    ) -> "DrillBuilder":
        """One attempt, settled ``after_s`` later (None: never), and its surviving row if ``there`` (one row an id)."""
        before, after = lsn or (None, None)
        ack = Acknowledgement(region, xid, before, after) if settled == "acked" else None
        settled_s = None if after_s is None else sent_s + after_s
        self.attempts.append(Attempted(id, attempt, sent_s, settled_s, Settlement(settled), ack, writer))
        if there and all(row.id != id for row in self.survivors):
            self.row(id)
        return self

    def row(self, id: str, *, payload: str | None = None, count: int = 1) -> "DrillBuilder":
        """A surviving row; its payload is its id unless told."""
        self.survivors.append(Survivor(id, checksum((payload or id).encode()), count=count))
        return self

    def commits(self, *xids: int, at_s: float = 0.0, order: bool = True) -> "DrillBuilder":
        """Commits on the old primary after the fork; without any, the WAL was read and there was none."""
        utc = HandClock(at_ns(at_s)).utc()
        self.wal = (self.wal or []) + [WalCommit(xid, f"0/{xid:X}", utc, order) for xid in xids]
        return self

    def probes(
        self,
        *,
        bad: tuple[float, float] | None = None,
        targets: tuple[str, ...] = ("write", "read"),
        client: str = "fresh",
        span: tuple[float, float] = (-10.0, 30.0),
        every_s: float = 0.05,
        took_s: float = 0.01,
    ) -> "DrillBuilder":
        """Probes on a fixed schedule; those scheduled in ``bad`` (the end not included) time out after 1 s."""
        for target in targets:
            for seq in range(round((span[1] - span[0]) / every_s)):
                at_s = span[0] + seq * every_s
                is_bad = bad is not None and bad[0] - 1e-9 <= at_s < bad[1] - 1e-9
                self.probe(target, seq, at_s, good=not is_bad, client=client, took_s=1.0 if is_bad else took_s)
        return self

    def probe(
        self, target: str, seq: int, at_s: float, *, good: bool = True, client: str = "fresh", took_s: float = 0.01
    ) -> "DrillBuilder":
        region = (PRIMARY if at_s < 0 else SECONDARY) if good else None
        sent_ns, utc = at_ns(at_s) + 1_000_000, HandClock(at_ns(at_s + took_s)).utc()
        status, why = (200, None) if good else (None, "timeout")
        self.all_probes.append(
            Probe(
                self.plan.boot, target, client, seq, at_ns(at_s), sent_ns, at_ns(at_s + took_s), utc, good, region,
                status=status, why=why,
            )
        )  # fmt: skip
        return self

    def record(self, reports: Path) -> Record:
        """Write it all down."""
        record = Record.create(reports, self.plan.drill)
        record.write_plan(self.plan)
        self._write_timeline(record)
        self._write_ledger(record)
        self._write_lines(record, record.probes / "prober.ndjson", self.all_probes)
        if self.read_back:
            self._write_lines(record, record.survivors, self.survivors)
        if self.wal is not None:
            self._write_lines(record, record.wal, self.wal)
        return record

    def _write_timeline(self, record: Record) -> None:
        if self.faulted:
            self.event(Kind.FAULT, OUTAGE, 0.0, PRIMARY)
            if self.verified:
                self.event(Kind.FAULT_VERIFIED, OUTAGE, 0.2, PRIMARY)
        if self.end_s is not None:
            self.event(Kind.OBSERVATION_END, "observed", self.end_s)
        if self.read_back and self.complete:
            self.event(Kind.NOTE, READ_BACK_COMPLETE, (self.end_s or 30.0) + 1, rows=len(self.survivors))
        timeline = Timeline(record)
        for event in sorted(self.events, key=lambda event: event.mono_ns):
            timeline.add_event(event)
        timeline.close()

    def _write_ledger(self, record: Record) -> None:
        """Every segment's lines in the order of their stamps, as a living writer writes them."""
        clock = HandClock()
        ledgers = {name: Ledger(record.writes, name, clock) for name in sorted({each.writer for each in self.attempts})}
        sent: dict[int, LedgerAttempt] = {}
        stamps = [(each.sent_s, 0, number) for number, each in enumerate(self.attempts)]
        stamps += [(at.settled_s, 1, n) for n, at in enumerate(self.attempts) if at.settled_s is not None]
        for at_s, settles, number in sorted(stamps):
            each, clock.now_ns = self.attempts[number], at_ns(at_s)
            ledger = ledgers[each.writer]
            if settles:
                ledger.settled(sent[number], each.settlement, ack=each.ack)
            else:
                sent[number] = ledger.sent(each.id, each.number, checksum(each.id.encode()), self.size_bytes)
        for ledger in ledgers.values():
            ledger.close()

    @staticmethod
    def _write_lines(record: Record, path: Path, lines: list[Any]) -> None:
        writer = record.line_writer(path, sync=False)
        for line in lines:
            writer.append(line)
        writer.close()


def good_drill() -> DrillBuilder:
    """A complete drill that HELD: 4 s of outage, a failover, two writes kept and one lost 0.1 s before the fault."""
    drill = DrillBuilder().probes(bad=(0.0, 4.0)).promoted(3.5)
    drill.write("a", -5.0, xid=700).write("b", -1.0, xid=701).write("c", -0.11, xid=702, there=False)
    drill.write("d", 5.0, region=SECONDARY, xid=702)  # the new time line counts on from the same number
    return drill.commits(702)


def failing_over(drill: DrillBuilder) -> DrillBuilder:
    """What the observer of a lab sees of a whole failover."""
    drill.event(Kind.TASKS, "1/1", -9, SECONDARY, running=1, desired=1)
    drill.event(Kind.HEALTH_CHECK, "healthy", -9).event(Kind.DNS, "127.1.1.1", -9, PRIMARY)
    drill.event(Kind.ALARM, "OK", -9, name="gameday-primary-health")
    drill.event(Kind.HEALTH_CHECK, "unhealthy", 1.5).event(Kind.DNS, "127.1.2.1", 1.6, SECONDARY)
    drill.event(Kind.ALARM, "ALARM", 2.5, name="gameday-replica-lag")
    drill.event(Kind.ALARM, "ALARM", 2.6, name="gameday-primary-health")
    drill.event(Kind.EXECUTION, "RUNNING", 2.8, SECONDARY, arn="x")
    for name, kind, at_s in (
        ("CheckPrimaryHealth", "Task", 2.7), ("Settle", "Wait", 2.71), ("PromoteReplica", "Task", 2.9),
        ("WaitForPromotion", "Wait", 3.0), ("ScaleStandby", "Task", 3.7),
    ):  # fmt: skip
        drill.event(Kind.STATE, name, at_s + 0.2, SECONDARY, type=kind, entered_mono_ns=at_ns(at_s))
    drill.event(Kind.LATCH, SECONDARY, 2.95, SECONDARY, latched=True)
    drill.event(Kind.TASKS, "1/2", 3.8, SECONDARY, running=1, desired=2)
    return drill.event(Kind.TASKS, "2/2", 4.5, SECONDARY, running=2, desired=2)


def told(measurement, weight):
    """What the findings of one weight say, in their order."""
    return [finding.what for finding in measurement.findings if finding.weight is weight]
