"""``gameday abort``: a drill in progress heals and ends, and its record says who asked."""

from pathlib import Path

import click

NOTICED_WITHIN_S = 10.0


@click.command()
@click.argument("drill", required=False, metavar="[RECORD|LAB]")
@click.option("--why", default="gameday abort", show_default=True, help="What its record shall say.")
def abort(drill: str | None, why: str) -> None:
    """End a drill in progress: it heals, ends, and its record says who asked. Its verdict is never HELD.

    RECORD is its folder, LAB the lab that it acts on (in an account, the deployment); neither is needed where only one
    is in progress. Exits 0 when the drill has begun to end, 1 when there is none or it did not notice.

    A file at $GAMEDAY_KILL_SWITCH (by default beside the labs' folder) ends every drill in the same way, and lets
    none begin while it is there.
    """
    from gameday.clock import eventually
    from gameday.facts import Event, Kind
    from gameday.preparing import who
    from gameday.record.layout import Record
    from gameday.record.lines import Damage
    from gameday.underway import Request, ask_to_end, the_one

    found = the_one(drill)
    record = Record.open(Path(found.record))
    ask_to_end(found, Request(who(), why))

    def stopped() -> Event | None:
        return next((event for event in record.read_events(Damage()) if event.kind is Kind.STOPPED), None)

    def has_stopped(seen: Event | None) -> bool:
        """to stop"""
        return seen is not None

    what = f"the drill {found.drill} on {found.lab}"
    then = f"it may be ending already: read {record.timeline}"
    event = eventually(stopped, has_stopped, what=what, within_s=NOTICED_WITHIN_S, every_s=0.1, next_step=then)
    told = f": {event.what}" if event else ""
    click.echo(f"{what} (process {found.process.pid}) heals and ends{told}\nrecord {found.record}")
