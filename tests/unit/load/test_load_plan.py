"""A plan of the load is refused before anything starts when a figure in it cannot be."""

import pytest

from gameday.errors import InputError
from gameday.load.plan import LoadPlan, LoadStage, stage_at


def test_the_defaults_are_the_drills_twenty_writes_and_twenty_reads_a_second() -> None:
    plan = LoadPlan()
    assert (plan.writes_per_s, plan.reads_per_s, plan.probe_timeout_s) == (20, 20, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("users", -1), ("users", 2.5), ("users", True), ("workers", 1000), ("spawn_rate", 0), ("writes_per_s", 0),
        ("writes_per_s", float("nan")), ("reads_per_s", "20"), ("probe_timeout_s", 0), ("think_s", -1),
        ("kept_alive", 1), ("read_age_s", None), ("stages", [LoadStage(1, 1, 1)]), ("stages", ({"for_s": 1},)),
        ("stages", (LoadStage(1, 1, 1),) * 1_001),
    ],
)  # fmt: skip
def test_a_figure_that_cannot_be_is_named(name: str, value: object) -> None:
    with pytest.raises(InputError, match=name):
        LoadPlan(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("for_s", 0), ("for_s", -1), ("for_s", "60"), ("for_s", float("inf")), ("for_s", True), ("users", 0),
        ("users", 2.5), ("spawn_rate", 0), ("spawn_rate", float("nan")), ("spawn_rate", None),
    ],
)  # fmt: skip
def test_a_figure_of_a_stage_that_cannot_be_is_named(name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"correct {name} of a stage"):
        LoadStage(**{"for_s": 60, "users": 10, "spawn_rate": 10} | {name: value})  # type: ignore[arg-type]


def test_one_stage_comes_after_the_other_and_the_last_one_is_held() -> None:
    stages = (LoadStage(10, 1, 1), LoadStage(20, 2, 1), LoadStage(5, 3, 1))
    assert [stage_at(stages, at_s).users for at_s in (0, 9.9, 10, 29.9, 30, 35, 10**6)] == [1, 1, 2, 2, 3, 3, 3]


def test_a_stage_that_would_be_over_before_its_users_are_there_is_refused_up_and_down() -> None:
    for stages in (
        (LoadStage(10, 101, 10), LoadStage(10, 101, 10)),
        (LoadStage(10, 100, 10), LoadStage(9, 1, 10), LoadStage(9, 1, 10)),
    ):
        with pytest.raises(InputError, match="to reach its"):
            LoadPlan(stages=stages)


def test_the_last_stage_is_held_so_it_may_take_its_time() -> None:
    assert LoadPlan(stages=(LoadStage(10, 100, 10), LoadStage(1, 1, 1))).stages[-1].users == 1
