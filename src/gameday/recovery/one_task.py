"""One task of the service's own image, run by hand: what the failover's machine does with ``ecs:runTask.sync``."""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gameday.lab import status
from gameday.lab.model import Lab
from gameday.recovery.runbook import Call, Check, Scene

ENDED_WITHIN_S = 300.0  # as long as the machine waits for one
RUNS = "the name that this walk's tasks start by"


def listed(text: str) -> list[Any]:
    """What was found as a list; a document's placeholder is its only member."""
    return list(json.loads(text)) if text.startswith("[") else [text]


def named(scene: Scene) -> str:
    """A name for what this walk starts: chosen once, so that an interrupted walk finds its own tasks again."""
    return scene.found.setdefault(RUNS, f"runbook-{uuid.uuid4().hex[:20]}")


def placed(region: Callable[[Scene], str]) -> Check:
    """How the region's service runs its tasks is noted: such a task needs the same network and task definition."""

    def look(scene: Scene) -> str:
        where = region(scene)
        service = status.service_of(scene.lab, where)
        network = service.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
        scene.found[f"subnets of {where}"] = json.dumps(network.get("subnets", []))
        scene.found[f"groups of {where}"] = json.dumps(network.get("securityGroups", []))
        scene.found[f"task definition of {where}"] = str(service.get("taskDefinition", ""))
        return "known" if network.get("subnets") and service.get("taskDefinition") else "no such service"

    return Check("how the service's tasks run there is known", look, lambda seen: bool(seen == "known"))


def run(
    scene: Scene, region: str, module: Sequence[str], environment: Mapping[str, str], suffix: str
) -> Sequence[Call]:
    """Start it; ``suffix`` tells it from the walk's other tasks."""
    override = {
        "name": "service",
        "command": ["python", "-m", *module],
        "environment": [{"name": name, "value": value} for name, value in environment.items()],
    }
    network = {
        "subnets": listed(scene.found[f"subnets of {region}"]),
        "securityGroups": listed(scene.found[f"groups of {region}"]),
        "assignPublicIp": "DISABLED",
    }
    arguments = {
        "cluster": scene.lab.of(region, "ClusterName"),
        "taskDefinition": scene.found[f"task definition of {region}"],
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": network},
        "overrides": {"containerOverrides": [override]},
        "startedBy": f"{scene.found[RUNS]}-{suffix}",
    }
    return (Call("ecs", "run_task", region, arguments),)


def ended_well(what: str, region: Callable[[Scene], str], suffix: str, next_step: str) -> Check:
    """The newest such task has ended, with exit code 0."""

    def look(scene: Scene) -> str:
        return exit_of(scene.lab, region(scene), f"{scene.found[RUNS]}-{suffix}")

    return Check(what, look, lambda seen: bool(seen == "exit code 0"), ENDED_WITHIN_S, next_step)


def exit_of(lab: Lab, region: str, started_by: str) -> str:
    """``exit code 0``, ``running``, or why there is no exit code."""
    ecs, cluster = lab.client("ecs", region), lab.of(region, "ClusterName")
    arns = [
        arn
        for wanted in ("RUNNING", "STOPPED")
        for arn in ecs.list_tasks(cluster=cluster, startedBy=started_by, desiredStatus=wanted)["taskArns"]
    ]
    if not arns:
        return "no such task"
    task = max(ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"], key=lambda one: str(one.get("createdAt")))
    if task["lastStatus"] != "STOPPED":
        return "running"
    codes = [container.get("exitCode") for container in task.get("containers", [])]
    return f"exit code {codes[0]}" if codes and codes[0] is not None else str(task.get("stoppedReason", "no exit code"))
