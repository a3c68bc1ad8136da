"""The main job on real parts: a region is cut off, and everything the report says of it is held against the record."""

import contextlib
import io
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from canaries import PLAIN, Seen, found, planted
from leftovers import all_gone, everything_of_drill

from gameday.errors import LabError
from gameday.facts import Event, Kind, Measurement, Verdict, Witness
from gameday.lab.local import home
from gameday.lab.local.attach import attach
from gameday.lab.model import Lab
from gameday.measure.judge import judge
from gameday.measure.verify import verify
from gameday.processes import ProcessId
from gameday.record.layout import Record
from gameday.record.lines import Damage

pytestmark = [pytest.mark.lab, pytest.mark.alone, pytest.mark.timeout(300)]

PRIMARY, STANDBY = "ap-southeast-2", "us-west-2"


@dataclass(frozen=True)
class Done:
    """A finished drill: what it measured, and the record it measured it from."""

    measurement: Measurement
    record: Record
    report: Path
    processes: list[ProcessId]
    secrets: dict[str, str]
    seen: Seen
    said: str

    def events(self, kind: Kind) -> list[Event]:
        return [event for event in self.record.read_events(Damage()) if event.kind is kind]


README = Path(__file__).parents[2] / "README.md"


class Lurker(threading.Thread):
    """Beside a drill that this process runs: collects its processes, and the database's password while it can."""

    def __init__(self, lab_folders: Path) -> None:
        super().__init__(daemon=True)
        self.processes: set[ProcessId] = set()
        self.password, self.seen, self._lab_folders = "", Seen(), lab_folders
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.5):
            self.processes.update(everything_of_drill())
            self.seen.look(self._lab_folders)
            if not self.password:
                with contextlib.suppress(LabError, ValueError, ClientError, BotoCoreError):  # no lab is up yet
                    (state,) = home.list_labs()
                    self.password = password_of(attach(state.name))


def password_of(lab: Lab) -> str:
    secret = lab.client("secretsmanager", lab.primary).get_secret_value(SecretId="gameday/database/credentials")
    return str(json.loads(secret["SecretString"])["password"])


def sketch() -> str:
    """The README's Python, which is the design's own."""
    (code,) = re.findall(r"```python\n(from gameday import Drill.*?)```", README.read_text(), re.DOTALL)
    return str(code)


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory, own_home: Path) -> Iterator[Done]:
    """The Python sketch of the README, as written, run once for all tests of this file, with canaries around it."""
    scope: dict[str, Any] = {}
    said, lurker, canaries = io.StringIO(), Lurker(own_home / "labs"), planted()
    lurker.start()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.chdir(tmp_path_factory.mktemp("sketch"))
        for name, value in canaries.items():
            patch.setenv(name, value)
        exec(compile(sketch(), "README.md", "exec"), scope)
        drill = scope["drill"]
        record, report = Record(drill.record.folder.resolve()), drill.report.resolve()
    lurker.over.set()
    lurker.join()
    secrets = {**canaries, "the database's password": lurker.password}
    yield Done(drill.measurement, record, report, list(lurker.processes), secrets, lurker.seen, said.getvalue())


def test_the_sketch_prints_its_verdict_and_its_report(outage: Done) -> None:
    verdict, report = outage.said.split()
    assert (verdict, Path(report).name) == ("HELD", "index.html")


def test_the_drill_held_its_objectives(outage: Done) -> None:
    assert outage.measurement.verdict is Verdict.HELD, outage.measurement.findings


def test_clients_could_not_write_for_longer_than_the_configuration_dictates(outage: Done) -> None:
    floor = outage.measurement.floor.floor_s
    assert floor is not None
    assert outage.measurement.rta_s is not None
    assert outage.measurement.rta_s > floor


def test_the_standby_was_promoted_by_the_state_machine_and_nobody_else(outage: Done) -> None:
    entered = [event.what for event in outage.events(Kind.STATE)]
    assert entered.index("LatchDns") < entered.index("PromoteReplica") < entered.index("ScaleStandby")
    assert entered[-2:] == ["NotifySuccess", "Done"]
    roles = [event.detail["role"] for event in outage.events(Kind.DATABASE) if event.region == STANDBY]
    assert (roles[0], roles[-1]) == ("replica", "primary")


def test_dns_changed_its_answer_and_never_went_back(outage: Done) -> None:
    regions = [event.region for event in outage.events(Kind.DNS)]
    assert regions[0] == PRIMARY
    assert regions[-1] == STANDBY
    assert regions.index(STANDBY) > len(regions) - 2 or PRIMARY not in regions[regions.index(STANDBY) :]


