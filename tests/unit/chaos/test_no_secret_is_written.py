"""A whole ``chaos run`` with canaries everywhere: no file that it wrote and no word that it said holds one."""

from pathlib import Path
from typing import Any

import pytest
from test_chaos_run import EXPERIMENT, STUB, Run, activity

from gameday.facts import Kind
from gameday.record.layout import Record
from gameday.record.lines import Damage

CANARIES = {
    "AWS_SECRET_ACCESS_KEY": "canary/aws+secret=1f0c",
    "AWS_SESSION_TOKEN": "canary-session-token-2a7d",
    "CANARY_OF_AN_EXPERIMENT": 'canary "quoted" & 3b9e',
    "CANARY_OF_NO_TELLING_NAME": "canary-random-4c1f",
}
LITERAL, DEFAULT = "canary-literal-5d2a", "canary-default-6e3b"
TOLD = "canary-told-to-a-probe-7b1c"


def experiment_with_secrets() -> dict[str, Any]:
    """Secrets by environment and as they are; an action gets them, repeats them, and another fails with them."""
    asked = {"type": "env", "key": "CANARY_OF_AN_EXPERIMENT"}
    leaking = activity("repeats_its_secrets", STUB)
    leaking["provider"]["secrets"] = ["pager"]
    failing = activity("fails_with_its_secrets", STUB)
    failing["provider"]["secrets"] = ["pager"]
    method = [EXPERIMENT["method"][0], leaking, failing, *EXPERIMENT["method"][1:]]
    configuration = {"db_password": {"type": "env", "key": "NOT_SET", "default": DEFAULT}}
    return {
        **EXPERIMENT,
        "secrets": {"pager": {"key": asked, "pin": LITERAL}},
        "configuration": {**EXPERIMENT["configuration"], **configuration},
        "method": method,
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CANARIES.items():
            patch.setenv(name, value)
        return Run(tmp_path_factory.mktemp("canaries"), experiment_with_secrets(), logs=True)


def stopped_by_a_probe_with_secrets(*, fails: bool) -> dict[str, Any]:
    """A stop condition that gets secrets, has one as it is and one under a telling name, and repeats them all."""
    probe = activity("tells_its_secrets", STUB, "probe", api_token=TOLD, pin=LITERAL, fails=fails)
    probe["provider"]["secrets"] = ["pager"]
    probe["tolerance"] = {"type": "regex", "pattern": "^well"}
    told = experiment_with_secrets()
    told["configuration"]["stop_when"] = [{"probe": probe}]
    return {**told, "method": [activity("break_it", STUB), activity("wait_for_ever", STUB), activity("observe")]}


@pytest.fixture(scope="module", params=[False, True], ids=["breached", "unreadable"])
def stopped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CANARIES.items():
            patch.setenv(name, value)
        experiment = stopped_by_a_probe_with_secrets(fails=request.param)
        return Run(tmp_path_factory.mktemp("stopped"), experiment, logs=True)


def texts_of(run: Run) -> dict[str, str]:
    """Everything that was written but the experiment, which a person wrote; and everything that was said."""
    files = [path for path in run.folder.rglob("*") if path.is_file() and path.name != "experiment.json"]
    return {str(path.relative_to(run.folder)): path.read_text() for path in files} | {"its words": run.words}


def holding(run: Run, secret: str) -> list[str]:
    """Where the secret stands, in whichever form."""
    texts = texts_of(run)
    assert {"journal.json", "chaostoolkit.log", "its words"} <= texts.keys()
    assert len(texts) > 10
    forms = {secret, secret.replace('"', '\\"')}
    return [name for name, text in texts.items() if any(form in text for form in forms)]


def test_the_canaries_were_really_sung(run: Run) -> None:
    record = Record(run.records[0])
    (note,) = [one for one in record.read_events(Damage()) if one.kind is Kind.NOTE and "failed" in one.detail]
    assert "fails_with_its_secrets" in note.detail["failed"]
    assert "[redacted]" in note.detail["failed"]
    outputs = {step["activity"]["name"]: step.get("output") for step in run.journal["run"]}
    assert outputs["repeats_its_secrets"]["told"].count("[redacted]") >= 3


@pytest.mark.parametrize("secret", [*CANARIES.values(), LITERAL, DEFAULT])
def test_no_file_and_no_word_holds_a_canary(run: Run, secret: str) -> None:
    assert holding(run, secret) == []


def test_the_record_of_such_a_run_names_its_secrets_all_the_same(run: Run) -> None:
    experiment = Record(run.records[0]).read_plan().experiment
    assert experiment["secrets"] == {"pager": "[redacted]"}
    assert experiment["configuration"]["db_password"] == {"type": "env", "key": "NOT_SET", "default": "[redacted]"}
    assert Path(run.records[0], "journal.json").exists()


def test_a_probe_that_stopped_the_drill_really_sang_them(stopped: Run) -> None:
    (event,) = [one for one in Record(stopped.records[0]).read_events(Damage()) if one.kind is Kind.STOPPED]
    assert event.detail["seen"].count("[redacted]") >= 4
    assert any("[redacted]" in finding for finding in stopped.journal["gameday"]["findings"])


@pytest.mark.parametrize("secret", [*CANARIES.values(), LITERAL, DEFAULT, TOLD])
def test_a_stop_condition_writes_no_canary_either(stopped: Run, secret: str) -> None:
    assert holding(stopped, secret) == []


def test_the_plan_of_a_stopped_drill_tells_its_condition_without_the_secrets(stopped: Run) -> None:
    plan = Record(stopped.records[0]).read_plan()
    (condition,) = plan.stop_when
    assert condition.elsewhere == plan.experiment["configuration"]["stop_when"][0]["probe"]
    provider = condition.elsewhere["provider"]
    assert (provider["func"], provider["arguments"]["api_token"]) == ("tells_its_secrets", "[redacted]")
    assert provider["arguments"]["pin"] == "[redacted]"
