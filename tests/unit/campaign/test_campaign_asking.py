"""A wish that cannot be is refused before the first drill, in three parts, and nothing is created."""

import shutil
from collections import namedtuple

import pytest

from gameday.campaign.asking import campaign_again, campaign_of, chaos_command, combinations
from gameday.errors import InputError, RecordError

Usage = namedtuple("Usage", "total used free")


def refused(stage, **changes):
    with pytest.raises(InputError) as told:
        campaign_of(stage.wish(**changes))
    assert not stage.reports.exists()
    return f"{told.value.expected} | {told.value.seen} | {told.value.next_step}"


def test_every_combination_of_what_is_varied():
    assert combinations(["a=1,2", 'b=x,"y,z"']) == (
        {"a": "1", "b": "x"}, {"a": "1", "b": "y,z"}, {"a": "2", "b": "x"}, {"a": "2", "b": "y,z"},
    )  # fmt: skip
    assert combinations([]) == ({},)


def test_a_wish_becomes_a_plan(stage):
    campaign = campaign_of(stage.wish(3, vary=("users=10,20",), fixed=("timer_scale=0.05",)))
    plan = campaign.plan
    assert (plan.name, plan.times, plan.drills, plan.title) == ("stub", 3, 6, "A stub is lost")
    assert campaign.given(1) == {"timer_scale": "0.05", "reports": str(stage.reports), "users": "20"}
    assert (campaign.drills, campaign.reports) == (("stub", "stub"), stage.reports)
    assert plan.objectives.rto_s == 1800
    assert plan.limits


def test_a_varied_drill_has_a_folder_of_records_for_each_name(stage):
    assert campaign_of(stage.wish(vary=("drill=one,two",))).drills == ("one", "two")


def test_records_go_where_the_experiment_says_and_no_variable_of_the_shell_moves_them(stage, monkeypatch):
    stage.changed(reports={"type": "env", "key": "GAMEDAY_REPORTS", "default": "elsewhere"})
    campaign = campaign_of(stage.wish(reports=None))
    assert campaign.plan.fixed == {"reports": "elsewhere"}
    monkeypatch.setenv("GAMEDAY_REPORTS", "moved")
    assert campaign_again(campaign.plan, campaign.reports).given(0) == {"reports": "elsewhere"}


def test_a_campaign_keeps_the_timer_scale_that_the_shell_gave_it(stage, monkeypatch):
    stage.changed(timer_scale={"type": "env", "key": "GAMEDAY_TIMER_SCALE", "env_var_type": "float", "default": 0.1})
    monkeypatch.setenv("GAMEDAY_TIMER_SCALE", "0.05")
    assert campaign_of(stage.wish()).plan.fixed["timer_scale"] == "0.05"
    assert "timer_scale" not in campaign_of(stage.wish(vary=("timer_scale=0.1,0.2",))).plan.fixed
    assert campaign_of(stage.wish(fixed=("timer_scale=0.3",))).plan.fixed["timer_scale"] == "0.3"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"times": 0}, "at least 1 drill"),
        ({"times": -3}, "-3"),
        ({"vary": ("user=10,20",)}, "did you mean 'users'?"),
        ({"vary": ("colour=red",)}, "'colour'"),
        ({"vary": ("users",)}, "a key and its values"),
        ({"vary": ("=1,2",)}, "a key and its values"),
        ({"vary": ("users=",)}, "a key and its values"),
        ({"vary": ("users=1,,2",)}, "a key and its values"),
        ({"vary": ("users=1,1",)}, "each value once"),
        ({"vary": ("users=1,2", "users=3")}, "each key varied once"),
        ({"vary": ("reports=a,b",)}, "use --reports"),
        ({"vary": ("users=1,2",), "fixed": ("users=3",)}, "both --vary and --var"),
        ({"vary": ("users=10,many",)}, "'many'"),
        ({"vary": ("timer_scale=0.1,0",)}, "a timer scale between"),
        ({"vary": ("rto_s=-1",)}, "rto_s"),
        ({"vary": ("drill=a/b",)}, "a drill's name that can be a folder"),
        ({"fixed": ("users",)}, "write --var KEY=VALUE"),
        ({"fixed": ("users=1", "users=2")}, "each key once"),
        ({"fixed": ("typo=1",)}, "'typo'"),
    ],
)
def test_what_cannot_be_is_refused(stage, changes, told):
    assert told in refused(stage, **changes)


def test_an_experiment_that_is_not_there_is_refused(stage):
    stage.experiment.unlink()
    assert "no such file" in refused(stage)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"words"', '{"title": "x", "method": 7}'])
def test_an_experiment_that_chaos_toolkit_would_not_take_is_refused(stage, text):
    stage.experiment.write_text(text)
    assert "an experiment that Chaos Toolkit takes" in refused(stage)


def test_an_experiment_with_a_misspelt_key_is_refused(stage):
    stage.changed(rto_sec=3)
    assert "rto_sec" in refused(stage)


def test_an_unset_variable_is_refused(stage):
    stage.changed(users={"type": "env", "key": "STUB_USERS_UNSET"})
    assert "STUB_USERS_UNSET" in refused(stage)


def test_reports_cannot_be_moved_where_the_experiment_has_no_such_key(stage):
    text = stage.experiment.read_text().replace('"reports": "reports", ', "")
    stage.experiment.write_text(text)
    assert "add reports" in refused(stage)


@pytest.mark.parametrize(
    "changes",
    [
        {"fixed": ("pager_token=canary-9d3e",)},
        {"vary": ("pager_token=1,2",)},
        {"fixed": ("colour=canary-of-the-shell-4b",)},
        {"vary": ("colour=red,canary-of-the-shell-4b",)},
    ],
    ids=["a telling name", "a telling name varied", "a secret's value", "a secret's value varied"],
)
def test_a_secret_is_refused_where_it_would_be_written_down(stage, changes, monkeypatch):
    monkeypatch.setenv("STUB_PAGER_TOKEN", "canary-of-the-shell-4b")
    stage.changed(pager_token={"type": "env", "key": "STUB_PAGER_TOKEN"}, colour="green")
    assert campaign_of(stage.wish(fixed=("colour=blue",)))
    told = refused(stage, **changes)
    assert "which are written down" in told
    assert "canary" not in told


def test_a_lab_that_is_up_is_refused_unless_it_is_said(stage):
    stage.changed(lab="mine")
    assert "lab: mine" in refused(stage)
    assert campaign_of(stage.wish(attached=True)).plan.attached


def test_one_variation_on_a_lab_that_is_up_is_enough_to_refuse(stage):
    assert "lab: mine" in refused(stage, vary=("lab=local,mine",))


def test_a_disk_without_room_for_all_records_is_refused(stage, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 100 << 20))
    assert campaign_of(stage.wish(8))
    with pytest.raises(RecordError, match=r"112 MiB free for the records of 10 drills.*saw 100\.0 MiB"):
        campaign_of(stage.wish(10))


def test_a_campaign_is_resumed_only_as_the_same(stage):
    campaign = campaign_of(stage.wish(2))
    assert campaign_again(campaign.plan, stage.reports) == campaign
    with pytest.raises(InputError, match="they would go to"):
        campaign_again(campaign.plan, stage.folder / "elsewhere")
    stage.changed(users=51)
    with pytest.raises(InputError, match="as it was when the campaign began"):
        campaign_again(campaign.plan, stage.reports)


def test_the_chaos_that_is_run_belongs_to_this_python():
    assert chaos_command()[0].endswith("/chaos")
