"""The one line that another project needs too, and the documents of the scenarios that are about documents."""

import pytest

from gameday.load.plan import LoadPlan

pytest_plugins = ["gameday.bdd"]
ABOUT_DOCUMENTS = ("test_half_of_the_documents", "test_the_bucket_is_emptied")


@pytest.fixture
def gameday_load(request: pytest.FixtureRequest) -> LoadPlan:
    """The load plan's own defaults, and 200 documents where there is something to lose."""
    return LoadPlan(documents=200 if request.node.name.startswith(ABOUT_DOCUMENTS) else 0)
