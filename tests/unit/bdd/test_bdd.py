"""Features run by pytest-bdd in a world of our own, from a project that knows gameday only by one line."""

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from gameday.bdd.steps import ALARM_RULE
from gameday.preparing import LabChoice

UNIT = Path(__file__).parents[1]
FEATURE = (Path(__file__).parents[3] / "features" / "region_outage.feature").read_text()
CONFTEST = """
import pytest
from stub_world import StubFault, StubLoad, StubWorld
from gameday.facts import Event, Kind

pytest_plugins = ["gameday.bdd"]
EXECUTION = "arn:aws:states:us-west-2:123456789012:execution:gameday-failover:gameday-primary-down-4711"

def pytest_configure(config):
    config.addinivalue_line("markers", "lab: needs a lab")

class World(StubWorld):
    def wal(self, lab):
        return ()

@pytest.fixture
def world():
    return World(answers_after="us-west-2")

@pytest.fixture
def gameday_seams(world):
    return {"world": world, "clock": world.clock}

@pytest.fixture
def gameday_load():
    return StubLoad()

@pytest.fixture
def gameday_reports(tmp_path):
    return tmp_path

@pytest.fixture
def gameday_region_outage(world):
    class Outage(StubFault):
        def inject(self, lab, undo, timeline):
            super().inject(lab, undo, timeline)
            world.clock.sleep(1)
            timeline.add(Kind.HEALTH_CHECK, "unhealthy")
            timeline.add(Kind.ALARM, "ALARM", name="gameday-primary-health")
            timeline.add(Kind.EXECUTION, "RUNNING", arn=EXECUTION)
            timeline.add(Kind.DNS, "127.0.0.1", region="us-west-2")
            timeline.add(Kind.DATABASE, "available", region="us-west-2", role="primary")
            timeline.add(Kind.EXECUTION, "SUCCEEDED", arn=EXECUTION)
    return lambda region: Outage(world, region)
"""
TESTS = "from pytest_bdd import scenarios\n\nscenarios('.')\n"


@pytest.fixture
def tested(tmp_path):
    """Runs another project's own tests, with further variables in its environment."""
    (tmp_path / "conftest.py").write_text(CONFTEST)

    def run(**variables):
        paths = [str(UNIT), *filter(None, [os.environ.get("PYTHONPATH")])]
        env = os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | variables
        command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "."]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.fixture
def project(tested, tmp_path):
    (tmp_path / "test_features.py").write_text(TESTS)

    def run(feature):
        (tmp_path / "outage.feature").write_text(feature)
        return tested()

    return run


def test_our_feature_runs_in_another_project_with_one_line(project):
    done = project(FEATURE)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_a_sentence_that_is_not_true_names_its_file_and_line(project):
    done = project(FEATURE.replace("within 2 minutes", "within 0 minutes"))
    assert done.returncode == 1
    line = FEATURE.splitlines().index("    Then the health check reports it within 2 minutes") + 1
    assert f"outage.feature:{line}: Then the health check reports it within 0 minutes" in done.stdout


@pytest.mark.parametrize(
    ("broken", "fault", "healed"),
    [
        ("the primary region's encryption key is disabled", "gameday_key_unavailable", "the key can be used again"),
        (
            "the primary region's service may no longer read its secret",
            "gameday_secret_unavailable",
            "the secret can be read again",
        ),
    ],
)
def test_a_key_and_a_secret_are_taken_away_and_given_back_by_sentences(project, tmp_path, broken, fault, healed):
    own = CONFTEST.replace("gameday_region_outage", fault)
    (tmp_path / "conftest.py").write_text(own)
    given = f"Given orders are placed and read without errors\n When {broken}\n And {healed}"
    done = project(f"Feature: f\n Scenario: s\n {given}\n Then no client has gone back to it 0 minutes later\n")
    assert done.returncode == 0, done.stdout


def test_a_drill_stops_when_a_sentence_says_so(project):
    stop = "    Given the drill stops when the replica is more than 10 seconds behind\n"
    begins = "    Given orders are placed and read without errors\n"
    assert begins in FEATURE
    done = project(FEATURE.replace(begins, stop + begins))
    assert done.returncode == 1
    assert "expected replica_lag_s at most 10.0; saw it cannot be read" in done.stdout


@pytest.mark.parametrize(
    "sentence", ['the alarm "gameday-5xx" goes off', "fewer than 50 % of orders are accepted"]
)  # fmt: skip
def test_every_sentence_that_stops_a_drill_is_understood(sentence, project):
    done = project(f"Feature: f\n  Scenario: s\n    Given the drill stops when {sentence}\n")
    assert done.returncode == 0, done.stdout


def test_a_failover_that_somebody_started_by_hand_did_not_start_by_itself(project, tmp_path):
    conftest = tmp_path / "conftest.py"
    conftest.write_text(CONFTEST.replace("gameday-primary-down-4711", "by-hand"))
    done = project(FEATURE)
    assert done.returncode == 1
    assert "the failover was not started by the rule gameday-primary-down, but as 'by-hand'" in done.stdout


def test_the_rule_that_starts_a_failover_by_itself_is_called_so_in_the_templates():
    templates = (files("gameday.lab") / "templates" / "orchestration.us-west-2.json").read_text()
    assert f'"Name": "{ALARM_RULE}"' in templates


def test_a_deadline_without_a_fault_is_refused(project):
    done = project("Feature: f\n  Scenario: s\n    Then the failover starts by itself within 5 minutes\n")
    assert "a Then with a deadline follows a When that breaks something" in done.stdout


@pytest.fixture
def lab_of_a_scenario(tested, tmp_path):
    """What a scenario of another project gets as its lab when these variables are set."""
    (tmp_path / "test_lab.py").write_text("def test_it(gameday_lab):\n    raise AssertionError(str(gameday_lab))\n")
    return lambda **variables: tested(**variables).stdout


def test_the_environment_chooses_the_ports_and_the_timers_of_a_scenarios_lab(lab_of_a_scenario):
    told = lab_of_a_scenario(GAMEDAY_PORT_BASE="25000", GAMEDAY_TIMER_SCALE="0.2")
    assert str(LabChoice(timer_scale=0.2, port_base=25000)) in told


def test_without_a_word_of_the_environment_a_scenarios_lab_is_as_any_other(lab_of_a_scenario):
    assert str(LabChoice()) in lab_of_a_scenario(GAMEDAY_PORT_BASE="", GAMEDAY_TIMER_SCALE="")


def test_ports_that_are_no_number_are_refused_by_name(lab_of_a_scenario):
    assert "expected GAMEDAY_PORT_BASE to be a number; saw 'high'" in lab_of_a_scenario(GAMEDAY_PORT_BASE="high")


def test_a_fixture_says_how_long_a_scenarios_drill_may_last(tested, tmp_path):
    declared = "\n@pytest.fixture\ndef gameday_max_duration_s():\n    return 90.0\n"
    (tmp_path / "conftest.py").write_text(CONFTEST + declared)
    (tmp_path / "test_it.py").write_text("def test_it(drill, world):\n    assert world.max_duration_s == 90.0\n")
    done = tested()
    assert done.returncode == 0, done.stdout
