"""Undo steps: typed intents, resolved to current ids when they are replayed, and safe to replay again."""

from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from gameday.clock import eventually
from gameday.errors import DeadlineError, FaultError, LabError, RecordUnwritable
from gameday.facts import Kind
from gameday.faults.base import Fault
from gameday.lab import status
from gameday.lab.fence import fence_if_a_failover_follows, fence_if_promoted
from gameday.lab.local import extras
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

DRILL_TAG = "gameday:drill"
REPLACED_WITHIN_S = 300.0  # ECS may back off from tasks that fail to start
STARTED_WITHIN_S = 60.0  # crash recovery replays WAL first


def subnet_acl(region: str, subnet: str, acl: str) -> UndoStep:
    """The subnet has this network ACL again."""
    return UndoStep("subnet_acl", region, {"subnet": subnet, "acl": acl})


def acl_gone(region: str, vpc: str, drill: str) -> UndoStep:
    """No network ACL of the VPC carries this drill's tag."""
    return UndoStep("acl_gone", region, {"vpc": vpc, "drill": drill})


def database_runs(region: str, database: str) -> UndoStep:
    """The database's PostgreSQL runs again (the local lab's; in AWS nothing kills one)."""
    return UndoStep("database_runs", region, {"database": database})


def service_runs(region: str) -> UndoStep:
    """The region's service has as many tasks running as it wants."""
    return UndoStep("service_runs", region)


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


def _verb(step: UndoStep) -> Callable[[Lab, UndoStep], None]:
    verbs = {
        "subnet_acl": _subnet_has_acl_again,
        "acl_gone": _delete_acls_of_drill,
        "database_runs": _database_runs_again,
        "service_runs": _service_runs_again,
    }
    if step.intent not in verbs:
        raise FaultError(f"an undo step of {', '.join(verbs)}", step.intent, "use the gameday that wrote this record")
    return verbs[step.intent]


def _subnet_has_acl_again(lab: Lab, step: UndoStep) -> None:
    """Replacing an association issues a new id each time, so the current one is looked up."""
    subnet, acl, ec2 = step.args["subnet"], step.args["acl"], lab.client("ec2", step.region)
    found = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["NetworkAcls"]
    current = [one for item in found for one in item["Associations"] if one["SubnetId"] == subnet]
    if not current:
        raise FaultError(f"an ACL association of {subnet}", "none", "is the subnet gone? then this step needs nothing")
    if current[0]["NetworkAclId"] != acl:
        ec2.replace_network_acl_association(AssociationId=current[0]["NetworkAclAssociationId"], NetworkAclId=acl)


def _database_runs_again(lab: Lab, step: UndoStep) -> None:
    """A fenced one runs too, so that it can be rewound: its security group stays closed."""
    database = step.args["database"]
    try:
        extras.start_database(lab, step.region, database)
        eventually(
            lambda: status.database(lab, step.region).status, "available", what=database, within_s=STARTED_WITHIN_S
        )
    except (LabError, DeadlineError) as cause:
        raise FaultError(f"{database} in {step.region} running again", str(cause)) from cause


def _service_runs_again(lab: Lab, step: UndoStep) -> None:
    """ECS starts them itself; a region that was fenced wants none."""

    def counts() -> tuple[int, int]:
        service = status.service_of(lab, step.region)
        return service.get("runningCount", 0), service.get("desiredCount", 0)

    def as_wanted(seen: tuple[int, int]) -> bool:
        """as many running as desired"""
        return seen[0] >= seen[1]

    what = f"tasks in {step.region} (running, desired)"
    try:
        eventually(counts, as_wanted, what=what, within_s=REPLACED_WITHIN_S, every_s=0.2)
    except DeadlineError as cause:
        raise FaultError(cause.expected, cause.seen, "look at the service's events") from cause


def _delete_acls_of_drill(lab: Lab, step: UndoStep) -> None:
    ec2 = lab.client("ec2", step.region)
    made = [
        {"Name": f"tag:{DRILL_TAG}", "Values": [step.args["drill"]]},
        {"Name": "vpc-id", "Values": [step.args["vpc"]]},
    ]
    for acl in ec2.describe_network_acls(Filters=made)["NetworkAcls"]:
        ec2.delete_network_acl(NetworkAclId=acl["NetworkAclId"])
