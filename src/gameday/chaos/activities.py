"""Activities that call gameday, checked before anything is created: ``chaos run --no-validation`` checks nothing, and
Chaos Toolkit itself ignores a key that it does not know.
"""

import importlib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from gameday.chaos.spelling import suggestion
from gameday.errors import ExperimentError

OURS = ("gameday.chaos.actions", "gameday.chaos.probes", "gameday.chaos.tolerances")
GIVEN_BY_CHAOS = ("configuration", "secrets", "value")
KEYS = (
    "type", "name", "provider", "tolerance", "pauses", "background", "controls", "configuration", "ref", "dry",
    "description", "tags",
)  # fmt: skip
RUNTIME = {"hypothesis": ("strategy", "frequency", "fail_fast", "fail_fast_ratio"), "rollbacks": ("strategy",)}

type Tree = Mapping[str, Any]


def check_activities(experiment: Tree) -> None:
    """Refuse a misspelt key of an activity or of ``runtime``, and a call that one of our functions would not take."""
    for where, activity in _activities(experiment):
        for key in activity:
            if key not in KEYS and not key.startswith("x-"):
                raise _misspelt("a key of an activity", key, where, KEYS)
        _check_call(activity.get("provider", {}), where)
        if isinstance(activity.get("tolerance"), Mapping):
            _check_call(activity["tolerance"].get("provider", {}), f"{where}.tolerance")
    for section, known in _runtime(experiment).items():
        if section not in RUNTIME:
            raise _misspelt("a section of runtime", section, "runtime", tuple(RUNTIME))
        for key in known if isinstance(known, Mapping) else ():
            if key not in RUNTIME[section]:
                raise _misspelt(f"a key of runtime.{section}", key, f"runtime.{section}", RUNTIME[section])


def _activities(experiment: Tree) -> Iterator[tuple[str, Tree]]:
    steady = experiment.get("steady-state-hypothesis") or {}
    lists = {
        "steady-state-hypothesis.probes": steady.get("probes", ()),
        "method": experiment.get("method", ()),
        "rollbacks": experiment.get("rollbacks", ()),
    }
    for section, activities in lists.items():
        for number, activity in enumerate(activities or ()):
            yield f"{section}[{number}]", activity


def _runtime(experiment: Tree) -> Tree:
    return experiment.get("runtime") or {}


def _check_call(provider: Tree, where: str) -> None:
    module, name = provider.get("module"), str(provider.get("func", ""))
    if module not in OURS:
        return
    room = importlib.import_module(module)
    public: tuple[str, ...] = tuple(room.__all__)
    if name not in public:
        raise _misspelt(f"a function of {module}", name, where, public)
    _check_arguments(getattr(room, name), provider.get("arguments", {}), where)


def _check_arguments(function: Any, arguments: Tree, where: str) -> None:
    parameters = {n: p for n, p in inspect.signature(function).parameters.items() if n not in GIVEN_BY_CHAOS}
    for key in arguments:
        if key not in parameters:
            raise _misspelt(f"an argument of {function.__name__}", key, where, tuple(parameters))
    lacking = [n for n, p in parameters.items() if p.default is p.empty and n not in arguments]
    if lacking:
        raise ExperimentError(
            f"every argument that {function.__name__} needs", f"no {', '.join(lacking)} at {where}", "add it"
        )


def _misspelt(what: str, seen: str, where: str, known: tuple[str, ...]) -> ExperimentError:
    return ExperimentError(
        f"{what} ({', '.join(known)})", f"{seen!r} at {where}{suggestion(seen, known)}", "correct its spelling"
    )
