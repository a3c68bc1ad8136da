"""Every shipped experiment, planned on the reference deployment: the control plane's door hears of no change."""

import json
from pathlib import Path

import pytest
from reference_stage import EAST, WEST, reference_stage

from gameday.chaos.planned import DOCUMENTS, planned
from gameday.chaos.reading import experiment_file
from gameday.cli_plan import lines_of
from gameday.errors import GamedayError
from gameday.lab.local.dns import Answer, DnsServer
from gameday.lab.model import Lab
from gameday.lab.rehearsing import READS, PlannedCall

SHIPPED = sorted((Path(__file__).parents[3] / "experiments").glob("*.json"))
PATHS = {path.stem: path for path in SHIPPED}


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with reference_stage(tmp_path_factory.mktemp("planned")) as (ground, aws, outputs):
        host, _, port = ground.resolver.rpartition(":")
        resolver = DnsServer(lambda name, kind: Answer("NXDOMAIN", ()), host, int(port))
        try:
            yield ground, Lab("reference", aws, EAST, WEST, outputs)
        finally:
            resolver.close()


def changes(ground):
    heard = map(json.loads, (ground.folder / "audit.ndjson").read_text().splitlines())
    return [call for call in heard if not call["action"].startswith(READS)]


def plan_of(path, lab):
    file = experiment_file(path)
    documents = file.asks({}).intent.load.documents
    return list(planned(file.tree, *file.loaded({}), lab, documents=documents))


def test_the_door_hears_no_change_while_every_shipped_experiment_is_planned(stage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ground, lab = stage
    before = changes(ground)
    assert before, "the deployment itself was heard"
    told = {path.stem: plan_of(path, lab) for path in SHIPPED}
    assert changes(ground) == before
    assert list(tmp_path.iterdir()) == []
    calls = {
        name: sum(isinstance(line, PlannedCall) for each in plan for line in each.lines) for name, plan in told.items()
    }
    assert calls["no-fault"] == 0
    assert calls["region-outage"] > 8


def test_a_region_outage_is_planned_on_every_subnet_of_the_reference_deployment(stage):
    _, lab = stage
    outage, *_ = plan_of(PATHS["region-outage"], lab)
    operations = [line.operation for line in outage.lines if isinstance(line, PlannedCall)]
    assert operations == [
        "create_experiment_template",
        "start_experiment",
        "create_network_acl",
        *["replace_network_acl_association"] * 6,
    ]
    assert outage.is_known


def depending(plan):
    return {each.name: each.depends for each in plan if each.depends}


def test_nothing_is_refused_but_stopping_the_tasks_of_a_stage_that_runs_none(stage):
    plans = {path.stem: plan_of(path, stage[1]) for path in SHIPPED}
    refused = {name: [each.name for each in plan if each.is_refused] for name, plan in plans.items()}
    assert {name: names for name, names in refused.items() if names} == {"task-loss": ["stop-the-tasks"]}


@pytest.mark.parametrize(
    ("name", "fault"), [("bucket-loss", "empty-the-bucket"), ("object-ransomware", "ransom-the-documents")]
)
def test_a_fault_on_documents_that_are_not_stored_yet_depends_on_them_and_its_runbook_on_it(stage, name, fault):
    plan = plan_of(PATHS[name], stage[1])
    assert depending(plan) == {fault: (DOCUMENTS,), "walk-the-runbook": (fault,)}
    assert not plan[0].is_known
    told = "\n".join(line for each in plan for line in lines_of(each))
    assert f"depends on what is not there yet: {fault}\n" in told
    assert "calls nothing on the lab as it is now" in told


def test_without_documents_of_the_drill_a_fault_on_objects_would_be_refused(stage):
    file = experiment_file(PATHS["bucket-loss"])
    fault, *_ = planned(file.tree, *file.loaded({}), stage[1])
    assert (fault.is_refused, fault.depends) == (True, ())
    with pytest.raises(GamedayError, match="no targets"):
        raise fault.refusal


def test_a_bucket_of_another_name_is_refused_though_the_documents_are_not_stored_yet(stage):
    file = experiment_file(PATHS["bucket-loss"])
    fault, *_ = planned(file.tree, *file.loaded({"bucket": "another"}), stage[1], documents=200)
    assert fault.is_refused
    assert "'another'" in fault.note


def test_a_runbook_after_a_snapshot_says_that_it_was_planned_without_it(stage):
    plan = plan_of(PATHS["snapshot-restore"], stage[1])
    assert depending(plan)["restore-the-database"][0] == "take-a-snapshot-while-orders-are-placed"
