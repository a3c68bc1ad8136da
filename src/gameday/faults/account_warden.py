"""The account's own warden: a one-time schedule that takes a fault back when the drill's whole machine has died.

The warden process dies with its machine. So in an account a schedule is made before the first mutation, and removed by
the undo journal's last step, after everything else was taken back and watched; one that is left starts the state
machine ``gameday-take-back`` of infra/, which fences and restores. It covers what only network ACLs of the primary
region do: a region outage, and an isolated database. Whatever else is broken there, the plan says that nobody would.
"""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from gameday.facts import Kind
from gameday.faults.acls import acls_before, associations, breakable_subnets
from gameday.faults.base import Fault
from gameday.faults.database_loss import DatabaseLoss, How
from gameday.faults.region_outage import RegionOutage
from gameday.faults.replay import Verb
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

MACHINE_OUTPUT, ROLE_OUTPUT = "TakeBackMachineArn", "TakeBackRoleArn"
AFTER_THE_WARDEN_S = 300.0  # the drill's own warden comes first, and needs some minutes


def schedule_gone(region: str, name: str) -> UndoStep:
    """No schedule of this name is left."""
    return UndoStep("schedule_gone", region, {"name": name})


def unwatched(lab: Lab, fault: Fault) -> tuple[str, ...]:
    """What the plan must say of a fault that no schedule would take back; nothing of one that a schedule would, and
    nothing in the local lab, which dies with the drill's machine."""
    if lab.is_local or _is_covered(lab, fault):
        return ()
    by_hand = "then take it back by hand, with `gameday undo` and this record"
    return (f"nobody takes back {fault!r} should the machine of the drill die: {by_hand}",)


def watch_over(lab: Lab, fault: Fault, undo: UndoJournal, timeline: Timeline, max_duration_s: float) -> None:
    """Schedule that the account takes ``fault`` back by itself, some minutes after the drill's longest duration.

    Before the fault's first mutation. Does nothing where :func:`unwatched` says so, and in the local lab. Raises
    :class:`GuardError` where the fault may not be injected.
    """
    if lab.is_local or not _is_covered(lab, fault):
        return
    breakable_subnets(lab, fault.region)
    name = f"gameday-{uuid.uuid4().hex}"
    at = datetime.now(UTC) + timedelta(seconds=max_duration_s + AFTER_THE_WARDEN_S)
    undo.before(schedule_gone(fault.region, name))
    schedule(lab, fault.region, name, at, as_it_was(lab, fault.region, timeline.drill, undo))
    timeline.add(Kind.WARDEN, "scheduled in the account", region=fault.region, schedule=name, at=f"{at:%FT%TZ}")


def schedule(lab: Lab, region: str, name: str, at: datetime, given: dict[str, Any]) -> None:
    """Make the schedule: once, at ``at``, with the input that :func:`as_it_was` makes."""
    outputs = lab.outputs.regions[region]
    lab.client("scheduler", region).create_schedule(
        Name=name,
        Description=f"Takes back {given['Drill']}, unless the drill does so before",
        ScheduleExpression=f"at({at:%FT%T})",  # UTC, where no other zone is named
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target={
            "Arn": outputs[MACHINE_OUTPUT],
            "RoleArn": outputs[ROLE_OUTPUT],
            "Input": json.dumps(given),
        },
    )


def as_it_was(lab: Lab, region: str, drill: str, undo: UndoJournal) -> dict[str, Any]:
    """The machine's input: which network ACL each subnet of the region had before the drill.

    What an earlier fault has cut off has an ACL of the drill now, which denies all; the journal knows the one before.
    (Making no second schedule would do where the first stands. But only the account knows whether it does: a step is
    written before the schedule is made. Two of them restore the same, and the second finds nothing left to do.)
    """
    vpc = lab.of(region, "VpcId")
    own = acls_before(associations(lab.client("ec2", region), vpc), region, undo)
    return {"Drill": drill, "Vpc": vpc, "Subnets": [{"Subnet": one, "Acl": acl} for one, acl in sorted(own.items())]}


def _is_covered(lab: Lab, fault: Fault) -> bool:
    """Whether the machine is deployed where the fault is, and takes back all that it does."""
    only_acls = isinstance(fault, RegionOutage) or (isinstance(fault, DatabaseLoss) and fault.how == How.ISOLATE)
    return only_acls and {MACHINE_OUTPUT, ROLE_OUTPUT} <= lab.outputs.regions[fault.region].keys()


def _delete_schedule(lab: Lab, step: UndoStep) -> None:
    """One that has fired is gone by itself."""
    scheduler = lab.client("scheduler", step.region)
    try:
        scheduler.delete_schedule(Name=step.args["name"])
    except scheduler.exceptions.ResourceNotFoundException:
        return


TAKES_BACK: dict[str, Verb] = {"schedule_gone": _delete_schedule}
