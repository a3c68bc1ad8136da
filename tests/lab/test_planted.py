"""Planted truths on real parts: the tool must find exactly what was planted, and nothing when nothing was."""

import json
from pathlib import Path

import psycopg
import pytest

from gameday import Drill, Objectives, Verdict
from gameday.facts import Settlement
from gameday.lab.local.attach import living
from gameday.lab.local.ground import Addresses, Ports
from gameday.lab.model import Lab
from gameday.record.layout import Record
from gameday.record.lines import Damage, LineWriter
from gameday.world import RealWorld

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]


class Thief(RealWorld):
    """Deletes some acknowledged rows from the database just before the survivors are read back for the last time."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.stolen: list[str] = []
        self.records: Path | None = None

    def read_back(self, lab: Lab, record: Record, writer: LineWriter, within_s: float) -> int:
        if not self.stolen:
            acked = [one.id for one in record.read_writes(Damage()) if one.ev == Settlement.ACKED.value]
            self.stolen = sorted(set(acked))[: self.rows]
            with connect(lab) as connection:
                connection.execute("delete from orders where id = any(%s)", (self.stolen,))
        return super().read_back(lab, record, writer, within_s)


def connect(lab: Lab) -> "psycopg.Connection[tuple[int]]":
    state = living(lab.name)
    secret = lab.client("secretsmanager", lab.primary).get_secret_value(SecretId="gameday/database/credentials")
    login = json.loads(secret["SecretString"])
    return psycopg.connect(
        host=Addresses(state.slot).postgres(lab.primary), port=Ports(state.port_base).database, dbname="app",
        user=login["username"], password=login["password"], autocommit=True,
    )  # fmt: skip


def test_without_a_fault_nothing_is_lost_and_nobody_waited(tmp_path: Path) -> None:
    with Drill(objectives=Objectives(rto_s=1800, rpo_s=600), reports=tmp_path) as drill:
        drill.baseline()
        drill.observe()
    assert drill.measurement is not None
    assert drill.measurement.rta_s == 0
    assert drill.measurement.recovery_point.rpa_s == 0
    assert drill.measurement.recovery_point.lost == 0
    assert drill.verdict is Verdict.HELD, drill.measurement.findings


def test_rows_deleted_from_the_survivor_are_exactly_the_lost_ones(tmp_path: Path) -> None:
    thief = Thief(7)
    with Drill(objectives=Objectives(rto_s=1800, rpo_s=600), reports=tmp_path, world=thief) as drill:
        drill.baseline()
        drill.observe()
    assert drill.measurement is not None
    assert drill.measurement.recovery_point.lost == 7
    assert sorted(drill.measurement.recovery_point.lost_ids) == thief.stolen
    assert drill.verdict is Verdict.BROKEN
