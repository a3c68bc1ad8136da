"""Everything a record holds, and a count of what could not be read; ledger and read-back stay in tables."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from gameday.facts import READ_BACK_COMPLETE, Event, FaultWindow, Kind, Plan, Probe, WalCommit
from gameday.facts.documents import Document, DocumentRead
from gameday.measure.classes import Classified, classify
from gameday.measure.failback import Failback, failback
from gameday.measure.moments import Start, fault_window, last, number, observation_end, replayed, start_of
from gameday.measure.promotion import Promotion, promotion
from gameday.measure.settle import Ledger, Sides, settle
from gameday.record.closing import Closing, closing_of, read_up_to_the_note
from gameday.record.entries import refuse_strangers
from gameday.record.layout import Record
from gameday.record.lines import Damage
from gameday.record.tables import Tables, tables


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Whether all that survived was read: its completion mark tells exactly as many lines as there are."""

    complete: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a record shows; ``events`` and ``probes`` are in order of their stamps, the ledger's writes in tables."""

    plan: Plan
    events: tuple[Event, ...]
    ledger: Ledger
    classified: Classified
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


@contextmanager
def read(record: Record, *, links: bool = False) -> Iterator[Evidence]:
    """Read a record; what it holds can be asked for while the context lasts.

    Raises :class:`RecordError` when it has no readable plan, a file cannot be opened, or something is no regular file.
    ``links``: of a copy that truths are planted in, whose files are links to the record's.
    """
    if not links:
        refuse_strangers(record.folder)
    with tables([*record.segments, record.survivors]) as opened:
        yield _read(record, opened)


def _read(record: Record, opened: Tables) -> Evidence:
    plan = record.read_plan()
    damages: dict[str, Damage] = {}
    boots = Boots(plan.boot)

    def damage(name: str) -> Damage:
        return damages.setdefault(name, Damage())

    def lines[T](name: str, read_lines: Callable[[Damage], Iterator[T]]) -> Iterator[T]:
        return read_lines(damage(name))

    told = boots.seen(read_up_to_the_note(record, damage("timeline.ndjson")))
    events = tuple(sorted(told, key=lambda event: event.mono_ns))
    fault, walked = fault_window(events), failback(events)
    start = start_of(events, fault)
    sides = Sides(
        plan.boot, plan.primary, plan.secondary, start.mono_ns if start else None,
        walked.promotes_ns if walked else None, replayed(events),
    )  # fmt: skip
    of_ledger, probes = damage("writes"), boots.seen(lines("probes", record.read_probes))
    ledger = settle(opened, record.segments, [record.survivors], sides, of_ledger, damage("survivors.ndjson"))
    boots.foreign += ledger.foreign_stamps
    scheduled = tuple(sorted(probes, key=lambda probe: probe.scheduled_mono_ns))
    promoted = promotion(events, ledger.first_served, primary=plan.primary, secondary=plan.secondary)
    classified = classify(opened, promoted)
    documents = tuple(boots.seen(lines("objects.ndjson", record.read_objects)))
    document_reads = tuple(boots.seen(lines("objects-survivors.ndjson", record.read_objects_survivors)))
    return Evidence(
        plan=plan,
        events=events,
        ledger=ledger,
        classified=classified,
        probes=scheduled,
        read_back=_read_back(record.survivors.exists(), classified.rows, events),
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


def _read_back(there: bool, rows: int, events: tuple[Event, ...]) -> ReadBack:
    if not there:
        return ReadBack(False, "nothing was read back from the surviving database")
    mark = last(events, Kind.NOTE, where=lambda event: event.what == READ_BACK_COMPLETE)
    if mark is None:
        return ReadBack(False, f"the read-back stopped after {rows} rows, without its completion mark")
    told = number(mark.detail.get("rows"))
    if told != rows:
        return ReadBack(False, f"the read-back told {told if told is None else int(told)} rows, {rows} are there")
    return ReadBack(True)
