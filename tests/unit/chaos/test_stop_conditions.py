"""Stop conditions as an experiment writes them: read strictly, and heeded by a real ``chaos run``."""

import json

import pytest
from test_chaos_run import EXPERIMENT, STUB, Run, activity

from gameday.chaos.stop import conditions, door
from gameday.errors import ExperimentError
from gameday.facts import StopCondition

PIN = "canary-of-a-pager-3c5d"
WEATHER = activity("all_but_the_second_time", STUB, "probe") | {"tolerance": True}
GOOD = [
    ({"alarm": "gameday-5xx"}, StopCondition(alarm="gameday-5xx")),
    ({"alarm": "a", "region": "us-east-1"}, StopCondition(alarm="a", region="us-east-1")),
    (
        {"probe": "write_success_rate", "arguments": {"newest": 20}, "at_least": 0.5},
        StopCondition(probe="write_success_rate", arguments={"newest": 20}, at_least=0.5),
    ),
    ({"probe": "health_check", "equals": "healthy"}, StopCondition(probe="health_check", equals="healthy")),
    ({"probe": WEATHER}, StopCondition(elsewhere=WEATHER)),
]


@pytest.mark.parametrize("as_text", [False, True], ids=["a list", "a text of --var"])
def test_every_form_of_a_condition_is_read(as_text):
    listed = [told for told, _ in GOOD]
    seen = conditions({"stop_when": json.dumps(listed) if as_text else listed})
    assert seen == tuple(expected for _, expected in GOOD)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("gameday-5xx", "a list of conditions"),
        (["gameday-5xx"], r"stop_when\[0\] to be a table"),
        ([{"alrm": "a"}], "did you mean 'alarm'"),
        ([{"probe": "write_succes_rate", "at_least": 1}], "did you mean 'write_success_rate'"),
        ([{"probe": "replica_lag_s"}], "bounds"),
        ([{"probe": "replica_lag_s", "at_most": "ten"}], r"Expected `float \| null`, got `str`.*at_most"),
        ([{"probe": "health_check", "equals": True}], "equals"),
        ([{"alarm": 5}], "alarm"),
        ([{"probe": "running_tasks", "at_least": 1}], "missing a required argument: 'region'"),
        ([{"probe": "replica_lag_s", "arguments": {"newst": 1}, "at_most": 1}], "unexpected keyword argument 'newst'"),
        ([{}], "one alarm or one probe"),
        ([{"probe": activity("nothing", STUB, "probe")}], "a probe with a tolerance"),
        ([{"probe": WEATHER, "at_most": 1}], "nothing beside it"),
    ],
)
def test_what_is_no_condition_is_refused(wrong, told):
    with pytest.raises(ExperimentError, match=told):
        conditions({"stop_when": wrong})


def test_a_breach_interrupts_an_action_of_another_extension_plays_the_rollbacks_and_exits_1(tmp_path):
    experiment = EXPERIMENT | {"configuration": {**EXPERIMENT["configuration"], "stop_when": [{"probe": WEATHER}]}}
    experiment["method"] = [activity("break_it", STUB), activity("wait_for_ever", STUB), activity("observe")]
    run = Run(tmp_path, experiment)
    assert (run.code, run.journal["status"]) == (1, "interrupted")
    assert [step["status"] for step in run.journal["rollbacks"]] == ["succeeded"]
    assert run.journal["gameday"]["verdict"] == "UNKNOWN"
    told = " ".join(run.journal["gameday"]["findings"])
    assert "a stop condition no longer held, so it was aborted; saw False" in told
    timeline = (run.records[0] / "timeline.ndjson").read_text()
    assert timeline.index('"kind":"stopped"') < timeline.index('"kind":"healed"')


def test_half_of_a_secret_is_not_told_either_where_an_answer_is_cut():
    long = "x" * 190 + PIN
    probe = activity("quote", "urllib.parse", "probe", string=long) | {"tolerance": "well"}
    sight = door({}, {"pager": {"pin": PIN}}).elsewhere(StopCondition(elsewhere=probe))
    assert PIN[:4] not in sight.seen
    assert not sight.holds


@pytest.mark.parametrize("wrong", ["x" * 190 + PIN, ["x" * 190 + PIN], [{PIN: 1}], [{"probe": PIN}]])
def test_what_is_refused_does_not_tell_a_secret(wrong):
    with pytest.raises(ExperimentError) as told:
        conditions({"stop_when": wrong}, {PIN})
    assert PIN[:4] not in str(told.value)
