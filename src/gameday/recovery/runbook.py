"""What a runbook is: steps that a person reads and a program walks, each with its checks, its calls and its undo."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gameday.clock import SYSTEM, Clock, eventually
from gameday.errors import DeadlineError, InputError, RunbookError
from gameday.facts import Kind
from gameday.lab.bring_back import each_at_once
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline

LEAST_WAIT_S = 30.0  # real work (a promotion, a process start) does not shrink with the timers


@dataclass(frozen=True, slots=True)
class Option:
    """Something that whoever runs the runbook may say; ``usual`` counts otherwise, None is that it must be said."""

    name: str
    help: str
    usual: str | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a runbook is walked. ``found`` is what one step found and a later one needs, an interruption between."""

    lab: Lab
    timeline: Timeline
    options: Mapping[str, str] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, runbook: "Runbook", lab: Lab, timeline: Timeline, said: Mapping[str, str]) -> "Scene":
        """A scene with every option of the runbook; raises :class:`InputError` for an unknown or a missing one."""
        known = {option.name: option for option in runbook.options}
        if strange := [name for name in said if name not in known]:
            names = ", ".join(known) or "it has none"
            raise InputError(f"an option of the runbook {runbook.name} ({names})", strange[0], "correct it")
        values = {name: said.get(name, option.usual) for name, option in known.items()}
        if lacking := [name for name, value in values.items() if value is None]:
            raise InputError(f"the option {lacking[0]}: {known[lacking[0]].help}", "none", f"say {lacking[0]}=VALUE")
        return cls(lab, timeline, {name: value for name, value in values.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS call, exactly as it is shown and made: ``rds``, ``promote_read_replica``, a region, boto3's arguments."""

    service: str
    operation: str
    region: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def make(self, lab: Lab) -> Any:
        """Call it; what it answers."""
        return getattr(lab.client(self.service, self.region), self.operation)(**self.arguments)


@dataclass(frozen=True, slots=True)
class Calls(Call):
    """Many calls of one kind, shown as one: ``arguments`` are the first one's, ``each`` has all of them, in order.

    They are made some at a time, and must not depend on one another. One that fails does not end those under way; the
    step then stops with the first error, and taking it again makes only the calls that are still left.
    """

    each: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, service: str, operation: str, region: str, each: Sequence[Mapping[str, Any]]) -> "tuple[Calls, ...]":
        """The calls as a step's: none when there is nothing to do."""
        return (cls(service, operation, region, each[0], tuple(each)),) if each else ()

    def make(self, lab: Lab) -> Any:
        """Make all of them; what each answers."""
        act = getattr(lab.client(self.service, self.region), self.operation)
        return each_at_once(lambda arguments: act(**arguments), self.each)


@dataclass(frozen=True, slots=True)
class Check:
    """A sentence that must be true. ``look`` returns what was seen, ``is_met`` judges it.

    ``within_s`` is how long it may take to come true, at timer scale 1 (30 s at least); 0 is now or never.
    """

    what: str
    look: Callable[[Scene], Any]
    is_met: Callable[[Any], bool]
    within_s: float = 0.0
    next_step: str = ""


def no_calls(scene: Scene) -> Sequence[Call]:
    """A step that only looks."""
    return ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step: ``text`` tells a person what to do and why, ``calls`` what is called, given what was found so far.

    A check's ``look`` may note in ``scene.found`` what later steps need. ``changes`` is False where calls only read.
    """

    name: str
    text: str
    undo: str
    calls: Callable[[Scene], Sequence[Call]] = no_calls
    before: tuple[Check, ...] = ()
    after: tuple[Check, ...] = ()
    changes: bool = True


@dataclass(frozen=True, slots=True)
class Runbook:
    """A procedure of recovery: when it is for, what it needs, and its steps in their order."""

    name: str
    title: str
    when: str
    steps: tuple[Step, ...]
    options: tuple[Option, ...] = ()


def walk(runbook: Runbook, scene: Scene, steps: Sequence[Step] | None = None, clock: Clock = SYSTEM) -> None:
    """Take every step (or only ``steps``) in order; raises :class:`RunbookError` at the first that cannot be taken."""
    for step in runbook.steps if steps is None else steps:
        take(runbook, step, scene, clock)


def take(runbook: Runbook, step: Step, scene: Scene, clock: Clock = SYSTEM) -> None:
    """One step: checks before, then its calls, then checks after, each on the timeline.

    A check before that is not met stops it before its calls: nothing was touched then.
    """
    say = _Teller(runbook, step, scene)
    try:
        for check in step.before:
            _meet(check, scene, clock, f"{step.name}: nothing was called")
        say("started")
        for call in step.calls(scene):
            call.make(scene.lab)
        for check in step.after:
            _meet(check, scene, clock, f"{step.name}: its calls were made")
    except (BotoCoreError, ClientError) as cause:
        say("stopped", why=str(cause))
        raise RunbookError(f"{runbook.name}, step {step.name}, to make its calls", str(cause), step.undo) from cause
    except RunbookError as cause:
        say("stopped", why=str(cause))
        raise
    say("done")


@dataclass(frozen=True, slots=True)
class _Teller:
    runbook: Runbook
    step: Step
    scene: Scene

    def __call__(self, state: str, **detail: Any) -> None:
        self.scene.timeline.add(Kind.RUNBOOK, self.step.name, runbook=self.runbook.name, state=state, **detail)


def _meet(check: Check, scene: Scene, clock: Clock, where: str) -> None:
    limit_s = max(check.within_s * scene.lab.timer_scale, LEAST_WAIT_S) if check.within_s else 0.0
    try:
        eventually(lambda: check.look(scene), check.is_met, what=check.what, within_s=limit_s, every_s=0.2, clock=clock)
    except DeadlineError as cause:
        within = f" within {limit_s:g} s" if limit_s else ""
        raise RunbookError(f"{check.what}{within}", f"{cause.seen} ({where})", check.next_step) from cause
