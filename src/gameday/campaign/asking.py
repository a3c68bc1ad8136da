"""What a campaign is asked to do, checked before its first drill: every variation as ``chaos run`` itself would."""

import csv
import itertools
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gameday.chaos.experiment import Asked
from gameday.chaos.reading import REPORTS, ExperimentFile, experiment_file
from gameday.chaos.redact import hidden_values
from gameday.errors import InputError, RecordError
from gameday.facts.campaign import CampaignPlan
from gameday.preparing import LOCAL, first_plan
from gameday.record.layout import OTHER_REPORTS, ROOM_MIN_BYTES
from gameday.record.manifest import sha256_of
from gameday.secrecy import TELLING, hide

DRILL_BYTES = 8 << 20  # a drill of the shipped size writes about 6 MiB, and what `chaos run` says comes on top
HOW_TO_VARY = "write --vary KEY=VALUE,VALUE; a value that has a comma of its own stands in double quotes"


@dataclass(frozen=True, slots=True)
class Wish:
    """The words of the command line. ``vary`` and ``fixed`` are ``KEY=VALUE,VALUE`` and ``KEY=VALUE``."""

    experiment: Path
    times: int
    vary: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    reports: Path | None = None
    stop_on_broken: bool = False
    attached: bool = False


@dataclass(frozen=True, slots=True)
class Campaign:
    """A plan that can be run: where records go, and the name of each variation's folder there."""

    plan: CampaignPlan
    reports: Path
    drills: tuple[str, ...]

    def given(self, variation: int) -> dict[str, str]:
        """Every ``--var`` of a drill of that variation."""
        return {**self.plan.fixed, **self.plan.variations[variation]}


def campaign_of(wish: Wish) -> Campaign:
    """The campaign, checked; raises :class:`InputError` for what cannot be, and creates nothing."""
    if wish.times < 1:
        raise InputError("at least 1 drill of each variation", repr(wish.times), "correct --times")
    file = experiment_file(wish.experiment)
    variations, fixed = combinations(wish.vary), _fixed(wish, file)
    _no_key_twice(variations[0], fixed)
    fixed |= _pinned(file, {**fixed, **variations[0]})
    _refuse_secrets(file, [{**fixed, **variation} for variation in variations])
    asked = [file.asks({**fixed, **variation}) for variation in variations]
    _refuse_a_lab_that_is_up(asked, wish.attached)
    first = asked[0]
    told = first_plan(first.intent, first.choice)
    plan = CampaignPlan(
        name=first.intent.name,
        title=first.intent.title,
        experiment=str(wish.experiment),
        experiment_sha256=sha256_of(wish.experiment),
        times=wish.times,
        variations=variations,
        fixed=fixed,
        stop_on_broken=wish.stop_on_broken,
        attached=wish.attached,
        objectives=first.intent.objectives,
        started_utc=told.started_utc,
        who=told.who,
        versions=told.versions,
        limits=told.limits,
    )
    check_room(first.intent.reports, plan.drills)
    return Campaign(plan, first.intent.reports, tuple(each.intent.name for each in asked))


def campaign_again(plan: CampaignPlan, reports: Path) -> Campaign:
    """The campaign of an earlier plan; raises :class:`InputError` where it would not be the same any more."""
    file = experiment_file(Path(plan.experiment))
    if sha256_of(file.path) != plan.experiment_sha256:
        raise InputError(f"{file.path} as it was when the campaign began", "another content", "begin a new campaign")
    asked = [file.asks({**plan.fixed, **variation}) for variation in plan.variations]
    _refuse_a_lab_that_is_up(asked, plan.attached)
    elsewhere = next(
        (each.intent.reports for each in asked if each.intent.reports.resolve() != reports.resolve()), None
    )
    if elsewhere is not None:
        then = "go to the folder where the campaign was begun"
        raise InputError(f"records to go to {reports}, as before", f"they would go to {elsewhere}", then)
    return Campaign(plan, reports, tuple(each.intent.name for each in asked))


def combinations(vary: Sequence[str]) -> tuple[Mapping[str, str], ...]:
    """Every combination of the varied keys' values, in the order in which they were named; nothing varied is one."""
    varied = [_values(text) for text in vary]
    keys = [key for key, _ in varied]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice:
        raise InputError("each key varied once", f"--vary {twice} twice", "name all its values in one --vary")
    if REPORTS in keys:
        raise InputError("records of one campaign in one folder", "--vary reports", "use --reports")
    return tuple(dict(zip(keys, values, strict=True)) for values in itertools.product(*(each for _, each in varied)))


