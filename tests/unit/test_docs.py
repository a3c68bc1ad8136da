"""The documents say what the code says: keys, defaults, commands, actions, outputs, files, lines and settings."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from gameday import __version__
from gameday.chaos import actions, experiment, probes, tolerances
from gameday.cli import cli
from gameday.facts import Event, Measurement, Objectives, Plan, Probe, Survivor, Verdict, WalCommit, Write
from gameday.facts.documents import Document, DocumentRead
from gameday.faults import DatabaseLoss, RegionOutage
from gameday.lab.local.postgres import DISCLOSED, HONEST
from gameday.lab.model import REGION_OUTPUTS, SHARED_OUTPUTS
from gameday.lab.timers import ECS_START_S, HEALTH_CHECK_TIMEOUT_S, OBJECT_REPLICATION_S, RDS_PROMOTION_S
from gameday.load.plan import LoadPlan
from gameday.preparing import Intent, LabChoice
from gameday.record.layout import Record
from gameday.record.undo import UndoLine
from gameday.record.walked import WalkLine

ROOT = Path(__file__).parents[2]
GUIDE, RECORD, LAB = (ROOT / "docs" / name for name in ("guide.md", "record.md", "local-lab.md"))
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", GUIDE, RECORD, LAB)
EXAMPLE = ROOT / "reports" / "example"
TOLD_IN_WORDS = {
    "rto_s": "required",
    "rpo_s": "required",
    "drill": "of the title",
    "expected_alarms": "those of the faults",
    "max_duration_s": "4 × RTO × timer scale, at least 1800",
}
# Folders of a machine, and words that only a machine where this is built would know.
OF_A_MACHINE = re.compile(r"/(?:tmp|work|root|home|opt|var)/|@vm\b|pypi", re.IGNORECASE)


def table(page: Path, first: str) -> list[list[str]]:
    """The cells of the rows of the table whose first heading is ``first``, without backticks."""
    lines = page.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().replace("`", "") for cell in line.strip("|").split("|")])
    return rows


def commands(group: click.Group, path: str = "gameday") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}"


def default_of(key: str) -> Any:
    """What the code takes when an experiment leaves ``key`` out."""
    names = experiment.LOAD | {"lab": "name"}
    found = {field.name: field.default for kind in (Objectives, LoadPlan, LabChoice, Intent) for field in fields(kind)}
    return {**found, "name": LabChoice().name}[names.get(key, key)]


def told(value: Any) -> str:
    """A value as the guide writes it: true and false as in JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value in ((), []) else str(value)


def shipped() -> dict[str, str]:
    configuration = json.loads((ROOT / "experiments" / "region-outage.json").read_text())["configuration"]
    return {key: told(value["default"] if isinstance(value, dict) else value) for key, value in configuration.items()}


FAULTS = (RegionOutage("ap-southeast-2"), DatabaseLoss("ap-southeast-2"))


def test_the_guide_has_every_configuration_key_and_no_other():
    assert sorted(row[0] for row in table(GUIDE, "key")) == sorted(experiment.KNOWN)


def test_the_guide_tells_every_default():
    expected = {key: TOLD_IN_WORDS.get(key) or told(default_of(key)) for key in experiment.KNOWN}
    assert {row[0]: row[1] for row in table(GUIDE, "key")} == expected
    assert all(f"`{name}`" in GUIDE.read_text() for fault in FAULTS for name in fault.alarms)


def test_the_guide_tells_what_the_shipped_experiment_says():
    ours = shipped()
    assert {row[0]: row[2] for row in table(GUIDE, "key")} == {key: ours.get(key, "") for key in experiment.KNOWN}


def test_the_guides_example_of_stages_is_read_as_stages():
    example = re.search(r'"load_stages": (\[.*?\])\n', GUIDE.read_text(), re.DOTALL)
    assert example
    asked = experiment.read({"title": "x"}, {"rto_s": 1, "rpo_s": 1, "load_stages": json.loads(example[1])}, {})
    assert [stage.users for stage in asked.intent.load.stages] == [10, 100]


def test_the_guide_names_every_command_and_no_other():
    named = [" ".join(word for word in row[0].split() if word.islower()) for row in table(GUIDE, "command")]
    assert sorted(named) == sorted(commands(cli))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_speaks_of_a_command_that_is_not_there(page: Path):
    known = set(commands(cli)) | {"gameday lab", "gameday runbook"}
    spoken = re.findall(r"`gameday ((?:lab |runbook )?[a-z]+)", page.read_text())
    assert [f"gameday {each}" for each in spoken if f"gameday {each}" not in known] == []


@pytest.mark.parametrize("room", [actions, probes, tolerances], ids=lambda room: room.__name__)
def test_the_guide_names_every_action_probe_and_tolerance(room: Any):
    text = GUIDE.read_text()
    assert [name for name in room.__all__ if f"`{name}(" not in text] == []


