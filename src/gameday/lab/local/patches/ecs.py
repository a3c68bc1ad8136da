"""ECS: nothing runs, stops or counts itself; a task is what the service controller's process says it is."""

import inspect
from typing import Any

from gameday.lab.local.patches.seam import demand, swap

TASK_PARAMETERS = (
    "self, cluster, task_definition, container_instance_arn, resource_requirements, backend, group, launch_type, "
    "overrides, started_by, tags, networking_configuration, platform_version, capacity_provider_name"
)
LIST_PARAMETERS = "self, cluster_str, container_instance, family, started_by, service_name, desiredStatus"


def install() -> None:
    """Put the patches in; raises UpstreamMoved."""
    from moto.ecs.models import EC2ContainerServiceBackend

    _tasks()
    _stopping()
    _listing()
    _services()
    _memory()
    _self_test(EC2ContainerServiceBackend)


def _tasks() -> None:
    """A task begins PROVISIONING, without an exit code, and being described moves it nowhere."""
    from moto.ecs.models import Task
    from moto.moto_api import state_manager

    def begin(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.last_status, self.stop_code = "PROVISIONING", None
        for container in self.containers:
            container.exitCode, container.task_arn, container.health_status = None, self.task_arn, "UNKNOWN"

    original = swap(Task, "__init__", begin, expects=TASK_PARAMETERS)
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 2**62})


def _stopping() -> None:
    """Stopping asks; the service controller ends the process, and then says STOPPED."""
    from moto.ecs.exceptions import InvalidParameterException
    from moto.ecs.models import EC2ContainerServiceBackend

    def stop_task(self: Any, cluster_str: str, task_str: str, reason: str) -> Any:
        tasks = self.tasks.get(self._get_cluster(cluster_str).name, {})
        task = next((task for arn, task in tasks.items() if _last(arn) == _last(task_str)), None)
        if task is None:
            raise InvalidParameterException("The referenced task was not found.")
        task.desired_status, task.stop_code = "STOPPED", "UserInitiated"
        task.stopped_reason = reason or "Task stopped by user"
        return task

    swap(EC2ContainerServiceBackend, "stop_task", stop_task, expects="self, cluster_str, task_str, reason")


def _listing() -> None:
    """Tasks are listed by service, and, as on AWS, only those that shall run unless asked otherwise."""
    from moto.ecs.models import EC2ContainerServiceBackend

    parameters = inspect.signature(EC2ContainerServiceBackend.list_tasks)

    def list_tasks(self: Any, *args: Any, **kwargs: Any) -> list[Any]:
        asked = parameters.bind(self, *args, **kwargs).arguments
        service = asked.pop("service_name", None)
        if asked.get("cluster_str") and not asked.get("desiredStatus"):
            asked["desiredStatus"] = "RUNNING"
        group = f"service:{_last(service)}" if service else None
        return [task for task in original(**asked) if group in (None, task.group)]

    original = swap(EC2ContainerServiceBackend, "list_tasks", list_tasks, expects=LIST_PARAMETERS)


def _services() -> None:
    """Asking for a count starts nothing: running and pending stay what the service controller counted."""
    from moto.ecs.models import EC2ContainerServiceBackend

    def update_service(self: Any, service_properties: dict[str, Any]) -> Any:
        cluster = self._get_cluster(service_properties.get("cluster", "default"))
        counted = [(cluster, "running_tasks_count"), (cluster, "pending_tasks_count")]
        service = self._get_service(cluster.name, service_properties["service"])
        counted += [(service, "running_count"), (service, "pending_count")]
        kept = [(owner, name, getattr(owner, name)) for owner, name in counted]
        updated = original(self, service_properties)
        for owner, name, value in kept:
            setattr(owner, name, value)
        for deployment in updated.deployments:
            deployment["desiredCount"] = updated.desired_count
        return updated

    original = swap(EC2ContainerServiceBackend, "update_service", update_service, expects="self, service_properties")


def _memory() -> None:
    """A container without a limit of its own has its task's."""
    from moto.ecs.models import EC2ContainerServiceBackend

    named = "_calculate_task_resource_requirements"

    def requirements(task_definition: Any) -> Any:
        for container in task_definition.container_definitions:
            if not {"memory", "memoryReservation", "Memory", "MemoryReservation"} & set(container):
                container["memory"] = int(task_definition.memory or 512)
        return original(task_definition)

    original = swap(EC2ContainerServiceBackend, named, staticmethod(requirements), expects="task_definition")


def _last(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]


def _self_test(backend_class: Any) -> None:
    """A task of a scratch cluster is PROVISIONING, stays so when described, and stopping it only asks."""
    scratch = backend_class("us-east-1", "000000000000")
    scratch.create_cluster("probe")
    container = {"name": "probe", "image": "probe"}
    scratch.register_task_definition(family="probe", container_definitions=[container], memory="512")
    [task] = scratch.run_task("probe", "probe", 1, None, "", None, "FARGATE")
    scratch.describe_tasks("probe", [task.task_arn])
    scratch.stop_task("probe", task.task_arn, "probe")
    seen = (task.last_status, task.desired_status, scratch.list_tasks("probe"))
    demand(seen == ("PROVISIONING", "STOPPED", []), "a task that never moves by itself", repr(seen))
