"""An experiment's configuration, read strictly: what is misspelt, unresolved or out of range is refused before anything
is created.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import msgspec

from gameday.chaos.activities import OURS, check_activities
from gameday.chaos.redact import hidden_values
from gameday.chaos.spelling import suggestion
from gameday.chaos.stop import conditions
from gameday.errors import ExperimentError, InputError
from gameday.facts import Objectives
from gameday.lab.model import GLOBAL_REGION
from gameday.load.plan import LoadPlan, LoadStage
from gameday.preparing import AWS, LOCAL_REGIONS, Intent, LabChoice
from gameday.secrecy import redacted

SECTIONS = (
    "title", "description", "tags", "version", "contributions", "configuration", "secrets", "extensions", "controls",
    "steady-state-hypothesis", "method", "rollbacks", "runtime", "dry",
)  # fmt: skip
OBJECTIVES = ("rto_s", "rpo_s", "latency_bound_s", "availability_min", "object_recovery_s")
LOAD = {
    "users": "users", "spawn_rate": "spawn_rate", "load_workers": "workers", "writes_per_s": "writes_per_s",
    "reads_per_s": "reads_per_s", "probe_timeout_s": "probe_timeout_s", "think_s": "think_s",
    "patience_s": "patience_s", "read_age_s": "read_age_s", "kept_alive": "kept_alive", "load_stages": "stages",
    "documents": "documents", "document_bytes": "document_bytes",
}  # fmt: skip
STAGE = tuple(field.name for field in fields(LoadStage))
LAB = ("timer_scale", "link_latency_s", "port_base")
OTHER = (
    "lab", "drill", "reports", "primary", "secondary", "deployment", "allowed_accounts", "live", "expected_alarms",
    "max_duration_s", "stop_when",
)  # fmt: skip
KNOWN = (*OBJECTIVES, *LOAD, *LAB, *OTHER)
WHOLE = ("users", "load_workers", "port_base", "documents", "document_bytes")
REFERENCE = re.compile(r"\$\{([^{}]*)\}")

type Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an experiment asks of a drill."""

    choice: LabChoice
    intent: Intent


def read(experiment: Tree, configuration: Tree, secrets: Tree) -> Asked:
    """Everything a drill needs; raises :class:`ExperimentError`, or another :class:`InputError`. Creates nothing."""
    check_spelling(experiment, configuration)
    check_activities(experiment)
    check_references(experiment, configuration, secrets)
    choice = _lab(configuration)
    check_regions(experiment, configuration, choice)
    hidden = hidden_values(configuration, secrets)
    title = str(redacted(experiment.get("title", ""), hidden))
    return Asked(
        choice,
        Intent(
            name=str(configuration.get("drill") or slug(title)),
            title=title,
            objectives=_objectives(configuration),
            load=_load(configuration),
            expected_alarms=_words(configuration, "expected_alarms") if "expected_alarms" in configuration else None,
            reports=Path(str(configuration.get("reports", "reports"))),
            max_duration_s=_number(configuration, "max_duration_s") if "max_duration_s" in configuration else None,
            stop_when=conditions(configuration, hidden),
            experiment=redacted({k: v for k, v in experiment.items() if k != "dry"}, hidden),
        ),
    )


def check_spelling(experiment: Tree, configuration: Tree) -> None:
    """Refuse a section that Chaos Toolkit would ignore, and a configuration key that looks like one of ours misspelt.

    A key that the experiment itself uses (``${key}``) is taken as meant, and one that looks like none of ours belongs
    to another extension.
    """
    for section in experiment:
        if section not in SECTIONS and not section.startswith("x-"):
            raise _misspelt("a section of an experiment", section, SECTIONS)
    used = {name for _, text in _texts(_acting(experiment)) for name in REFERENCE.findall(text)}
    for key in configuration:
        if key not in KNOWN and key not in used and suggestion(key, KNOWN):
            raise _misspelt("a configuration key of gameday, or one that the experiment uses", key, KNOWN)


def check_given(given: Tree, configuration: Tree) -> None:
    """Refuse a ``--var`` that Chaos Toolkit would drop in silence: the experiment's configuration has no such key."""
    for key in given:
        if key not in configuration:
            raise _misspelt("a --var that the experiment's configuration has", key, tuple(configuration))


def check_said_aloud(experiment: Tree, given: Tree, choice: LabChoice) -> None:
    """In an account: refuse ``live`` that stands in the file, where it would be said of every run to come."""
    written = (experiment.get("configuration") or {}).get("live")
    is_from_the_shell = isinstance(written, Mapping) and not written.get("default")
    is_of_this_run = "live" in given or is_from_the_shell
    if choice.name == AWS and not is_of_this_run:
        then = "chaos run --var live=ACCOUNT:REGION, or a variable of the environment; leave [] in the file"
        raise ExperimentError("`live` said for this run", f"{written!r} in the experiment", then)


def check_references(experiment: Tree, configuration: Tree, secrets: Tree) -> None:
    """Refuse ``${x}`` that would reach an action as text."""
    names = {*configuration, *(name for group in secrets.values() if isinstance(group, Mapping) for name in group)}
    for where, text in (*_texts(_acting(experiment)), *_texts(configuration, "configuration")):
        for name in REFERENCE.findall(text):
            if name not in names or where.startswith("configuration"):
                raise ExperimentError(
                    "every ${…} resolved from configuration or secrets",
                    f"${{{name}}} at {where}{suggestion(name, tuple(names))}",
                    "add the key to the experiment's configuration, or give it with --var where it has one",
                )


