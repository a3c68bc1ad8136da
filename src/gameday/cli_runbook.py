"""``gameday runbook list | show | run``: recovery, step by step, by whoever is on call."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gameday.cli_words import key_values

if TYPE_CHECKING:
    from gameday.lab.model import Lab
    from gameday.recovery.runbook import Runbook, Scene, Step

DEFAULT_NAME = "lab"  # as of gameday lab up
AWS, LOCAL = "aws", "local"  # what a drill calls an account, and a lab of its own
NO_DRILL = "gameday lab up brings one up"
a_name = click.argument("name")


@click.group()
def runbook() -> None:
    """Runbooks: recovery, step by step. Each step says what it looks at and what it will call, and asks first."""


@runbook.command("list")
def list_() -> None:
    """Name every runbook, and say when it is for."""
    from gameday.recovery import RUNBOOKS
    from gameday.recovery import runbook as named

    for name in RUNBOOKS:
        book = named(name)
        click.echo(f"{name:<20} {book.title}\n{'':<20} {book.when}")


@runbook.command()
@a_name
def show(name: str) -> None:
    """Print the runbook NAME as Markdown: its steps, checks, calls, and how each is taken back."""
    from gameday.recovery import runbook as named
    from gameday.recovery.shown import document

    click.echo(document(named(name)), nl=False)


@runbook.command()
@a_name
@click.option("--lab", "lab_name", help=f"A lab that is up, or aws.  [default: {DEFAULT_NAME}]")
@click.option("--option", "said", multiple=True, metavar="KEY=VALUE", help="An option of the runbook; may be repeated.")
@click.option("--yes", is_flag=True, help="Do not ask before each change: for build servers.")
@click.option("--from", "start", metavar="STEP", help="Begin at this step, by name or number.")
@click.option("--only-show", is_flag=True, help="Look, and show what would be called; change nothing.")
@click.option("--resume", type=click.Path(path_type=Path), help="Go on where the walk in this RECORD was interrupted.")
@click.option("--record", type=click.Path(path_type=Path), help="Write into this drill's RECORD; else into a new one.")
@click.option("--account", help="In AWS: the account that is to be changed. It must be that of the credentials.")
@click.option("--deployment", help="What the stacks' names begin with in AWS.  [default: gameday]")
@click.option("--reports", default="reports", show_default=True, type=click.Path(path_type=Path))
def run(
    name: str, lab_name: str | None, said: tuple[str, ...], yes: bool, start: str | None, only_show: bool,
    resume: Path | None, record: Path | None, account: str | None, deployment: str | None, reports: Path,
) -> None:  # fmt: skip
    """Walk the runbook NAME on a lab that is up, or in an account.

    Exits 0 when its last step is done, 1 where a step stopped, 2 for a wrong input. What was interrupted goes on with
    --resume.
    """
    from gameday.record.alone import alone_in
    from gameday.record.walked import read_walked
    from gameday.recovery import runbook as named
    from gameday.recovery.account import demand_account
    from gameday.recovery.resuming import left_of, steps_from
    from gameday.walk_told import Errand, walk_told

    book = named(name)
    _agree(yes=yes or only_show, start=start, resume=resume, record=record, said=said, lab=lab_name)
    if folder := resume or record:
        click.get_current_context().with_resource(alone_in(folder, "walk a runbook in"))
    walked = read_walked(resume) if resume else None
    values = book.options_said(walked.options if walked else key_values(said, "an option"))
    steps, begun = left_of(book, walked) if walked else (steps_from(book, start), None)
    if not steps:
        click.echo(f"nothing is left to do: every step of {name} was taken")
        return
    where, stacks = (walked.lab, walked.deployment) if walked else (lab_name or DEFAULT_NAME, deployment or "gameday")
    lab = _reach(where, stacks)
    demand_account(lab, account)
    if only_show:
        _only_show(book, steps, lab, values)
        return
    found = walked.found if walked else {}
    errand = Errand(book, lab, steps, values, begun, found, resume or record, is_resumed=walked is not None)
    walk_told(errand, reports, yes=yes)


def _agree(
    *, yes: bool, start: str | None, resume: Path | None, record: Path | None, said: Sequence[str], lab: str | None
) -> None:
    """Refuse words that contradict each other, before anything is touched."""
    from gameday.errors import InputError

    if resume:
        told = {"--from": start, "--record": record, "--option": said, "--lab": lab}
        if beside := [name for name, value in told.items() if value]:
            known = "the record knows which lab, which options, and which step is next"
            raise InputError("--resume alone", f"{beside[0]} beside it", f"leave it out: {known}")
    if lab == LOCAL:
        raise InputError("a lab that is up, or aws", "local, which is a drill's own lab", NO_DRILL)
    if not yes and not sys.stdin.isatty():
        then = "walk it in a terminal, or say --yes: then nobody is asked"
        raise InputError("somebody to ask before each change", "no terminal", then)


def _reach(lab: str, deployment: str) -> "Lab":
    """The lab, attached anew; :class:`LabError` when it is not up, or the account cannot be read."""
    from gameday.lab.reference import LabReference, reach

    return reach(LabReference(AWS if lab == AWS else LOCAL, lab, deployment=deployment))


# ---- only looking


def _only_show(book: "Runbook", steps: "Sequence[Step]", lab: "Lab", values: Mapping[str, str]) -> None:
    """Each step as it would be taken now; what only an earlier step can find is a placeholder."""
    from gameday.record.timeline import UnwrittenTimeline
    from gameday.recovery.runbook import Scene
    from gameday.recovery.shown import Unknown, seen_now
    from gameday.walk_told import Terminal

    looking, teller = Scene(lab, UnwrittenTimeline(), values), Terminal(book, yes=True)
    showing = Scene(lab, looking.timeline, values, Unknown())
    click.echo(f"{book.title}, on {lab.name}. Nothing is called that changes anything")
    for step in steps:
        teller.step(step)
        for check in step.before:
            click.echo(f"    before  {check.what}: {seen_now(check, looking)}")
        showing.found.update(looking.found)
        for line in _calls_now(step, showing):
            click.echo(f"    call    {line}")
        for check in step.after:
            click.echo(f"    then    {check.what}")


def _calls_now(step: "Step", scene: "Scene") -> list[str]:
    from botocore.exceptions import BotoCoreError, ClientError

    from gameday.errors import GamedayError
    from gameday.recovery.shown import command_of

    try:
        return [command_of(call) for call in step.calls(scene)]
    except (BotoCoreError, ClientError, GamedayError) as cause:
        return [f"known only then ({cause})"]