def check_room(reports: Path, drills: int) -> None:
    """Refuse a campaign whose records would not fit; raises :class:`RecordError`."""
    there = next(folder for folder in (reports.resolve(), *reports.resolve().parents) if folder.exists())
    try:
        free = shutil.disk_usage(there).free
    except OSError as cause:
        raise RecordError(f"a folder {reports} that can be looked at", f"{cause.strerror}", OTHER_REPORTS) from cause
    needed = ROOM_MIN_BYTES + drills * DRILL_BYTES
    if free < needed:
        expected = f"{needed >> 20} MiB free for the records of {drills} drills in {reports}"
        raise RecordError(
            expected, f"{free / 2**20:.1f} MiB", "free the disk, choose another --reports, or fewer --times"
        )


def chaos_command() -> tuple[str, ...]:
    """The program ``chaos`` that belongs to this Python, or else the one on the path."""
    beside = Path(sys.executable).with_name("chaos")
    found = str(beside) if beside.is_file() else shutil.which("chaos")
    if found is None:
        raise InputError("the program chaos", "none beside this Python, none on the path", "install chaostoolkit")
    return (found, "--no-version-check", "--no-log-file")


def _values(text: str) -> tuple[str, tuple[str, ...]]:
    key, _, rest = text.partition("=")
    values = next(csv.reader([rest], skipinitialspace=True), [])
    values = [value.strip() for value in values]
    if not key.strip() or not values or "" in values:
        raise InputError("a key and its values to vary", repr(text), HOW_TO_VARY)
    if len(set(values)) < len(values):
        raise InputError("each value once", repr(text), "--times says how often each is run")
    return key.strip(), tuple(values)


def _fixed(wish: Wish, file: ExperimentFile) -> dict[str, str]:
    """What every drill is given; the reports' folder is among it, so that a variable of the shell cannot move it."""
    fixed = {}
    for text in wish.fixed:
        key, found, value = text.partition("=")
        if not found or not key.strip() or key.strip() in fixed:
            raise InputError("a key and its value, each key once", repr(text), "write --var KEY=VALUE")
        fixed[key.strip()] = value
    if wish.reports is not None and not file.takes_reports:
        missing = f"no key {REPORTS} in the configuration of {file.path}"
        raise InputError("an experiment whose records can be sent to --reports", missing, f"add {REPORTS} to it")
    if file.takes_reports:
        fixed[REPORTS] = str(wish.reports or file.asks(fixed).intent.reports)
    return fixed


def _pinned(file: ExperimentFile, given: Mapping[str, str]) -> dict[str, str]:
    """What the shell decides today and might decide otherwise when the campaign is resumed: lab and timer scale."""
    choice = file.asks(given).choice
    pins = {"lab": choice.name, "timer_scale": f"{choice.timer_scale:g}"}
    return {key: value for key, value in pins.items() if key not in given and file.leaves_to_the_shell(key)}


def _no_key_twice(variation: Mapping[str, str], fixed: Mapping[str, str]) -> None:
    both = sorted(variation.keys() & fixed.keys())
    if both:
        raise InputError("a key either varied or fixed", f"{both[0]} in both --vary and --var", "take one of them out")


def _refuse_secrets(file: ExperimentFile, given: Sequence[Mapping[str, str]]) -> None:
    """What a campaign is given stands in its plan, in its page, and on the command line of every drill."""
    for each in given:
        hidden = hidden_values(*file.loaded(each))
        for key, value in each.items():
            if key != REPORTS and (TELLING.search(key) or hide(value, hidden) != value):
                then = 'let the experiment read it from a variable: {"type": "env", "key": "NAME"}'
                raise InputError("no secret in --var or --vary, which are written down", f"one in {key}", then)


def _refuse_a_lab_that_is_up(asked: Sequence[Asked], allowed: bool) -> None:
    """Drills one after another on one lab are not independent: what one breaks and fails over, the next one finds."""
    names = [each.choice.name for each in asked if each.choice.name != LOCAL]
    if names and not allowed:
        raise InputError(
            "a fresh lab for each drill (lab: local)",
            f"lab: {names[0]}, which each drill would find as the one before it left it",
            "leave lab at local, or say --attached and bring the lab back to its beginning yourself",
        )
