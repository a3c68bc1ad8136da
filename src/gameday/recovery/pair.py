"""The two regions of a failback, and how many tasks each runs."""

from collections.abc import Sequence

from gameday.recovery import sight
from gameday.recovery.runbook import Call, Scene
from gameday.recovery.sight import Sight, whole

UP = "HTTP 200"


def primary(scene: Scene) -> str:
    """The primary region: the one that was lost, and takes its place again."""
    return scene.lab.primary


def standby(scene: Scene) -> str:
    """The standby region: the one that serves now."""
    return scene.lab.secondary


def scale(region: str, tasks: str, scene: Scene) -> Sequence[Call]:
    """Set how many tasks the region's service wants."""
    cluster, service = scene.lab.of(region, "ClusterName"), scene.lab.of(region, "EcsServiceName")
    return (
        Call("ecs", "update_service", region, {"cluster": cluster, "service": service, "desiredCount": whole(tasks)}),
    )


def in_service(region: str, tasks: str, scene: Scene) -> Sight:
    """Whether the region runs so many tasks, all of them in service."""
    return sight.tasks_in_service(scene.lab, region, int(tasks))


def writes(region: str, scene: Scene) -> Sight:
    """Whether the region's own service writes to its database, and reads it back: a look that writes."""
    return sight.answers(scene.lab, region, "/dbcheck", lambda told: told == UP)
