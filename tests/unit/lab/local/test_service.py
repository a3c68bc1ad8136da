"""The service controller: moto's desired state against real processes."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from compute_stage import SOUTH, WEST, awsvpc, control_plane, ground_in, network

from gameday.clock import eventually
from gameday.lab.local.ground import Delays
from gameday.lab.local.service import ServiceController
from gameday.lab.local.task_environment import secret_value
from gameday.processes import alive

SERVER = (
    "import os, http.server as h; H=type('H',(h.BaseHTTPRequestHandler,),"
    "{'do_GET':lambda s:(s.send_response(200),s.end_headers()),'log_message':lambda *a:None});"
    "h.ThreadingHTTPServer((os.environ['HOST'],int(os.environ['PORT'])),H).serve_forever()"
)


@dataclass
class Stage:
    """One region's ECS with a service of no tasks yet, and its controller."""

    client: Callable[[str, str], Any]
    folder: Path
    said: list[str]
    controller: ServiceController
    network: dict[str, Any]
    region: str = WEST

    @property
    def ecs(self) -> Any:
        return self.client("ecs", self.region)

    def define(self, family: str, command: list[str], role: str = "", **more: Any) -> None:
        container = {"name": "app", "image": "app", "memory": 512, "command": command, **more}
        self.ecs.register_task_definition(
            family=family, networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[container], **({"taskRoleArn": role} if role else {}),
        )  # fmt: skip

    def serve(self, count: int, command: list[str] | None = None) -> None:
        self.define("app", command or ["python", "-c", SERVER])
        self.ecs.create_service(
            cluster="gameday", serviceName="gameday", taskDefinition="app", desiredCount=count, launchType="FARGATE",
            networkConfiguration=self.network,
        )  # fmt: skip

    def scale(self, count: int) -> None:
        self.ecs.update_service(cluster="gameday", service="gameday", desiredCount=count)

    def run(self, family: str, **override: Any) -> str:
        overrides = {"containerOverrides": [{"name": "app", **override}]} if override else {}
        answer = self.ecs.run_task(
            cluster="gameday", taskDefinition=family, launchType="FARGATE", networkConfiguration=self.network,
            overrides=overrides,
        )  # fmt: skip
        return str(answer["tasks"][0]["taskArn"])

    def task(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ecs.describe_tasks(cluster="gameday", tasks=[arn])["tasks"][0]
        return found

    def service(self) -> tuple[int, int, str]:
        told = self.ecs.describe_services(cluster="gameday", services=["gameday"])["services"][0]
        return told["runningCount"], told["pendingCount"], told["deployments"][0]["rolloutState"]

    def processes(self) -> list[int]:
        return [who.pid for who in self.controller.ground.running.values() if alive(who)]

    def until[T](self, look: Callable[[], T], want: T | Callable[[T], bool], what: str, within_s: float = 10) -> T:
        def reconciled() -> T:
            self.controller.reconcile()
            return look()

        return eventually(reconciled, want, what=what, within_s=within_s)

    def ran(self, arn: str) -> dict[str, Any]:
        return self.until(lambda: self.task(arn), lambda task: task["lastStatus"] == "STOPPED", "the task")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with control_plane() as client:
        ground, said = ground_in(tmp_path)
        _, subnets, group = network(client, WEST)
        client("ecs", WEST).create_cluster(clusterName="gameday")
        controller = ServiceController(ground)
        try:
            yield Stage(client, tmp_path, said, controller, awsvpc(subnets, group))
        finally:
            controller.close()


def test_a_desired_count_is_that_many_processes(stage: Stage) -> None:
    stage.serve(2)
    stage.until(stage.service, (2, 0, "COMPLETED"), "the service")
    assert len(stage.processes()) == 2


def test_tasks_have_addresses_of_their_own(stage: Stage) -> None:
    stage.serve(2)
    stage.controller.reconcile()
    tasks = stage.ecs.list_tasks(cluster="gameday")["taskArns"]
    told = [detail for arn in tasks for detail in stage.task(arn)["attachments"][0]["details"]]
    addresses = [detail["value"] for detail in told if detail["name"] == "privateIPv4Address"]
    assert addresses == ["127.203.2.10", "127.203.2.11"]


def test_a_dead_task_is_replaced(stage: Stage) -> None:
    stage.serve(1)
    stage.until(stage.service, (1, 0, "COMPLETED"), "the service")
    [first] = stage.processes()
    os.kill(first, signal.SIGKILL)
    stage.until(lambda: first in stage.processes(), False, "the dead one gone")
    stage.until(stage.service, (1, 0, "COMPLETED"), "the service")
    [second] = stage.processes()
    assert second != first


def test_scaling_to_zero_ends_the_processes(stage: Stage) -> None:
    stage.serve(2)
    stage.until(stage.service, (2, 0, "COMPLETED"), "the service")
    stage.scale(0)
    stage.until(stage.service, (0, 0, "COMPLETED"), "the service")
    stage.until(stage.processes, [], "the processes")


def test_a_fake_running_count_is_corrected_by_the_next_round(stage: Stage) -> None:
    stage.serve(0)
    stage.controller.delay_starts = True
    stage.scale(2)
    stage.controller.reconcile()
    assert stage.service() == (0, 2, "IN_PROGRESS")


def test_describing_a_task_does_not_move_it(stage: Stage) -> None:
    stage.serve(1)
    stage.until(stage.service, (1, 0, "COMPLETED"), "the service")
    [arn] = stage.ecs.list_tasks(cluster="gameday")["taskArns"]
    assert [stage.task(arn)["lastStatus"] for _ in range(5)] == ["RUNNING"] * 5


def test_a_start_waits_for_ecs_once_the_lab_is_ready(tmp_path: Path) -> None:
    with control_plane() as client:
        ground, said = ground_in(tmp_path, ecs_start_s=1000)
        _, subnets, group = network(client, WEST)
        client("ecs", WEST).create_cluster(clusterName="gameday")
        controller = ServiceController(ground)
        stage = Stage(client, tmp_path, said, controller, awsvpc(subnets, group))
        try:
            stage.serve(1)
            controller.reconcile()
            assert len(stage.processes()) == 1
            controller.delay_starts = True
            stage.scale(2)
            controller.reconcile()
            controller.reconcile()
            assert len(stage.processes()) == 1
        finally:
            controller.close()


def test_a_standalone_task_runs_its_command_to_the_end(stage: Stage) -> None:
    stage.define("check", ["python", "-c", "raise SystemExit(1)"])
    told = stage.ran(stage.run("check", command=["python", "-c", "raise SystemExit(7)"]))
    assert told["containers"][0]["exitCode"] == 7
    assert told["stoppedReason"] == "Essential container in task exited"


def test_a_standalone_task_is_told_everything(stage: Stage) -> None:
    secret = stage.client("secretsmanager", SOUTH).create_secret(
        Name="gameday/credentials", SecretString='{"username": "ann"}', AddReplicaRegions=[{"Region": WEST}]
    )["ARN"]
    names = "HOST PORT PLAIN OVER DB_USERNAME AWS_ENDPOINT_URL AWS_REGION GAMEDAY_TIMER_SCALE GAMEDAY_RESOLVER"
    script = f"import os; open('told','w').write('|'.join(os.environ[n] for n in '{names}'.split()))"
    stage.define(
        "check", ["python", "-c", script],
        environment=[{"name": "PLAIN", "value": "p"}, {"name": "PORT", "value": "1"}, {"name": "OVER", "value": "x"}],
        secrets=[{"name": "DB_USERNAME", "valueFrom": f"{secret.replace(SOUTH, WEST)}:username::"}],
    )  # fmt: skip
    stage.ran(stage.run("check", environment=[{"name": "OVER", "value": "o"}]))
    ground = stage.controller.ground
    expected = f"127.203.2.10|{ground.ports.task}|p|o|ann|{ground.endpoint_url}|{WEST}|0.1|{ground.resolver}"
    assert (stage.folder / "told").read_text() == expected


@pytest.mark.parametrize(("role", "caller"), [("arn:aws:iam::123456789012:role/path/tasks", "tasks"), ("", "local")])
def test_a_task_calls_as_the_role_of_its_definition(stage: Stage, role: str, caller: str) -> None:
    script = "import os; open('told','w').write(os.environ['AWS_ACCESS_KEY_ID'])"
    stage.define("check", ["python", "-c", script], role)
    stage.ran(stage.run("check"))
    assert (stage.folder / "told").read_text() == caller


def test_a_secret_that_is_missing_stops_the_task_and_says_so(stage: Stage) -> None:
    stage.define("check", ["true"], secrets=[{"name": "X", "valueFrom": "arn:aws:secretsmanager:r:1:secret:none:k::"}])
    told = stage.ran(stage.run("check"))
    assert told["stopCode"] == "TaskFailedToStart"
    assert "no such secret" in told["stoppedReason"]
    assert "no such secret" in stage.said[0]


def test_a_service_that_dies_at_once_is_started_ever_more_slowly(stage: Stage) -> None:
    stage.serve(1, ["python", "-c", "raise SystemExit(3)"])
    stopped = lambda: len(stage.ecs.list_tasks(cluster="gameday", desiredStatus="STOPPED")["taskArns"])  # noqa: E731
    stage.until(stopped, 2, "stopped tasks")
    for _ in range(20):
        stage.controller.reconcile()
    assert stopped() == 2


def test_a_forced_deployment_replaces_the_tasks_without_a_gap(stage: Stage) -> None:
    stage.serve(1)
    stage.until(stage.service, (1, 0, "COMPLETED"), "the service")
    [first] = stage.processes()
    stage.ecs.update_service(cluster="gameday", service="gameday", forceNewDeployment=True)
    stage.until(lambda: len(stage.processes()) > 1, True, "old and new together")
    stage.until(lambda: first in stage.processes(), False, "the old one gone")
    stage.until(stage.service, (1, 0, "COMPLETED"), "the service")


def test_a_task_that_is_no_longer_wanted_never_starts(stage: Stage) -> None:
    stage.controller.ground.delays = Delays(0, ecs_start_s=1000, link_latency_s=0, lag_metric_period_s=1)
    stage.controller.delay_starts = True
    stage.serve(1)
    stage.until(stage.service, (0, 1, "IN_PROGRESS"), "the service")
    stage.scale(0)
    stage.until(stage.service, (0, 0, "COMPLETED"), "the service")
    [arn] = stage.ecs.list_tasks(cluster="gameday", desiredStatus="STOPPED")["taskArns"]
    assert stage.until(lambda: stage.task(arn)["lastStatus"], "STOPPED", "the task")
    assert stage.processes() == []


def test_a_command_that_is_not_there_stops_the_task_and_says_so(stage: Stage) -> None:
    stage.define("check", ["/nowhere/to/be/found"])
    told = stage.ran(stage.run("check"))
    assert (told["stopCode"], "CannotStartContainerError" in told["stoppedReason"]) == ("TaskFailedToStart", True)


def test_closing_ends_every_process_and_is_safe_twice(stage: Stage) -> None:
    stage.serve(2)
    stage.until(stage.service, (2, 0, "COMPLETED"), "the service")
    stage.controller.close()
    stage.controller.close()
    assert stage.processes() == []


def test_a_secret_is_found_by_its_name_too(stage: Stage) -> None:
    stage.client("secretsmanager", WEST).create_secret(Name="plain", SecretString="word")
    assert secret_value("plain", WEST) == "word"
