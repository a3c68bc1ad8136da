"""The seams between a drill and what it drives: lab, clients, warden, judgement. Tests bring their own."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gameday.facts import Measurement, Timers, WalCommit
from gameday.lab.model import Lab
from gameday.preparing import AWS, LOCAL, LabChoice
from gameday.record.layout import Record
from gameday.record.lines import LineWriter
from gameday.record.timeline import Timeline

if TYPE_CHECKING:
    from gameday.load.plan import LoadPlan


OWN_LAB_IS_GONE = "run the drill again: the lab was the drill's own, and what was broken in it ended with it"


class Stoppable(Protocol):
    """Something that runs beside the drill until it is told to stop."""

    def stop(self) -> None: ...


class Client(Stoppable, Protocol):
    """A process that acts as the service's clients."""

    def alive(self) -> bool: ...

    def check(self) -> None:
        """Raise :class:`LoadError` when it died."""
        ...


class Watcher(Stoppable, Protocol):
    """Looks at a lab from outside; ``check`` raises what ended its looking."""

    def check(self) -> None: ...


class Keeper(Protocol):
    """Takes back what the drill broke, should the drill die, or last too long, before it dismissed it."""

    def check(self) -> None:
        """Raise :class:`FaultError` unless it is watching (waits for it to begin), or once the drill lasts too long."""
        ...

    def dismiss(self, takes_over: bool = False) -> None:
        """The drill is over; with ``takes_over`` the keeper takes back what is left, and nobody waits for it."""
        ...


class World(Protocol):
    """Everything a drill sets in motion."""

    def lab(self, choice: LabChoice, stack: ExitStack, progress: Callable[[str], None]) -> Lab: ...
    def check_lab(self, lab: Lab) -> None: ...
    def timers(self, lab: Lab) -> Timers: ...
    def observer(self, lab: Lab, timeline: Timeline) -> Watcher: ...
    def warden(self, record: Record, lab: Lab, private: bool, max_duration_s: float) -> Keeper: ...
    def load(self, plan: "LoadPlan", lab: Lab, record: Record) -> Client: ...
    def prober(self, plan: "LoadPlan", lab: Lab, record: Record) -> Client: ...
    def read_back(self, lab: Lab, record: Record, writer: LineWriter, within_s: float) -> int: ...
    def wal(self, lab: Lab) -> tuple[WalCommit, ...] | None: ...
    def judge(self, record: Record) -> Measurement: ...
    def render(self, record: Record) -> Path: ...


class RealWorld:
    """The lab, the load and the judgement as they are. Heavy imports happen when something is first used."""

    def lab(self, choice: LabChoice, stack: ExitStack, progress: Callable[[str], None]) -> Lab:
        """A lab of the drill's own (taken down by ``stack``), the account, or one that is up. From the main thread."""
        if choice.name == AWS:
            from gameday.lab.aws_lab import aws_lab

            return aws_lab(choice.deployment, choice.primary, choice.secondary, choice.allowed_accounts, choice.live)
        if choice.name != LOCAL:
            from gameday.lab.local.attach import attach

            return attach(choice.name)
        from gameday.lab.local.lab import LabOptions
        from gameday.lab.local.launch import launch_lab

        options = LabOptions(_own_name(), choice.timer_scale, choice.port_base, choice.link_latency_s, private=True)
        running = launch_lab(options, progress)
        stack.callback(running.stop)
        return running.lab

    def check_lab(self, lab: Lab) -> None:
        """Raise :class:`LabError` when a local lab's process is gone; an account is not asked."""
        if lab.is_local:
            from gameday.lab.local.attach import living

            living(lab.name, OWN_LAB_IS_GONE if lab.name == _own_name() else "")

    def timers(self, lab: Lab) -> Timers:
        from gameday.lab.timers_of import timers_of

        return timers_of(lab)

    def observer(self, lab: Lab, timeline: Timeline) -> Watcher:
        from gameday.lab.observe import Observer

        observer = Observer(lab, timeline.add)
        observer.start()
        return observer

    def warden(self, record: Record, lab: Lab, private: bool, max_duration_s: float) -> Keeper:
        from gameday.faults.warden import Warden
        from gameday.lab.reference import LabReference

        kind = LOCAL if lab.is_local else AWS
        reference = LabReference(kind, lab.name, private, lab.deployment, lab.primary, lab.secondary)
        return Warden.start(record, reference, max_duration_s)

    def load(self, plan: "LoadPlan", lab: Lab, record: Record) -> Client:
        from gameday.load.runner import Load

        return Load.start(plan, *_door_of(lab), record)

    def prober(self, plan: "LoadPlan", lab: Lab, record: Record) -> Client:
        from gameday.load.runner import Prober

        return Prober.start(plan, *_door_of(lab), record)

    def read_back(self, lab: Lab, record: Record, writer: LineWriter, within_s: float) -> int:
        """This drill's own orders: an attached lab keeps those of others."""
        from gameday.load.readback import read_back

        return read_back(*_door_of(lab), writer, within_s=within_s, run=record.folder.name)

    def wal(self, lab: Lab) -> tuple[WalCommit, ...] | None:
        from gameday.lab.local.extras import wal_after_fork

        return wal_after_fork(lab)

    def judge(self, record: Record) -> Measurement:
        """Judge it and copies of it that truths are planted in; what was planted is written into it."""
        from gameday.measure.proved import prove

        proved = prove(record)
        record.write_self_test(proved.self_test)
        return proved.measurement

    def render(self, record: Record) -> Path:
        from gameday.report.html import render

        return render(record)


def _own_name() -> str:
    """A lab of the drill's own is called after its process."""
    return f"drill-{os.getpid()}"


def _door_of(lab: Lab) -> tuple[str, str]:
    return lab.shared("ServiceUrl"), lab.shared("Resolver")
