"""``gameday lab up | status | down | logs``: a local lab that outlives a drill."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gameday.lab.model import Lab
    from gameday.lab.status import LabStatus, RegionSeen

DEFAULT_NAME = "lab"
TAKEN_NAMES = ("local", "aws")  # what a drill calls a lab of its own, and an account
LOG_LINES = 40

named = click.option("--name", default=DEFAULT_NAME, show_default=True, help="Which lab.")


@dataclass(frozen=True, slots=True)
class LabView:
    """What ``gameday lab status`` shows; ``--json`` prints exactly this."""

    status: "LabStatus"
    endpoint: str
    service: str
    resolver: str
    timer_scale: float
    processes: dict[str, int]
    trouble: dict[str, str]


@click.group()
def lab() -> None:
    """The local lab: two regions of real parts on this machine, behind AWS's API."""


@lab.command()
@named
@click.option("--timer-scale", default=0.1, show_default=True, help="1 is real time.")
@click.option("--ports", "port_base", default=24800, show_default=True, help="The first of five ports.")
@click.option(
    "--latency", "link_latency_s", default=0.07, show_default=True, help="Between the regions, one way, in s."
)
def up(name: str, timer_scale: float, port_base: int, link_latency_s: float) -> None:
    """Bring a lab up, in the foreground: Ctrl-C ends it, and nothing of it stays."""
    from gameday.errors import InputError
    from gameday.lab.local.lab import LabOptions
    from gameday.lab.local.launch import run_in_foreground
    from gameday.preparing import LabChoice

    if name in TAKEN_NAMES:
        raise InputError("a lab's name that means nothing else", repr(name), "choose another --name")
    LabChoice(name, timer_scale, port_base, link_latency_s)
    options = LabOptions(name, timer_scale, port_base, link_latency_s)
    run_in_foreground(
        options, lambda line: click.echo(f"{line} …", err=True), lambda ready: click.echo(_greeting(ready))
    )


@lab.command()
@named
def down(name: str) -> None:
    """End a lab, or clean up what a killed one left."""
    from gameday.lab.local.launch import stop_lab

    stop_lab(name)
    click.echo(f"lab {name!r} is down; nothing of it is left")


@lab.command()
@named
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(name: str, as_json: bool) -> None:
    """Show regions, roles, lag, tasks, health, alarms, the DNS answer, endpoints and process ids."""
    seen = view_of(name)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(seen), indent=2))
    else:
        click.echo("\n".join(lines_of(seen)))


@lab.command()
@named
@click.argument("part", required=False)
@click.option("-n", "lines", default=LOG_LINES, show_default=True, help="So many lines of the end.")
def logs(name: str, part: str | None, lines: int) -> None:
    """Show the end of the lab's log, or of one PART's; without such a part, name those that there are."""
    from gameday.errors import InputError
    from gameday.lab.local.home import folder_of

    folder = folder_of(name)
    kept = folder / "logs"
    found = {path.stem: path for path in sorted(folder.glob("*.log"))}
    found |= {str(path.relative_to(kept).with_suffix("")): path for path in sorted(kept.rglob("*.log"))}
    wanted = part or "lab"
    if wanted not in found:
        known = ", ".join(found) or f"none; is a lab {name!r} up?"
        raise InputError(f"a log of a part of lab {name!r}", repr(wanted), f"choose from: {known}")
    click.echo("\n".join(_tail(found[wanted], lines)))


def view_of(name: str) -> LabView:
    """Everything about a lab that is up; raises :class:`LabError` when none of that name is."""
    from gameday.lab.local import extras
    from gameday.lab.local.attach import attach
    from gameday.lab.status import look

    found = attach(name)
    return LabView(
        status=look(found),
        endpoint=found.aws.endpoint_url or "",
        service=found.shared("ServiceUrl"),
        resolver=found.shared("Resolver"),
        timer_scale=found.timer_scale,
        processes={part: who.pid for part, who in sorted(extras.processes(found).items())},
        trouble=dict(extras.trouble(found).last),
    )


def lines_of(seen: LabView) -> list[str]:
    """The same for people."""
    now = seen.status
    lag = f"{now.lag.lag_s:.3f} s" if now.lag else "no sample"
    failover = f"{now.execution.status}, {now.execution.state}" if now.execution else "never ran"
    answer = f"{', '.join(now.dns_answer) or 'no answer'} ({now.dns_region or 'nobody that is known'})"
    return [
        f"lab {now.name} is {'ready' if now.is_ready else 'not ready'}, timer scale {seen.timer_scale:g}",
        f"  endpoint      {seen.endpoint}",
        f"  service       {seen.service}",
        f"  resolver      {seen.resolver}",
        *(line for region in now.regions for line in _region_lines(region)),
        f"  health check  {now.health_check}",
        f"  DNS answer    {answer}{', latched to the standby' if now.latched else ''}",
        f"  replica lag   {lag}",
        f"  failover      {failover}",
        *(f"  alarm         {alarm.name} ({alarm.region}): {alarm.state}" for alarm in now.alarms),
        *(f"  trouble       {part}: {said}" for part, said in seen.trouble.items()),
        *(f"  process       {pid:>7}  {part}" for part, pid in seen.processes.items()),
    ]


def _region_lines(seen: "RegionSeen") -> list[str]:
    base = seen.database
    tasks = f"{seen.running} of {seen.desired} running, {seen.targets_healthy} in service"
    return [
        f"  {seen.region}",
        f"    database    {base.id}: {base.role}, {base.status}, {base.endpoint}",
        f"    tasks       {tasks}{''.join(f'; {task.address} {task.status}' for task in seen.tasks)}",
    ]


def _greeting(ready: "Lab") -> str:
    return (
        f"lab {ready.name!r} is up: {ready.shared('ServiceUrl')} by resolver {ready.shared('Resolver')}, "
        f"AWS endpoint {ready.aws.endpoint_url}. Ctrl-C ends it."
    )


def _tail(path: Path, lines: int) -> list[str]:
    return path.read_text(errors="replace").splitlines()[-lines:]
