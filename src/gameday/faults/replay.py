"""Undo steps: typed intents, resolved to current ids when they are replayed, and safe to replay again."""

import contextlib
import importlib
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from gameday.clock import NS, SYSTEM, Clock, heeding, who_is_heeded
from gameday.errors import FaultError, RecordUnwritable, annotating
from gameday.facts import Kind
from gameday.faults.base import Fault
from gameday.lab.fence import LookOut, fence_if_a_failover_follows, fence_if_promoted
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

type Verb = Callable[[Lab, UndoStep], None]
type Numbered = tuple[int, UndoStep]

SIGHT = "control_plane_calm"  # it gives nobody anything to serve with, so it may come before the fence
WATCHED = "no_failover_follows"  # what was healed unfenced was watched until no failover could follow that it began
ONLY_AFTER_ALL = "schedule_gone"  # the account takes back what we cannot: not before nothing is left for it
# Who clears up comes after those that still need it, and who only waits after those that bring what is waited for;
# newest first within each.
LATER = {
    "acl_gone": 1,
    "probes_gone": 1,
    "service_runs": 2,
    "database_available": 2,
    "replica_is_made": 2,
    ONLY_AFTER_ALL: 3,
}
LANDS_WITHIN_S = 3.0  # a call whose caller has gone is carried out by then
LANDED_EVERY_S = 0.2
TAKES_LONG = frozenset({"database_runs"})  # it waits for a start, which cannot begin before the loss has landed
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


def take_back_by_hand(undo: UndoJournal, lab: Lab, timeline: Timeline, clock: Clock = SYSTEM) -> int:
    """What ``gameday undo`` does once the drill has ended: as :func:`fence_and_replay`, with a note before and after.

    No HEAL and no HEALED: those are the drill's own, and its judgement goes by them.
    """
    with timeline.healing_first():
        timeline.add(Kind.NOTE, "gameday undo takes back", lab=lab.name)
        steps = fence_and_replay(undo, lab, timeline, clock)
        timeline.add(Kind.NOTE, "gameday undo has taken back", lab=lab.name, steps=steps)
    return steps


def fence_and_replay(undo: UndoJournal, lab: Lab, timeline: Timeline, clock: Clock = SYSTEM) -> int:
    """Take everything back as it must be: each region with an open step is fenced first where its place was taken.

    What troubles AWS's own answers is taken back before that: who cannot see can fence nobody. Where a call may still
    be under way, whose caller was killed or cut off, all is taken back at once, and again when it has surely landed. A
    region that was healed unfenced is watched until no failover can follow that the outage began, also where a step
    failed or could not be written down: that is raised after it. The watch is a step of its own, on the disk before
    anything is taken back: whoever comes after one that was cut short watches again. What cannot be written down is
    raised last, and a late fence that fails instead of it, since that is worth trying again. Returns how many steps
    there were, watches not counted. Raises :class:`FaultError` when a fence cannot be verified (before anything but
    sight is taken back, or before it is taken back again), when a step failed, or when a line of the journal cannot be
    read.
    """
    with timeline.healing_first():
        steps = undo.open_steps()
        watches = _written_down(undo, dict.fromkeys(step.region for _, step in steps))
        unfenced = _unfenced(undo, lab, watches, timeline, clock)
        watch = partial(_watch, undo, lab, watches, unfenced, timeline, clock)
        look_out = LookOut(lab, unfenced, timeline, clock)
        try:
            if _may_land(undo):
                _until_landed(undo, lab, look_out)
            with contextlib.suppress(RecordUnwritable):  # the replay after the watch meets it again
                replay(undo, lab, before_the_watch=look_out)
        except Exception as cause:
            with annotating(cause, "watching for a failover that follows"):
                watch()
            raise
        unwritten = watch()
        replay(undo, lab)  # what comes after the watch, and what the disk refused to take
        if unwritten:
            raise unwritten[0]
    return sum(step.intent != WATCHED for _, step in steps)


def _unfenced(undo: UndoJournal, lab: Lab, regions: Iterable[str], timeline: Timeline, clock: Clock) -> list[str]:
    """Those whose place nobody took; the others are fenced now. What keeps sight from being restored is a note here:
    the replay tries it again, and raises it."""
    failed, _ = _each(undo, lab, _sight(undo), are_noted=not _may_land(undo))
    try:
        return [region for region in regions if not fence_if_promoted(lab, region, timeline, clock)]
    except Exception as cause:
        for why in failed:
            cause.add_note(f"and not even sight was restored: {why}")
        raise


def _sight(undo: UndoJournal) -> list[Numbered]:
    return [each for each in undo.open_steps() if each[1].intent == SIGHT]