def test_the_guide_names_every_output_that_a_lab_needs():
    outputs = GUIDE.read_text().split("### Outputs")[1].split("\n## ")[0]
    assert [name for name in (*SHARED_OUTPUTS, *REGION_OUTPUTS, "AlarmNames") if f"`{name}`" not in outputs] == []


def in_an_account() -> str:
    return GUIDE.read_text().split("## In an account")[1].split("\n## ")[0]


def sources(*rooms: str) -> str:
    return "".join(path.read_text() for room in rooms for path in (ROOT / "src" / "gameday" / room).rglob("*.py"))


def test_the_guide_names_all_that_must_be_tagged_before_an_account_is_touched():
    guarded = re.findall(r'may_break\(.+, "([^"]+)"\)', (ROOT / "src/gameday/faults/acls.py").read_text())
    assert len(guarded) > 1
    words = " ".join(in_an_account().split())
    assert [what for what in guarded if what not in words] == []


def test_while_effects_are_only_inferred_in_an_account_the_guide_says_that_no_drill_there_is_held():
    assert ("{INFERRED}" in sources("faults")) == ("It cannot be HELD" in in_an_account())


def test_while_nobody_reads_the_replay_lsn_the_guide_calls_its_witness_unavailable():
    world = sources("lab", "faults", "recovery", "load") + (ROOT / "src/gameday/drill.py").read_text()
    assert ("REPLAY_LSN" not in world) == ("The WAL witness is unavailable" in in_an_account())


def test_the_record_page_has_the_keys_of_every_line():
    forms = {
        "timeline.ndjson": Event, "writes/*.ndjson": Write, "probes/*.ndjson": Probe, "wal.ndjson": WalCommit,
        "objects.ndjson": Document, "objects-survivors.ndjson": DocumentRead,
        "survivors.ndjson, survivors-before-healing.ndjson": Survivor, "undo.ndjson": UndoLine,
        "runbook.ndjson": WalkLine,
    }  # fmt: skip
    keys = {row[0]: row[1] for row in table(RECORD, "file") if row[0] in forms and len(row) == 2}
    lines = RECORD.read_text().split("## Lines")[1]
    for name, form in forms.items():
        expected = ", ".join(f"`{field.name}`" for field in fields(form))
        assert f"| {expected} |" in lines, (name, keys)


def test_the_record_page_has_every_file_of_a_record():
    record, text = Record(Path("record")), RECORD.read_text()
    files = [
        record.timeline,
        record.undo,
        record.survivors,
        record.objects,
        record.objects_survivors,
        record.wal,
        record.journal,
        record.page,
    ]
    folders = [f"{folder.name}/" for folder in (record.writes, record.probes)]
    names = (
        [path.name for path in files] + folders + ["plan.json", "measurement.json", "manifest.json", "statement.json"]
    )
    assert [name for name in names if f"`{name}" not in text] == []


def test_the_local_lab_discloses_every_setting_of_its_postgresql():
    expected = [[one.name, one.value, one.why] for one in (*HONEST, *DISCLOSED)]
    assert table(LAB, "setting") == expected


def test_the_local_lab_states_its_delays():
    seconds = [float(row[1]) for row in table(LAB, "delay")]
    assert seconds[:4] == [RDS_PROMOTION_S, ECS_START_S, HEALTH_CHECK_TIMEOUT_S, OBJECT_REPLICATION_S]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_readme_sketch_is_the_one_of_the_drill_module():
    from gameday import drill

    sketch = (drill.__doc__ or "").split("\n\n", 1)[1].strip()
    assert sketch in (ROOT / "README.md").read_text()


def test_the_readme_tells_every_verdict():
    rows = [row[0].strip("*") for row in table(ROOT / "README.md", "verdict")]
    assert rows == [verdict.value for verdict in Verdict]


def test_the_readme_shows_a_session_in_its_first_40_lines():
    start = "\n".join((ROOT / "README.md").read_text().splitlines()[:40])
    assert "$ make drill" in start
    assert "s  HELD: the objectives held" in start


def test_the_session_and_the_example_are_one_drill():
    readme = (ROOT / "README.md").read_text()
    measurement = msgspec.json.decode((EXAMPLE / "measurement.json").read_bytes(), type=Measurement)
    plan = msgspec.json.decode((EXAMPLE / "plan.json").read_bytes(), type=Plan)
    assert measurement.verdict is Verdict.HELD
    assert f"{measurement.recovery_point.lost} acknowledged writes are lost" in readme
    assert f"of {measurement.acknowledged:,} acknowledged" in readme
    assert f"Clients were served again {measurement.rta_s:.1f} s after the fault" in readme
    assert f"{plan.drill}/{plan.started_utc[:10]}" in readme


def test_the_changelog_knows_this_version():
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_nothing_that_is_kept_names_a_machine():
    for page in (*PAGES, *EXAMPLE.iterdir()):
        assert OF_A_MACHINE.findall(page.read_text()) == [], page.name


def test_the_picture_is_small():
    assert (ROOT / "docs" / "report.png").stat().st_size < 300_000
