"""Undo steps: typed intents, resolved to current ids when they are replayed, and safe to replay again."""

import importlib
from collections.abc import Callable, Iterable
from contextlib import ExitStack

from botocore.exceptions import BotoCoreError, ClientError

from gameday.clock import SYSTEM, Clock
from gameday.errors import FaultError, RecordUnwritable, annotating
from gameday.facts import Kind
from gameday.faults.base import Fault
from gameday.lab.fence import fence_if_a_failover_follows, fence_if_promoted
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

type Verb = Callable[[Lab, UndoStep], None]

ONLY_AFTER_ALL = "schedule_gone"  # the account takes back what we cannot: not before nothing is left for it
# The modules of this room whose TAKES_BACK (intent -> verb) counts.
TAKING_BACK = (
    "account_warden",
    "acls",
    "control_plane",
    "database_loss",
    "health_check",
    "key_unavailable",
    "objects",
    "replica_lag",
    "replica_loss",
    "replication_pause",
    "secret_unavailable",
    "task_loss",
)


def take_back(fault: Fault, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
    """What healing is, whatever the fault: fence where needed, then replay, stamped before and after. Does nothing when
    nothing is broken; what cannot be written down on the way is raised last."""
    if undo.is_settled():
        return
    with timeline.healing_first():
        timeline.add(Kind.HEAL, repr(fault), region=fault.region)
        fence_and_replay(undo, lab, timeline)
        timeline.add(Kind.HEALED, repr(fault), region=fault.region)


def fence_and_replay(
    undo: UndoJournal, lab: Lab, timeline: Timeline, clock: Clock = SYSTEM, *, also: Iterable[str] = ()
) -> int:
    """Take everything back as it must be: each region with an open step is fenced first where its place was taken.
    ``also`` are regions that an earlier try gave back, and could not watch to the end.

    A region that was healed unfenced is watched until no failover can follow that the outage began, also where a step
    failed or could not be written down: that is raised after it. What cannot be written down is raised last, and a late
    fence that fails instead of it, since that is worth trying again. Returns how many steps there were. Raises
    :class:`FaultError` when a fence cannot be verified (before the replay nothing was taken back then), when a step
    failed, or when a line of the journal cannot be read.
    """
    with timeline.healing_first():
        regions = dict.fromkeys((*also, *(step.region for _, step in undo.open_steps())))
        unfenced = [region for region in regions if not fence_if_promoted(lab, region, timeline, clock)]
        try:
            steps = replay(undo, lab)
        except RecordUnwritable:
            _watch(lab, unfenced, timeline, clock)
            raise
        except Exception as cause:
            with annotating(cause, "watching for a failover that follows"):
                _watch(lab, unfenced, timeline, clock)
            raise
        _watch(lab, unfenced, timeline, clock)
    return steps


def _watch(lab: Lab, regions: list[str], timeline: Timeline, clock: Clock) -> None:
    """Each of them, whatever becomes of the others."""
    with ExitStack() as each:
        for region in reversed(regions):
            each.callback(fence_if_a_failover_follows, lab, region, timeline, clock)


def replay(undo: UndoJournal, lab: Lab) -> int:
    """Take back every open step, newest first; returns how many. A step that fails does not keep the others from being
    tried; then :class:`FaultError` names all that are left, and replaying again is safe. After all the others it raises
    as :func:`demand_readable` does, and last the :class:`RecordUnwritable` of a step that was taken back and could not
    be written down."""
    steps, unreadable = undo.open_steps(), undo.unreadable()
    failed: list[str] = []
    unwritten: list[RecordUnwritable] = []
    for number, step in steps:
        if (failed or unreadable) and step.intent == ONLY_AFTER_ALL:
            continue
        try:
            _verb(step)(lab, step)
            undo.done(number, step)
        except (BotoCoreError, ClientError, FaultError) as cause:
            failed.append(f"step {number} ({step.intent} {dict(step.args)}): {cause}")
        except RecordUnwritable as cause:
            unwritten.append(cause)
    if failed:
        raise FaultError("every step taken back", "; ".join(failed), f"then: gameday undo {undo.path.parent}")
    demand_readable(undo)
    if unwritten:
        raise unwritten[0]
    return len(steps)


def demand_readable(undo: UndoJournal) -> None:
    """Raise :class:`FaultError` when a line of the journal cannot be read: it may be a step that nobody takes back."""
    if unreadable := undo.unreadable():
        raise FaultError(
            f"every line of {undo.path} readable",
            f"{unreadable} that cannot be read, and may be a step that nobody can take back",
            "read it, and compare both regions with infra/ by hand",
        )


def _verb(step: UndoStep) -> Verb:
    verbs: dict[str, Verb] = {}
    for module in TAKING_BACK:
        verbs |= importlib.import_module(f"gameday.faults.{module}").TAKES_BACK
    if step.intent not in verbs:
        raise FaultError(f"an undo step of {', '.join(verbs)}", step.intent, "use the gameday that wrote this record")
    return verbs[step.intent]
