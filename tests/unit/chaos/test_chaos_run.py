"""Experiments in a world of our own, really run with ``chaos run``: what fails must end with exit code 1."""

import json
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

from gameday.facts import Verdict
from gameday.measure.judge import judge
from gameday.measure.verify import verify
from gameday.record.layout import Record

HERE = Path(__file__).parent
CHAOS = Path(sys.executable).with_name("chaos")
STUB = "stub_control"


def activity(func, module="gameday.chaos.actions", kind="action", **arguments):
    provider = {"type": "python", "module": module, "func": func, "arguments": arguments}
    return {"type": kind, "name": func, "provider": provider}


EXPERIMENT = {
    "title": "A stub is lost",
    "description": "In a world of our own.",
    "configuration": {"rto_s": 1800, "rpo_s": 600, "users": 1},
    "controls": [{"name": "drill", "provider": {"type": "python", "module": STUB}}],
    "runtime": {"rollbacks": {"strategy": "always"}},
    "method": [activity("break_it", STUB), activity("until_recovered", within_s=1800), activity("observe")],
    "rollbacks": [activity("heal")],
}


class Run:
    """One finished ``chaos run``: its exit code, its words, its journal, and the records that it left."""

    def __init__(self, folder, experiment, *options, trouble="", logs=False):
        (folder / "experiment.json").write_text(json.dumps(experiment))
        paths = [str(HERE), str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        env = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "STUB_TROUBLE": trouble}
        command = [CHAOS, "--verbose" if logs else "--no-log-file", "run", "experiment.json", *options]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)
        self.folder, self.code, self.words = folder, done.returncode, done.stdout + done.stderr
        path = folder / "journal.json"
        self.journal = json.loads(path.read_text()) if path.exists() else None
        self.records = sorted((folder / "reports").glob("*/*"))

    @property
    def injected(self):
        return any("fault" in (record / "timeline.ndjson").read_text() for record in self.records)


@pytest.fixture
def experiment():
    return deepcopy(EXPERIMENT)


def test_a_drill_that_held_exits_0_and_says_so(tmp_path, experiment):
    run = Run(tmp_path, experiment)
    assert run.code == 0, run.words
    assert run.journal["gameday"]["verdict"] == "HELD"
    assert run.journal["deviated"] is False
    assert "HELD: the objectives held (a-stub-is-lost" in run.words


def test_the_record_holds_the_journal_and_is_sealed_after_it(tmp_path, experiment):
    record = Run(tmp_path, experiment).records[0]
    kept = json.loads((record / "journal.json").read_text())
    assert kept["gameday"]["record"] == f"reports/a-stub-is-lost/{record.name}"
    assert "journal.json" in json.loads((record / "manifest.json").read_text())["files"]


def test_the_record_of_a_chaos_run_is_verified(tmp_path, experiment):
    told = verify(Record(Run(tmp_path, experiment).records[0]))
    assert told.holds, told.checks


def test_the_journals_own_mark_says_the_same_in_the_record(tmp_path, experiment):
    record = Run(tmp_path, experiment).records[0]
    assert json.loads((record / "journal.json").read_text())["deviated"] is False


def test_a_drill_whose_record_cannot_be_completed_exits_1_though_it_was_judged_held(tmp_path, experiment):
    run = Run(tmp_path, experiment, trouble="no room for the journal")
    assert (run.code, run.journal["deviated"]) == (1, True)
    assert run.journal["gameday"]["verdict"] == "HELD"
    assert "could not be judged and sealed; the run counts as deviated" in run.words
    assert not (run.records[0] / "manifest.json").exists()


def test_a_broken_drill_exits_1(tmp_path, experiment):
    experiment["configuration"]["rpo_s"] = 0
    run = Run(tmp_path, experiment, trouble="loses")
    assert (run.code, run.journal["gameday"]["verdict"]) == (1, "BROKEN")
    assert run.journal["deviated"] is True


def test_an_unmet_baseline_breaks_nothing_and_exits_1(tmp_path, experiment):
    run = Run(tmp_path, experiment, trouble="down")
    assert (run.code, run.journal["gameday"]["verdict"]) == (1, "UNKNOWN")
    assert not run.injected
    assert "saw writes: 0 of 100 good" in run.words