def check_regions(experiment: Tree, configuration: Tree, choice: LabChoice) -> None:
    """Refuse a region that is not one of the lab's, wherever an activity names one.

    Another extension's activity may name the global region too; ours can do nothing there.
    """
    pair, texts = (choice.primary, choice.secondary), dict(_texts(_acting(experiment)))
    for where, text in texts.items():
        if where.endswith(".arguments.region"):
            is_ours = texts.get(where.removesuffix("arguments.region") + "module") in OURS
            regions = pair if is_ours else (*pair, GLOBAL_REGION)
            region = REFERENCE.sub(lambda found: str(configuration.get(found[1], found[0])), text)
            if region not in regions:
                raise ExperimentError(
                    f"a region of the lab ({', '.join(pair)})",
                    f"{region!r} at {where}{suggestion(region, regions)}",
                    "correct the region's name",
                )


def slug(title: str) -> str:
    """A folder's name of a title: ``region-is-lost`` of ``Region is lost!``."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "drill"


def _objectives(configuration: Tree) -> Objectives:
    for key in ("rto_s", "rpo_s"):
        if key not in configuration:
            raise ExperimentError(f"an objective {key} in the configuration", "none", f"add {key}, in seconds")
    return Objectives(**{key: _number(configuration, key) for key in OBJECTIVES if key in configuration})


def _load(configuration: Tree) -> LoadPlan:
    readers: dict[str, Callable[[Tree, str], Any]] = {"kept_alive": _flag, "load_stages": _stages}
    return LoadPlan(
        **{LOAD[key]: readers.get(key, _number)(configuration, key) for key in LOAD if key in configuration}
    )


def _stages(configuration: Tree, key: str) -> tuple[LoadStage, ...]:
    """The stages of the load, or a text of them in JSON (as ``--var`` gives it)."""
    value = configuration[key]
    try:
        stages = msgspec.json.decode(value) if isinstance(value, str) else value
    except msgspec.DecodeError:
        stages = None
    if not isinstance(stages, list | tuple):
        raise ExperimentError(f"{key} to be a list of stages", repr(value)[:200], f"correct {key} in the configuration")
    return tuple(_stage(stage, f"{key}[{number}]") for number, stage in enumerate(stages))


def _stage(stage: object, where: str) -> LoadStage:
    for key in stage if isinstance(stage, Mapping) else ():
        if key not in STAGE:
            raise _misspelt(f"a key of {where}: {', '.join(STAGE)}", str(key), STAGE)
    if not isinstance(stage, Mapping) or len(stage) < len(STAGE):
        raise ExperimentError(f"{where} to have {', '.join(STAGE)}", repr(stage)[:200], "write all three of them")
    try:
        return LoadStage(**stage)
    except InputError as wrong:
        raise ExperimentError(f"{where}: {wrong.expected}", wrong.seen, wrong.next_step) from wrong


def _lab(configuration: Tree) -> LabChoice:
    numbers = {key: _number(configuration, key) for key in LAB if key in configuration}
    words = {key: str(configuration[key]) for key in ("primary", "secondary", "deployment") if configuration.get(key)}
    lists = {key: _words(configuration, key) for key in ("allowed_accounts", "live") if key in configuration}
    choice = LabChoice(str(configuration.get("lab", "local")), **numbers, **words, **lists)  # type: ignore[arg-type]
    if choice.name != AWS and (choice.primary, choice.secondary) != LOCAL_REGIONS:
        raise ExperimentError(
            f"the local lab's regions, primary {LOCAL_REGIONS[0]} and secondary {LOCAL_REGIONS[1]}",
            f"{choice.primary} and {choice.secondary}",
            "leave primary and secondary out, or run against AWS",
        )
    return choice


def _number(configuration: Tree, key: str) -> Any:
    """A number; text that is one (as ``--var`` gives it) counts, true and false do not. A part of a whole is none."""
    value, form = configuration[key], int if key in WHOLE else float
    kind = "a whole number" if key in WHOLE else "a number"
    wrong = ExperimentError(f"{key} to be {kind}", repr(value), f"correct {key} in the configuration")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise wrong
    if form is int and isinstance(value, float) and not value.is_integer():
        raise wrong
    try:
        return form(value)
    except ValueError:
        raise wrong from None


def _flag(configuration: Tree, key: str) -> bool:
    """True or false; the text that says so (as ``--var`` gives it) counts, a number does not."""
    value = configuration[key]
    told = {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(told, bool):
        raise ExperimentError(f"{key} to be true or false", repr(value), f"correct {key} in the configuration")
    return told


def _words(configuration: Tree, key: str) -> tuple[str, ...]:
    """A list of words, or one text of them between commas (as ``--var`` gives it)."""
    value = configuration[key]
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ExperimentError(f"{key} to be a list of words", repr(value), f"correct {key} in the configuration")
    return tuple(part.strip() for part in parts if part.strip())


def _acting(experiment: Tree) -> dict[str, Any]:
    """The sections that Chaos Toolkit resolves references in."""
    sections = ("title", "controls", "steady-state-hypothesis", "method", "rollbacks")
    return {section: experiment[section] for section in sections if section in experiment}


def _texts(tree: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a tree with the way to it: ``method[0].provider.arguments.region``."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _texts(value, f"{where}.{key}" if where else str(key))
    elif isinstance(tree, list | tuple):
        for number, value in enumerate(tree):
            yield from _texts(value, f"{where}[{number}]")
    elif isinstance(tree, str):
        yield where, tree


def _misspelt(what: str, seen: str, known: tuple[str, ...]) -> ExperimentError:
    return ExperimentError(what, f"{seen!r}{suggestion(seen, known)}", "correct its spelling, or take it out")
