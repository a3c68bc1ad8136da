"""Undo steps: typed intents, resolved to current ids when they are replayed, and safe to replay again."""

import importlib
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from gameday.errors import FaultError, RecordUnwritable
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
    if not undo.open_steps():
        return
    with timeline.healing_first():
        timeline.add(Kind.HEAL, repr(fault), region=fault.region)
        fence_and_replay(undo, lab, timeline)
        timeline.add(Kind.HEALED, repr(fault), region=fault.region)


def fence_and_replay(undo: UndoJournal, lab: Lab, timeline: Timeline) -> int:
    """Take everything back as it must be: each region with an open step is fenced first where its place was taken.

    A region that was healed unfenced is watched until no failover can follow that the outage began. What cannot be
    written down on the way is raised last. Returns how many steps there were. Raises :class:`FaultError` when a fence
    cannot be verified (then nothing was taken back), when a step failed, or when a line of the journal cannot be read.
    """
    with timeline.healing_first():
        regions = dict.fromkeys(step.region for _, step in undo.open_steps())
        unfenced = [region for region in regions if not fence_if_promoted(lab, region, timeline)]
        steps = _replay_all(undo, lab)
        for region in unfenced:
            fence_if_a_failover_follows(lab, region, timeline)
    return steps


def _replay_all(undo: UndoJournal, lab: Lab) -> int:
    steps = replay(undo, lab)
    if torn := undo.unreadable():
        raise FaultError(
            f"every line of {undo.path} readable", f"{torn} that are not", "compare the region with infra/ by hand"
        )
    return steps


def replay(undo: UndoJournal, lab: Lab) -> int:
    """Take back every open step, newest first; returns how many. A step that fails does not keep the others from being
    tried; then :class:`FaultError` names all that are left, and replaying again is safe. A step that was taken back and
    could not be written down raises the :class:`RecordUnwritable`, after all the others."""
    steps = undo.open_steps()
    failed: list[str] = []
    unwritten: list[RecordUnwritable] = []
    for number, step in steps:
        if failed and step.intent == ONLY_AFTER_ALL:
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
    if unwritten:
        raise unwritten[0]
    return len(steps)


def _verb(step: UndoStep) -> Verb:
    verbs: dict[str, Verb] = {}
    for module in TAKING_BACK:
        verbs |= importlib.import_module(f"gameday.faults.{module}").TAKES_BACK
    if step.intent not in verbs:
        raise FaultError(f"an undo step of {', '.join(verbs)}", step.intent, "use the gameday that wrote this record")
    return verbs[step.intent]
