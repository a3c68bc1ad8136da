"""An experiment, rehearsed: its own actions, on a drill that calls nothing that would change anything.

Every action of gameday is really called, with the arguments that it will have; the drill that it acts on notes undo
steps and changing calls in the place of making them. Each is rehearsed on the lab as it is now, not as the actions
before it will have left it. What depends on those names them: a runbook, which looks before it calls; and whatever
cannot be rehearsed without the documents that the drill stores first. Neither is refused. The guards of each are really
asked, whatever it is: a fault, a failover by hand, a runbook, a snapshot, a fence.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from chaoslib import substitute

from gameday.chaos import actions
from gameday.chaos.token import TOKEN, Stopped
from gameday.drill import Drill
from gameday.errors import GamedayError, NothingStored, RunbookError
from gameday.faults.account_warden import watch_over
from gameday.faults.base import Fault
from gameday.faults.rehearsal import Line, Script, UnwrittenJournal, rehearsed
from gameday.guarding import may_fail_over, may_fence, may_walk
from gameday.lab.fence import isolate
from gameday.lab.model import Lab
from gameday.lab.rehearsing import PlannedCall
from gameday.record.timeline import UnwrittenTimeline
from gameday.recovery.failover import UNPLANNED, start_planned_failover, start_unplanned_failover
from gameday.recovery.runbook import Runbook, Scene
from gameday.recovery.shown import NOT_LOOKED_AT, Unknown, seen_now
from gameday.recovery.snapshot import take

DOCUMENTS = "the documents that the drill stores before its baseline"
FENCES_ONLY_IF = "only where the other region took its place: healing fences it first"

type Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlannedActivity:
    """One activity: its undo steps and calls in their order; ``note`` says when, or why they are not known.

    ``depends`` names what it was planned without, since it is not there yet: earlier actions, or the documents.
    ``refusal`` is why it could not even be rehearsed: a guard's word, a wrong input, or something that cannot be read.
    What a runbook does not find is none: it looks again when it is walked. Nor is whatever heals ever refused.
    """

    name: str
    what: str
    lines: tuple[Line, ...] = ()
    note: str = ""
    is_known: bool = True
    depends: tuple[str, ...] = ()
    refusal: GamedayError | None = None

    @property
    def is_refused(self) -> bool:
        """Whether it would be refused as the lab is now, or nobody can say what it calls."""
        return not self.is_known and not self.depends


class Rehearsal:
    """The part of a drill that the actions of an experiment use. Nothing is waited for, for nothing happens."""

    def __init__(self, lab: Lab, max_duration_s: float = 0.0) -> None:
        self.script, self.note, self._max_duration_s = Script(), "", max_duration_s
        self.lab, self.timeline = rehearsed(lab, self.script), UnwrittenTimeline()
        self.undo = UnwrittenJournal(self.script.add)
        self.clients = SimpleNamespace(told=lambda newest: "nothing was probed")
        self._regions: dict[str, None] = {}

    def inject(self, fault: Fault) -> None:
        self._regions[fault.region] = None
        watch_over(self.lab, fault, self.undo, self.timeline, self._max_duration_s)
        fault.inject(self.lab, self.undo, self.timeline)

    def heal(self) -> None:
        """The undo steps are the faults' own; what comes on top is the fence."""
        for region in self._regions:
            isolate(self.lab, region)
        self.note = FENCES_ONLY_IF if self._regions else ""

    def fence(self) -> None:
        may_fence(self.lab)
        isolate(self.lab, self.lab.primary)

    def fail_over(self, mode: str = UNPLANNED) -> None:
        may_fail_over(self.lab, mode)
        start = start_unplanned_failover if mode == UNPLANNED else start_planned_failover
        start(self.lab, self.timeline)

    def snapshot(self, region: str, within_s: float) -> str:
        return take(self.lab, region, self.timeline, within_s=within_s)

    def run(self, runbook: Runbook, options: Mapping[str, str] | None = None) -> None:
        """Each step's calls as ``gameday runbook run --only-show`` has them, and of many of one kind every one."""
        may_walk(self.lab, runbook)
        looking = Scene(self.lab, self.timeline, runbook.options_said(options or {}))
        showing = Scene(self.lab, looking.timeline, looking.options, Unknown())
        self.note = f"where <…> stands, an earlier step finds it: gameday runbook run {runbook.name} --only-show"
        if unseen := [check.what for step in runbook.steps for check in step.before if check.writes]:
            self.note += f"; {NOT_LOOKED_AT}: {', '.join(unseen)}"
        for step in runbook.steps:
            for check in step.before:
                seen_now(check, looking)
            showing.found.update(looking.found)
            for call in (single for each in step.calls(showing) for single in each.one_by_one()):
                self.script.add(PlannedCall(call.service, call.operation, call.region, call.arguments, call.more))

    def until_recovered(self, within_s: float) -> bool:
        return True

    def until(self, awaited: object, within_s: float) -> None: ...
    def observe(self) -> None: ...
    def hold(self, seconds: float) -> None: ...


