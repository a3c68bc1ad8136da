"""The golden files are what the app makes, and the local lab can be deployed from them alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from infra.settings import ContextError, Settings, settings_from
from infra.synth import GOLDEN, ROOT, differences
from template_reading import Template, text

pytestmark = pytest.mark.infra


def test_the_golden_files_are_what_the_app_makes_today(synthesised: Path):
    fresh = {path.name: path.read_text() for path in synthesised.glob("*.json")}
    assert differences(fresh, GOLDEN) == [], "run `python -m infra.synth`, look at the difference, and commit it"


def test_the_comparison_names_what_is_missing_stale_or_left_over(tmp_path: Path):
    (tmp_path / "stale.json").write_text("{}")
    (tmp_path / "left-over.json").write_text("{}")
    told = differences({"stale.json": "[]", "new.json": "{}"}, tmp_path)
    assert told == ["left-over.json is no longer made", "new.json is missing", "stale.json differs"]


def test_every_parameter_is_fed_by_a_stack_that_was_deployed_before_or_has_a_default(
    every_template: dict[str, Template],
):
    seen: dict[tuple[str, str], Template] = {}
    for stack in json.loads((GOLDEN / "stacks.json").read_text())["stacks"]:
        template = every_template[stack["template"]]
        for name, parameter in template.body.get("Parameters", {}).items():
            if feed := stack["parameters"].get(name):
                assert feed["output"] in seen[feed["stack"], feed["region"]].body["Outputs"]
            else:
                assert "Default" in parameter, f"{stack['name']} needs {name} and nobody gives it"
        seen[stack["name"], stack["region"]] = template


def test_what_a_stack_imports_was_exported_before_in_the_same_region(every_template: dict[str, Template]):
    exported: set[tuple[str, str]] = set()
    for stack in json.loads((GOLDEN / "stacks.json").read_text())["stacks"]:
        body, region = every_template[stack["template"]].body, stack["region"]
        missing = {name for name in _imports(body) if (region, name) not in exported}
        assert not missing, f"{stack['name']} in {region} imports {missing}"
        exports = (output.get("Export") for output in body.get("Outputs", {}).values())
        exported |= {(region, text(export["Name"])) for export in exports if export}


def test_there_is_no_lambda_no_custom_resource_no_asset_and_no_metadata(every_template: dict[str, Template]):
    for name, template in every_template.items():
        kinds = {resource["Type"] for resource in template.body["Resources"].values()}
        assert not {kind for kind in kinds if kind.startswith(("Custom::", "AWS::Lambda", "AWS::CDK"))}, name
        assert "AWS::CloudFormation::CustomResource" not in kinds, name
        assert not {"Rules", "Conditions"} & template.body.keys(), name
        assert "BootstrapVersion" not in template.body.get("Parameters", {}), name
        assert "dummy1a" not in json.dumps(template.body), name


def test_no_template_knows_an_account(every_template: dict[str, Template]):
    for name, template in every_template.items():
        assert "123456789012" not in json.dumps(template.body), name
        assert "unknown-account" not in json.dumps(template.body), name


def test_every_template_fits_where_cloudformation_takes_it_without_a_bucket():
    for path in GOLDEN.glob("*.*.json"):
        assert len(json.dumps(json.loads(path.read_text()))) < 51_200, path.name


def test_cfn_lint_finds_nothing(every_template: dict[str, Template]):
    """W3010 is left out: zones are named on purpose, a template without account would have none."""
    files = [str(GOLDEN / name) for name in every_template]
    command = [Path(sys.executable).with_name("cfn-lint"), "--ignore-checks", "W3010", "--", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_cdk_nag_objects_to_nothing_without_a_reason():
    command = [sys.executable, "-m", "infra.nag"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_a_misspelt_context_key_is_refused():
    with pytest.raises(ContextError, match="saw gameday:domian"):
        settings_from({"gameday:domian": "example.com"})


@pytest.mark.parametrize(("key", "value"), [("nat_gateways", "0"), ("nat_gateways", "one"), ("multi_az", "perhaps")])
def test_an_impossible_context_value_is_refused(key: str, value: str):
    with pytest.raises(ContextError, match=f"gameday:{key}"):
        settings_from({f"gameday:{key}": value})


def test_context_that_is_not_ours_is_left_alone():
    assert settings_from({"@aws-cdk/core:whatever": True, "gameday:multi_az": "true"}) == Settings(multi_az=True)


def _imports(value: object) -> set[str]:
    if isinstance(value, dict):
        here = {text(value["Fn::ImportValue"])} if "Fn::ImportValue" in value else set()
        return here.union(*(_imports(part) for part in value.values()))
    return set().union(*(_imports(part) for part in value)) if isinstance(value, list) else set()