def test_the_alarm_fired(outage: Done) -> None:
    (alarm,) = [alarm for alarm in outage.measurement.alarms if alarm.expected]
    assert alarm.fired_at_s is not None


def test_what_the_ledger_lost_is_what_the_wal_says_was_committed_after_the_fork(outage: Done) -> None:
    point = outage.measurement.recovery_point
    assert point.wal is Witness.AGREES, point.wal_why
    assert point.lost == point.wal_lost_xids


def test_the_lag_seen_before_the_fault_is_consistent_with_the_loss(outage: Done) -> None:
    assert outage.measurement.recovery_point.lag is Witness.AGREES, outage.measurement.recovery_point.lag_why


def test_no_row_is_corrupt_doubled_diverged_or_unexpected(outage: Done) -> None:
    classes = outage.measurement.classes
    assert {name: classes[name] for name in ("corrupted", "duplicate", "diverged", "ghost")} == dict.fromkeys(
        ("corrupted", "duplicate", "diverged", "ghost"), 0
    )
    assert outage.measurement.unexpected == 0
    assert outage.measurement.split_brain == 0
    assert classes["kept"] > 100


def test_the_old_primary_was_fenced_before_its_network_came_back(outage: Done) -> None:
    (fenced,) = outage.events(Kind.FENCED)
    (healed,) = outage.events(Kind.HEALED)
    assert fenced.region == PRIMARY
    assert fenced.mono_ns < healed.mono_ns


def test_healing_moved_no_client_back(outage: Done) -> None:
    notes = [event.what for event in outage.events(Kind.NOTE)]
    assert "after healing: no client went back" in notes
    healed = outage.events(Kind.HEALED)[0].mono_ns
    late = [write for write in outage.record.read_writes(Damage()) if write.ev == "acked" and write.mono_ns > healed]
    assert late
    assert {write.region for write in late} == {STANDBY}


def test_judging_the_record_again_gives_the_same_measurement(outage: Done) -> None:
    assert judge(outage.record) == outage.measurement
    assert outage.record.read_measurement() == outage.measurement


def test_the_record_is_whole_and_sealed(outage: Done) -> None:
    folder = outage.record.folder
    manifest = json.loads((folder / "manifest.json").read_text())["files"]
    assert {"plan.json", "timeline.ndjson", "undo.ndjson", "survivors.ndjson", "measurement.json", "index.html"} <= set(
        manifest
    )
    for name, digest in manifest.items():
        with (folder / name).open("rb") as file:
            assert file_digest(file, "sha256").hexdigest() == digest, name


def test_the_record_is_verified_as_evidence(outage: Done) -> None:
    told = verify(outage.record)
    assert told.holds, told.checks
    assert json.loads((outage.record.folder / "statement.json").read_text())["predicate"]["result"] == "PASSED"


def test_no_secret_is_in_the_record(outage: Done) -> None:
    assert all(len(secret) >= 16 for secret in outage.secrets.values())
    files = {str(path): path.read_bytes() for path in outage.record.folder.rglob("*") if path.is_file()}
    assert len(files) > 10
    assert found(outage.secrets, files | {"its words": outage.said.encode()}) == []


def test_no_secret_is_in_what_the_lab_wrote(outage: Done) -> None:
    logs = {str(path): text for path, text in outage.seen.logs.items()}
    assert {"lab.log", "links.log"} <= {path.name for path in outage.seen.logs}
    assert sum(map(len, logs.values())) > 10_000
    assert found(outage.secrets, logs) == []


def test_no_secret_is_in_a_command_line(outage: Done) -> None:
    assert len(outage.seen.commands) > 10
    assert found(outage.secrets, {command: command.encode() for command in outage.seen.commands}) == []


def test_a_process_is_told_a_secret_only_if_it_needs_it(outage: Done) -> None:
    told = {f"{pid} {command}": environment for pid, (command, environment) in outage.seen.environments.items()}
    inherited = {name: value for name, value in outage.secrets.items() if name != PLAIN}
    need_it = [(who, where) for who, where in found(inherited, told) if "gameday.service" not in where]
    assert need_it == []
    assert {who for who, _ in found(inherited, told)} == {"the database's password"}  # of the service's tasks


def test_nothing_of_the_drill_is_left(outage: Done, own_home: Path) -> None:
    assert len(outage.processes) > 10
    all_gone(outage.processes, own_home)
    assert home.list_labs() == ()
