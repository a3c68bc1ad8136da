"""Replica loss: the other region's read replica is gone, and with it the standby that a failover would promote."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gameday.clock import eventually
from gameday.errors import DeadlineError, FaultError, GuardError, InputError, LabError
from gameday.facts import Kind
from gameday.faults import effects
from gameday.faults.acls import DATABASE_TIER, breakable_subnets
from gameday.faults.database_loss import DEAD, NOT_AVAILABLE, database_runs
from gameday.faults.guard import may_break, only_in_the_local_lab
from gameday.faults.replay import Verb, take_back
from gameday.lab import status
from gameday.lab.current_database import current_database
from gameday.lab.local import extras
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

MADE_WITHIN_S = 3600.0  # a replica across regions is made of a snapshot that is copied first
GONE_WITHIN_S = 900.0
GONE = "the replica is being deleted, or gone"


class Loss(StrEnum):
    """What becomes of the replica."""

    DELETE = "delete"
    KILL = "kill"


def replica_is_made(region: str, database: str, arguments: Mapping[str, Any]) -> UndoStep:
    """The region has a replica of that name again; ``arguments`` of CreateDBInstanceReadReplica make it anew."""
    return UndoStep("replica_is_made", region, {"database": database, "arguments": dict(arguments)})


@dataclass(frozen=True, slots=True)
class ReplicaLoss:
    """The read replica in ``region`` is lost; the primary and every client go on, unprotected.

    ``delete``: RDS ``DeleteDBInstance``, in AWS and in the local lab, without a final snapshot: RDS takes none of a
    replica ("DeleteDBInstance" in the RDS API reference). Healing makes a new one of the primary, which takes as long
    as that takes. ``kill``: its host is gone; only in the local lab, where healing starts it again.
    """

    region: str
    how: str = Loss.DELETE
    effect_within_s: float = field(default=60.0, repr=False)  # until each of its effects must be seen

    def __post_init__(self) -> None:
        if self.how not in tuple(Loss):
            raise InputError(f"a replica loss of {', '.join(Loss)}", repr(self.how), "correct `how`")

    @property
    def stays_reachable(self) -> tuple[str, ...]:
        """Everything else, on purpose."""
        return ("the other region whole, its database among it", "the region's balancer and tasks, and its AWS APIs")

    @property
    def alarms(self) -> tuple[str, ...]:
        """None for certain: a replica that is gone tells no lag."""
        return ()

    def inject(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Lose the replica, and see that it is lost; raises :class:`FaultError` when that was not seen in time."""
        breakable_subnets(lab, self.region, DATABASE_TIER)
        database, found = current_database(lab, self.region)
        if found is None or not found.get("ReadReplicaSourceDBInstanceIdentifier"):
            raise GuardError(
                f"a read replica in {self.region} to lose", f"{database}, which is none", "name the region"
            )
        may_break(lab, self.region, [{"Tags": found.get("TagList", [])}], "databases")
        if self.how == Loss.KILL:
            only_in_the_local_lab(lab, "to kill a replica in", "which has no such call", "use how = delete")
        step = database_runs(self.region, database)
        undo.before(
            step if self.how == Loss.KILL else replica_is_made(self.region, database, _made_of(found, self.region))
        )
        timeline.add(Kind.FAULT, repr(self), region=self.region, database=database)
        looks = self._kill(lab, database) if self.how == Loss.KILL else self._delete(lab, database)
        effects.verify(looks, undo, timeline, repr(self), self.region, within_s=self.effect_within_s)

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Have the replica again, streaming from the primary; one that was deleted is made anew."""
        take_back(self, lab, undo, timeline)

    def _kill(self, lab: Lab, database: str) -> effects.Looks:
        extras.kill_database(lab, self.region, database)
        return {
            DEAD: lambda: f"postgres/{database}" not in extras.processes(lab),
            NOT_AVAILABLE: lambda: status.database(lab, self.region).status != "available",
        }

    def _delete(self, lab: Lab, database: str) -> effects.Looks:
        rds = lab.client("rds", self.region)
        rds.delete_db_instance(DBInstanceIdentifier=database, SkipFinalSnapshot=True)
        return {GONE: lambda: status.database(lab, self.region).status in ("deleting", "gone")}


def _made_of(found: Mapping[str, Any], region: str) -> dict[str, Any]:
    """The arguments of CreateDBInstanceReadReplica that make the same again; what RDS does not tell is left out."""
    source = str(found["ReadReplicaSourceDBInstanceIdentifier"])
    source_region = source.split(":")[3] if source.startswith("arn:") else region
    given = {
        "DBInstanceIdentifier": found["DBInstanceIdentifier"], "SourceDBInstanceIdentifier": source,
        "SourceRegion": source_region if source_region != region else None,
        "DBInstanceClass": found["DBInstanceClass"], "KmsKeyId": found.get("KmsKeyId"),
        "DBSubnetGroupName": (found.get("DBSubnetGroup") or {}).get("DBSubnetGroupName"),
        "VpcSecurityGroupIds": [group["VpcSecurityGroupId"] for group in found.get("VpcSecurityGroups", [])],
        "Port": (found.get("Endpoint") or {}).get("Port"), "Tags": list(found.get("TagList", [])),
        "PubliclyAccessible": False,
    }  # fmt: skip
    return {name: value for name, value in given.items() if value not in (None, [])}


def _make_replica(lab: Lab, step: UndoStep) -> None:
    """Idempotent: one that is there is only waited for. One whose primary is gone too cannot be made, and says so."""
    database = step.args["database"]
    try:
        if _status(lab, step) == "deleting":
            eventually(lambda: _status(lab, step), "gone", what=database, within_s=GONE_WITHIN_S, every_s=0.5)
        if _status(lab, step) == "gone":
            lab.client("rds", step.region).create_db_instance_read_replica(**step.args["arguments"])
        eventually(lambda: _status(lab, step), "available", what=database, within_s=MADE_WITHIN_S, every_s=0.5)
    except (LabError, DeadlineError) as cause:
        raise FaultError(f"{database} in {step.region} made anew", str(cause), "look at its source") from cause


def _status(lab: Lab, step: UndoStep) -> str:
    rds = lab.client("rds", step.region)
    try:
        found = rds.describe_db_instances(DBInstanceIdentifier=step.args["database"])["DBInstances"][0]
    except rds.exceptions.DBInstanceNotFoundFault:
        return "gone"
    return str(found["DBInstanceStatus"])


TAKES_BACK: dict[str, Verb] = {"replica_is_made": _make_replica}
