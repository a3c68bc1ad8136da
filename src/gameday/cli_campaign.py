"""``gameday campaign``: the drill of an experiment again and again, judged by whether it works within five attempts."""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gameday.campaign.asking import Campaign, Wish
    from gameday.facts.campaign import CampaignMeasurement
    from gameday.record.campaign import CampaignFolder

a_campaign = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("experiment", required=False, type=click.Path(path_type=Path))
@click.option("--times", default=5, show_default=True, help="Drills of each variation.")
@click.option(
    "--vary", multiple=True, metavar="KEY=A,B,C", help="A configuration key, and the values it takes in turn."
)
@click.option("--var", "fixed", multiple=True, metavar="KEY=VALUE", help="A configuration key, for every drill alike.")
@click.option("--reports", type=click.Path(path_type=Path), help="Where records go.  [default: as the experiment says]")
@click.option("--stop-on-broken", is_flag=True, help="Run no further drill after one that was BROKEN.")
@click.option(
    "--attached", is_flag=True, help="Allow a lab that is up, which each drill finds as the last one left it."
)
@click.option(
    "--report", "rendered", type=a_campaign, metavar="DIR", help="Judge and render the campaign in DIR again."
)
@click.option(
    "--resume", "resumed", type=a_campaign, metavar="DIR", help="Run the drills that the campaign in DIR lacks."
)
def campaign(
    experiment: Path | None, times: int, vary: tuple[str, ...], fixed: tuple[str, ...], reports: Path | None,
    stop_on_broken: bool, attached: bool, rendered: Path | None, resumed: Path | None,
) -> None:  # fmt: skip
    """Run the drill of EXPERIMENT many times, each on a fresh lab, and judge them together.

    Several --vary are combined: every combination, --times of each, in turns. Exits 0 only on HELD: a success within
    five attempts was shown.
    """
    from gameday.campaign.asking import Wish
    from gameday.facts import Verdict

    _one_of(experiment, rendered, resumed)
    signal.signal(signal.SIGTERM, _interrupt)
    if rendered:
        found = _render(rendered)
    elif resumed:
        found = _resume(resumed)
    else:
        found = _begin(Wish(experiment or Path(), times, vary, fixed, reports, stop_on_broken, attached))
    sys.exit(0 if found.verdict is Verdict.HELD else 1)


def _render(folder: Path) -> "CampaignMeasurement":
    from gameday.campaign.running import conclude
    from gameday.record.campaign import CampaignFolder

    opened = CampaignFolder.open(folder)
    found = conclude(opened)
    _close(opened, found)
    return found


def _resume(folder: Path) -> "CampaignMeasurement":
    from gameday.campaign.asking import campaign_again
    from gameday.record.campaign import CampaignFolder

    opened = CampaignFolder.open(folder)
    return _run(campaign_again(opened.read_plan(), opened.reports), opened)


def _begin(wish: "Wish") -> "CampaignMeasurement":
    from gameday.campaign.asking import campaign_of
    from gameday.record.campaign import CampaignFolder

    asked = campaign_of(wish)
    folder = CampaignFolder.create(asked.reports, asked.plan.name)
    folder.write_plan(asked.plan)
    return _run(asked, folder)


def _run(asked: "Campaign", folder: "CampaignFolder") -> "CampaignMeasurement":
    from gameday.campaign.running import Runner

    try:
        found = Runner(asked, folder, say=lambda line: click.echo(line, err=True)).run()
    except KeyboardInterrupt:
        click.echo(
            f"what has ended counts: {folder.page}; the others: gameday campaign --resume {folder.folder}", err=True
        )
        raise
    _close(folder, found)
    return found


def _close(folder: "CampaignFolder", found: "CampaignMeasurement") -> None:
    from gameday.campaign.told import closing_lines

    click.echo("\n".join(closing_lines(folder.read_plan(), found, folder.page)))


def _one_of(experiment: Path | None, rendered: Path | None, resumed: Path | None) -> None:
    from gameday.errors import InputError

    given = [each for each in (experiment, rendered, resumed) if each]
    if len(given) != 1:
        seen = " and ".join(map(str, given)) or "none of them"
        raise InputError("an experiment, or --report DIR, or --resume DIR", seen, "gameday campaign --help")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
