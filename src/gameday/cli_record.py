"""``gameday judge``, ``report``, ``verify`` and ``undo``: what can be done with the record of a drill afterwards."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gameday.facts import Plan
    from gameday.lab.reference import LabReference
    from gameday.record.layout import Record

folder_of_record = click.argument("record", type=click.Path(path_type=Path, file_okay=False))


@click.command()
@folder_of_record
def judge(record: Path) -> None:
    """Judge the drill in RECORD again, from its record alone. Exits 0 only when the objectives held."""
    from gameday.facts import Verdict
    from gameday.live import closing_lines
    from gameday.measure.proved import prove
    from gameday.record.layout import SELF_TEST, Record
    from gameday.report.html import render

    opened = Record.open(record)
    proved = prove(opened)
    measurement = proved.measurement
    opened.write_self_test(proved.self_test)
    opened.write_measurement(measurement)
    page = render(opened)
    opened.seal("measurement.json", SELF_TEST, page.name)
    click.echo("\n".join(closing_lines(opened.read_plan(), measurement, page, proved.self_test)))
    sys.exit(0 if measurement.verdict is Verdict.HELD else 1)


@click.command()
@folder_of_record
@click.option("--open", "open_it", is_flag=True, help="Show it in the browser.")
def report(record: Path, open_it: bool) -> None:
    """Render the report of the drill in RECORD again, from its measurement."""
    from gameday.record.layout import Record
    from gameday.report.html import render

    opened = Record.open(record)
    page = render(opened)
    opened.seal(page.name)
    click.echo(page)
    if open_it:
        click.launch(page.resolve().as_uri())


@click.command()
@folder_of_record
@click.option(
    "--manifest", "kept", default="", metavar="SHA256", help="The manifest's SHA-256, as it was kept elsewhere."
)
def verify(record: Path, kept: str) -> None:
    """Show that the record in RECORD is as it was sealed, and judged as it says. Changes nothing.

    Exits 0 only when every file has the manifest's SHA-256, the timeline's hash chain is unbroken, judging again gives
    the same measurement, and the statement is of this record. A record without a chain is not verified.
    """
    from gameday.measure.verify import verify as verified
    from gameday.record.layout import Record

    told = verified(Record.open(record), kept)
    for check in told.checks:
        for line in check.flaws or (check.seen,):
            click.echo(f"{check.what:<10}{'NOT  ' if check.flaws else ''}{line}")
    click.echo(f"{'VERIFIED' if told.holds else 'NOT VERIFIED'}: manifest SHA-256 {told.manifest_sha256 or 'none'}")
    sys.exit(0 if told.holds else 1)


@click.command()
@folder_of_record
def undo(record: Path) -> None:
    """Take back what the drill in RECORD broke and did not heal. Safe to repeat.

    The old primary is fenced first, when its database was replaced by a promoted one. A drill in progress is left
    alone: `gameday abort` ends and heals it. While its warden heals, this waits, and then does what is left. Exits 0
    only when nothing is left to take back.
    """
    from gameday.record.alone import TAKE_BACK, TURN_WITHIN_S, in_turn_in
    from gameday.record.layout import Record
    from gameday.underway import refuse_while_underway

    opened = Record.open(record)
    refuse_while_underway(opened)

    def waits() -> None:
        click.echo(f"the drill's warden, or another undo, takes back: waiting up to {TURN_WITHIN_S:g} s", err=True)

    with in_turn_in(opened.folder, TAKE_BACK, within_s=TURN_WITHIN_S, waits=waits):
        click.echo(_taken_back(opened))


def _taken_back(opened: "Record") -> str:
    """Take back all that is left; what there is to say about it."""
    from gameday.errors import annotating
    from gameday.lab.reference import is_gone, reach
    from gameday.record.timeline import Timeline
    from gameday.record.undo import UndoJournal

    with ExitStack() as stack:
        journal = UndoJournal(opened.undo)
        stack.callback(journal.close)
        reference = _reference(opened.read_plan())
        if journal.is_settled():
            return "nothing is left to take back"
        if is_gone(reference):
            return f"the lab {reference.name} is gone, and what was broken with it"
        from gameday.faults.replay import demand_readable, take_back_by_hand

        if not journal.open_steps():
            demand_readable(journal)
        lab = reach(reference)
        timeline = Timeline(opened)
        stack.callback(timeline.close)
        try:
            steps = take_back_by_hand(journal, lab, timeline)
        except BaseException as cause:
            with annotating(cause, "sealing what was written"):
                opened.seal(opened.timeline.name, opened.undo.name)
            raise
    opened.seal(opened.timeline.name, opened.undo.name)
    return f"{steps} steps taken back on {lab.name}" if steps else f"no failover follows on {lab.name}: nothing is left"


def _reference(plan: "Plan") -> "LabReference":
    from gameday.lab.reference import LabReference
    from gameday.preparing import AWS

    deployment = plan.lab_name if plan.lab == AWS else "gameday"
    return LabReference(plan.lab, plan.lab_name, False, deployment, plan.primary, plan.secondary)
