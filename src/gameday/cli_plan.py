"""``gameday plan``: every call of a drill that would change something, with its undo; none is made."""

import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gameday.cli_words import key_values

if TYPE_CHECKING:
    from gameday.chaos.planned import PlannedActivity
    from gameday.faults.rehearsal import Line

HEAD = "on {}. Nothing is called that changes anything"
NO_UNDO = "no undo step: the drill does not take this back"


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--lab", "lab_name", help="A lab that is up, or aws.  [default: that of the experiment]")
@click.option("--var", "given", multiple=True, metavar="KEY=VALUE", help="As of chaos run; may be repeated.")
def plan(experiment: Path, lab_name: str | None, given: tuple[str, ...]) -> None:
    """Print every call of the drill EXPERIMENT that would change something, with its undo, and make none.

    Ids are looked up, by calls that only read, on the lab that the drill would act on; for a drill with a lab of its
    own, one is brought up for the plan and ends with it. Each action is planned on the lab as it is now; one that
    depends on what an earlier action changes, or on the drill's own documents, says so: that is no refusal.

    Exits 0 when no action would be refused, 1 when one would be now or is of another extension, 2 for a wrong input.
    """
    from dataclasses import replace

    from gameday.chaos.planned import planned
    from gameday.chaos.reading import experiment_file
    from gameday.chaos.redact import hidden_values
    from gameday.preparing import usual_duration_s
    from gameday.world import RealWorld

    file, values = experiment_file(experiment), key_values(given, "--var")
    asked, (configuration, secrets) = file.asks(values), file.loaded(values)
    choice = replace(asked.choice, name=lab_name) if lab_name else asked.choice
    with ExitStack() as stack:
        lab = RealWorld().lab(choice, stack, lambda line: click.echo(f"{line} …", err=True))
        click.echo(f"{asked.intent.title}, {HEAD.format(lab.name)}")
        lasts_s = asked.intent.max_duration_s or usual_duration_s(asked.intent.objectives, lab.timer_scale)
        stored, seen, hidden = asked.intent.load.documents, [], hidden_values(configuration, secrets)
        for each in planned(file.tree, configuration, secrets, lab, documents=stored, max_duration_s=lasts_s):
            seen.append(each)
            click.echo("\n".join(lines_of(each, hidden)))
        click.echo("\n".join(ending_lines(seen)))
    sys.exit(1 if any(each.is_refused for each in seen) else 0)


def lines_of(each: "PlannedActivity", hidden: Collection[str] = ()) -> Iterator[str]:
    """One activity for people, who are told no secret: each undo step before the calls that it takes back."""
    from gameday.secrecy import hide

    yield from (hide(line, hidden) for line in _lines_of(each))


def _lines_of(each: "PlannedActivity") -> Iterator[str]:
    from gameday.lab.rehearsing import PlannedCall

    yield f"\n{each.name}: {each.what}"
    if each.depends:
        yield f"    depends on what is not there yet: {', '.join(each.depends)}"
    if each.note:
        yield f"    note    {each.note}"
    if not each.lines and each.is_known:
        yield "    calls nothing on the lab as it is now" if each.depends else "    changes nothing"
    if isinstance(next(iter(each.lines), None), PlannedCall):
        yield f"    undo    {NO_UNDO}"
    yield from _told(each.lines)


def ending_lines(seen: "Sequence[PlannedActivity]") -> Iterator[str]:
    """What the exit code rests on, and what it does not."""
    refused = [each.name for each in seen if each.is_refused]
    depending = [each.name for each in seen if each.depends]
    yield f"\n{'REFUSED or not known: ' + ', '.join(refused) if refused else 'No action would be refused now.'}"
    if depending:
        yield f"Planned without what comes before them, so their calls may be others then: {', '.join(depending)}"


def _told(lines: "tuple[Line, ...]") -> Iterator[str]:
    """Every one of them, in the order in which they would be made."""
    from gameday.lab.rehearsing import PlannedCall

    for line in lines:
        if isinstance(line, PlannedCall):
            yield f"    call    {_call(line)}"
        else:
            told = ", ".join(f"{key}={_short(value)}" for key, value in line.args.items())
            yield f"    undo    {line.intent} in {line.region}{f': {told}' if told else ''}"


def _call(line: "Line") -> str:
    from gameday.lab.rehearsing import LOCAL_LAB, PlannedCall
    from gameday.recovery.runbook import Call
    from gameday.recovery.shown import command_of

    assert isinstance(line, PlannedCall)
    arguments = {key: _short(value) if isinstance(value, bytes) else value for key, value in line.arguments.items()}
    if line.service == LOCAL_LAB:
        return f"{LOCAL_LAB} {line.operation} {' '.join(f'{key}={value}' for key, value in arguments.items())}"
    command = command_of(Call(line.service, line.operation, line.region, arguments))
    return f"{command}  # {line.more}" if line.more else command


def _short(value: object) -> str:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}…"
