"""A runbook as text: its calls as commands of the AWS CLI, its steps as Markdown, with or without a lab."""

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from gameday.aws import ATTEMPTS, Aws
from gameday.errors import GamedayError, LabError
from gameday.lab.model import REGION_OUTPUTS, SHARED_OUTPUTS, Lab, Outputs
from gameday.record.timeline import UnwrittenTimeline
from gameday.recovery.runbook import Call, Check, Runbook, Scene, Step

PRIMARY, SECONDARY = "ap-southeast-2", "us-west-2"
CLI_NAMES = {"s3": "s3api"}  # boto3's name of a service -> the AWS CLI's, where they differ
ON_A_LAB = "What it calls is known on a lab only: `gameday runbook run {} --only-show`."


class Unknown(dict[str, str]):
    """What a runbook would have found: each as a placeholder, ``<endpoint of us-west-2>``."""

    def __missing__(self, name: str) -> str:
        return f"<{name}>"


class Nobody(Aws):
    """The control plane of the stand-in lab: there is nobody to ask."""

    def client(self, service: str, region: str, attempts: int = ATTEMPTS) -> Any:
        raise LabError(
            "no question while a runbook is only shown", f"one to {service} in {region}", "note it in a check"
        )


def stand_in() -> Lab:
    """A lab that is described and does not exist: each of its names is a placeholder."""
    shared = {name: f"<{name}>" for name in SHARED_OUTPUTS}
    regions = {region: {name: f"<{name} of {region}>" for name in REGION_OUTPUTS} for region in (PRIMARY, SECONDARY)}
    return Lab("stand-in", Nobody(), PRIMARY, SECONDARY, Outputs(shared, regions, ()))


def described(runbook: Runbook) -> Scene:
    """The scene of a document: usual options, placeholders for the others and for all that would be found."""
    options = {one.name: f"<{one.name}>" if one.usual is None else one.usual for one in runbook.options}
    return Scene(stand_in(), UnwrittenTimeline(), options, Unknown())


def whole(text: str) -> Any:
    """A whole number as boto3 wants it; in a document, the placeholder as it is."""
    return int(text) if text.isdecimal() else text


# ---- a check, looked at without changing anything


NOT_LOOKED_AT = "looked at when it is run, since looking writes"


def seen_now(check: Check, scene: Scene) -> str:
    """What a check sees now, in words; what it finds is noted in the scene. One whose look writes is not looked at."""
    if check.writes:
        return NOT_LOOKED_AT
    try:
        seen = check.look(scene)
    except (BotoCoreError, ClientError, GamedayError) as cause:  # what a step before it brings about is not there yet
        return f"cannot be seen yet ({cause})"
    return f"{seen} ({'met' if check.is_met(seen) else 'not met now'})"


# ---- a call as a command


def command_of(call: Call) -> str:
    """The call as a command of the AWS CLI, to be read, or to be copied where gameday itself cannot run.

    Of many calls of one kind it shows the first, and says how many more there are; a comment says what else is done.
    """
    service = CLI_NAMES.get(call.service, call.service)
    words = ["aws", service, call.operation.replace("_", "-"), "--region", _quoted(call.region)]
    arguments = (word for name, value in call.arguments.items() for word in _argument(name, value))
    return " ".join([*words, *arguments]) + (f"  # {call.more}" if call.more else "")


def _argument(name: str, value: Any) -> Iterator[str]:
    flag = xform_name(name, "-")
    match value:
        case bool():
            yield f"--{flag}" if value else f"--no-{flag}"
        case list() | tuple() if all(isinstance(each, str) for each in value):
            yield f"--{flag}"
            yield from map(_quoted, value)
        case list() | tuple() | dict():
            yield f"--{flag}"
            yield _quoted(json.dumps(value, ensure_ascii=False))
        case _:
            yield f"--{flag}"
            yield _quoted(str(value))


def _quoted(text: str) -> str:
    return shlex.quote(text)


# ---- a runbook as a document


def document(runbook: Runbook) -> str:
    """The whole runbook as Markdown: ``gameday runbook show NAME``, and ``docs/runbooks/NAME.md``."""
    scene = described(runbook)
    parts = [_head(runbook), *_options(runbook), *(_step(*each, runbook, scene) for each in numbered(runbook.steps))]
    return "\n\n".join(parts) + "\n"


def numbered(steps: Sequence[Step]) -> Iterator[tuple[int, Step]]:
    """Steps with their numbers, as a person counts them."""
    return enumerate(steps, start=1)


def _head(runbook: Runbook) -> str:
    return "\n\n".join((
        f"# {runbook.title}",
        f"**When**: {runbook.when}",
        f"Walk it: `gameday runbook run {runbook.name}`. It says each step, looks at its checks, shows what it will "
        "call, and asks before it changes anything. By hand: the same commands and checks, in this order. A wait is "
        "meant at AWS's own speed. What stands in `<…>` is the deployment's, or was found by an earlier check.",
    ))  # fmt: skip


def _options(runbook: Runbook) -> Iterator[str]:
    if runbook.options:
        rows = [f"| `{one.name}` | {_usual(one.usual)} | {one.help} |" for one in runbook.options]
        yield "\n".join(("| option | usual | |", "|---|---|---|", *rows))


def _usual(value: str | None) -> str:
    return "must be said" if value is None else f"`{value}`" if value else "none"


def _step(number: int, step: Step, runbook: Runbook, scene: Scene) -> str:
    reads = "" if step.changes else " It changes nothing."
    parts = [f"## {number}. `{step.name}`", f"{step.text}{reads}"]
    parts += _checks("Before", step.before)
    parts += _calls(step, runbook, scene)
    parts += _checks("After", step.after)
    return "\n\n".join((*parts, f"**To take it back**: {step.undo}"))


def _checks(when: str, checks: Sequence[Check]) -> Iterator[str]:
    lines = [f"* {check.what}{_wait(check)}" for check in checks]
    if lines:
        yield "\n".join((f"**{when}**, all of this must be true:", "", *lines))


def _wait(check: Check) -> str:
    wait = f", within {_duration(check.within_s)}" if check.within_s else ""
    return wait + (f". If not: {check.next_step}" if check.next_step else "")


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 and seconds % 60 == 0 else f"{seconds:g} s"


def _calls(step: Step, runbook: Runbook, scene: Scene) -> Iterator[str]:
    try:
        calls = step.calls(scene)
    except LabError:
        yield ON_A_LAB.format(runbook.name)
        return
    if calls:
        yield "\n".join(("**Call**:", "", "```sh", *(command_of(call) for call in calls), "```"))
