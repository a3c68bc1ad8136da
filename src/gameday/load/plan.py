"""How much load a drill wants: users for Locust, a schedule for the prober."""

from dataclasses import dataclass, fields
from math import ceil

from gameday.errors import InputError

_COUNTS = ("users", "workers")


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Rates are per second. Raises :class:`InputError` when a figure cannot be.

    ``workers``: Locust worker processes beside its master; 0 is one process that does it all. ``kept_alive``: the
    prober also writes, 2 a second, over one connection that it keeps (measured, and not counted in the RTA).
    ``think_s``: how long a user waits between two orders, on average. ``read_age_s``: reads ask for orders that were
    acknowledged at least that long ago. ``patience_s``: how long a user waits for an answer, and half of it for a
    connection.
    """

    users: int = 50
    spawn_rate: float = 50.0
    workers: int = 0
    writes_per_s: float = 20.0
    reads_per_s: float = 20.0
    probe_timeout_s: float = 1.0
    kept_alive: bool = True
    think_s: float = 0.5
    read_age_s: float = 2.0
    patience_s: float = 3.0

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            _check(name, getattr(self, name))

    @property
    def stop_within_s(self) -> int:
        """The whole seconds that end the longest attempt of a user: what users get to finish when they are stopped."""
        return ceil(self.patience_s * 1.5)


_RANGES = {
    "users": (0, 100_000),
    "spawn_rate": (0.01, 10_000),
    "workers": (0, 256),
    "writes_per_s": (0.1, 1_000),
    "reads_per_s": (0.1, 1_000),
    "probe_timeout_s": (0.05, 60),
    "think_s": (0, 3_600),
    "read_age_s": (0, 3_600),
    "patience_s": (0.1, 60),
}


def _check(name: str, value: object) -> None:
    if name == "kept_alive":
        if not isinstance(value, bool):
            raise InputError("kept_alive to be true or false", repr(value), "correct kept_alive")
        return
    low, high = _RANGES[name]
    is_number = isinstance(value, int if name in _COUNTS else (int, float)) and not isinstance(value, bool)
    if not (is_number and low <= value <= high):  # type: ignore[operator]
        kind = "a whole number" if name in _COUNTS else "a number"
        raise InputError(f"{name} to be {kind} from {low:g} to {high:g}", repr(value), f"correct {name} of the load")
