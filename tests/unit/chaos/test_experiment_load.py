"""What an experiment's configuration says of the load, read strictly."""

import pytest

from gameday.chaos.experiment import read
from gameday.errors import ExperimentError, InputError
from gameday.load.plan import LoadPlan, LoadStage
from gameday.preparing import first_plan

FIRST = {"for_s": 60, "users": 10, "spawn_rate": 10}
SECOND = {"for_s": 30.5, "users": 40, "spawn_rate": 2}


def asked(**configuration):
    return read({"title": "x", "method": []}, {"rto_s": 1, "rpo_s": 1, **configuration}, {})


def load(**configuration) -> LoadPlan:
    return asked(**configuration).intent.load


def test_stages_are_the_shape_of_the_load():
    assert load(load_stages=[FIRST, SECOND]).stages == (LoadStage(60, 10, 10), LoadStage(30.5, 40, 2))


def test_a_var_gives_the_stages_as_text():
    assert load(load_stages='[{"for_s": 60, "users": 10, "spawn_rate": 10}]').stages == (LoadStage(60, 10, 10),)


def test_without_stages_there_is_no_shape():
    assert load().stages == ()


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ("10 users", "load_stages to be a list of stages; saw '10 users'"),
        ('{"for_s": 60}', "load_stages to be a list of stages"),
        (FIRST, "load_stages to be a list of stages"),
        ([10], r"load_stages\[0\] to have for_s, users, spawn_rate; saw 10"),
        ([{"for_s": 60, "users": 10}], r"load_stages\[0\] to have for_s, users, spawn_rate"),
        ([FIRST, FIRST | {"spawnrate": 1}], r"'spawnrate'; did you mean 'spawn_rate'\?"),
        ([{"for_ss": 60, "users": 10, "spawn_rate": 1}], r"'for_ss'; did you mean 'for_s'\?"),
        ([FIRST | {"users": "10"}], r"load_stages\[0\]: users to be a whole number from 1 to 100000; saw '10'"),
        ([FIRST, FIRST | {"users": 2.5}], r"load_stages\[1\]: users to be a whole number"),
        ([FIRST | {"for_s": True}], r"load_stages\[0\]: for_s to be a number"),
        ([FIRST | {"spawn_rate": None}], r"load_stages\[0\]: spawn_rate to be a number"),
    ],
)
def test_a_stage_that_is_misspelt_or_of_another_type_is_refused(stages, words):
    with pytest.raises(ExperimentError, match=words):
        load(load_stages=stages)


def test_a_stage_that_cannot_reach_its_users_is_refused():
    with pytest.raises(InputError, match="stage 1 of the load to reach its 100 users within its 5 s; saw 10 s"):
        load(load_stages=[{"for_s": 5, "users": 100, "spawn_rate": 10}, FIRST])


def test_the_plan_tells_the_stages_and_not_the_users_that_they_replace():
    wanted = asked(load_stages=[FIRST, SECOND, FIRST | {"users": 1}], users=7, load_workers=2)
    told = first_plan(wanted.intent, wanted.choice).load
    assert told["stages"] == (
        "10 users for 60 s (at 10/s), 40 users for 30.5 s (at 2/s), 1 user for 60 s (at 10/s), held to the end"
    )
    assert told["workers"] == 2
    assert not {"users", "spawn_rate"} & set(told)


def test_a_plan_without_stages_tells_its_users():
    wanted = asked(users=7)
    told = first_plan(wanted.intent, wanted.choice).load
    assert told["users"] == 7
    assert "stages" not in told


def test_reads_may_be_of_another_age_and_kept_connections_left_alone():
    plan = load(read_age_s=5, kept_alive=False)
    assert (plan.read_age_s, plan.kept_alive) == (5, False)


@pytest.mark.parametrize(("text", "meant"), [("true", True), ("False", False)])
def test_a_var_says_true_or_false_in_words(text, meant):
    assert load(kept_alive=text).kept_alive is meant


@pytest.mark.parametrize("value", [1, "yes", None, []])
def test_what_is_neither_true_nor_false_is_refused(value):
    with pytest.raises(ExperimentError, match="kept_alive to be true or false"):
        load(kept_alive=value)


def test_an_experiment_says_how_long_its_drill_may_last():
    assert asked(max_duration_s="90").intent.max_duration_s == 90.0
    assert asked().intent.max_duration_s is None
    with pytest.raises(ExperimentError, match=r"'max_duration'; did you mean 'max_duration_s'\?"):
        asked(max_duration=90)
