"""EventBridge Scheduler: a one-time schedule that is due starts its state machine, once, and is gone if it asked to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gameday.aws import Aws
from gameday.clock import SYSTEM, Clock
from gameday.errors import LabError
from gameday.lab.local.errands import Errands
from gameday.lab.local.events import Arn
from gameday.lab.local.ground import ACCOUNT, Ground

ONCE = "at(%Y-%m-%dT%H:%M:%S)"


@dataclass
class ScheduleController:
    """Looks at each tick which schedules are due, by the clock and whatever the lab's timer scale.

    A failure is said in the lab's log and counted; the start is not tried again beyond boto3's own retries
    (EventBridge itself retries for 24 hours), and the schedule stays. One that is due in no way that is known here,
    a rate or another target than a state machine, is such a failure.
    """

    ground: Ground
    aws: Aws | None = None
    clock: Clock = SYSTEM
    name: str = field(default="schedules", init=False)

    def __post_init__(self) -> None:
        self._aws = self.aws or Aws(self.ground.endpoint_url)
        self._errands = Errands("schedules", self.ground.said)
        self._fired: set[tuple[str, float]] = set()  # a schedule of that name, and when it was made or changed

    @property
    def failures(self) -> int:
        return self._errands.failures

    def reconcile(self) -> None:
        """Start what is due; returns at once."""
        from moto.scheduler.models import scheduler_backends

        for region, backend in list(scheduler_backends[ACCOUNT].items()):
            for group in list(backend.schedule_groups.values()):
                for schedule in list(group.schedules.values()):
                    self._look_at(region, schedule)

    def close(self) -> None:
        """Start nothing more. Safe twice."""
        self._errands.close()

    def _look_at(self, region: str, schedule: Any) -> None:
        known = schedule.arn, schedule.last_modified_date
        if schedule.state == "ENABLED" and known not in self._fired and self._is_due(schedule):
            self._fired.add(known)
            self._errands.send(f"schedule {schedule.name} of {region}", lambda: self._fire(region, schedule))

    def _is_due(self, schedule: Any) -> bool:
        """Whether its moment has come; one that cannot be read is due, so that its failure is said."""
        moment = _moment(schedule)
        return moment is None or moment <= self.clock.now()

    def _fire(self, region: str, schedule: Any) -> None:
        arn = Arn(schedule.target["Arn"])
        if _moment(schedule) is None or arn.service != "states":
            seen = f"{schedule.schedule_expression} {schedule.schedule_expression_timezone} to {arn.text}"
            raise LabError("a schedule at(…) in UTC, of a state machine", seen, "change the schedule")
        states = self._aws.client("stepfunctions", arn.region)
        states.start_execution(stateMachineArn=arn.text, name=schedule.name, input=schedule.target.get("Input", "{}"))
        if schedule.action_after_completion == "DELETE":
            scheduler = self._aws.client("scheduler", region)
            scheduler.delete_schedule(Name=schedule.name, GroupName=schedule.group_name)


def _moment(schedule: Any) -> datetime | None:
    try:
        at = datetime.strptime(schedule.schedule_expression, ONCE)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if schedule.schedule_expression_timezone == "UTC" else None
