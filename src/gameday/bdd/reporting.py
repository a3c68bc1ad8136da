"""A failing step names its feature file and line, so that the on-call engineer finds the sentence that is not true."""

from typing import Any


def pytest_bdd_step_error(feature: Any, scenario: Any, step: Any, exception: BaseException) -> None:
    """pytest-bdd's hook: adds the place of the sentence to the error."""
    exception.add_note(f"{feature.filename}:{step.line_number}: {step.keyword} {step.name} ({scenario.name})")
