"""Database loss: the region's database dies without a goodbye, or nobody can reach it any more."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial

from gameday.clock import eventually
from gameday.errors import DeadlineError, FaultError, GuardError, InputError, LabError
from gameday.facts import Kind
from gameday.faults import effects
from gameday.faults.acls import DATABASE_TIER, breakable_subnets, cut_off
from gameday.faults.guard import may_break, only_in_the_local_lab
from gameday.faults.replay import Verb, take_back
from gameday.lab import status
from gameday.lab.current_database import current_database, described
from gameday.lab.local import extras
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

REBOOTED_WITHIN_S = 900.0
STARTED_WITHIN_S = 60.0  # crash recovery replays WAL first
ERRORS_ALARM = "gameday-5xx"
DEAD, NOT_AVAILABLE = "no process of the database runs", "its status is not available"


class How(StrEnum):
    """What becomes of the database."""

    KILL = "kill"
    ISOLATE = "isolate"
    REBOOT = "reboot"
    DELETE = "delete"


def database_runs(region: str, database: str) -> UndoStep:
    """The database's PostgreSQL runs again (the local lab's; in AWS nothing kills one)."""
    return UndoStep("database_runs", region, {"database": database})


@dataclass(frozen=True, slots=True)
class DatabaseLoss:
    """The database is lost while the rest of its region lives: balancer and tasks go on answering, with errors.

    ``kill``: its host is gone; nothing that was under way is delivered, and every PostgreSQL process gets SIGKILL. Only
    in the local lab: AWS has no call that kills a database without a goodbye.
    ``isolate``: its subnets get a network ACL that denies everything, in AWS and in the local lab. It lives, unheard.
    ``reboot``: RDS ``RebootDBInstance``, in AWS and in the local lab. It comes back by itself.
    ``delete``: RDS ``DeleteDBInstance``, in AWS and in the local lab, with a final snapshot, and only when ``confirm``
    is the database's identifier. Nothing takes it back but a restore (the runbook ``database-restore``).
    """

    region: str
    how: str = How.KILL
    confirm: str = field(default="", repr=False)  # for ``delete``: the identifier of what is to be deleted
    effect_within_s: float = field(default=effects.WITHIN_S, repr=False)  # until each of its effects must be seen

    def __post_init__(self) -> None:
        if self.how not in tuple(How):
            raise InputError(f"a database loss of {', '.join(How)}", repr(self.how), "correct `how`")

    @property
    def stays_reachable(self) -> tuple[str, ...]:
        """The region's other parts, on purpose."""
        return ("the region's balancer and tasks, which answer with errors", "the region's AWS APIs, RDS's among them")

    @property
    def alarms(self) -> tuple[str, ...]:
        """The tasks live and answer with errors, so it is the errors that tell; a reboot may be over before they do."""
        return () if self.how == How.REBOOT else (ERRORS_ALARM,)

    def inject(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Lose the database, and see that it is lost; raises :class:`FaultError` when that was not seen in time."""
        subnets = breakable_subnets(lab, self.region, DATABASE_TIER)
        ways = {How.KILL: self._kill, How.REBOOT: self._reboot, How.DELETE: self._delete}
        if self.how in ways:
            ways[How(self.how)](lab, undo, timeline)
            return
        cut_off(lab, self.region, subnets, undo, timeline, repr(self))
        looks, inferred = effects.cut_from_the_database(lab, self.region, subnets), effects.inferred_in(lab)
        effects.verify(looks, undo, timeline, repr(self), self.region, inferred=inferred, within_s=self.effect_within_s)

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Fence the region if the other one was promoted, then let its database live, or be heard, again."""
        take_back(self, lab, undo, timeline)

    def _kill(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        only_in_the_local_lab(lab, "to kill a database in", "which has no such call", "isolate it: how = isolate")
        database = status.database(lab, self.region).id
        undo.before(database_runs(self.region, database))
        timeline.add(Kind.FAULT, repr(self), region=self.region, database=database)
        extras.kill_database(lab, self.region, database)
        looks = {
            DEAD: lambda: f"postgres/{database}" not in extras.processes(lab),
            NOT_AVAILABLE: lambda: status.database(lab, self.region).status != "available",
        }
        effects.verify(looks, undo, timeline, repr(self), self.region, within_s=self.effect_within_s)

    def _reboot(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        database = self._breakable(lab)
        undo.before(UndoStep("database_available", self.region, {"database": database}))
        timeline.add(Kind.FAULT, repr(self), region=self.region, database=database)
        lab.client("rds", self.region).reboot_db_instance(DBInstanceIdentifier=database)
        looks = {NOT_AVAILABLE: lambda: _status_of(lab, self.region, database) != "available"}
        effects.verify(looks, undo, timeline, repr(self), self.region, within_s=self.effect_within_s)

    def _delete(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """No undo step: a deleted database does not come back by itself, and the final snapshot is the way back."""
        database = self._breakable(lab)
        if self.confirm != database:
            said = repr(self.confirm) if self.confirm else "nothing"
            raise GuardError(f"confirm = {database}, to delete it", said, "say the identifier, or choose another way")
        final = f"{database}-final-{datetime.now(UTC):%Y%m%dt%H%M%Sz}"
        timeline.add(Kind.FAULT, repr(self), region=self.region, database=database, final_snapshot=final)
        rds = lab.client("rds", self.region)
        rds.delete_db_instance(DBInstanceIdentifier=database, FinalDBSnapshotIdentifier=final, SkipFinalSnapshot=False)
        looks = {NOT_AVAILABLE: lambda: _status_of(lab, self.region, database) != "available"}
        effects.verify(looks, undo, timeline, repr(self), self.region, within_s=self.effect_within_s)

    def _breakable(self, lab: Lab) -> str:
        database, found = current_database(lab, self.region)
        instances = [{"Tags": found.get("TagList", [])}] if found else []
        may_break(lab, self.region, instances, "databases")
        return database


def _is_available(lab: Lab, step: UndoStep) -> None:
    """RDS brings a rebooted instance back by itself; it is only waited for."""
    database = step.args["database"]
    look = partial(_status_of, lab, step.region, database)
    try:
        eventually(look, "available", what=database, within_s=REBOOTED_WITHIN_S, every_s=0.2)
    except DeadlineError as cause:
        next_step = "read its events in RDS, then gameday undo RECORD waits again"
        raise FaultError(f"{database} in {step.region} available again", str(cause), next_step) from cause


def _status_of(lab: Lab, region: str, database: str) -> str:
    found = [one for one in described(lab, region) if one["DBInstanceIdentifier"] == database]
    return str(found[0]["DBInstanceStatus"]) if found else "gone"


def _database_runs_again(lab: Lab, step: UndoStep) -> None:
    """A fenced one runs too, so that it can be rewound: its security group stays closed."""
    database = step.args["database"]
    try:
        extras.start_database(lab, step.region, database)
        look = partial(_status_of, lab, step.region, database)  # the region may use a restored one by now
        eventually(look, "available", what=database, within_s=STARTED_WITHIN_S)
    except (LabError, DeadlineError) as cause:
        next_step = "read its own log (gameday lab logs), then gameday undo RECORD starts it again"
        raise FaultError(f"{database} in {step.region} running again", str(cause), next_step) from cause


TAKES_BACK: dict[str, Verb] = {"database_runs": _database_runs_again, "database_available": _is_available}
