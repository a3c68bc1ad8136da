"""A failing step names its feature file and line, so that the on-call engineer finds the sentence that is not true; the
tags of our features are known wherever they run."""

from typing import Any

TAGS = (
    "lab: needs a running local lab (real PostgreSQL, real processes); minutes, not seconds",
    "quick: a scenario of a minute at most, at timer scale 0.05; for a build server that has ten minutes",
)


def pytest_configure(config: Any) -> None:
    """pytest's hook: ``@lab`` and ``@quick`` are markers, to choose scenarios by."""
    for tag in TAGS:
        config.addinivalue_line("markers", tag)


def pytest_bdd_step_error(feature: Any, scenario: Any, step: Any, exception: BaseException) -> None:
    """pytest-bdd's hook: adds the place of the sentence to the error."""
    exception.add_note(f"{feature.filename}:{step.line_number}: {step.keyword} {step.name} ({scenario.name})")
