"""Task loss: tasks of a region's service are stopped, and nobody replaces them but ECS."""

import math
from dataclasses import dataclass, field

from gameday.clock import eventually
from gameday.errors import DeadlineError, FaultError, GuardError, InputError
from gameday.facts import Kind
from gameday.faults import effects
from gameday.faults.acls import breakable_service
from gameday.faults.replay import Verb, take_back
from gameday.lab import status
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

REPLACED_WITHIN_S = 300.0  # ECS may back off from tasks that fail to start
STOPPED = "the tasks no longer run"


def service_runs(region: str) -> UndoStep:
    """The region's service has as many tasks running as it wants."""
    return UndoStep("service_runs", region)


@dataclass(frozen=True, slots=True)
class TaskLoss:
    """A share of the region's running tasks is stopped (ECS ``StopTask``), in AWS and in the local lab.

    ECS sends SIGTERM and, after the stop timeout, SIGKILL, and starts as many new tasks as are desired.
    """

    region: str
    share: float = 1.0  # of the running tasks, rounded up
    effect_within_s: float = field(default=60.0, repr=False)  # AWS gives a task 30 s to stop

    def __post_init__(self) -> None:
        if isinstance(self.share, bool) or not 0 < self.share <= 1:
            raise InputError("a share of the tasks above 0 and up to 1", repr(self.share), "1 is all of them")

    @property
    def stays_reachable(self) -> tuple[str, ...]:
        """Everything but the tasks, on purpose."""
        return ("the region's balancer, which answers 503 while it has no task", "its database, and its AWS APIs")

    @property
    def alarms(self) -> tuple[str, ...]:
        """None for certain: ECS may have replaced the tasks before the three minutes of the alarm on them are over."""
        return ()

    def inject(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Stop them, and see that they stopped; raises :class:`FaultError` when one still runs in time."""
        breakable_service(lab, self.region)
        running = sorted(task.id for task in status.tasks(lab, self.region))
        if not running:
            raise GuardError(f"running tasks in {self.region} to stop", "no targets", "bring the service up first")
        chosen = running[: math.ceil(self.share * len(running))]
        ecs, cluster = lab.client("ecs", self.region), lab.of(self.region, "ClusterName")
        undo.before(service_runs(self.region))
        timeline.add(Kind.FAULT, repr(self), region=self.region, tasks=chosen)
        for task in chosen:
            ecs.stop_task(cluster=cluster, task=task, reason=f"gameday drill {timeline.drill}")
        looks: effects.Looks = {STOPPED: lambda: not set(chosen) & _running(lab, self.region)}
        effects.verify(looks, undo, timeline, repr(self), self.region, within_s=self.effect_within_s)

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """See that ECS has as many tasks running as it wants; a region that was replaced is fenced, and wants none."""
        take_back(self, lab, undo, timeline)


def _running(lab: Lab, region: str) -> set[str]:
    """The tasks that serve: those that run, and those that are stopping and have not stopped yet."""
    return {task.id for task in (*status.tasks(lab, region), *status.tasks_stopping(lab, region))}


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


TAKES_BACK: dict[str, Verb] = {"service_runs": _service_runs_again}
