"""ECS as real processes: a desired count is that many, a dead one is replaced, a standalone task runs to its end."""

import contextlib
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gameday.aws import LOCAL_KEYS, local_environment
from gameday.clock import NS, SYSTEM, Clock
from gameday.errors import LabError
from gameday.lab.local import ecs_tasks
from gameday.lab.local.ground import PRIMARY, SECONDARY, Ground
from gameday.lab.local.metrics import MetricStore
from gameday.lab.local.task_environment import command_of, environment_of
from gameday.lab.local.watching import Beat, http_look
from gameday.processes import end, kill_tree

REGIONS = (PRIMARY, SECONDARY)
STOP_TIMEOUT_S = 30.0  # ECS: between SIGTERM and SIGKILL (task definition parameter stopTimeout, default 30 s)
STOP_TIMEOUT_MIN_S = 2.0  # a scaled lab still gives a process time for its goodbye
BACKOFF_MAX_S = 30.0
METRIC_PERIOD_S = 15.0


@dataclass(eq=False)
class TaskProcess:
    """One task of moto's and the process behind it."""

    task: Any
    region: str
    address: str
    due_ns: int  # when its process may start
    standalone: bool
    process: "subprocess.Popen[bytes] | None" = None
    answers: bool = False  # set by the thread that looks at /healthz
    kill_ns: int | None = None

    @property
    def name(self) -> str:
        return f"task/{self.region}/{self.task.id[:8]}"


