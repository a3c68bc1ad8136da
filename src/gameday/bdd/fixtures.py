"""What a scenario stands on. Override any of these fixtures in a conftest to drill another lab, load or objective."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gameday.drill import Drill
from gameday.errors import InputError
from gameday.facts import Objectives
from gameday.live import Display, Lines
from gameday.load.plan import LoadPlan
from gameday.preparing import LabChoice

if TYPE_CHECKING:
    from gameday.faults.base import Fault


@pytest.fixture
def gameday_lab() -> LabChoice:
    """A lab of the scenario's own: its timers are those of ``GAMEDAY_TIMER_SCALE``, 0.1 by default, and its first port
    is ``GAMEDAY_PORT_BASE``, 24800 by default."""
    usual = LabChoice()
    return LabChoice(
        timer_scale=_given("GAMEDAY_TIMER_SCALE", float, usual.timer_scale),
        port_base=_given("GAMEDAY_PORT_BASE", int, usual.port_base),
    )


@pytest.fixture
def gameday_objectives() -> Objectives:
    """30 minutes to recover, 10 minutes of loss."""
    return Objectives(rto_s=1800, rpo_s=600)


@pytest.fixture
def gameday_load() -> LoadPlan:
    """The load plan's own defaults."""
    return LoadPlan()


@pytest.fixture
def gameday_max_duration_s() -> float | None:
    """After how many seconds a scenario's drill is ended and taken back; None: 4 × RTO × timer scale, at least 1800."""
    return None


@pytest.fixture
def gameday_reports() -> Path:
    """Where records go: ``GAMEDAY_REPORTS``, else ``reports/``."""
    return Path(os.environ.get("GAMEDAY_REPORTS", "reports"))


@pytest.fixture
def gameday_display() -> Display:
    """Plain lines on standard error, which pytest shows beside a failure."""
    return Lines()


@pytest.fixture
def gameday_seams() -> dict[str, Any]:
    """Further arguments of :class:`gameday.drill.Drill`: ``world`` and ``clock``."""
    return {}


@pytest.fixture
def gameday_region_outage() -> "Callable[[str], Fault]":
    """How a region is cut off."""
    from gameday.faults.region_outage import RegionOutage

    return RegionOutage


@pytest.fixture
def gameday_database_loss() -> "Callable[[str], Fault]":
    """How a region's database is lost."""
    from gameday.faults.database_loss import DatabaseLoss

    return DatabaseLoss


@pytest.fixture
def gameday_replica_loss() -> "Callable[[str], Fault]":
    """How a region's replica is lost: in the lab its host dies; in an account RDS deletes it (``Loss.DELETE``)."""
    from functools import partial

    from gameday.faults.replica_loss import Loss, ReplicaLoss

    return partial(ReplicaLoss, how=Loss.KILL)


@pytest.fixture
def gameday_partition() -> "Callable[[str], Fault]":
    """How a region's database is severed from the other region."""
    from gameday.faults.partition import Partition

    return Partition


@pytest.fixture
def gameday_replica_lag() -> "Callable[[str], Fault]":
    """How replication from a region is slowed down."""
    from gameday.faults.replica_lag import ReplicaLag

    return ReplicaLag


@pytest.fixture
def gameday_task_loss() -> "Callable[[str], Fault]":
    """How a region's tasks are lost."""
    from gameday.faults.task_loss import TaskLoss

    return TaskLoss


@pytest.fixture
def gameday_object_ransomware() -> "Callable[..., Fault]":
    """How a share of a region's objects is deleted and overwritten."""
    from gameday.faults.object_ransomware import ObjectRansomware

    return ObjectRansomware


@pytest.fixture
def gameday_bucket_loss() -> "Callable[[str, str], Fault]":
    """How a region's bucket, which must be named, is emptied."""
    from gameday.faults.bucket_loss import BucketLoss

    return BucketLoss


@pytest.fixture
def gameday_key_unavailable() -> "Callable[[str], Fault]":
    """How a region's KMS key is made unusable."""
    from gameday.faults.key_unavailable import KeyUnavailable

    return KeyUnavailable


@pytest.fixture
def gameday_secret_unavailable() -> "Callable[[str], Fault]":
    """How a region's service is denied its database endpoint's secret."""
    from gameday.faults.secret_unavailable import SecretUnavailable

    return SecretUnavailable


@pytest.fixture
def drill(
    request: pytest.FixtureRequest,
    gameday_lab: LabChoice,
    gameday_objectives: Objectives,
    gameday_load: LoadPlan,
    gameday_max_duration_s: float | None,
    gameday_reports: Path,
    gameday_display: Display,
    gameday_seams: dict[str, Any],
) -> Iterator[Drill]:
    """The scenario's drill, prepared; afterwards it is healed, judged and sealed whatever the steps found."""
    title = request.node.name
    running = Drill(
        gameday_lab, gameday_objectives, name=title.removeprefix("test_"), title=title, load=gameday_load,
        reports=gameday_reports, display=gameday_display, max_duration_s=gameday_max_duration_s, **gameday_seams,
    )  # fmt: skip
    try:
        running.prepare()
        yield running
    finally:
        if running.has_record:
            _end(running)


def _end(running: Drill) -> None:
    """A drill that could not even begin is judged as well: its record says why."""
    try:
        running.conclude()
    finally:
        if running.measurement is None:
            running.judge()
        running.seal()


def _given[T: (int, float)](name: str, form: Callable[[str], T], usual: T) -> T:
    """A number of the environment; raises :class:`InputError` when it is none."""
    text = os.environ.get(name)
    try:
        return form(text) if text else usual
    except ValueError as cause:
        raise InputError(f"{name} to be a number", repr(text), "correct it, or leave it out") from cause
