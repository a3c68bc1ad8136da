"""The command line: words in, words out, an exit code. 0 is done (or HELD), 1 is not, 2 is a wrong input.

Everything heavy is imported inside the commands, so that ``gameday --help`` answers at once.
"""

import sys

import click

from gameday.cli_abort import abort
from gameday.cli_campaign import campaign
from gameday.cli_drill import drill
from gameday.cli_lab import lab
from gameday.cli_plan import plan
from gameday.cli_record import judge, report, undo, verify
from gameday.cli_runbook import runbook
from gameday.cli_selftest import selftest
from gameday.errors import GamedayError, InputError

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Disaster-recovery drills: break a region on purpose, and measure what the clients lived through."""


@cli.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    click.echo(installed("chaostoolkit-gameday"))


for command in (lab, drill, campaign, judge, report, verify, undo, abort, plan, runbook, selftest):
    cli.add_command(command)


def main() -> None:
    """The program ``gameday``. An error of ours is told in its three parts, without a traceback.

    Click does not end the program itself: it would take Ctrl-C for its own, and what failed while cleaning up with it.
    """
    try:
        sys.exit(cli(prog_name="gameday", standalone_mode=False))
    except click.ClickException as cause:
        cause.show()
        sys.exit(cause.exit_code)
    except GamedayError as cause:
        tell(cause)
        sys.exit(2 if isinstance(cause, InputError) else 1)
    except (click.Abort, KeyboardInterrupt) as cause:
        click.echo("interrupted", err=True)
        tell_notes(cause.__cause__ or cause)  # click raises its Abort from the interrupt
        sys.exit(INTERRUPTED)


def tell(cause: GamedayError) -> None:
    """What was expected, what was seen, what to do next, and what else went wrong while cleaning up."""
    click.echo(f"expected  {cause.expected}\nsaw       {cause.seen}", err=True)
    if cause.next_step:
        click.echo(f"next      {cause.next_step}", err=True)
    tell_notes(cause)


def tell_notes(cause: BaseException) -> None:
    """What else went wrong while cleaning up."""
    for note in getattr(cause, "__notes__", ()):
        click.echo(f"          {note}", err=True)


if __name__ == "__main__":
    main()
