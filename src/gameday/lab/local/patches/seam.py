"""How a patch is put in: upstream's shape is checked first; what the lab's controllers know is asked through hooks."""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gameday.errors import UpstreamMoved


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")


class Databases(Protocol):
    """The real databases behind RDS, and what is kept of them. Each call returns at once; moto's own objects are told
    by their ``status`` what became of it."""

    def reboot(self, region: str, db_id: str) -> None: ...
    def take_snapshot(self, region: str, db_id: str, snapshot: Any) -> None: ...
    def copy_snapshot(self, source: tuple[str, str], region: str, snapshot: Any) -> None: ...

    @property
    def backups(self) -> Any: ...  # gameday.lab.local.backups.Backups


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the patched control plane asks the lab. A hook that is None leaves moto's own behaviour.

    ``promote(region, db_id)`` returns once the standby *is* a primary, or raises; it runs in a thread of its own.
    ``publish(subscription, message, message_id, …)`` takes a notification that must leave the caller's thread.
    ``route53_status(health_check_id)`` is (healthy, AWS's whole status text). ``target_health(target_group_arn,
    target_id)`` is (state, reason, description). ``event(region, bus, event)`` takes each accepted event once.
    ``database_endpoint(region, db_id)`` is (address, port); with it, an instance is ``creating`` until its controller
    says ``available``. ``databases`` takes, keeps and restores backups. ``object_written(bucket, version)`` is told of
    each new version in S3, at once. ``asl_scale`` multiplies Wait, retry intervals and timeouts of state machines.
    ``endpoint_url`` is where their tasks call AWS.
    """

    promote: Callable[[str, str], None] | None = None
    publish: Callable[..., None] | None = None
    route53_status: Callable[[str], tuple[bool, str]] | None = None
    target_health: Callable[[str, str], tuple[str, str | None, str | None]] | None = None
    event: Callable[[str, str, Mapping[str, Any]], None] | None = None
    database_endpoint: Callable[[str, str], tuple[str, int]] | None = None
    databases: Databases | None = None
    object_written: Callable[[Any, Any], None] | None = None
    asl_scale: float = 1.0
    endpoint_url: str | None = None
    said: Callable[[str], None] = _to_stderr  # one line for the lab's log


_in_force = Hooks()


def hooks() -> Hooks:
    """The hooks in force; patches ask at every call, so that a later lab of this process brings its own."""
    return _in_force


def put_in_force(new: Hooks) -> None:
    global _in_force  # noqa: PLW0603  moto is one a process, and so are its hooks
    _in_force = new


def swap(owner: Any, name: str, replacement: Any, *, expects: str) -> Any:
    """Replace ``owner.name`` and return the original; its parameters must be exactly ``expects`` (``"self, arn"``).

    Raises :class:`UpstreamMoved` otherwise. For a property, ``expects`` is ``"property"``.
    """
    original = inspect.getattr_static(owner, name, None)
    demand(original is not None, f"{_named(owner)}.{name}", "no such name")
    shape = _shape(original)
    demand(shape == expects, f"{_named(owner)}.{name}({expects})", f"({shape})")
    setattr(owner, name, replacement)
    return original.__func__ if isinstance(original, staticmethod | classmethod) else original


def add(owner: Any, name: str, new: Any) -> None:
    """Give ``owner`` what upstream lacks; raises :class:`UpstreamMoved` when upstream has it by now."""
    demand(not hasattr(owner, name), f"{_named(owner)} without {name}", "upstream has one now")
    setattr(owner, name, new)


def rebind(package: str, original: Any, replacement: Any, *, at_least: int) -> None:
    """Replace a function under every name of every loaded module of ``package`` that imported it by name."""
    found = [
        (module, name)
        for loaded, module in list(sys.modules.items())
        if loaded.startswith(package)
        for name, value in list(vars(module).items())
        if value is original
    ]
    seen = f"{len(found)}"
    demand(len(found) >= at_least, f"{original.__name__} imported by {at_least} modules of {package}", seen)
    for module, name in found:
        setattr(module, name, replacement)


def demand(held: bool, expected: str, seen: str) -> None:
    """A patch's assumption about upstream; raises :class:`UpstreamMoved` when it does not hold."""
    if not held:
        raise UpstreamMoved(
            f"moto to have {expected}", seen, "install the pinned moto, or bring gameday's patch up to the new one"
        )


def _shape(found: Any) -> str:
    if isinstance(found, property):
        return "property"
    function = found.__func__ if isinstance(found, staticmethod | classmethod) else found
    return ", ".join(inspect.signature(function).parameters)


def _named(owner: Any) -> str:
    return str(getattr(owner, "__qualname__", None) or getattr(owner, "__name__", repr(owner)))
