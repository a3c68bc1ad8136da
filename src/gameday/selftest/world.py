"""A drill's world with the stand-in in the lab's place; prober, Locust, read-back and judgement are the real ones."""

from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice

from gameday.aws import Aws
from gameday.clock import eventually
from gameday.facts import Kind, Settlement, Timers, WalCommit, Write
from gameday.lab.model import REGION_OUTPUTS, SHARED_OUTPUTS, Lab, Outputs
from gameday.lab.timers import effective
from gameday.preparing import LabChoice
from gameday.record.layout import Record
from gameday.record.lines import Damage, LineWriter
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep
from gameday.selftest.standin import Row, StandIn
from gameday.world import RealWorld

NOWHERE = "http://127.0.0.1:9"  # the discard port: a drill on the stand-in asks AWS nothing
TAKEN_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Plants:
    """How many rows of each kind are planted before the survivors are read back."""

    lost: int = 0
    duplicate: int = 0
    corrupted: int = 0
    ghost: int = 0
    unexpected: int = 0


@dataclass
class StandInWorld(RealWorld):
    """Everything of a drill but the lab and what looks at it. ``planted`` holds the ids of every kind afterwards."""

    stand_in: StandIn
    plants: Plants = Plants()
    planted: dict[str, frozenset[str]] = field(default_factory=dict)
    timeline: Timeline | None = None

    def lab(self, choice: LabChoice, stack: ExitStack, progress: Callable[[str], None]) -> Lab:
        regions = (self.stand_in.primary.region, self.stand_in.secondary.region)
        shared = dict.fromkeys(SHARED_OUTPUTS, "stand-in")
        shared |= {"ServiceUrl": self.stand_in.url, "Resolver": self.stand_in.resolver}
        named = {region: dict.fromkeys(REGION_OUTPUTS, "stand-in") for region in regions}
        return Lab("stand-in", Aws(NOWHERE), *regions, Outputs(shared, named, ()), choice.timer_scale)

    def check_lab(self, lab: Lab) -> None:
        """It is a thread of this process."""

    def timers(self, lab: Lab) -> Timers:
        return effective(
            lab.timer_scale, health_check_interval_s=10, health_check_threshold=3, dns_ttl_s=30, alarm_period_s=60,
            alarm_periods=2, asl_wait_s={},
        )  # fmt: skip

    def observer(self, lab: Lab, timeline: Timeline) -> "Nothing":
        self.timeline = timeline
        return Nothing()

    def warden(self, record: Record, lab: Lab, private: bool, max_duration_s: float) -> "Nothing":
        return Nothing()

    def wal(self, lab: Lab) -> tuple[WalCommit, ...] | None:
        return None

    def read_back(self, lab: Lab, record: Record, writer: LineWriter, within_s: float) -> int:
        if not self.planted:
            self.plant(record)
        return super().read_back(lab, record, writer, within_s)

    def promote(self, record: Record, takes: int) -> None:
        """Promote the secondary, and let the old primary take so many writes more, from clients that stayed with it.

        While it takes nothing: what a client read of it only after the promotion would be taken after it, too.
        """
        assert self.timeline is not None
        before = frozenset(self.stand_in.primary.rows)
        what = "answers of the old primary that nobody has read"
        eventually(lambda: _unsettled(record) & before, frozenset(), what=what, within_s=TAKEN_WITHIN_S)
        self.stand_in.promote()
        region = self.stand_in.secondary.region
        self.timeline.add(Kind.DATABASE, "available", region=region, role="primary", id="stand-in", endpoint="")
        old = self.stand_in.primary
        old.may_still_take = takes
        what = "writes taken by the old primary"
        eventually(lambda: len(old.taken), takes, what=what, within_s=TAKEN_WITHIN_S)

    def plant(self, record: Record) -> None:
        """Choose from the ledger, oldest ids first and none twice, and change the rows that are served.

        Where it has too few, ``planted`` tells fewer than were wanted.
        """
        rows, region = self.stand_in.leads_to.rows, self.stand_in.leads_to.region
        acked, refused = _settled(record)
        kept = iter(sorted(id for id in acked if id in rows))
        wanted = self.plants
        chosen = {
            name: frozenset(islice(kept, count))
            for name, count in (("lost", wanted.lost), ("duplicate", wanted.duplicate), ("corrupted", wanted.corrupted))
        }
        chosen["ghost"] = frozenset(sorted(refused)[: wanted.ghost])
        chosen["unexpected"] = frozenset(f"planted-{number}" for number in range(wanted.unexpected))
        for id in chosen["lost"]:
            del rows[id]
        for id in chosen["duplicate"]:
            rows[id] = replace(rows[id], count=2)
        for id in chosen["corrupted"]:
            rows[id] = replace(rows[id], sum="0" * 16)
        for id in chosen["ghost"]:
            rows[id] = Row(id, refused[id], 1, region)
        for id in chosen["unexpected"]:
            rows[id] = Row(id, "0" * 16, 1, region)
        self.planted = chosen


@dataclass(frozen=True)
class ScriptedOutage:
    """The stand-in refuses everything for exactly so many seconds, from a moment that the timeline stamps."""

    stand_in: StandIn = field(repr=False)
    seconds: float
    ends_ns: list[int] = field(default_factory=list, repr=False)
    stays_reachable: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()

    @property
    def region(self) -> str:
        return self.stand_in.primary.region

    def inject(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Close the door; it opens by itself."""
        undo.before(UndoStep("stand_in_open", self.region))
        timeline.add(Kind.FAULT, repr(self), region=self.region)
        self.ends_ns.append(self.stand_in.close_for(self.seconds))
        timeline.add(Kind.FAULT_VERIFIED, repr(self), region=self.region)

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """There is nothing left to open."""
        timeline.add(Kind.HEAL, repr(self), region=self.region)
        for number, step in undo.open_steps():
            undo.done(number, step)
        timeline.add(Kind.HEALED, repr(self), region=self.region)


class Nothing:
    """An observer, and a warden: the stand-in needs neither, since it ends with this process."""

    def check(self) -> None: ...

    def stop(self) -> None: ...

    def dismiss(self, takes_over: bool = False) -> None: ...


def _settled(record: Record) -> tuple[Collection[str], dict[str, str]]:
    """The ids that were acknowledged; and those of which every attempt was refused, with their sums."""
    lines = tuple(record.read_writes(Damage()))  # once: clients may still write
    sums, ends = {line.id: line.sum for line in lines}, _ends(lines)
    acked = {id for id, seen in ends.items() if Settlement.ACKED.value in seen}
    return acked, {id: sums[id] for id, seen in ends.items() if seen == {Settlement.REFUSED.value}}


def _unsettled(record: Record) -> frozenset[str]:
    """The ids that were sent, and no more is known of them."""
    return frozenset(id for id, seen in _ends(record.read_writes(Damage())).items() if not seen)


def _ends(lines: Iterable[Write]) -> dict[str, set[str]]:
    """How the attempts of each id were settled."""
    ends: dict[str, set[str]] = {}
    for line in lines:
        ends.setdefault(line.id, set()).update({line.ev} - {"sent"})
    return ends
