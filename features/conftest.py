"""The one line that another project needs too, shorter timers, and documents where a scenario is about documents."""

import os
from dataclasses import replace

import pytest

from gameday.load.plan import LoadPlan
from gameday.preparing import LabChoice

pytest_plugins = ["gameday.bdd"]
ABOUT_DOCUMENTS = ("test_half_of_the_documents", "test_the_bucket_is_emptied")


@pytest.fixture
def gameday_load(request: pytest.FixtureRequest) -> LoadPlan:
    """20 users, so that two labs share two cores; and 200 documents where there is something to lose."""
    return LoadPlan(users=20, documents=200 if request.node.name.startswith(ABOUT_DOCUMENTS) else 0)


@pytest.fixture
def gameday_lab(gameday_lab: LabChoice) -> LabChoice:
    """Ours run with timers × 0.05, unless the environment says otherwise: what is tagged @quick takes a minute then."""
    return gameday_lab if os.environ.get("GAMEDAY_TIMER_SCALE") else replace(gameday_lab, timer_scale=0.05)
