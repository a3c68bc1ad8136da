"""Drill 10 on real parts, after drill 2: the database dies, the standby takes over, the primary takes its place again.

The alarm on the primary's health goes off only when the healed region is fenced, and starts a failover of its own: the
runbook must wait for that one, so this way in is the harder one.
"""

from dataclasses import dataclass

import pytest

from gameday.drill import Drill
from gameday.facts import FAILBACK_PROMOTES, Event, Kind, Measurement, Objectives, Probe, Verdict, Witness, Write
from gameday.faults import DatabaseLoss
from gameday.lab import status
from gameday.lab.status import LabStatus
from gameday.preparing import LabChoice
from gameday.record.layout import Record
from gameday.record.lines import Damage
from gameday.recovery import runbook
from gameday.seen import alarm_raised

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
PRIMARY, STANDBY = "ap-southeast-2", "us-west-2"


@dataclass(frozen=True)
class Returned:
    """A drill that failed back: what it measured, its record, and what the lab looked like at its end."""

    measurement: Measurement
    record: Record
    lab: LabStatus
    snapshots: dict[str, list[str]]

    def events(self, kind: Kind) -> list[Event]:
        return [event for event in self.record.read_events(Damage()) if event.kind is kind]

    def stamp(self, kind: Kind, what: str = "", **detail: str) -> int:
        """The last such event's."""
        return next(
            event.mono_ns
            for event in reversed(self.events(kind))
            if what in event.what and all(event.detail.get(key) == value for key, value in detail.items())
        )

    @property
    def healed_ns(self) -> int:
        return self.stamp(Kind.HEALED)

    @property
    def promotes_ns(self) -> int:
        return self.stamp(Kind.RUNBOOK, FAILBACK_PROMOTES, state="started")


@pytest.fixture(scope="module")
def returned(tmp_path_factory: pytest.TempPathFactory, own_home: object) -> Returned:
    reports = tmp_path_factory.mktemp("failback")
    choice = LabChoice(timer_scale=0.05, port_base=25150)
    with Drill(choice, Objectives(1800, 600), name="failback", reports=reports) as drill:
        drill.baseline()
        drill.inject(DatabaseLoss(PRIMARY))
        drill.until(alarm_raised("gameday-5xx"), 300)
        drill.fail_over()
        drill.until_recovered(1800)
        drill.observe()
        drill.heal()
        drill.run(runbook("failback"))
        drill.observe()
        seen, lab = status.look(drill.lab), drill.lab
        kept = {region: lab.client("rds", region).describe_db_snapshots()["DBSnapshots"] for region in lab.regions}
    names = {region: [one["DBSnapshotIdentifier"] for one in found] for region, found in kept.items()}
    assert drill.measurement is not None
    return Returned(drill.measurement, drill.record, seen, names)


def test_it_held(returned: Returned) -> None:
    assert returned.measurement.verdict is Verdict.HELD, returned.measurement.findings


def test_both_regions_are_as_they_were_before_the_outage(returned: Returned) -> None:
    primary, standby = returned.lab.regions
    assert (primary.database.role, primary.database.status, primary.running) == ("primary", "available", 2)
    assert (standby.database.role, standby.database.status, standby.running) == ("replica", "available", 1)
    assert (returned.lab.dns_region, returned.lab.latched, returned.lab.health_check) == (PRIMARY, False, "healthy")


def test_how_long_it_stood_on_one_leg_is_measured(returned: Returned) -> None:
    back = returned.measurement.reprotection
    assert back is not None
    assert back.since_healing_s is not None
    assert back.reverse_s is not None
    assert back.interruption_s is not None
    assert 0 < back.reverse_s < back.since_healing_s
    assert 0 < back.interruption_s < back.since_healing_s


def test_the_failback_lost_nothing_and_the_outages_loss_is_still_told_by_the_old_primarys_wal(
    returned: Returned,
) -> None:
    back, point = returned.measurement.reprotection, returned.measurement.recovery_point
    assert back is not None
    assert back.lost == 0
    assert (point.wal, point.lost) == (Witness.AGREES, point.wal_lost_xids), point.wal_why


def test_the_old_primary_took_nobodys_write_from_its_healing_to_its_promotion(returned: Returned) -> None:
    """Neither by fresh nor by kept-alive clients, nor by the load; and nothing was committed there."""
    begun, ended = returned.healed_ns, returned.promotes_ns
    probes = [one for one in returned.record.read_probes(Damage()) if begun < one.done_mono_ns < ended]
    acks = [one for one in returned.record.read_writes(Damage()) if one.ev == "acked" and begun < one.mono_ns < ended]
    assert answered_by(probes) == answered_by(acks) == {STANDBY}
    assert {one.client for one in probes if one.good} == {"fresh", "kept"}
    assert returned.measurement.split_brain == 0
    assert returned.measurement.classes["diverged"] == 0


def answered_by(seen: list[Probe] | list[Write]) -> set[str | None]:
    return {one.region for one in seen if getattr(one, "good", True)}


def test_after_it_clients_of_both_kinds_are_served_by_the_primary(returned: Returned) -> None:
    since = returned.stamp(Kind.DNS) + int(5e9)
    late = [one for one in returned.record.read_probes(Damage()) if one.scheduled_mono_ns > since and one.good]
    assert {(one.client, one.region) for one in late} == {("fresh", PRIMARY), ("kept", PRIMARY)}


def test_what_was_deleted_is_kept_as_a_snapshot(returned: Returned) -> None:
    assert any(name.startswith("gameday-primary-20") for name in returned.snapshots[PRIMARY])
    assert any(name.startswith("gameday-replica-20") for name in returned.snapshots[STANDBY])


def test_a_failover_that_the_fence_set_off_was_over_before_the_runbook_changed_anything(returned: Returned) -> None:
    runs = [event for event in returned.events(Kind.EXECUTION) if event.what == "RUNNING"]
    changes = [event.mono_ns for event in returned.events(Kind.RUNBOOK) if event.what == "delete-the-old-primary"]
    assert len(runs) >= 2, "the fence no longer sets off a failover of its own: this test proves less than it says"
    assert max(run.mono_ns for run in runs) < min(changes)
