"""The in-toto statement of a drill, field by field as the two specifications have them."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from records import DrillBuilder, good_drill

from gameday.facts import Finding, Objectives, Verdict
from gameday.measure.judge import judge
from gameday.record.layout import Record

NO_LOSS = Objectives(rto_s=30.0, rpo_s=0.0)


def sealed(drill: DrillBuilder, reports: Path) -> Record:
    record = drill.planned(outputs={"ServiceUrl": "http://app.example"}).record(reports)
    record.write_measurement(judge(record))
    record.seal()
    return record


def stated(record: Record) -> dict:
    return json.loads((record.folder / "statement.json").read_text())


def digest_of(record: Record, name: str) -> dict[str, str]:
    return {"sha256": sha256((record.folder / name).read_bytes()).hexdigest()}


def test_it_is_a_statement_with_a_test_result(tmp_path: Path) -> None:
    told = stated(sealed(good_drill(), tmp_path))
    assert (told["_type"], told["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://in-toto.io/attestation/test-result/v0.1",
    )
    assert sorted(told["predicate"]) == [
        "configuration", "failedTests", "passedTests", "result", "url", "warnedTests",
    ]  # fmt: skip


def test_its_subjects_are_the_manifest_and_the_deployment_under_test(tmp_path: Path) -> None:
    record = sealed(good_drill(), tmp_path)
    manifest, deployment = stated(record)["subject"]
    assert manifest == {
        "name": "manifest.json",
        "digest": digest_of(record, "manifest.json"),
        "annotations": {
            "drill": "region-outage", "started_utc": "1970-01-01T00:01:30.000000Z", "verdict": judge(record).verdict,
        },
    }  # fmt: skip
    assert deployment == {
        "name": "outputs of plan.json",
        "digest": {"sha256": sha256(b'{"ServiceUrl":"http://app.example"}').hexdigest()},
        "annotations": {"lab": "local", "lab_name": "test", "primary": "ap-southeast-2", "secondary": "us-west-2"},
    }


def test_where_no_lab_came_up_nothing_was_under_test(tmp_path: Path) -> None:
    record = good_drill().record(tmp_path)
    record.write_measurement(judge(record))
    record.seal()
    assert [one["name"] for one in stated(record)["subject"]] == ["manifest.json"]


def test_its_configuration_is_the_plan_and_its_url_the_report_beside_it(tmp_path: Path) -> None:
    record = sealed(good_drill(), tmp_path)
    predicate = stated(record)["predicate"]
    assert predicate["configuration"] == [{"name": "plan.json", "digest": digest_of(record, "plan.json")}]
    assert predicate["url"] == "index.html"


def test_manifest_and_statement_make_no_circle(tmp_path: Path) -> None:
    record = sealed(good_drill(), tmp_path)
    files = json.loads((record.folder / "manifest.json").read_text())["files"]
    assert not {"manifest.json", "statement.json"} & files.keys()


def test_held_is_passed(tmp_path: Path) -> None:
    predicate = stated(sealed(good_drill().planned(expected_alarms=()), tmp_path))["predicate"]
    assert predicate["result"] == "PASSED"
    assert {"recovery_time_objective", "recovery_point_objective"} <= set(predicate["passedTests"])
    assert (predicate["warnedTests"], predicate["failedTests"]) == ([], [])


def test_held_with_a_silent_alarm_is_passed_with_a_warning(tmp_path: Path) -> None:
    drill = good_drill().planned(expected_alarms=("gameday-nobody",))
    predicate = stated(sealed(drill, tmp_path))["predicate"]
    assert (predicate["result"], predicate["warnedTests"]) == ("WARNED", ["silent_alarms"])
    assert "silent_alarms" not in predicate["passedTests"]


def test_broken_is_failed_and_names_the_rule(tmp_path: Path) -> None:
    predicate = stated(sealed(good_drill().planned(objectives=NO_LOSS), tmp_path))["predicate"]
    assert (predicate["result"], predicate["failedTests"]) == ("FAILED", ["recovery_point_objective"])
    assert "recovery_point_objective" not in predicate["passedTests"]


def test_unknown_is_failed_too_and_its_verdict_is_told(tmp_path: Path) -> None:
    drill = good_drill()
    drill.complete = False
    told = stated(sealed(drill, tmp_path))
    assert told["predicate"]["result"] == "FAILED"
    assert "incomplete_read_back" in told["predicate"]["failedTests"]
    assert told["subject"][0]["annotations"]["verdict"] == "UNKNOWN"


def test_a_measurement_of_before_rules_had_names_is_told_by_its_sentences(tmp_path: Path) -> None:
    record = good_drill().record(tmp_path)
    old = (Finding(Verdict.HELD, "what was lost lies within the RPO", "", ""),)
    record.write_measurement(replace(judge(record), verdict=Verdict.HELD, findings=old))
    record.seal()
    assert stated(record)["predicate"]["passedTests"] == ["what was lost lies within the RPO"]


@pytest.mark.parametrize("name", ["silent_alarms", "failed_before"])
def test_a_remark_is_a_rule_of_the_verdict(name: str) -> None:
    from gameday.facts import REMARKS
    from gameday.measure.verdict import RULES

    assert name in REMARKS
    assert name in {rule.__name__ for rule in RULES}
