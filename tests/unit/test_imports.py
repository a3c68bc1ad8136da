"""The contracts between the rooms (pyproject.toml) hold, and importing the package costs nothing."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
# A file, a line that must not stand in it, and the contract that says so.
PLANTED = (
    ("src/gameday/measure/rto.py", "import boto3", "the judging wing never touches the world"),
    ("src/gameday/load/plan.py", "import gameday.measure.rto", "the world never judges"),
    ("src/gameday/survivors.py", "import chaoslib", "only chaos speaks Chaos Toolkit"),
    ("src/gameday/service/app.py", "import gameday.survivors", "the service stands alone"),
    ("infra/synth.py", "import gameday.facts", "infra and gameday import nothing of each other"),
    ("src/gameday/forgotten.py", "", "the rooms, one above the other"),
)


def lint(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    env = os.environ | {"PYTHONPATH": str(folder / "src")}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_every_contract_between_the_rooms_is_kept():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_line_that_a_contract_forbids_breaks_it_in_whatever_module_it_stands(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for part in ("src", "infra"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__", "templates"))
    for path, line, _ in PLANTED:
        with (tmp_path / path).open("a") as file:
            file.write(f"\n{line}\n")
    told = lint(tmp_path).stdout
    assert [contract for _, _, contract in PLANTED if f"{contract} BROKEN" not in told] == [], told[-3000:]


def root_imports(source: Path) -> Iterator[str]:
    """The lines of a file of ours that import the package's root, or something from it."""
    package = source.relative_to(SRC).parent.parts
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Import(names=names) if any(name.name == "gameday" for name in names):
                yield f"{source.relative_to(SRC)}:{node.lineno}"
            case ast.ImportFrom(module="gameday", level=0):
                yield f"{source.relative_to(SRC)}:{node.lineno}"
            case ast.ImportFrom(module=None, level=level) if level and level == len(package):
                yield f"{source.relative_to(SRC)}:{node.lineno}"


def test_nothing_in_the_package_imports_its_root():
    """Its lazy public names would pull the world into the judgement, and no contract can tell them from modules."""
    assert [line for source in sorted(SRC.rglob("*.py")) for line in root_imports(source)] == []


def test_locust_never_meets_boto3_in_the_process_that_loads_it():
    look = "import locust, gameday.load.locustfile, sys; print('boto3' in sys.modules, 'botocore' in sys.modules)"
    env = {"PATH": "/usr/bin:/bin", "GAMEDAY_LOAD_RECORD": "/nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", look], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "False False", done.stderr[-1000:]
