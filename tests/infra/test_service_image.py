"""The service's image holds what the service imports. Nobody builds it here: there is no Docker."""

import ast
import re
import sys
from pathlib import Path

import pytest
from infra.synth import ROOT

pytestmark = pytest.mark.infra

SERVICE = ROOT / "src" / "gameday" / "service"
IMPORTS_OF = {
    "psycopg": {"psycopg", "psycopg_pool"},
    "fastapi": {"fastapi", "pydantic"},
    "boto3": {"boto3", "botocore"},
    "dnspython": {"dns"},
}


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"gameday"}


def test_the_image_installs_what_the_service_imports():
    lines = (ROOT / "infra" / "service" / "requirements.txt").read_text().splitlines()
    installed = [re.split(r"[\[>=]", line)[0] for line in lines if line and not line.startswith("#")]
    there = set().union(*(IMPORTS_OF.get(name, {name}) for name in installed))
    needed = set().union(*(imported(path) for path in SERVICE.rglob("*.py")))
    assert needed <= there


def test_the_image_runs_as_nobody_special_and_starts_the_service():
    lines = (ROOT / "infra" / "service" / "Dockerfile").read_text().splitlines()
    assert "USER service" in lines
    assert lines[-1] == 'CMD ["python", "-m", "gameday.service"]'
