"""What a runbook is: steps that a person reads and a program walks, each with its checks, its calls and its undo."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gameday.clock import NS, SYSTEM, Clock, eventually
from gameday.errors import DeadlineError, InputError, RunbookError
from gameday.facts import Kind
from gameday.lab.bring_back import each_at_once
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline

LEAST_WAIT_S = 30.0  # real work (a promotion, a process start) does not shrink with the timers


@dataclass(frozen=True, slots=True)
class Option:
    """Something that whoever runs the runbook may say; ``usual`` counts otherwise, None is that it must be said.

    A value must match all of ``form``, a regular expression.
    """

    name: str
    help: str
    usual: str | None = None
    form: str = ".*"


class Found(dict[str, str]):
    """What earlier steps found, by name. What no step has found yet is a :class:`RunbookError`, not a guess."""

    def __missing__(self, name: str) -> str:
        then = "start at an earlier step, or go on where the walk was interrupted: --resume RECORD"
        raise RunbookError(f"to know {name}, which an earlier step finds", "nobody looked", then)


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a runbook is walked. ``found`` is what one step found and a later one needs, an interruption between.
    Each call is made inside ``alone``: a drill lets nobody heal or break anything meanwhile.
    """

    lab: Lab
    timeline: Timeline
    options: Mapping[str, str] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=Found)
    alone: AbstractContextManager[Any] = field(default_factory=nullcontext, repr=False, compare=False)

    @classmethod
    def of(cls, runbook: "Runbook", lab: Lab, timeline: Timeline, said: Mapping[str, str]) -> "Scene":
        """A scene with every option of the runbook; raises :class:`InputError` for an unknown or a missing one."""
        return cls(lab, timeline, runbook.options_said(said))


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS call, exactly as it is shown and made: ``rds``, ``promote_read_replica``, a region, boto3's arguments.

    ``already`` are AWS's error codes that say *it is so already*. They count as done only where a walk goes on after an
    interruption that left open whether this call was made.
    """

    service: str
    operation: str
    region: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    already: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def more(self) -> str:
        """What is done beyond the command that is shown."""
        return ""

    def one_by_one(self) -> "Iterator[Call]":
        """Every single call that it makes."""
        yield self

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
        return (cls(service, operation, region, each[0], each=tuple(each)),) if each else ()

    @property
    def more(self) -> str:
        return f"and {len(self.each) - 1} more like it" if len(self.each) > 1 else ""

    def one_by_one(self) -> Iterator[Call]:
        """Every single call that it makes."""
        return (Call(self.service, self.operation, self.region, arguments) for arguments in self.each)

    def make(self, lab: Lab) -> Any:
        """Make all of them; what each answers."""
        act = getattr(lab.client(self.service, self.region), self.operation)
        return each_at_once(lambda arguments: act(**arguments), self.each)


@dataclass(frozen=True, slots=True)
class Check:
    """A sentence that must be true. ``look`` returns what was seen, ``is_met`` judges it.

    ``within_s`` is how long it may take to come true, at timer scale 1 (30 s at least); 0 is now or never. ``writes``
    is True where looking changes something, as /dbcheck does: a runbook that is only shown, or planned, does not look.
    """

    what: str
    look: Callable[[Scene], Any]
    is_met: Callable[[Any], bool]
    within_s: float = 0.0
    next_step: str = ""
    writes: bool = field(default=False, kw_only=True)


def no_calls(scene: Scene) -> Sequence[Call]:
    """A step that only looks."""
    return ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step: ``text`` tells a person what to do and why, ``calls`` what is called, given what was found so far.

    A check's ``look`` may note in ``scene.found`` what later steps need. ``calls`` asks nobody: it reads the lab's
    names, the options and what was found, so that it can be shown without a lab. ``changes`` is False where calls only
    read.
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

    def options_said(self, said: Mapping[str, str]) -> dict[str, str]:
        """The value of every option; raises :class:`InputError` for one that is not known, or must be said."""
        known = {option.name: option for option in self.options}
        if strange := [name for name in said if name not in known]:
            names = ", ".join(known) or "it has none"
            raise InputError(f"an option of the runbook {self.name} ({names})", strange[0], "correct it")
        values = {name: said.get(name, option.usual) for name, option in known.items()}
        if lacking := [name for name, value in values.items() if value is None]:
            raise InputError(f"the option {lacking[0]}: {known[lacking[0]].help}", "none", f"say {lacking[0]}=VALUE")
        for name, value in said.items():
            if not re.fullmatch(known[name].form, value):
                expected = f"{name} of the form {known[name].form}: {known[name].help}"
                raise InputError(expected, repr(value), "correct it")
        return {name: value for name, value in values.items() if value is not None}


class Onlooker:
    """Told of a walk as it goes. This one does nothing; what another raises stops the walk where it stands."""

    def step(self, step: Step) -> None:
        """It comes next; nothing of it was looked at yet."""

    def looked(self, check: Check, seen: Any, elapsed_s: float, limit_s: float) -> None:
        """A check was looked at and is not met yet; it may still come true within ``limit_s``."""

    def met(self, check: Check, seen: Any) -> None:
        """A check is met."""

    def planned(self, step: Step, calls: Sequence[Call]) -> None:
        """These will be called next: the moment to ask."""

    def calling(self, step: Step, number: int, call: Call, found: Mapping[str, str]) -> None:
        """The call of that number, from 0, is made next."""

    def called(self, step: Step, number: int) -> None:
        """It was answered."""

    def done(self, step: Step, found: Mapping[str, str]) -> None:
        """The step was taken to its end."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A step that an interruption left half done: how many of its calls were answered, and whether one more may be."""

    step: str
    answered: int = 0
    is_unsure: bool = False


