"""``gameday drill``: the region outage without an experiment file."""

import signal
import sys
from pathlib import Path
from types import FrameType

import click


@click.command()
@click.option("--region", default="ap-southeast-2", show_default=True, help="The region to cut off.")
@click.option("--lab", default="local", show_default=True, help="local: a lab of the drill's own; or a lab that is up.")
@click.option("--timer-scale", default=0.1, show_default=True, help="1 is real time; for a lab of the drill's own.")
@click.option("--ports", "port_base", default=24800, show_default=True, help="The first of the lab's five ports.")
@click.option("--rto", "rto_s", default=1800.0, show_default=True, help="Recovery time objective, in seconds.")
@click.option("--rpo", "rpo_s", default=600.0, show_default=True, help="Recovery point objective, in seconds.")
@click.option(
    "--max-duration", "max_duration_s", type=float, help="Seconds after which the drill is ended and taken back."
)
@click.option("--users", default=50, show_default=True, help="Locust users that place and read orders.")
@click.option("--load-workers", default=0, show_default=True, help="Locust workers beside its master; 0 is neither.")
@click.option("--reports", default="reports", show_default=True, type=click.Path(path_type=Path))
def drill(
    region: str, lab: str, timer_scale: float, port_base: int, rto_s: float, rpo_s: float, users: int,
    load_workers: int, reports: Path, max_duration_s: float | None,
) -> None:  # fmt: skip
    """Cut off a region, wait for the recovery, and judge it. Exits 0 only when the objectives held.

    The same drill as experiments/region-outage.json; an experiment file can say more.
    """
    from gameday.drill import Drill
    from gameday.errors import InputError
    from gameday.facts import Objectives, Verdict
    from gameday.faults.region_outage import RegionOutage
    from gameday.live import display_for
    from gameday.load.plan import LoadPlan
    from gameday.preparing import LabChoice

    choice = LabChoice(lab, timer_scale, port_base)
    if region not in (choice.primary, choice.secondary):
        known = f"{choice.primary}, {choice.secondary}"
        raise InputError(f"a region of the lab ({known})", repr(region), "correct --region")
    objectives, load = Objectives(rto_s, rpo_s), LoadPlan(users=users, workers=load_workers)
    signal.signal(signal.SIGTERM, _interrupt)
    title = f"{region} is lost"
    with Drill(
        choice,
        objectives,
        name="region-outage",
        title=title,
        load=load,
        reports=reports,
        display=display_for(),
        max_duration_s=max_duration_s,
    ) as running:
        running.baseline()
        with running.injected(RegionOutage(region)):
            running.until_recovered(rto_s)
    sys.exit(0 if running.verdict is Verdict.HELD else 1)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