def test_a_lab_that_never_comes_up_exits_1_with_its_own_words(tmp_path, experiment):
    run = Run(tmp_path, experiment, trouble="no lab")
    assert run.code == 1
    assert "expected a lab that is ready; saw none. Next: look at its log" in run.words
    assert "Traceback" not in run.words
    assert run.words.count("CRITICAL") == 1  # the rollback has nothing to take back, and says nothing more
    assert (run.journal["gameday"]["verdict"], run.injected) == ("UNKNOWN", False)


def test_unwritable_reports_exit_1_and_leave_nothing(tmp_path, experiment):
    (tmp_path / "file").write_text("")
    experiment["configuration"]["reports"] = "file/reports"
    run = Run(tmp_path, experiment)
    assert run.code == 1
    assert "expected a writable folder file/reports; saw Not a directory" in run.words
    assert "`reports` in the experiment's configuration" in run.words
    assert "Traceback" not in run.words
    assert not [path for path in tmp_path.iterdir() if path.name not in ("file", "experiment.json", "journal.json")]


def test_a_primary_that_is_already_down_before_the_fault_proves_nothing(tmp_path, experiment):
    run = Run(tmp_path, experiment, trouble="primary already unhealthy")
    assert (run.code, run.journal["gameday"]["verdict"]) == (1, "UNKNOWN")
    assert "the primary was already down before the fault" in " ".join(run.journal["gameday"]["findings"])


def test_a_drill_that_acknowledged_nothing_before_the_fault_proves_nothing(tmp_path, experiment):
    run = Run(tmp_path, experiment, trouble="acknowledges nothing")
    assert (run.code, run.journal["gameday"]["verdict"]) == (1, "UNKNOWN")
    assert "no write was acknowledged before the fault" in " ".join(run.journal["gameday"]["findings"])


def test_a_service_that_stops_answering_for_good_ends_in_bounded_time_with_a_whole_record(tmp_path, experiment):
    run = Run(tmp_path, experiment, trouble="never back")
    assert (run.code, run.journal["gameday"]["verdict"]) == (1, "UNKNOWN")
    names = set(json.loads((run.records[0] / "manifest.json").read_text())["files"])
    assert {"plan.json", "timeline.ndjson", "measurement.json", "journal.json", "index.html"} <= names


def test_a_survivor_that_cannot_be_read_back_exits_1_and_is_unknown(tmp_path, experiment):
    run = Run(tmp_path, experiment, trouble="unreadable survivor")
    assert (run.code, run.journal["gameday"]["verdict"]) == (1, "UNKNOWN")
    assert "UNKNOWN: the read-back is incomplete" in " ".join(run.journal["gameday"]["findings"])


def test_a_fault_without_effect_exits_1_and_ends_the_method(tmp_path, experiment):
    experiment["method"][0] = activity("break_it", STUB, fails=True)
    run = Run(tmp_path, experiment)
    assert (run.code, run.journal["gameday"]["verdict"]) == (1, "UNKNOWN")
    assert [step["activity"]["name"] for step in run.journal["run"]] == ["break_it"]


def test_a_judgement_that_crashes_exits_1(tmp_path, experiment):
    run = Run(tmp_path, experiment, trouble="judge crashes")
    assert run.code == 1
    assert "The drill could not be judged" in run.words


def test_a_probe_that_answers_nothing_under_a_range_still_heals(tmp_path, experiment):
    experiment["steady-state-hypothesis"] = {
        "title": "never",
        "probes": [activity("nothing", STUB, "probe") | {"tolerance": {"type": "range", "range": [1, 2]}}],
    }
    run = Run(tmp_path, experiment)
    assert run.code != 0
    assert run.journal is None
    assert '"stopped"' in (run.records[0] / "timeline.ndjson").read_text()


def in_the_background(step):
    return step | {"background": True}


def looked_at_continuously(experiment):
    probe = activity("all_but_the_second_time", STUB, "probe") | {"tolerance": True}
    experiment["steady-state-hypothesis"] = {"title": "it holds", "probes": [probe]}
    experiment["runtime"]["hypothesis"] = {"strategy": "continuously"}


