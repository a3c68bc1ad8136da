"""One outage of each: the lab's own pair by the drill of the lost region, and the peer's; one client, one judgement.

Both get the load and the open-model prober of :class:`LoadPlan`, both lose everything where their primary is, and both
records are judged by :func:`gameday.measure.judge.judge`: the outage is the RTA as it is defined there.
"""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.peer_cluster import NODES, Cluster, running
from gameday import Drill, Objectives
from gameday.clients import Clients
from gameday.clock import NS, SYSTEM, eventually
from gameday.facts import APPROVED, Event, Kind, Measurement
from gameday.faults import DatabaseLoss, RegionOutage
from gameday.faults.database_loss import ERRORS_ALARM
from gameday.lab.local.lab import LabOptions
from gameday.lab.local.launch import launch_lab
from gameday.lab.model import Lab
from gameday.load.plan import LoadPlan
from gameday.load.readback import read_back
from gameday.load.runner import Load, Prober
from gameday.measure.judge import judge
from gameday.measure.moments import happened_ns
from gameday.outside import Outside
from gameday.preparing import Intent, LabChoice, first_plan
from gameday.record.layout import Record
from gameday.record.lines import Damage, LineWriter
from gameday.record.timeline import Timeline
from gameday.seen import alarm_raised
from gameday.survivors import read_finally
from gameday.world import RealWorld

OBJECTIVES = Objectives(rto_s=1800, rpo_s=600)
LOAD = LoadPlan()
RECOVERED_WITHIN_S, BASELINE_WITHIN_S, LOOK_EVERY_S = 90.0, 60.0, 0.02
MARGIN_S = 3.0
DETECTED = "the leader's key has run out"
IsIt = Callable[[Event], bool]


@dataclass(frozen=True, slots=True)
class Outage:
    """What one run measured. ``detection_s``: from the kill to the decision; None where something was not seen."""

    outage_s: float | None
    detection_s: float
    lost: int | None
    acknowledged: int
    floor_s: float | None = None  # ours alone: the peer's record knows no configuration of ours

    @property
    def after_detection_s(self) -> float | None:
        return None if self.outage_s is None else self.outage_s - self.detection_s


class WithoutAwsDelay(RealWorld):
    """The lab with a promotion that takes as long as PostgreSQL's own: RDS's minutes are an assumption about AWS."""

    def lab(self, choice: LabChoice, stack: ExitStack, progress: Callable[[str], None]) -> Lab:
        options = LabOptions(
            f"bench-peer-{choice.port_base}", choice.timer_scale, choice.port_base, choice.link_latency_s,
            rds_promotion_s=0.0, private=True,
        )  # fmt: skip
        launched = launch_lab(options, progress)
        stack.callback(launched.stop)
        return launched.lab


def ours(scale: float) -> Outage:
    """The primary region is cut off; the lab's own alarm starts the state machine: its first state is the decision."""
    return _drilled(scale, _region_lost, lambda event: event.kind is Kind.STATE)


def ours_of_the_database(scale: float) -> Outage:
    """Only the primary database is killed; the failover is asked for by hand, the moment the alarm on errors calls."""
    return _drilled(scale, _database_lost, lambda event: event.kind is Kind.NOTE and event.what == APPROVED)


def _drilled(scale: float, lose: Callable[[Drill], None], is_decision: IsIt) -> Outage:
    """A lab of its own, from its start to its end."""
    with tempfile.TemporaryDirectory() as reports:
        drill = Drill(
            LabChoice(timer_scale=scale), OBJECTIVES, name="peer-ours", load=LOAD, reports=Path(reports),
            world=WithoutAwsDelay(),
        )  # fmt: skip
        with drill:
            drill.baseline()
            lose(drill)
        assert drill.measurement is not None
        return _outage(drill.record, drill.measurement, is_decision)


def _region_lost(drill: Drill) -> None:
    with drill.injected(RegionOutage(drill.lab.primary)):
        drill.until_recovered(within_s=RECOVERED_WITHIN_S)


def _database_lost(drill: Drill) -> None:
    with drill.injected(DatabaseLoss(drill.lab.primary)):
        drill.until(alarm_raised(ERRORS_ALARM), within_s=RECOVERED_WITHIN_S)
        drill.fail_over()
        drill.until_recovered(within_s=RECOVERED_WITHIN_S)


def theirs(scale: float) -> Outage:
    """The peer, its primary's host lost. ``scale`` only makes W, the window of the RTA's definition, the same."""
    with tempfile.TemporaryDirectory(prefix="gd-peer-") as folder, ExitStack() as stack:
        cluster = stack.enter_context(running(Path(folder)))
        intent = Intent("peer-theirs", "The peer's primary is lost", OBJECTIVES, LOAD)
        record = Record.create(Path(folder), intent.name)
        fault = f"the host of node {NODES[0].name} is lost"
        plan = replace(first_plan(intent, LabChoice(timer_scale=scale)), faults=(fault,))
        record.write_plan(plan)
        timeline = Timeline(record)
        stack.callback(timeline.close)
        with ExitStack() as clients:
            _lose(cluster, record, timeline, clients, fault, max(plan.timers.window_s, 200 / LOAD.writes_per_s))
        read_finally(lambda writer, within_s: _survivors(cluster, record, writer, within_s), record, timeline)
        return _outage(record, judge(record), lambda event: event.kind is Kind.NOTE and event.what == DETECTED)


def _lose(cluster: Cluster, record: Record, timeline: Timeline, stack: ExitStack, fault: str, window_s: float) -> None:
    """From the first probe to the end of observation, as a drill does it."""
    door = (cluster.url, cluster.resolver, record)
    clients = Clients(Outside(record.probes, OBJECTIVES.latency_bound_s), timeline, SYSTEM, ())
    clients.add(Kind.PROBER, Prober.start(LOAD, *door), stack)
    clients.add(Kind.LOAD, Load.start(LOAD, *door), stack)
    clients.until(lambda: clients.are_good(0.999, at_least=200, newest=200), "good probes", BASELINE_WITHIN_S)
    lost, left = NODES
    begun = timeline.add(Kind.FAULT, fault, region=lost.region)
    cluster.lose_the_host(lost)
    timeline.add(Kind.FAULT_VERIFIED, fault, region=lost.region)
    eventually(
        lambda: cluster.leader() != lost.name, True, what=DETECTED, within_s=RECOVERED_WITHIN_S, every_s=LOOK_EVERY_S
    )
    timeline.add(Kind.NOTE, DETECTED, region=left.region)
    recovered = 20
    clients.until(
        lambda: clients.are_good(0.99, at_least=recovered, newest=recovered, since_ns=begun.mono_ns),
        "good probes again", RECOVERED_WITHIN_S,
    )  # fmt: skip
    clients.hold(window_s + MARGIN_S)
    timeline.add(Kind.OBSERVATION_END, "looked at until here", window_s=window_s)


def _survivors(cluster: Cluster, record: Record, writer: LineWriter, within_s: float) -> int:
    return read_back(cluster.url, cluster.resolver, writer, within_s=within_s, run=record.folder.name)


def _outage(record: Record, measured: Measurement, is_decision: IsIt) -> Outage:
    events = list(record.read_events(Damage()))
    (fault, *_), (decided, *_) = (
        [event for event in events if is_it(event)] for is_it in (lambda event: event.kind is Kind.FAULT, is_decision)
    )
    return Outage(
        measured.rta_s, (happened_ns(decided) - happened_ns(fault)) / NS, measured.recovery_point.lost,
        measured.acknowledged, measured.floor.floor_s,
    )  # fmt: skip
