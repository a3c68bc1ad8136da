"""Features run by pytest-bdd in a world of our own, from a project that knows gameday only by one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[1]
FEATURE = (Path(__file__).parents[3] / "features" / "region_outage.feature").read_text()
CONFTEST = """
import pytest
from stub_world import StubFault, StubLoad, StubWorld
from gameday.facts import Event, Kind

pytest_plugins = ["gameday.bdd"]

def pytest_configure(config):
    config.addinivalue_line("markers", "lab: needs a lab")

@pytest.fixture
def world():
    return StubWorld(answers_after="us-west-2")

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
            timeline.add(Kind.EXECUTION, "RUNNING", arn="x")
            timeline.add(Kind.DNS, "127.0.0.1", region="us-west-2")
            timeline.add(Kind.EXECUTION, "SUCCEEDED", arn="x")
    return lambda region: Outage(world, region)
"""
TESTS = "from pytest_bdd import scenarios\n\nscenarios('.')\n"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_features.py").write_text(TESTS)

    def run(feature):
        (tmp_path / "outage.feature").write_text(feature)
        env = os.environ | {"PYTHONPATH": str(UNIT)}
        command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "."]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)

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


def test_a_deadline_without_a_fault_is_refused(project):
    done = project("Feature: f\n  Scenario: s\n    Then the failover starts by itself within 5 minutes\n")
    assert "a Then with a deadline follows a When that breaks something" in done.stdout
