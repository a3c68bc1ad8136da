"""A world of our own for the drill's tests: a service that goes silent and comes back, on a clock turned by hand."""

from dataclasses import dataclass, field
from pathlib import Path

from gameday.aws import Aws
from gameday.clock import NS, HandClock, boot_id
from gameday.errors import FaultError, LabError, LoadError
from gameday.facts import Kind, Measurement, Probe, Settlement, Survivor, WalCommit
from gameday.lab.model import REGION_OUTPUTS, SHARED_OUTPUTS, Lab, Outputs
from gameday.lab.timers import effective
from gameday.measure.judge import judge
from gameday.record.ledger import Acknowledgement, Ledger, checksum
from gameday.record.undo import UndoStep

PRIMARY, SECONDARY = "ap-southeast-2", "us-west-2"
RATE = 20


def stub_lab(scale=0.1):
    shared = dict.fromkeys(SHARED_OUTPUTS, "stub")
    regions = {region: dict.fromkeys(REGION_OUTPUTS, "stub") for region in (PRIMARY, SECONDARY)}
    return Lab("stub", Aws("http://127.0.0.1:9"), PRIMARY, SECONDARY, Outputs(shared, regions, ()), scale)


@dataclass
class StubLoad:
    """Has the fields of a load plan that a drill reads."""

    users: int = 1
    writes_per_s: float = RATE
    reads_per_s: float = RATE
    probe_timeout_s: float = 1.0
    documents: int = 0


class StubClient:
    def __init__(self, world, name):
        self.world, self.name = world, name
        world.started.append(name)

    def alive(self):
        if self.name == "prober":
            self.world.probe_until_now()
        return self.name not in self.world.dead

    def check(self):
        if not self.alive():
            raise LoadError(f"{self.name} alive", "it died")

    def stop(self):
        self.world.stopped.append(self.name)


@dataclass
class StubFault:
    """Makes the stub's service silent; ``fails`` is the error that its injection ends with."""

    world: "StubWorld"
    region: str = PRIMARY
    fails: Exception | None = None
    stays_reachable: tuple = ("the moon",)
    alarms: tuple = ("gameday-primary-health",)

    def __repr__(self):
        return f"StubFault({self.region!r})"

    def inject(self, lab, undo, timeline):
        undo.before(UndoStep("stub", self.region))
        timeline.add(Kind.FAULT, repr(self), region=self.region)
        self.world.down_since = self.world.clock.mono_ns()
        if self.fails:
            timeline.add(Kind.FAULT_FAILED, str(self.fails), region=self.region)
            raise self.fails
        timeline.add(Kind.FAULT_VERIFIED, repr(self), region=self.region)

    def heal(self, lab, undo, timeline):
        timeline.add(Kind.HEAL, repr(self), region=self.region)
        for number, step in undo.open_steps():
            undo.done(number, step)
        timeline.add(Kind.HEALED, repr(self), region=self.region)
        self.world.did.append("heal")


@dataclass
class StubWorld:
    """Every seam of a drill; ``did`` is the order in which things were asked for."""

    clock: HandClock = field(default_factory=lambda: HandClock(1000 * NS))
    outage_s: float = 5.0
    is_up: bool = True
    fails_at: str = ""
    failure: Exception | None = None
    loses: int = 0
    answers_after: str = PRIMARY  # the region that answers once it is no longer silent
    did: list = field(default_factory=list)
    started: list = field(default_factory=list)
    stopped: list = field(default_factory=list)
    dead: set = field(default_factory=set)
    down_since: int | None = None
    lab_died: bool = False
    is_unhealthy: bool = False  # Route 53 said so before anything was broken
    acknowledges: bool = True  # the ledger's own writes; the probes are answered anyway

    def lab(self, choice, stack, progress):
        self._do("lab")
        stack.callback(self.did.append, "lab down")
        progress("bringing up")
        return stub_lab(choice.timer_scale)

    def check_lab(self, lab):
        if self.lab_died:
            raise LabError("the lab to be up", "it is gone", "")

    def timers(self, lab):
        return effective(
            lab.timer_scale, health_check_interval_s=10, health_check_threshold=3, dns_ttl_s=30, alarm_period_s=60,
            alarm_periods=2, asl_wait_s={},
        )  # fmt: skip

    def observer(self, lab, timeline):
        self._do("observer")
        self.timeline = timeline
        if self.is_unhealthy:
            timeline.add(Kind.HEALTH_CHECK, "unhealthy", region=PRIMARY)
        return StubClient(self, "observer")

    def warden(self, record, lab, private, max_duration_s):
        self._do("warden")
        self.max_duration_s = max_duration_s
        return self

    def check(self):
        if "warden" in self.dead:
            raise FaultError("the warden to watch", "it is dead")

    def dismiss(self, takes_over=False):
        self.did.append("the warden takes over" if takes_over else "dismiss")

    def load(self, plan, lab, record):
        self._do("load")
        return StubClient(self, "load")

    def prober(self, plan, lab, record):
        self._do("prober")
        self.record, self.next_ns, self.seq = record, self.clock.mono_ns(), 0
        self.ledger, self.rows = Ledger(record.writes, "prober", self.clock), []
        self.lines = record.line_writer(record.probes / "prober.ndjson", sync=False)
        return StubClient(self, "prober")

    def probe_until_now(self):
        while self.next_ns + NS // RATE < self.clock.mono_ns():
            good = self.is_up and not self.is_silent(self.next_ns)
            self._write(good and self.acknowledges)
            for target in ("write", "read"):
                done = self.next_ns + (NS // 100 if good else NS)
                at, region, utc = self.next_ns, self.answering, HandClock(done).utc()
                self.lines.append(Probe(boot_id(), target, "fresh", self.seq, at, at, done, utc, good, region))
            self.seq, self.next_ns = self.seq + 1, self.next_ns + NS // RATE

    @property
    def answering(self):
        return PRIMARY if self.down_since is None else self.answers_after

    def is_silent(self, at_ns):
        return self.down_since is not None and self.down_since <= at_ns < self.down_since + self.outage_s * NS

    def _write(self, good):
        id, sum = f"order-{self.seq:06}", checksum(b"x")
        sent = self.ledger.sent(id, 1, sum)
        if good:
            self.ledger.settled(sent, Settlement.ACKED, ack=Acknowledgement(self.answering, self.seq + 1))
            self.rows.append(Survivor(id, sum, self.seq + 1, self.answering))
        else:
            self.ledger.settled(sent, Settlement.REFUSED, why="connect timeout")

    def read_back(self, lab, record, writer, within_s):
        self._do("read back")
        for row in self.rows[self.loses :]:
            writer.append(row)
        return len(self.rows) - self.loses

    def wal(self, lab) -> tuple[WalCommit, ...] | None:
        self._do("wal")
        return None

    def judge(self, record) -> Measurement:
        self.did.append("judge")
        return judge(record)

    def render(self, record) -> Path:
        self.did.append("render")
        record.page.write_text("a page")
        return record.page

    def _do(self, what):
        self.did.append(what)
        if what == self.fails_at:
            raise self.failure
