"""A drill, told like a runbook: prepare, baseline, inject, recover, observe, heal, judge. Every door calls these.

with Drill(lab="local", objectives=Objectives(rto_s=1800, rpo_s=600)) as drill:
    drill.baseline()
    with drill.injected(RegionOutage("ap-southeast-2")):
        drill.until_recovered(within_s=1800)
print(drill.verdict, drill.report)
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from gameday.clients import Clients
from gameday.clock import SYSTEM, Clock
from gameday.documents import documents_of
from gameday.errors import DeadlineError, InputError, annotating
from gameday.facts import Event, Kind, Measurement, Objectives, Plan, StopCondition, Verdict
from gameday.faults.account_warden import unwatched, watch_over
from gameday.faults.guard import may_drill
from gameday.faults.rehearsal import rehearse
from gameday.faults.replay import fence_and_replay
from gameday.guarding import fence_the_replaced, may_fail_over, may_walk
from gameday.live import Display, Silent, shown
from gameday.outside import Outside, silence_s
from gameday.preparing import LOCAL, Intent, LabChoice, first_plan, plan_on, plan_with, usual_load, written
from gameday.record.closing import close_evidence
from gameday.record.layout import Record
from gameday.record.lines import LineWriter
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal
from gameday.recovery.failover import UNPLANNED, start_planned_failover, start_unplanned_failover
from gameday.recovery.runbook import Runbook, Scene
from gameday.recovery.snapshot import take
from gameday.recovery.switching import is_a_switch, walk_heeding
from gameday.seen import Awaited, Seen
from gameday.stopping import LIBRARY, Door, Stopping, heals_after, look_at, note_the_end, unswallowed
from gameday.survivors import look_after_healing, read_before_healing, read_finally, read_wal
from gameday.underway import announced, asked_to_end, refuse_if_switched_off
from gameday.world import RealWorld, World

if TYPE_CHECKING:
    from gameday.faults.base import Fault
    from gameday.load.plan import LoadPlan

BASELINE_WITHIN_S = 60.0
WINDOW_PROBES = 200
LEAST_WAIT_S = 30.0  # real work (a promotion, a process start) does not shrink with the timers


class Drill:
    """One drill and its record. Use it as a context manager: on the way out it heals, judges, renders and seals.

    Seconds given to a phase are meant at timer scale 1 and shrink with the lab's timers, as the objectives do.
    An error on the way leaves a judged record too; clean-up that fails is added to it as a note. Start it from the main
    thread: the processes that it starts are tied to that thread's life.
    """

    def __init__(
        self,
        lab: str | LabChoice = LOCAL,
        objectives: Objectives | None = None,
        *,
        name: str = "drill",
        title: str = "A drill",
        load: "LoadPlan | None" = None,
        reports: Path | str = "reports",
        expected_alarms: tuple[str, ...] | None = None,
        stop_when: Sequence[StopCondition] = (),
        experiment: Mapping[str, Any] | None = None,
        max_duration_s: float | None = None,
        display: Display | None = None,
        world: World | None = None,
        clock: Clock = SYSTEM,
        door: Door = LIBRARY,
    ) -> None:
        if objectives is None:
            raise InputError("objectives", "none", "Drill(objectives=Objectives(rto_s=1800, rpo_s=600))")
        self.choice = lab if isinstance(lab, LabChoice) else LabChoice(lab)
        self.intent = Intent(
            name, title, objectives, load or usual_load(), expected_alarms, Path(reports), experiment or {},
            max_duration_s, tuple(stop_when),
        )  # fmt: skip
        self._display, self._world, self._clock = display or Silent(), world or RealWorld(), clock
        self._stack, self._seen = ExitStack(), Seen()
        self._injected_ns, self._door = 0, door
        self._faults: list[Fault] = []
        self.has_record = self._observed = self._concluded = False
        self.measurement: Measurement | None = None
        self.report: Path | None = None

    @classmethod
    def of(cls, choice: LabChoice, intent: Intent, **seams: Any) -> Self:
        """A drill of what was asked elsewhere; ``seams`` are ``display``, ``world``, ``clock``, ``door``."""
        return cls(choice, **{one.name: getattr(intent, one.name) for one in fields(intent)}, **seams)

    def prepare(self) -> None:
        """Open the record, then the lab, warden, observer, prober and load; what fails on the way closes them again."""
        refuse_if_switched_off()
        self.record = Record.create(self.intent.reports, self.intent.name)
        self._plan(first_plan(self.intent, self.choice, self._clock))
        self.has_record = True
        self.timeline = Timeline(self.record, self._clock, self._watch, self._door.hidden)
        self._stack.callback(self.timeline.close)
        self._stack.callback(close_evidence, self.record, self.timeline)
        self._stopping = Stopping(self.timeline, lambda: asked_to_end(self.record), self._door)
        try:
            self._stack.enter_context(announced(self.record, self.plan.drill, self.choice.named))
            self._stack.enter_context(self._stopping.watching())
            self._open()
        except BaseException as cause:
            self._concluded = True
            with annotating(cause, "noting why"):
                note_the_end(self.timeline, cause)
            with annotating(cause, "closing the drill"):
                self._stack.close()
            raise

    @unswallowed()
    def baseline(self, within_s: float = BASELINE_WITHIN_S, faults: "Sequence[Fault]" = ()) -> None:
        """Wait until 99.9 % of the last 200 fresh probes, writes and reads, are good; ``within_s`` is not scaled.

        Raises :class:`DeadlineError` when that does not come about: break nothing then; the verdict is UNKNOWN. In an
        account, whatever would keep one of ``faults`` from being injected is raised before.
        """
        for fault in faults if not self.lab.is_local else ():
            rehearse(fault, self.lab)
        self._phase("baseline")
        self.clients.demand_baseline(within_s)
        self._arm()

    def stops_when(self, condition: StopCondition) -> None:
        """One more condition without which the drill does not go on; from the end of the baseline on it is sampled."""
        self._plan(replace(self.plan, stop_when=(*self.plan.stop_when, condition)))

    @unswallowed()
    def inject(self, fault: "Fault") -> None:
        """Break it. Raises :class:`FaultError` when the fault did not take effect, or nobody would take it back."""
        self._arm()
        self._warden.check()
        with self._stopping.changing, self._stopping.heeded():
            self._phase("inject")
            self._plan(plan_with(self.plan, fault, self.intent, unwatched(self.lab, fault)))
            self._faults.append(fault)
            watch_over(self.lab, fault, self.undo, self.timeline, self.plan.max_duration_s)
            fault.inject(self.lab, self.undo, self.timeline)
            self._injected_ns = self._clock.mono_ns()

    @contextlib.contextmanager
    def injected(self, fault: "Fault") -> Iterator[None]:
        """``inject`` on the way in; on the way out ``observe`` and ``heal``.

        After an error inside it heals at once, except in a lab of the drill's own, which ends with the drill, unless a
        stop condition or somebody ended it: that is healed everywhere.
        """
        try:
            self.inject(fault)
            yield
            self.observe()
        except BaseException as cause:
            if heals_after(cause, self.is_private):
                with annotating(cause, f"healing {fault!r}"):
                    self.heal()
            raise
        self.heal()

    def until_recovered(self, within_s: float) -> bool:
        """Wait until fresh writes and reads are good again and no failover runs; looks from outside, helps nothing.

        Returns whether that was seen within ``within_s`` × timer scale (30 s at least). Too late is no error of the
        drill: it is written down, and the judgement calls it what it is.
        """
        self._phase("recover")
        limit_s = max(within_s * self.lab.timer_scale, LEAST_WAIT_S)
        try:
            self.clients.until(self._is_recovered, "good probes and no failover running", limit_s)
        except DeadlineError:
            seen = self.clients.told(newest=WINDOW_PROBES)
            self.timeline.add(Kind.NOTE, "not recovered in time", within_s=limit_s, seen=seen)
            return False
        return True

    def until(self, awaited: Awaited, within_s: float) -> None:
        """Wait for what :mod:`gameday.seen` names, ``within_s`` × timer scale at most; else :class:`DeadlineError`."""
        limit_s = max(within_s * self.lab.timer_scale, LEAST_WAIT_S)
        self.clients.until(lambda: awaited.has_come(self._seen), awaited.what, limit_s)

    @unswallowed()
    def fail_over(self, mode: str = UNPLANNED) -> None:
        """Start the failover by hand: ``unplanned``, where no health check sees the loss, or ``planned``, on purpose.

        A planned one breaks nothing and changes both regions, which must be as breakable as for a fault.
        """
        with self._stopping.changing, self._stopping.heeded():
            may_fail_over(self.lab, mode)
            if mode == UNPLANNED:
                start_unplanned_failover(self.lab, self.timeline)
                return
            self._phase("switch")
            self._plan_a_switch()
            self._seen.executions[start_planned_failover(self.lab, self.timeline)] = "RUNNING"  # before any look at it
            self._injected_ns = self._clock.mono_ns()

    @unswallowed()
    def fence(self) -> None:
        """Isolate the old primary after a switch: tasks 0, its database closed, verified; else :class:`FaultError`."""
        with self._stopping.changing, self._stopping.heeded():
            fence_the_replaced(self.lab, self.lab.primary, self.timeline, self._clock)

    @unswallowed()
    def snapshot(self, region: str, within_s: float = 900.0) -> str:
        """Take one of a region's database and wait until it is available, ``within_s`` × timer scale; its name."""
        with self._stopping.heeded():
            return take(self.lab, region, self.timeline, within_s=within_s)

    @unswallowed()
    def run(self, runbook: Runbook, options: Mapping[str, str] | None = None) -> None:
        """Walk a runbook's steps, as ``gameday runbook run NAME --yes`` would; raises :class:`RunbookError` where it
        stops. What it changes is the recovery and stays: only faults are taken back. A planned failover is a switch."""
        may_walk(self.lab, runbook)
        self._phase(f"runbook {runbook.name}")
        self._keep_the_old_primarys_wal()  # a failback deletes it
        if is_a_switch(runbook):
            self._plan_a_switch()
        scene = replace(Scene.of(runbook, self.lab, self.timeline, options or {}), alone=self._stopping.changing)
        switched_ns = walk_heeding(runbook, scene, self.clients.heeding_clock(), self._stopping.check)
        self._injected_ns = switched_ns or self._injected_ns

    @unswallowed()
    def observe(self) -> None:
        """Watch until a window of max(W, 200 probes) was good, three windows at most; then read the survivors back."""
        self._phase("observe")
        with contextlib.suppress(DeadlineError):  # a service that stays bad was observed as well
            self.clients.until_a_good_window(self.window_s, since_ns=self._injected_ns)
        self.timeline.add(Kind.OBSERVATION_END, "looked at until here", window_s=self.window_s)
        self._documents.read_back()
        self._observed = True
        if self.undo.open_steps():
            some = self.clients.are_good(1 / WINDOW_PROBES, at_least=1, newest=WINDOW_PROBES)
            read_before_healing(self._read_back, self.record, self.timeline, are_served=some)

    def hold(self, seconds: float) -> None:
        """Wait so many seconds (at timer scale 1) while the clients live; a signal interrupts it at once."""
        self.clients.hold(seconds * self.lab.timer_scale)

    def heal(self) -> None:
        """Take every fault back, the last first; each fences before it heals. Does nothing when nothing is broken.

        An injection under way in another thread is waited for: a stop ends it. A drill that came so far then looks
        whether a client went back, and ends its observation only after that.
        """
        with self._stopping.paused(), self._stopping.changing, self.timeline.healing_first():
            if self.undo.is_settled():
                return
            self._phase("heal")
            while self._faults:
                (fault := self._faults[-1]).heal(self.lab, self.undo, self.timeline)
                self._faults.remove(fault)
            if not self.undo.is_settled():
                fence_and_replay(self.undo, self.lab, self.timeline)
        if self._observed and not self._stopping.breached:
            look_after_healing(self.clients, self.plan, self.window_s, self._seen.fenced)

    def conclude(self, cause: BaseException | None = None) -> None:
        """Heal what is still broken, then close everything that was opened, in reverse: load, prober, lab. Safe twice.

        A lab of the drill's own that was interrupted is not healed: it ends with all its parts.
        """
        if self._concluded:
            return
        self._concluded = True
        self._stopping.stand_down()
        try:
            with annotating(cause, "healing"), self.timeline.healing_first():
                if cause:
                    note_the_end(self.timeline, cause)
                    self._observed = False
                if cause is None or heals_after(cause, self.is_private):
                    self.heal()
        finally:
            with annotating(cause, "closing the drill"):
                self._stack.close()

    def judge(self) -> Measurement:
        """Judge the record alone, write ``measurement.json`` and render the report."""
        self.measurement = self._world.judge(self.record)
        self.record.write_measurement(self.measurement)
        self.report = self._world.render(self.record)
        self._display.judged(self.plan, self.measurement, self.report, self.record.read_self_test())
        return self.measurement

    def seal(self) -> None:
        """Write the manifest; the record is complete."""
        self.record.seal()

    @property
    def verdict(self) -> Verdict:
        """What was proved; UNKNOWN until it is judged."""
        return self.measurement.verdict if self.measurement else Verdict.UNKNOWN

    @property
    def window_s(self) -> float:
        """max(W, 200 probes) of the recovery time's definition, in seconds."""
        load = self.intent.load
        return max(self.plan.timers.window_s, WINDOW_PROBES / min(load.writes_per_s, load.reads_per_s))

    @property
    def is_private(self) -> bool:
        """Whether the lab is the drill's own, and ends with it."""
        return self.choice.name == LOCAL

    def __enter__(self) -> Self:
        try:
            self.prepare()
        except BaseException as cause:
            if self.has_record:  # what came about is judged as well
                self.__exit__(type(cause), cause, cause.__traceback__)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, cause: BaseException | None, at: TracebackType | None) -> None:
        try:
            self.conclude(cause)
        finally:
            with annotating(cause, "judging"):
                self.judge()
                self.seal()

    @unswallowed()
    def _open(self) -> None:
        opened = self._stack
        self._display.opened(self.record, self.plan)
        opened.callback(self._display.closed)
        self._phase("prepare")
        self.undo = UndoJournal(self.record.undo, self._clock)
        opened.callback(self.undo.close)
        self.lab = self._world.lab(self.choice, opened, self._display.say)
        self._plan(plan_on(self.plan, self.lab, self._world.timers(self.lab)))
        may_drill(self.lab)
        self._warden = self._world.warden(self.record, self.lab, self.is_private, self.plan.max_duration_s)
        opened.callback(self._dismiss)
        self.timeline.add(Kind.WARDEN, "started", private=self.is_private)
        observer = self._world.observer(self.lab, self.timeline)
        opened.callback(observer.stop)
        opened.callback(self._when_the_clients_have_stopped)
        load = self.intent.load
        outside = Outside(self.record.probes, self.intent.objectives.latency_bound_s, silence_s(load))
        checks = partial(self._world.check_lab, self.lab), self._warden.check, observer.check, self._stopping.check
        self.clients = Clients(outside, self.timeline, self._clock, checks)
        self.clients.add(Kind.PROBER, self._world.prober(load, self.lab, self.record), opened)
        self.clients.add(Kind.LOAD, self._world.load(load, self.lab, self.record), opened)
        self._documents = documents_of(load, self.lab, self.record, self.timeline, opened)

    def _plan_a_switch(self) -> None:
        self._warden.check()
        self._plan(replace(self.plan, switches=True))

    def _arm(self) -> None:
        """From here on the plan's stop conditions are sampled; one that does not hold now is raised now."""
        self._stopping.arm(self.plan.stop_when, look_at(self, self._door))

    def _dismiss(self) -> None:
        """In an attached lab that could not be healed the warden takes over at once; else it has nothing to do."""
        self._warden.dismiss(takes_over=not self.is_private and bool(self.undo.open_steps()))

    def _when_the_clients_have_stopped(self) -> None:
        """Nothing is written any more and the lab is still up: read the survivors, and the old primary's WAL."""
        if self._observed:
            read_finally(self._read_back, self.record, self.timeline)
            self._keep_the_old_primarys_wal()

    def _keep_the_old_primarys_wal(self) -> None:
        """Once; and only after a promotion, else there is no fork."""
        if self._seen.may_have_forked and not self.record.wal.exists():
            read_wal(lambda: self._world.wal(self.lab), self.record, self.timeline)

    def _read_back(self, writer: LineWriter, within_s: float) -> int:
        return self._world.read_back(self.lab, self.record, writer, within_s)

    def _is_recovered(self) -> bool:
        a_second = self.intent.load.writes_per_s
        return not self._seen.failing_over and self.clients.are_good_again(a_second, since_ns=self._injected_ns)

    def _plan(self, plan: Plan) -> None:
        self.plan = plan
        self.record.write_plan(written(plan, self._door.hidden))

    def _phase(self, what: str) -> None:
        self._stopping.check()
        self.timeline.add(Kind.PHASE, what)

    def _watch(self, event: Event) -> None:
        self._seen.event(event)
        self._display = shown(event, self._display)