@dataclass
class ServiceController:
    """Keeps moto's services and tasks of both regions true over processes.

    A task waits ``ground.delays.ecs_start_s`` before its process starts, once ``delay_starts`` is set: a lab that is
    being built need not wait. It is RUNNING when its ``/healthz`` answers 200 (a standalone task: when its process is
    there). A task that stops is DEACTIVATING for one round, so that the balancer lets go of it, then gets SIGTERM.

    Not as on AWS: only the first container of a definition runs, as this machine's process and not from its image;
    a task is not replaced for failing the balancer's health check, only for dying; there is no deregistration delay.
    """

    ground: Ground
    clock: Clock = SYSTEM
    health: Callable[[TaskProcess], bool] | None = None
    name: str = field(default="service", init=False)
    delay_starts: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        ecs_tasks.describing_moves_nothing()
        self._held: dict[str, TaskProcess] = {}
        self._numbers = dict.fromkeys(REGIONS, 0)
        self._failed_starts: dict[str, int] = {}
        self._metrics = MetricStore(self.clock)
        self._told_ns = 0
        self._beat = Beat("task health", self._look, 0.1)

    def reconcile(self) -> None:
        self._beat.check()
        for region in REGIONS:
            for service in list(ecs_tasks.backend_of(region).services.values()):
                self._scale(region, service)
            self._adopt_standalone(region)
        for held in list(self._held.values()):
            self._advance(held)
        for region in REGIONS:
            for service in list(ecs_tasks.backend_of(region).services.values()):
                ecs_tasks.told_counts(region, service)
            ecs_tasks.forget_old(region)
        self._tell_metrics()

    def close(self) -> None:
        """End every process: SIGTERM to all, and what is still there after 3 s is killed. Safe twice."""
        self._beat.stop()
        alive = [held for held in self._held.values() if held.process]
        for held in alive:
            self._terminate(held)
        until = self.clock.mono_ns() + 3 * NS
        for held in alive:
            assert held.process
            end(held.process, within_s=max(0.0, (until - self.clock.mono_ns()) / NS))
            self.ground.ended(held.name)
        self._held.clear()

    # -- what should be there ------------------------------------------------------------------------------------

    def _scale(self, region: str, service: Any) -> None:
        """As many tasks of the newest deployment as wanted; older ones go when the new ones run."""
        wanted = service.desired_count if service.status == "ACTIVE" else 0
        alive = [task for task in ecs_tasks.tasks_of(region, service) if task.desired_status == "RUNNING"]
        current = [task for task in alive if self._is_current(region, service, task)]
        for _ in range(wanted - len(current)):
            self._add(region, service)
        surplus = current[wanted:]
        if sum(task.last_status == "RUNNING" for task in current) >= wanted:
            surplus += [task for task in alive if task not in current]
        for task in surplus:
            task.desired_status, task.stop_code = "STOPPED", "ServiceSchedulerInitiated"
            task.stopped_reason = f"Scaling activity initiated by deployment {ecs_tasks.deployment_of(service)}"

    def _is_current(self, region: str, service: Any, task: Any) -> bool:
        definition = ecs_tasks.backend_of(region).describe_task_definition(service.task_definition)
        return bool(task.task_definition_arn == definition.arn and task.started_by == ecs_tasks.deployment_of(service))

    def _add(self, region: str, service: Any) -> None:
        task = ecs_tasks.new_task(region, service, self._numbers[region])
        self._hold(task, region, after_s=self._backoff_s(task.group), standalone=False)

    def _adopt_standalone(self, region: str) -> None:
        for task in ecs_tasks.tasks_in(region):
            is_new = task.id not in self._held and task.last_status != "STOPPED"
            if is_new and not task.group.startswith("service:"):
                self._hold(task, region, after_s=0.0, standalone=True)

    def _hold(self, task: Any, region: str, *, after_s: float, standalone: bool) -> None:
        delay_s = max(after_s, self.ground.delays.ecs_start_s if self.delay_starts else 0.0)
        due_ns = self.clock.mono_ns() + int(delay_s * NS)
        held = TaskProcess(task, region, self._next_address(region), due_ns, standalone)
        self._held[task.id] = held
        ecs_tasks.pending(task, held.address)

    def _next_address(self, region: str) -> str:
        taken = {held.address for held in self._held.values()}
        for _ in range(80):
            address = self.ground.addresses.task(region, self._numbers[region])
            self._numbers[region] += 1
            if address not in taken:
                return address
        raise LabError(f"an address for one more task in {region}", "80 tasks there already", "scale down")

    def _backoff_s(self, group: str) -> float:
        """A service whose tasks die before they run is started ever more slowly, as ECS does."""
        failed = self._failed_starts.get(group, 0)
        return min(BACKOFF_MAX_S, 2.0 ** (failed - 2)) if failed else 0.0

    # -- one task ------------------------------------------------------------------------------------------------

    def _advance(self, held: TaskProcess) -> None:
        if held.process is None:
            self._start_or_drop(held)
        elif held.process.poll() is not None:
            self._over(held, held.process.returncode)
        elif held.task.desired_status == "STOPPED":
            self._let_go(held)
        elif held.task.last_status == "PENDING" and (held.standalone or held.answers):
            self._failed_starts.pop(held.task.group, None)
            ecs_tasks.running(held.task)

    def _start_or_drop(self, held: TaskProcess) -> None:
        if held.task.desired_status == "STOPPED":
            self._forget(held)
            ecs_tasks.stopped(held.task, exit_code=None, reason="Task stopped before it started", code="UserInitiated")
        elif self.clock.mono_ns() >= held.due_ns:
            self._start(held)

    def _start(self, held: TaskProcess) -> None:
        try:
            command, env = self._told(held)
        except LabError as error:
            self.ground.said(f"{held.name}: {error}")
            self._fail_to_start(held, f"ResourceInitializationError: {error}")
            return
        try:
            held.process = self.ground.start(held.name, command, env=env)
        except OSError as error:
            self._fail_to_start(held, f"CannotStartContainerError: {error}")

    def _fail_to_start(self, held: TaskProcess, reason: str) -> None:
        self._count_failed(held)
        self._forget(held)
        ecs_tasks.stopped(held.task, exit_code=None, reason=reason, code="TaskFailedToStart")

    def _told(self, held: TaskProcess) -> tuple[tuple[str, ...], dict[str, str]]:
        container, overrides = ecs_tasks.container_of(held.task), held.task.overrides or {}
        caller = ecs_tasks.role_of(held.task) or LOCAL_KEYS["aws_access_key_id"]
        env = local_environment(self.ground.endpoint_url, held.region, caller)
        env |= environment_of(container, overrides, held.region)
        env |= {
            "HOST": held.address,
            "PORT": str(self.ground.ports.task),
            "GAMEDAY_TIMER_SCALE": f"{self.ground.scale:g}",
            "GAMEDAY_RESOLVER": self.ground.resolver,
            "GAMEDAY_TASK": held.task.id,
        }
        return command_of(container, overrides), env

    def _let_go(self, held: TaskProcess) -> None:
        """First out of the balancer, then SIGTERM, then SIGKILL."""
        if held.kill_ns is not None:
            if self.clock.mono_ns() >= held.kill_ns:
                assert held.process
                kill_tree(held.process)
        elif held.task.last_status == "DEACTIVATING":
            self._terminate(held)
            held.task.last_status = "STOPPING"
            grace_s = max(STOP_TIMEOUT_MIN_S, STOP_TIMEOUT_S * self.ground.scale)
            held.kill_ns = self.clock.mono_ns() + int(grace_s * NS)
        else:
            held.task.last_status = "DEACTIVATING"

    def _terminate(self, held: TaskProcess) -> None:
        with contextlib.suppress(ProcessLookupError):  # it ended meanwhile, which is what we want
            assert held.process
            held.process.terminate()

    def _over(self, held: TaskProcess, exit_code: int) -> None:
        if held.task.last_status == "PENDING" and held.task.desired_status == "RUNNING" and not held.standalone:
            self._count_failed(held)
        self._forget(held)
        reason = "Essential container in task exited"
        ecs_tasks.stopped(held.task, exit_code=exit_code, reason=reason, code="EssentialContainerExited")

    def _count_failed(self, held: TaskProcess) -> None:
        self._failed_starts[held.task.group] = self._failed_starts.get(held.task.group, 0) + 1

    def _forget(self, held: TaskProcess) -> None:
        self._held.pop(held.task.id, None)
        if held.process:
            self.ground.ended(held.name)

    # -- looking, in a thread ------------------------------------------------------------------------------------

    def _look(self) -> None:
        for held in list(self._held.values()):
            starting = held.process is not None and not held.standalone and not held.answers
            if starting and (self.health or self._healthz)(held):
                held.answers = True

    def _healthz(self, held: TaskProcess) -> bool:
        port = self.ground.ports.task
        look = http_look(held.address, port, "/healthz", host=held.address, connect_s=0.5, answer_s=1.0)
        return look.status == 200

    def _tell_metrics(self) -> None:
        """Container Insights' counts of tasks, four times in a minute of the lab."""
        now_ns = self.clock.mono_ns()
        if now_ns - self._told_ns < METRIC_PERIOD_S * self.ground.scale * NS:
            return
        self._told_ns = now_ns
        for region in REGIONS:
            for service in list(ecs_tasks.backend_of(region).services.values()):
                where = {"ClusterName": service.cluster_name, "ServiceName": service.name}
                for metric, value in (
                    ("DesiredTaskCount", service.desired_count),
                    ("RunningTaskCount", service.running_count),
                    ("PendingTaskCount", service.pending_count),
                ):
                    self._metrics.put(region, "ECS/ContainerInsights", metric, where, value)
