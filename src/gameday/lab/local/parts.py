"""The lab's parts, opened in order and closed in the opposite one: controllers, control plane, its routes."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from gameday.aws import LOCAL_KEYS, Aws
from gameday.lab.local.alarms import AlarmController
from gameday.lab.local.balancer import BalancerController
from gameday.lab.local.database import DatabaseController
from gameday.lab.local.deployer import deploy
from gameday.lab.local.events import EventDelivery
from gameday.lab.local.extras import Fork, LinkSeen, Trouble
from gameday.lab.local.gate import gate_routes
from gameday.lab.local.ground import PRIMARY, Controller, Ground
from gameday.lab.local.moto_patches import Hooks, apply_patches
from gameday.lab.local.network import NetworkController
from gameday.lab.local.notifications import Notifications
from gameday.lab.local.objects import ObjectController
from gameday.lab.local.routing import RoutingController
from gameday.lab.local.schedules import ScheduleController
from gameday.lab.local.server import serve
from gameday.lab.local.service import ServiceController
from gameday.processes import ProcessId, identify


@dataclass(frozen=True, slots=True)
class Parts:
    """What the lab's main loop needs of its parts."""

    ground: Ground
    controllers: tuple[Controller, ...]
    service: ServiceController
    database: DatabaseController
    routing: RoutingController
    aws: Aws
    deploy: Callable[[], None]


@contextlib.contextmanager
def build(ground: Ground, trouble: Callable[[], Trouble]) -> Iterator[Parts]:
    """Open the controllers and, over them, the control plane.

    On the way out the control plane goes first: nobody starts anything while the rest ends. Then the service's tasks
    end, and the databases last, so that a task can finish what it was writing.
    """
    with contextlib.ExitStack() as stack:
        _speak_to(ground)
        database = _closing(stack, DatabaseController(ground))
        apply_patches(Hooks())  # before anything else reads moto, which is quicker with them
        events = _closing(stack, EventDelivery(ground))
        letters = _closing(stack, Notifications(ground))
        routing = _closing(stack, RoutingController(ground))
        balancer = _closing(stack, BalancerController(ground))
        service = _closing(stack, ServiceController(ground))
        objects = _closing(stack, ObjectController(ground))
        apply_patches(_hooks(ground, database, routing, balancer, events, letters, objects))
        server = _closing(stack, serve(ground))
        alarms = AlarmController(ground, events.deliver, letters.publish)
        network = NetworkController(ground)
        schedules = _closing(stack, ScheduleController(ground))
        controllers: tuple[Controller, ...] = (
            database, network, service, balancer, routing, objects, alarms, schedules,
        )  # fmt: skip
        server.routes.update(_routes(ground, database, trouble))
        server.routes.update(gate_routes(server.gate))
        parameters = {
            "ServicePort": str(ground.ports.http),
            "TaskPort": str(ground.ports.task),
            "DatabasePort": str(ground.ports.database),
            "Resolver": ground.resolver,
        }
        aws = server.inside()
        yield Parts(ground, controllers, service, database, routing, aws, lambda: deploy(aws, parameters))


class Closable(Protocol):
    """Something that holds a thread, a port or a process."""

    def close(self) -> None: ...


def _closing[T: Closable](stack: contextlib.ExitStack, part: T) -> T:
    stack.callback(part.close)
    return part


def _speak_to(ground: Ground) -> None:
    """Every AWS client of this process speaks to its own control plane, and to nothing else."""
    keys = {name.upper(): value for name, value in LOCAL_KEYS.items()}
    os.environ.update(keys, AWS_ENDPOINT_URL=ground.endpoint_url, AWS_EC2_METADATA_DISABLED="true")
    os.environ["AWS_DEFAULT_REGION"] = PRIMARY


def _hooks(
    ground: Ground,
    database: DatabaseController,
    routing: RoutingController,
    balancer: BalancerController,
    events: EventDelivery,
    letters: Notifications,
    objects: ObjectController,
) -> Hooks:
    return Hooks(
        promote=database.promote,
        publish=letters.accept,
        route53_status=routing.status,
        target_health=balancer.target_health,
        event=events.deliver,
        database_endpoint=database.endpoint,
        databases=database,
        object_written=objects.accept,
        asl_scale=ground.scale,
        endpoint_url=ground.endpoint_url,
        said=ground.said,
    )


def _routes(ground: Ground, database: DatabaseController, trouble: Callable[[], Trouble]) -> dict[str, Any]:
    """What the local lab tells beside AWS's API: the other side of :mod:`gameday.lab.local.extras`."""

    def links() -> tuple[LinkSeen, ...]:
        seen = ground.board.links()
        return tuple(LinkSeen(one.name, one.is_cut, one.admits, one.connections, one.bytes_passed) for one in seen)

    def processes() -> dict[str, ProcessId]:
        lab = identify(os.getpid())
        return {"lab": lab, **ground.running} if lab else dict(ground.running)

    def wal() -> Fork:
        return Fork(database.commits_after_fork())

    def kill_database(asked: Mapping[str, str]) -> bytes:
        database.kill(asked["region"], asked["database"])
        return msgspec.json.encode(True)

    def start_database(asked: Mapping[str, str]) -> bytes:
        database.revive(asked["region"], asked["database"])
        return msgspec.json.encode(True)

    def shape_replication(asked: Mapping[str, str]) -> bytes:
        link = f"replication/{asked['replica']}"
        if "bandwidth_bps" not in asked and all(one.name != link for one in ground.board.links()):
            return msgspec.json.encode(True)  # a promoted replica has none that could be slow
        latency_s = float(asked.get("latency_s", ground.delays.link_latency_s))
        bandwidth_bps = float(asked.get("bandwidth_bps", 0))
        ground.board.shape(link, latency_s=latency_s, bandwidth_bps=bandwidth_bps)
        return msgspec.json.encode(True)

    return {
        "shape-replication": shape_replication,
        "kill-database": kill_database,
        "start-database": start_database,
        "links": lambda _: msgspec.json.encode(links()),
        "processes": lambda _: msgspec.json.encode(processes()),
        "trouble": lambda _: msgspec.json.encode(trouble()),
        "wal": lambda _: msgspec.json.encode(wal()),
    }
