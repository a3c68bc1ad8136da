"""The one line that another project needs too, shorter timers, and documents where a scenario is about documents."""

import os
from dataclasses import replace

import pytest

from gameday.load.plan import LoadPlan
from gameday.preparing import LabChoice

pytest_plugins = ["gameday.bdd"]
ABOUT_DOCUMENTS = ("test_half_of_the_documents", "test_the_bucket_is_emptied")


# What it takes to list, copy and read documents shrinks with no timer: on a slow machine 200 took over a minute.
SCALE, SCALE_OF_DOCUMENTS = 0.05, 0.2


def _is_about_documents(request: pytest.FixtureRequest) -> bool:
    return bool(request.node.name.startswith(ABOUT_DOCUMENTS))


@pytest.fixture
def gameday_load(request: pytest.FixtureRequest) -> LoadPlan:
    """20 users, so that two labs share two cores; and 200 documents where there is something to lose."""
    return LoadPlan(users=20, documents=200 if _is_about_documents(request) else 0)


@pytest.fixture
def gameday_lab(request: pytest.FixtureRequest, gameday_lab: LabChoice) -> LabChoice:
    """Ours run with timers × 0.05, unless the environment says otherwise: what is tagged @quick takes a minute then.
    Scenarios about documents run with timers × 0.2."""
    if os.environ.get("GAMEDAY_TIMER_SCALE"):
        return gameday_lab
    return replace(gameday_lab, timer_scale=SCALE_OF_DOCUMENTS if _is_about_documents(request) else SCALE)
