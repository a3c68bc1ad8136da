"""Reading the synthesised templates. The golden files are read; one test synthesises them afresh and compares."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from template_reading import Template

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # infra/ is not part of the installed package: it is deployed, not imported by drills

GOLDEN = ROOT / "src" / "gameday" / "lab" / "templates"


@pytest.fixture(scope="session")
def template() -> Callable[[str, str], Template]:
    """``template("data", "us-west-2")`` is that stack's golden template."""
    return lambda part, region: Template(json.loads((GOLDEN / f"{part}.{region}.json").read_text()))


@pytest.fixture(scope="session")
def every_template() -> dict[str, Template]:
    """All of them, by file name."""
    return {path.name: Template(json.loads(path.read_text())) for path in sorted(GOLDEN.glob("*.*.json"))}


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with freshly made files. jsii runs in a process of its own: its warnings are not ours to fix."""
    folder = tmp_path_factory.mktemp("synthesised")
    done = subprocess.run(
        [sys.executable, "-m", "infra.synth", "--out", str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return folder
