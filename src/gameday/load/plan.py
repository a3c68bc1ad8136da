"""How much load a drill wants: users for Locust, a schedule for the prober."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import accumulate, pairwise
from math import ceil

from gameday.errors import InputError

STAGES_MAX = 1_000
_COUNTS = ("users", "workers", "documents", "document_bytes")
_STAGE = {"for_s": (1, 604_800), "users": (1, 100_000), "spawn_rate": (0.01, 10_000)}  # Locust looks once a second


@dataclass(frozen=True, slots=True)
class LoadStage:
    """``users`` users for ``for_s`` seconds; on the way there ``spawn_rate`` of them a second are started or stopped.

    These are seconds of real time, never multiplied by a lab's timer scale: a user thinks and waits in real time too.
    Raises :class:`InputError` when a figure cannot be.
    """

    for_s: float
    users: int
    spawn_rate: float

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            _check(name, getattr(self, name), _STAGE, "a stage of the load")


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Rates are per second. Raises :class:`InputError` when a figure cannot be.

    ``workers``: Locust worker processes beside its master; 0 is one process that does it all. ``kept_alive``: the
    prober also writes, 2 a second, over one connection that it keeps (measured, and not counted in the RTA).
    ``think_s``: how long a user waits between two orders, on average. ``read_age_s``: reads ask for orders that were
    acknowledged at least that long ago. ``patience_s``: how long a user waits for an answer, and half of it for a
    connection. ``stages``: the load's shape, in place of ``users`` and ``spawn_rate``, which then say nothing; from the
    moment Locust starts, one stage after the other, and the last stage's users until Locust is stopped. ``documents``:
    how many documents of ``document_bytes`` are stored through the service before the baseline, and read back after the
    recovery.
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
    stages: tuple[LoadStage, ...] = ()
    documents: int = 0
    document_bytes: int = 2_048

    def __post_init__(self) -> None:
        for name in _RANGES:
            _check(name, getattr(self, name), _RANGES, "the load")
        if not isinstance(self.kept_alive, bool):
            raise InputError("kept_alive to be true or false", repr(self.kept_alive), "correct kept_alive of the load")
        _check_stages(self.stages)

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
    "documents": (0, 100_000),
    "document_bytes": (1, 1_000_000),
}


def stage_at(stages: tuple[LoadStage, ...], at_s: float) -> LoadStage:
    """The stage that is in force ``at_s`` seconds after the first one began: the last one for ever."""
    ends = accumulate(stage.for_s for stage in stages)
    return next((stage for stage, end in zip(stages, ends, strict=True) if at_s < end), stages[-1])


def _check(name: str, value: object, ranges: Mapping[str, tuple[float, float]], of: str) -> None:
    low, high = ranges[name]
    is_number = isinstance(value, int if name in _COUNTS else (int, float)) and not isinstance(value, bool)
    if not (is_number and low <= value <= high):  # type: ignore[operator]
        kind = "a whole number" if name in _COUNTS else "a number"
        raise InputError(f"{name} to be {kind} from {low:g} to {high:g}", repr(value), f"correct {name} of {of}")


def _check_stages(stages: tuple[LoadStage, ...]) -> None:
    """Each stage but the last must reach its users in its own time: over workers Locust ends a ramp it has begun, and
    would be late for every stage after it."""
    if not (isinstance(stages, tuple) and len(stages) <= STAGES_MAX and all(type(one) is LoadStage for one in stages)):
        raise InputError(f"stages to be a tuple of up to {STAGES_MAX:,} LoadStage", repr(stages)[:200], "correct them")
    begin = (0, *(stage.users for stage in stages))
    for number, ((before, users), stage) in enumerate(zip(pairwise(begin), stages, strict=True), start=1):
        takes_s = abs(users - before) / stage.spawn_rate
        if takes_s > stage.for_s and number < len(stages):
            raise InputError(
                f"stage {number} of the load to reach its {users} users within its {stage.for_s:g} s",
                f"{takes_s:g} s from {before} users at a spawn_rate of {stage.spawn_rate:g}",
                "raise its spawn_rate or its for_s",
            )
