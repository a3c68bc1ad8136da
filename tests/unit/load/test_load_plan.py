"""A plan of the load is refused before anything starts when a figure in it cannot be."""

import pytest

from gameday.errors import InputError
from gameday.load.plan import LoadPlan


def test_the_defaults_are_the_drills_twenty_writes_and_twenty_reads_a_second() -> None:
    plan = LoadPlan()
    assert (plan.writes_per_s, plan.reads_per_s, plan.probe_timeout_s) == (20, 20, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("users", -1), ("users", 2.5), ("users", True), ("workers", 1000), ("spawn_rate", 0), ("writes_per_s", 0),
        ("writes_per_s", float("nan")), ("reads_per_s", "20"), ("probe_timeout_s", 0), ("think_s", -1),
        ("kept_alive", 1), ("read_age_s", None),
    ],
)  # fmt: skip
def test_a_figure_that_cannot_be_is_named(name: str, value: object) -> None:
    with pytest.raises(InputError, match=name):
        LoadPlan(**{name: value})  # type: ignore[arg-type]