def _may_land(undo: UndoJournal) -> bool:
    """Whether a call may be under way whose caller has gone; a watch of ours makes none."""
    return any(step.intent != WATCHED for _, step in undo.unanswered())


def _until_landed(undo: UndoJournal, lab: Lab, look_out: LookOut) -> None:
    """Give back at once what is broken by now, and wait until whatever is under way has landed. No step is done by
    that: what fails here is tried again, and told, by the replay. A place that was taken meanwhile is fenced first."""
    clock = look_out.clock
    landed_ns = clock.mono_ns() + int(LANDS_WITHIN_S * NS)
    restoring, _, _ = _in_turns(undo.open_steps())
    _each(undo, lab, [each for each in restoring if each[1].intent not in TAKES_LONG], are_noted=False)
    while clock.mono_ns() < landed_ns:
        look_out()
        clock.sleep(LANDED_EVERY_S)
    _each(undo, lab, _sight(undo), are_noted=False)
    look_out.fence()


def _written_down(undo: UndoJournal, regions: Iterable[str]) -> dict[str, Numbered | None]:
    """The watch of each region, on the disk; None where the disk refuses it, which must not keep a region dark."""
    watches: dict[str, Numbered | None] = {
        step.region: (number, step) for number, step in undo.open_steps() if step.intent == WATCHED
    }
    for region in regions:
        if region not in watches:
            watches[region], step = None, UndoStep(WATCHED, region)
            with contextlib.suppress(RecordUnwritable):
                watches[region] = (undo.before(step), step)
    return watches


def _watch(
    undo: UndoJournal,
    lab: Lab,
    watches: Mapping[str, Numbered | None],
    unfenced: Collection[str],
    timeline: Timeline,
    clock: Clock,
) -> list[RecordUnwritable]:
    """Each of them, whatever becomes of the others; one that is fenced already has nothing to wait for. Tells which
    could not be written down."""
    unwritten: list[RecordUnwritable] = []

    def watch(region: str, written: Numbered | None) -> None:
        if region in unfenced:
            fence_if_a_failover_follows(lab, region, timeline, clock)
        try:
            if written:
                undo.done(*written)
        except RecordUnwritable as cause:
            unwritten.append(cause)

    with ExitStack() as each:
        for region, written in reversed(list(watches.items())):
            each.callback(watch, region, written)
    return unwritten


def replay(undo: UndoJournal, lab: Lab, *, before_the_watch: LookOut | None = None) -> int:
    """Take back every open step, newest first, and those that only wait after them; returns how many. One that fails
    does not keep the others from being tried; then :class:`FaultError` names all that are left, and replaying again is
    safe. After all the others it raises as :func:`demand_readable` does, and last the :class:`RecordUnwritable` of a
    step that was taken back and could not be written down. The account's schedule stays while anything is left, and
    ``before_the_watch``, which those that only wait ask between their looks."""
    restoring, waiting, last = _in_turns(undo.open_steps())
    failed, unwritten = _each(undo, lab, restoring)
    with heeding(before_the_watch or who_is_heeded()):
        more_failed, more = _each(undo, lab, waiting)
    failed, unwritten, steps = failed + more_failed, unwritten + more, restoring + waiting
    if not (failed or before_the_watch or undo.unreadable()):
        steps += last
        failed, more = _each(undo, lab, last)
        unwritten += more
    if failed:
        raise FaultError("every step taken back", "; ".join(failed), f"then: gameday undo {undo.path.parent}")
    demand_readable(undo)
    if unwritten:
        raise unwritten[0]
    return len(steps)


def _in_turns(steps: Iterable[Numbered]) -> tuple[list[Numbered], list[Numbered], list[Numbered]]:
    """Those that restore, those that clear up or only wait for it, and what comes when all that is over."""
    turns: tuple[list[Numbered], ...] = ([], [], [], [])
    for number, step in steps:
        if step.intent != WATCHED:
            turns[LATER.get(step.intent, 0)].append((number, step))
    return turns[0], turns[1] + turns[2], turns[3]


def _each(
    undo: UndoJournal, lab: Lab, steps: Iterable[Numbered], *, are_noted: bool = True
) -> tuple[list[str], list[RecordUnwritable]]:
    """Take back each of these, and note that it is done; tells which failed and why, and what could not be noted."""
    failed: list[str] = []
    unwritten: list[RecordUnwritable] = []
    for number, step in steps:
        try:
            _verb(step)(lab, step)
            if are_noted:
                undo.done(number, step)
        except (BotoCoreError, ClientError, FaultError) as cause:
            failed.append(f"step {number} ({step.intent} {dict(step.args)}): {cause}")
        except RecordUnwritable as cause:
            unwritten.append(cause)
    return failed, unwritten


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
