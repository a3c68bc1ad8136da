"""Stop conditions as an experiment writes them, and the probes of other extensions among them."""

import inspect
from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

import msgspec
from chaoslib.activity import ensure_activity_is_valid, run_activity
from chaoslib.exceptions import ChaosException
from chaoslib.hypothesis import ensure_hypothesis_tolerance_is_valid, within_tolerance

from gameday.chaos.redact import hidden_values
from gameday.chaos.spelling import suggestion
from gameday.chaos.token import StoppedDrill
from gameday.errors import ExperimentError, InputError
from gameday.facts import StopCondition
from gameday.probing import PROBES
from gameday.secrecy import hide
from gameday.stopping import Door, Sight

KEYS = tuple(field.name for field in fields(StopCondition) if field.name != "elsewhere")
TOLD_MAX = 200  # letters of what was seen

type Tree = Mapping[str, Any]


def door(configuration: Tree, secrets: Tree) -> Door:
    """How an experiment is stopped: by the error that Chaos Toolkit heeds; other extensions' probes are its own to
    run."""

    def elsewhere(condition: StopCondition) -> Sight:
        probe = dict(condition.elsewhere)
        seen = run_activity(probe, configuration, secrets)
        return Sight(within_tolerance(probe["tolerance"], seen, configuration, secrets), _cut(repr(seen), hidden))

    hidden = frozenset(hidden_values(configuration, secrets))
    return Door(StoppedDrill, elsewhere, hidden)


def conditions(configuration: Tree, hidden: Collection[str] = ()) -> tuple[StopCondition, ...]:
    """The list ``stop_when``, or a text of it in JSON (as ``--var`` gives it); raises :class:`ExperimentError`, which
    tells nothing that is ``hidden``."""
    value = configuration.get("stop_when", ())
    try:
        listed = msgspec.json.decode(value) if isinstance(value, str) else value
    except msgspec.DecodeError:
        listed = None
    if not isinstance(listed, list | tuple):
        raise ExperimentError("stop_when to be a list of conditions", _cut(repr(value), hidden), "correct it")
    try:
        return tuple(_condition(each, f"stop_when[{number}]") for number, each in enumerate(listed))
    except ExperimentError as wrong:
        expected, seen = hide(wrong.expected, hidden), _cut(wrong.seen, hidden)
        raise ExperimentError(expected, seen, wrong.next_step) from None


def _cut(text: str, hidden: Collection[str]) -> str:
    """Its first letters. A secret is taken out before they are cut: half of one would not be found."""
    return hide(text, hidden)[:TOLD_MAX]


def _condition(told: object, where: str) -> StopCondition:
    if not isinstance(told, Mapping):
        raise ExperimentError(f"{where} to be a table", repr(told), 'write {"alarm": "NAME"}, or a probe')
    for key in told:
        if key not in KEYS:
            raise ExperimentError(
                f"a key of {where}: {', '.join(KEYS)}", f"{key!r}{suggestion(key, KEYS)}", "correct it"
            )
    if isinstance(told.get("probe"), Mapping):
        return _elsewhere(told, where)
    if told.get("probe") and told["probe"] not in PROBES:
        seen = f"{told['probe']!r}{suggestion(str(told['probe']), tuple(PROBES))}"
        raise ExperimentError(f"a probe at {where}: {', '.join(PROBES)}", seen, "correct it, or give a whole probe")
    try:
        condition = msgspec.convert(dict(told), StopCondition)
        if condition.probe:
            inspect.signature(PROBES[condition.probe]).bind(None, **condition.arguments)
    except (msgspec.ValidationError, TypeError) as wrong:
        raise ExperimentError(f"numbers and texts at {where} in their places", str(wrong), "correct it") from wrong
    except InputError as wrong:
        raise ExperimentError(f"{where}: {wrong.expected}", wrong.seen, wrong.next_step) from wrong
    return condition


def _elsewhere(told: Tree, where: str) -> StopCondition:
    probe = dict(told["probe"])
    try:
        ensure_activity_is_valid(probe)
        ensure_hypothesis_tolerance_is_valid(probe.get("tolerance"))
    except ChaosException as cause:
        raise ExperimentError(
            f"a probe with a tolerance at {where}", str(cause), "chaos validate tells more"
        ) from cause
    if len(told) > 1:
        seen = ", ".join(key for key in told if key != "probe")
        raise ExperimentError(f"a whole probe at {where}, and nothing beside it", seen, "its tolerance says it all")
    return StopCondition(elsewhere=probe)
