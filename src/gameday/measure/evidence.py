"""Everything a record holds, read once: one pass a file, and a count of what could not be read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from gameday.facts import READ_BACK_COMPLETE, Event, FaultWindow, Kind, Plan, Probe, Survivor, WalCommit, Write
from gameday.facts.documents import Document, DocumentRead
from gameday.measure.failback import Failback, failback
from gameday.measure.moments import Start, fault_window, last, number, observation_end, start_of
from gameday.measure.promotion import Promotion, promotion
from gameday.measure.settle import EVENTS, Ledger, settle
from gameday.record.closing import Closing, closing_of, up_to_the_note
from gameday.record.layout import Record
from gameday.record.lines import Damage


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What was read back. ``complete``: the drill's completion mark tells exactly as many lines as are there."""

    survivors: tuple[Survivor, ...]
    complete: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A record in memory; ``events`` and ``probes`` are in order of their stamps."""

    plan: Plan
    events: tuple[Event, ...]
    ledger: Ledger
    probes: tuple[Probe, ...]
    read_back: ReadBack
    wal: tuple[WalCommit, ...] | None  # None: no wal.ndjson
    damaged: tuple[tuple[str, int], ...]  # file or folder -> unreadable lines, a cut last line included
    foreign_stamps: int  # stamps of another boot than the plan's
    fault: FaultWindow | None
    promotion: Promotion | None
    end_ns: int | None  # the recorded end of observation; with a failback the last before it began
    start: Start | None = None  # the fault, or the switch of a planned failover
    observed_ns: int | None = None  # the last end of observation, a failback's own included
    failback: Failback | None = None
    documents: tuple[Document, ...] = ()
    document_reads: tuple[DocumentRead, ...] = ()
    closing: Closing = field(default_factory=Closing)

    @property
    def zero_ns(self) -> int | None:
        """Where the arithmetic of this drill starts: the fault time, or the switch of a planned failover.

        A drill whose plan has neither (the control experiment) starts at the first probe's schedule. None when what was
        planned was never stamped, when nothing was probed, or when stamps of two boots are mixed.
        """
        if self.foreign_stamps:
            return None
        if self.start:
            return self.start.mono_ns
        has_start = bool(self.plan.faults) or self.plan.switches
        return self.probes[0].scheduled_mono_ns if self.probes and not has_start else None

    @property
    def chart_zero_ns(self) -> int:
        """Where charts start: the zero, else the first thing that was stamped; 0 when nothing was."""
        firsts = [each.scheduled_mono_ns for each in self.probes[:1]] + [each.mono_ns for each in self.events[:1]]
        return self.zero_ns if self.zero_ns is not None else min(firsts, default=0)

    def before_fault(self, stamp_ns: int) -> bool:
        """Whether a stamp lies before fault or switch; without either the whole drill is normal operation: always."""
        return self.start is None or stamp_ns < self.start.mono_ns


def read(record: Record) -> Evidence:
    """Read a record; raises :class:`RecordError` when it has no readable plan or a file cannot be opened."""
    plan = record.read_plan()
    damages: dict[str, Damage] = {}
    boots = Boots(plan.boot)

    def lines[T](name: str, read_lines: Callable[[Damage], Iterator[T]]) -> Iterator[T]:
        return read_lines(damages.setdefault(name, Damage()))

    told = up_to_the_note(tuple(boots.seen(lines("timeline.ndjson", record.read_events))))
    events = tuple(sorted(told, key=lambda event: event.mono_ns))
    ledger = settle(boots.seen(lines("writes", lambda damage: _of_a_ledger(record.read_writes(damage), damage))))
    probes = boots.seen(lines("probes", record.read_probes))
    scheduled = tuple(sorted(probes, key=lambda probe: probe.scheduled_mono_ns))
    survivors = tuple(lines("survivors.ndjson", record.read_survivors))
    fault, walked = fault_window(events), failback(events)
    start = start_of(events, fault)
    promoted = promotion(events, ledger.writes, start, primary=plan.primary, secondary=plan.secondary)
    documents = tuple(boots.seen(lines("objects.ndjson", record.read_objects)))
    document_reads = tuple(boots.seen(lines("objects-survivors.ndjson", record.read_objects_survivors)))
    return Evidence(
        plan=plan,
        events=events,
        ledger=ledger,
        probes=scheduled,
        read_back=_read_back(record.survivors.exists(), survivors, events),
        wal=tuple(lines("wal.ndjson", record.read_wal)) if record.wal.exists() else None,
        damaged=tuple(
            (name, each.lines + each.cut_tail) for name, each in damages.items() if each.lines + each.cut_tail
        ),
        foreign_stamps=boots.foreign,
        fault=fault,
        start=start,
        promotion=replace(promoted, until_ns=walked.promotes_ns) if promoted and walked else promoted,
        end_ns=observation_end(events, before_ns=walked.begun_ns if walked else None),
        observed_ns=observation_end(events),
        failback=walked,
        documents=documents,
        document_reads=document_reads,
        closing=closing_of(record),
    )


def _of_a_ledger(lines: Iterable[Write], damage: Damage) -> Iterator[Write]:
    """The lines whose ``ev`` has a meaning; one that a damage or a foreign version left there counts as unreadable."""
    for line in lines:
        if line.ev in EVENTS:
            yield line
        else:
            damage.lines += 1


class Stamped(Protocol):
    @property
    def boot(self) -> str: ...


@dataclass
class Boots:
    """Counts the stamps that belong to another boot's clock than the drill's."""

    own: str
    foreign: int = 0

    def seen[T: Stamped](self, stamped: Iterable[T]) -> Iterator[T]:
        for each in stamped:
            self.foreign += each.boot != self.own
            yield each


def _read_back(there: bool, survivors: tuple[Survivor, ...], events: tuple[Event, ...]) -> ReadBack:
    if not there:
        return ReadBack(survivors, False, "nothing was read back from the surviving database")
    mark = last(events, Kind.NOTE, where=lambda event: event.what == READ_BACK_COMPLETE)
    if mark is None:
        return ReadBack(
            survivors, False, f"the read-back stopped after {len(survivors)} rows, without its completion mark"
        )
    told = number(mark.detail.get("rows"))
    if told != len(survivors):
        return ReadBack(
            survivors,
            False,
            f"the read-back told {told if told is None else int(told)} rows, {len(survivors)} are there",
        )
    return ReadBack(survivors, True)