def walk(
    runbook: Runbook,
    scene: Scene,
    steps: Sequence[Step] | None = None,
    clock: Clock = SYSTEM,
    onlookers: Sequence[Onlooker] = (),
    begun: Begun | None = None,
) -> None:
    """Take every step (or only ``steps``) in order; raises :class:`RunbookError` at the first that cannot be taken.

    ``begun`` is what an earlier walk left half done: its calls are not made twice, and its checks before, which were
    met then, are not looked at again, because those very calls may have changed what they look at.
    """
    for step in runbook.steps if steps is None else steps:
        take(runbook, step, scene, clock, onlookers, begun if begun and begun.step == step.name else None)


def take(
    runbook: Runbook,
    step: Step,
    scene: Scene,
    clock: Clock = SYSTEM,
    onlookers: Sequence[Onlooker] = (),
    begun: Begun | None = None,
) -> None:
    """One step: checks before, then its calls, then checks after, each on the timeline.

    A check before that is not met stops it before its calls: nothing was touched then.
    """
    say, tell = _Teller(runbook, step, scene), _All(tuple(onlookers))
    tell.step(step)
    with _stopping(runbook, step, say):
        for check in () if begun else step.before:
            _meet(check, scene, clock, f"{step.name}: nothing was called", tell)
        calls = step.calls(scene)
        tell.planned(step, calls[begun.answered :] if begun else calls)
        say("started")
        _make(step, calls, scene, tell, begun or Begun(step.name))
        for check in step.after:
            _meet(check, scene, clock, f"{step.name}: its calls were made", tell)
    tell.done(step, scene.found)
    say("done")


def _make(step: Step, calls: Sequence[Call], scene: Scene, tell: "_All", begun: Begun) -> None:
    for number, call in enumerate(calls):
        if number < begun.answered:
            continue
        with scene.alone:
            tell.calling(step, number, call, scene.found)
            try:
                call.make(scene.lab)
            except ClientError as cause:
                is_again = begun.is_unsure and number == begun.answered
                if not is_again or cause.response.get("Error", {}).get("Code") not in call.already:
                    raise
        tell.called(step, number)


@contextmanager
def _stopping(runbook: Runbook, step: Step, say: "_Teller") -> Iterator[None]:
    """Whatever stops a step is on the timeline; what AWS refused becomes a :class:`RunbookError`."""
    try:
        yield
    except (BotoCoreError, ClientError) as cause:
        say("stopped", why=str(cause))
        then = f"to take the step back: {step.undo}"
        raise RunbookError(f"{runbook.name}, step {step.name}, to make its calls", str(cause), then) from cause
    except BaseException as cause:
        say("stopped", why=str(cause) or type(cause).__name__)
        raise


@dataclass(frozen=True, slots=True)
class _All(Onlooker):
    """Tells every onlooker, in order."""

    onlookers: tuple[Onlooker, ...]

    def step(self, step: Step) -> None:
        for each in self.onlookers:
            each.step(step)

    def looked(self, check: Check, seen: Any, elapsed_s: float, limit_s: float) -> None:
        for each in self.onlookers:
            each.looked(check, seen, elapsed_s, limit_s)

    def met(self, check: Check, seen: Any) -> None:
        for each in self.onlookers:
            each.met(check, seen)

    def planned(self, step: Step, calls: Sequence[Call]) -> None:
        for each in self.onlookers:
            each.planned(step, calls)

    def calling(self, step: Step, number: int, call: Call, found: Mapping[str, str]) -> None:
        for each in self.onlookers:
            each.calling(step, number, call, found)

    def called(self, step: Step, number: int) -> None:
        for each in self.onlookers:
            each.called(step, number)

    def done(self, step: Step, found: Mapping[str, str]) -> None:
        for each in self.onlookers:
            each.done(step, found)


@dataclass(frozen=True, slots=True)
class _Teller:
    runbook: Runbook
    step: Step
    scene: Scene

    def __call__(self, state: str, **detail: Any) -> None:
        self.scene.timeline.add(Kind.RUNBOOK, self.step.name, runbook=self.runbook.name, state=state, **detail)


def limit_s_of(check: Check, timer_scale: float) -> float:
    """How long a check may take to come true on a lab of that timer scale; 0 is now or never."""
    return max(check.within_s * timer_scale, LEAST_WAIT_S) if check.within_s else 0.0


def _meet(check: Check, scene: Scene, clock: Clock, where: str, tell: Onlooker) -> None:
    limit_s, begun_ns = limit_s_of(check, scene.lab.timer_scale), clock.mono_ns()

    def look() -> Any:
        seen = check.look(scene)
        if not check.is_met(seen):
            tell.looked(check, seen, (clock.mono_ns() - begun_ns) / NS, limit_s)
        return seen

    try:
        seen = eventually(look, check.is_met, what=check.what, within_s=limit_s, every_s=0.2, clock=clock)
    except DeadlineError as cause:
        within = f" within {limit_s:g} s" if limit_s else ""
        raise RunbookError(f"{check.what}{within}", f"{cause.seen} ({where})", check.next_step) from cause
    tell.met(check, seen)
