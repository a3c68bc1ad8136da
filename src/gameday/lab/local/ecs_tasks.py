"""moto's ECS tasks, read and written: the one place that knows how moto stores them."""

from collections.abc import Iterable
from typing import Any

from gameday.aws import role_name
from gameday.lab.local.ground import ACCOUNT

STOPPED_KEPT = 50  # stopped tasks that stay to be described; AWS keeps them for about an hour


def backend_of(region: str) -> Any:
    from moto.ecs.models import ecs_backends

    return ecs_backends[ACCOUNT][region]


def describing_moves_nothing() -> None:
    """moto walks a task towards STOPPED each time it is described; from now on only we move tasks."""
    from moto.moto_api import state_manager

    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 10**9})


def tasks_in(region: str) -> list[Any]:
    return [task for cluster in list(backend_of(region).tasks.values()) for task in list(cluster.values())]


def tasks_of(region: str, service: Any) -> list[Any]:
    """A service's tasks, the stopped ones too."""
    group = f"service:{service.name}"
    return [task for task in tasks_in(region) if task.group == group and task.cluster_name == service.cluster_name]


def new_task(region: str, service: Any, number: int) -> Any:
    """A PENDING task of a service in moto's state, in one of the service's subnets, taken in turn."""
    from moto.ecs.models import Task

    backend = backend_of(region)
    cluster = backend._get_cluster(service.cluster_name)
    task = Task(
        cluster,
        backend.describe_task_definition(service.task_definition),
        None,
        {"CPU": 0, "MEMORY": 0, "PORTS": [], "PORTS_UDP": []},
        backend=backend,
        group=f"service:{service.name}",
        launch_type="FARGATE",
        started_by=deployment_of(service),
        networking_configuration=_in_turn(service.network_configuration, number),
    )
    backend.tasks.setdefault(cluster.name, {})[task.task_arn] = task
    return task


def _in_turn(network: dict[str, Any], number: int) -> dict[str, Any] | None:
    if not network:
        return None
    awsvpc = network["awsvpcConfiguration"]
    subnets = awsvpc["subnets"]
    turned = [subnets[(number + index) % len(subnets)] for index in range(len(subnets))]
    return {"awsvpcConfiguration": {**awsvpc, "subnets": turned, "securityGroups": awsvpc.get("securityGroups", [])}}


def deployment_of(service: Any) -> str:
    return str(service.deployments[0]["id"]) if service.deployments else ""


def container_of(task: Any) -> dict[str, Any]:
    """The definition of the task's first container, the only one that a local task runs."""
    container: dict[str, Any] = _definition_of(task).container_definitions[0]
    return container


def role_of(task: Any) -> str | None:
    """The name of the role that the task calls AWS as; None where its definition names none."""
    arn: str | None = getattr(_definition_of(task), "task_role_arn", None)
    return role_name(arn) if arn else None


def _definition_of(task: Any) -> Any:
    return backend_of(task.region_name).describe_task_definition(task.task_definition_arn)


def pending(task: Any, address: str) -> None:
    """The task has its address and waits for its process."""
    task.last_status = "PENDING"
    for detail in _details(task):
        if detail["name"] == "privateIPv4Address":
            detail["value"] = address
    container = task.containers[0]
    container.last_status, container.exitCode, container.task_arn = "PENDING", None, task.task_arn
    container.network_interfaces = [
        {"attachmentId": attached["id"], "privateIpv4Address": address} for attached in task.attachments
    ]


def address_of(task: Any) -> str | None:
    """The task's private address, as its network interface says it."""
    return next((detail["value"] for detail in _details(task) if detail["name"] == "privateIPv4Address"), None)


def _details(task: Any) -> Iterable[dict[str, str]]:
    return (detail for attached in task.attachments for detail in attached["details"])


def running(task: Any) -> None:
    task.last_status = task.containers[0].last_status = "RUNNING"
    task.started_at = _now()


def stopped(task: Any, *, exit_code: int | None, reason: str, code: str) -> None:
    """The task is over. A process ended by signal N has the exit code 128 + N, as a container has."""
    if not task.stopped_reason:
        task.stopped_reason, task.stop_code = reason, code
    task.desired_status = task.last_status = "STOPPED"
    task.stopped_at = _now()
    container = task.containers[0]
    container.last_status = "STOPPED"
    container.exitCode = exit_code if exit_code is None or exit_code >= 0 else 128 - exit_code


def forget_old(region: str) -> None:
    """Of the stopped tasks only the newest stay."""
    for cluster in list(backend_of(region).tasks.values()):
        over = [arn for arn, task in list(cluster.items()) if task.last_status == "STOPPED"]
        for arn in over[:-STOPPED_KEPT]:
            cluster.pop(arn, None)


def _now() -> Any:
    from moto.core.utils import utcnow

    return utcnow()


def told_counts(region: str, service: Any) -> None:
    """Write the service's and its deployment's true counts."""
    alive = [task for task in tasks_of(region, service) if task.desired_status == "RUNNING"]
    service.running_count = sum(task.last_status == "RUNNING" for task in alive)
    service.pending_count = len(alive) - service.running_count
    wanted = service.desired_count if service.status == "ACTIVE" else 0
    steady = service.running_count == wanted and not service.pending_count
    for deployment in service.deployments[:1]:
        deployment.update(
            desiredCount=wanted,
            runningCount=service.running_count,
            pendingCount=service.pending_count,
            taskDefinition=service.task_definition,
            rolloutState="COMPLETED" if steady else "IN_PROGRESS",
            rolloutStateReason=f"ECS deployment {deployment['id']} {'completed' if steady else 'in progress'}.",
        )