def planned(
    experiment: Tree, configuration: Tree, secrets: Tree, lab: Lab, *, documents: int = 0, max_duration_s: float = 0.0
) -> Iterator[PlannedActivity]:
    """Every action of the method, then of the rollbacks, as it would be taken on this lab now.

    ``documents``: how many the drill will have stored by then, and has not stored yet. ``max_duration_s``: how long it
    may last, which an account's own schedule waits for.
    """
    rehearsal, earlier = Rehearsal(lab, max_duration_s), Earlier(documents)
    with _in_the_drills_place(rehearsal):
        for section in ("method", "rollbacks"):
            for activity in experiment.get(section) or ():
                if activity.get("type") == "action":
                    yield earlier.seen(_one(activity, configuration, secrets, rehearsal, earlier))


def refuse_what_would_be_refused(experiment: Tree, configuration: Tree, secrets: Tree, lab: Lab) -> None:
    """In an account: raise now, before the baseline, what keeps one of the experiment's actions from being taken."""
    if lab.is_local:
        return
    for each in planned(experiment, configuration, secrets, lab):
        if each.refusal:
            raise each.refusal


@dataclass
class Earlier:
    """What will have changed the lab by the time of an action: documents, and the names of actions before it."""

    documents: int
    actions: tuple[str, ...] = ()

    def seen(self, each: PlannedActivity) -> PlannedActivity:
        """Hand it on; a later action comes after it."""
        self.actions += (each.name,) * bool(each.lines or not each.is_known)
        return each

    def awaited(self, cause: BaseException | None) -> tuple[str, ...]:
        """What an action that could not be rehearsed depends on: a step of a runbook, on the actions before it. Any
        other guard's word, a wrong input or a call that failed would be the same after them."""
        if isinstance(cause, NothingStored) and self.documents:
            return (DOCUMENTS,)
        return self.actions if isinstance(cause, RunbookError) else ()


def _one(activity: Tree, configuration: Tree, secrets: Tree, rehearsal: Rehearsal, earlier: Earlier) -> PlannedActivity:
    name, provider = str(activity.get("name", "an action")), activity["provider"]
    if provider.get("module") != actions.__name__:
        return PlannedActivity(name, str(provider.get("module") or provider.get("type")), (), _NOT_OURS, is_known=False)
    given = substitute(provider.get("arguments") or {}, configuration, secrets)
    func = str(provider["func"])
    what = f"{func}({', '.join(f'{key}={value!r}' for key, value in given.items())})"
    rehearsal.note = ""
    try:
        getattr(actions, func)(**given)
    except Stopped as stopped:
        depends = earlier.awaited(stopped.__cause__)
        is_tried_again = func == actions.heal.__name__ or isinstance(stopped.__cause__, RunbookError)
        refusal = None if depends or is_tried_again else stopped
        return PlannedActivity(name, what, rehearsal.script.taken(), f"{stopped}", False, depends, refusal)
    depends = earlier.actions if func == actions.run_runbook.__name__ else ()
    return PlannedActivity(name, what, rehearsal.script.taken(), rehearsal.note, depends=depends)


_NOT_OURS = "an action of another extension: what it calls is not known"


@contextlib.contextmanager
def _in_the_drills_place(rehearsal: Rehearsal) -> Iterator[None]:
    before = TOKEN.drill, TOKEN.is_open
    TOKEN.drill, TOKEN.is_open = cast(Drill, rehearsal), True
    try:
        yield
    finally:
        TOKEN.drill, TOKEN.is_open = before