FAILED = {
    "an action of another extension": (
        lambda e: e["method"].insert(0, activity("crash", STUB)), "crash: RuntimeError: an activity that crashes"),
    "an action of ours": (
        lambda e: e["method"].insert(0, activity("hold", seconds="ten")), "hold: ValueError: could not convert"),
    "an action in the background": (
        lambda e: e["method"].insert(0, in_the_background(activity("crash", STUB))), "crash: RuntimeError"),
    "an action that is interrupted in the background": (
        lambda e: e["method"].insert(0, in_the_background(activity("crash", STUB, stops=True))),
        "crash: it was interrupted"),
    "a rollback": (lambda e: e["rollbacks"].append(activity("crash", STUB)), "crash: RuntimeError"),
    "a hypothesis that is looked at continuously": (
        looked_at_continuously, "the hypothesis while the method ran: all_but_the_second_time not met, 1 of 1 times"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAILED)
@pytest.mark.parametrize("fault", [True, False], ids=["with a fault", "without a fault"])
def test_what_failed_without_ending_the_run_exits_1_and_is_unknown_from_the_record_alone(
    what, fault, tmp_path, experiment
):
    fails, words = FAILED[what]
    experiment["method"] = experiment["method"] if fault else [activity("observe")]
    fails(experiment)
    run = Run(tmp_path, experiment)
    assert (run.code, run.journal["status"], run.journal["deviated"]) == (1, "completed", True)
    found = judge(Record.open(run.records[0]))
    assert found.verdict is Verdict.UNKNOWN
    (told,) = [finding for finding in found.findings if finding.what == "the drill was not run as planned"]
    assert words in told.seen


def test_a_hypothesis_that_is_not_met_afterwards_exits_1_and_is_unknown(tmp_path, experiment):
    probe = activity("all_but_the_second_time", STUB, "probe") | {"tolerance": True}
    experiment["steady-state-hypothesis"] = {"title": "it holds", "probes": [probe]}
    run = Run(tmp_path, experiment)
    assert (run.code, run.journal["gameday"]["verdict"]) == (1, "UNKNOWN")
    assert "the hypothesis after the method" in " ".join(run.journal["gameday"]["findings"])


def test_without_the_control_no_action_touches_anything_and_the_run_exits_1(tmp_path, experiment):
    experiment["controls"][0]["provider"]["module"] = "gameday.chaos.controls.dril"
    experiment["method"] = [activity("inject_region_outage", region="ap-southeast-2")]
    run = Run(tmp_path, experiment)
    assert run.code == 1
    assert "the control is missing from the experiment, or could not be imported" in run.words
    assert run.records == []


REFUSED = {
    "an unresolved reference": (
        lambda e: e["method"].insert(0, activity("hold", seconds="${second}")), "${second} at method[0]"),
    "an unresolved reference in the configuration": (
        lambda e: e["configuration"].update(users="${USERS}"), "${USERS} at configuration.users"),
    "a misspelt key": (lambda e: e["configuration"].update(timer_scal=1), "'timer_scal'; did you mean 'timer_scale'?"),
    "a misspelt argument": (
        lambda e: e["method"].append(activity("until_recovered", within=5)), "'within' at method[3]"),
    "a missing argument": (lambda e: e["method"].append(activity("until_recovered")), "no within_s at method[3]"),
    "a misspelt action": (lambda e: e["method"].append(activity("obsrve")), "did you mean 'observe'?"),
    "an objective that is not finite": (lambda e: e["configuration"].update(rto_s="inf"), "rto_s to be a number of"),
    "an objective that is true": (lambda e: e["configuration"].update(rto_s=True), "rto_s to be a number; saw True"),
    "a port range that cannot be": (lambda e: e["configuration"].update(port_base=65533), "saw 65533"),
    "a latency that cannot be": (lambda e: e["configuration"].update(link_latency_s=-1), "saw -1"),
    "a misspelt strategy": (
        lambda e: e["runtime"].update(rolbacks={}), "'rolbacks' at runtime; did you mean 'rollbacks'?"),
    "a misspelt key of an activity": (
        lambda e: e["method"][0].update(backgroud=True), "'backgroud' at method[0]; did you mean 'background'?"),
    "a misspelt section": (lambda e: e.update(rolbacks=[]), "'rolbacks'; did you mean 'rollbacks'?"),
    "a negative objective": (lambda e: e["configuration"].update(rto_s=-1), "rto_s to be a number of seconds"),
    "an objective that is no number": (
        lambda e: e["configuration"].update(rpo_s="ten"), "rpo_s to be a number; saw 'ten'"),
    "a missing objective": (lambda e: e["configuration"].pop("rto_s"), "an objective rto_s"),
    "an unknown region": (
        lambda e: e["method"].insert(0, activity("inject_region_outage", region="ap-southeast-3")),
        "'ap-southeast-3' at method[0].provider.arguments.region; did you mean 'ap-southeast-2'?"),
    "an action of ours in the global region": (
        lambda e: e["method"].insert(0, activity("inject_region_outage", region="us-east-1")),
        "'us-east-1' at method[0].provider.arguments.region"),
    "a probe of ours in the global region, by a reference": (
        lambda e: (e["configuration"].update(where="us-east-1"), e["method"].append(
            activity("database_role", "gameday.chaos.probes", "probe", region="${where}"))),
        "'us-east-1' at method[3].provider.arguments.region"),
    "a timer scale out of range": (lambda e: e["configuration"].update(timer_scale=0), "a timer scale between"),
    "a part of a user": (lambda e: e["configuration"].update(users=50.7), "users to be a whole number; saw 50.7"),
    "users without end": (
        lambda e: e["configuration"].update(users=float("inf")), "users to be a whole number; saw inf"),
    "a part of a port": (
        lambda e: e["configuration"].update(port_base="24800.5"), "port_base to be a whole number; saw '24800.5'"),
    "a load that cannot be": (lambda e: e["configuration"].update(users=-3), "users to be a whole number"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_before_anything_is_made(what, tmp_path, experiment):
    spoil, words = REFUSED[what]
    spoil(experiment)
    run = Run(tmp_path, experiment, "--no-validation")
    assert run.code == 1
    assert words in run.words
    assert run.records == []


def test_another_extensions_action_may_name_the_global_region(tmp_path, experiment):
    experiment["method"].append(activity("elsewhere", STUB, region="us-east-1"))
    assert Run(tmp_path, experiment).code == 0


def test_a_key_of_another_extension_passes(tmp_path, experiment):
    experiment["configuration"]["aws_profile_name"] = "drills"
    assert Run(tmp_path, experiment).code == 0


def test_a_whole_number_may_be_written_with_a_point(tmp_path, experiment):
    experiment["configuration"]["users"] = 2.0
    assert Run(tmp_path, experiment).code == 0


def test_a_misspelt_var_is_refused_instead_of_dropped(tmp_path, experiment):
    experiment["configuration"]["timer_scale"] = 0.1
    run = Run(tmp_path, experiment, "--var", "timer_scal=1")
    assert run.code == 1
    assert "did you mean 'timer_scale'?" in run.words
    assert run.records == []


def test_a_var_is_heeded(tmp_path, experiment):
    experiment["configuration"]["timer_scale"] = 0.1
    run = Run(tmp_path, experiment, "--var", "timer_scale=0.2")
    assert run.journal["gameday"]["timer_scale"] == 0.2


def test_secrets_reach_neither_journal_nor_record(tmp_path, experiment):
    experiment["secrets"] = {"pager": {"key": "hush-hush-4711"}}
    experiment["extensions"] = [{"name": "x", "password": "also-hidden"}]
    experiment["title"] = "A stub is lost, hush-hush-4711"
    experiment["configuration"]["drill"] = "secretive"
    run = Run(tmp_path, experiment)
    assert run.code == 0, run.words
    kept = (tmp_path / "journal.json").read_text() + (run.records[0] / "journal.json").read_text()
    kept += (run.records[0] / "plan.json").read_text()
    assert "also-hidden" not in kept
    assert "hush-hush" not in kept
