"""What a drill sets out to do: objectives, timers, and the plan with both."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from gameday.facts.bounds import SECONDS_MAX, Count, Factor, Seconds
from gameday.facts.stop import StopCondition


@dataclass(frozen=True, slots=True)
class Objectives:
    """What the business asks for. ``latency_bound_s``: a slower answer is not a good one."""

    rto_s: float
    rpo_s: float
    latency_bound_s: float = 1.0
    availability_min: float = 0.999
    object_recovery_s: float = 600.0  # to have every document again

    def __post_init__(self) -> None:
        from gameday.errors import InputError

        for name, value in asdict(self).items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= SECONDS_MAX:
                raise InputError(f"{name} to be a number of seconds, 0 or more", repr(value), f"correct {name}")
        if self.availability_min > 1:
            raise InputError("availability_min between 0 and 1", repr(self.availability_min), "write 99.9 % as 0.999")


@dataclass(frozen=True, slots=True)
class Timers:
    """Every delay that configuration dictates, already multiplied by ``scale``; in ``plan.json`` and in the floor."""

    scale: Factor
    health_check_interval_s: Seconds
    health_check_threshold: Count
    health_check_timeout_s: Seconds
    dns_ttl_s: Seconds
    alarm_period_s: Seconds
    alarm_periods: Count
    rds_promotion_s: Seconds
    ecs_start_s: Seconds
    asl_wait_s: Mapping[str, Seconds]  # Wait state's name -> seconds
    window_s: Seconds  # W of the RTA's definition


@dataclass(frozen=True, slots=True)
class Plan:
    """What a drill set out to do: the content of ``plan.json``, written before anything else."""

    drill: str
    title: str
    started_utc: str
    boot: str
    who: str
    objectives: Objectives
    timers: Timers
    lab: str  # "local" or "aws"
    lab_name: str
    primary: str
    secondary: str
    expected_alarms: tuple[str, ...]
    outputs: Mapping[str, str]
    versions: Mapping[str, str]
    limits: tuple[str, ...]  # what this lab cannot prove
    load: Mapping[str, float | int | str]  # users and spawn_rate, or stages; workers, writes_per_s, reads_per_s …
    faults: tuple[str, ...]
    stays_reachable: tuple[str, ...] = ()  # what the faults leave reachable
    link_latency_s: Seconds = 0.0  # one way, between the regions
    metric_period_s: Seconds = 60.0  # of the lag metric, scaled
    max_duration_s: Seconds = 0.0  # of the clock on the wall, since the warden watches; then all is taken back
    switches: bool = False  # a planned failover: nothing is broken, its times count from the switch, no loss is allowed
    closes: bool = False  # its last note tells the sum of every judged file: without it a part is gone
    stop_when: tuple[StopCondition, ...] = ()
    experiment: Mapping[str, Any] = field(default_factory=dict)  # the Chaos Toolkit experiment, redacted
