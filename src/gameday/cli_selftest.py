"""``gameday selftest``: plant known truths in a stand-in service, and see whether the tool finds exactly those."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gameday.facts.selftest import PlantedTruth


@click.command()
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Keep the drills' records in DIR."
)
@click.option(
    "--probes-per-s", default=80.0, show_default=True, help="Write probes a second, and as many reads; 20 is a drill's."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, and nothing else.")
def selftest(keep: Path | None, probes_per_s: float, as_json: bool) -> None:
    """Plant truths in a stand-in service and find them: the tool's own measurement, tried on this machine.

    No fault, an outage of a known length, rows lost, doubled, altered, resurrected and invented, and writes taken by
    the old primary after the promotion. Takes about a minute and needs no lab. Exits 0 only when each was found
    exactly.
    """
    from tempfile import TemporaryDirectory

    from gameday.record.layout import pretty
    from gameday.selftest import self_test

    def say(truth: "PlantedTruth") -> None:
        click.echo(line_of(truth), err=as_json)

    with TemporaryDirectory(prefix="gameday-selftest-") as folder:
        found = self_test(keep or Path(folder), probes_per_s, said=say)
    click.echo(pretty(found) if as_json else ending_line(found.missed, len(found.truths), found.took_s))
    sys.exit(0 if found.is_passed else 1)


def line_of(truth: "PlantedTruth") -> str:
    """One truth in two lines: its name and whether it was found; what was planted, and what was found."""
    error = "" if truth.error_s is None else f"  (RTA − planted: {truth.error_s * 1000:+.0f} ms)"
    return (
        f"{'found ' if truth.exact else 'MISSED'}  {truth.name}\n"
        f"          planted  {truth.planted}\n"
        f"          found    {truth.found}{error}"
    )


def ending_line(missed: tuple[str, ...], count: int, took_s: float) -> str:
    """What it comes to, and what to do next."""
    if not missed:
        return f"Each of {count} planted truths was found exactly, in {took_s:.0f} s."
    return (
        f"Missed: {', '.join(missed)}. Expected each of {count} planted truths to be found exactly; no verdict on this "
        "machine is proved. Next: look at the machine's load and try again; keep the records with --keep DIR."
    )
