"""Every shipped experiment, planned on the reference deployment: the control plane's door hears of no change."""

import json
from pathlib import Path

import pytest
from reference_stage import EAST, WEST, reference_stage

from gameday.chaos.planned import planned
from gameday.chaos.reading import experiment_file
from gameday.lab.local.dns import Answer, DnsServer
from gameday.lab.model import Lab
from gameday.lab.rehearsing import READS, PlannedCall

SHIPPED = sorted((Path(__file__).parents[3] / "experiments").glob("*.json"))


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
    return list(planned(file.tree, *file.loaded({}), lab))


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
    outage, *_ = plan_of(SHIPPED[[path.stem for path in SHIPPED].index("region-outage")], lab)
    operations = [line.operation for line in outage.lines if isinstance(line, PlannedCall)]
    assert operations == [
        "create_experiment_template",
        "start_experiment",
        "create_network_acl",
        *["replace_network_acl_association"] * 6,
    ]
    assert outage.is_known
