"""The experiments that we ship are valid, strictly read, and discoverable."""

import json
from pathlib import Path

import pytest
from chaoslib.configuration import load_configuration
from chaoslib.discovery.package import get_discover_function
from chaoslib.experiment import ensure_experiment_is_valid

import gameday
from gameday.chaos import actions, probes, tolerances
from gameday.chaos.experiment import read
from gameday.facts import Objectives

SHIPPED = sorted((Path(__file__).parents[3] / "experiments").glob("*.json"))


@pytest.fixture(params=SHIPPED, ids=lambda path: path.stem)
def experiment(request):
    return json.loads(request.param.read_text())


def test_chaos_toolkit_finds_it_valid(experiment):
    ensure_experiment_is_valid(experiment)


def test_its_configuration_is_what_a_drill_can_be_made_of(experiment):
    asked = read(experiment, load_configuration(experiment["configuration"]), {})
    assert asked.choice.timer_scale == 0.1
    allowed_loss_s = 0 if "planned-failover" in experiment["tags"] else 600  # a switch on purpose may lose nothing
    allowed_s = 2700 if "snapshot-restore" in experiment["tags"] else 1800  # a restore has 45 minutes
    assert asked.intent.objectives == Objectives(rto_s=allowed_s, rpo_s=allowed_loss_s)


def test_its_rollbacks_are_always_played(experiment):
    assert experiment["runtime"] == {"rollbacks": {"strategy": "always"}}
    assert [step["provider"]["func"] for step in experiment["rollbacks"]] == ["heal"]


@pytest.mark.parametrize("module", [actions, probes, tolerances], ids=lambda module: module.__name__)
def test_every_public_activity_is_discovered_with_its_words(module):
    found = {each["name"]: each for each in get_discover_function(gameday)()["activities"]}
    assert set(module.__all__) <= set(found)
    assert all(found[name]["doc"] for name in module.__all__)
