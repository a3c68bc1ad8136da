"""The contracts between the rooms (pyproject.toml) hold, and importing the package costs nothing."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_contract_between_the_rooms_is_kept():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_locust_never_meets_boto3_in_the_process_that_loads_it():
    look = "import locust, gameday.load.locustfile, sys; print('boto3' in sys.modules, 'botocore' in sys.modules)"
    env = {"PATH": "/usr/bin:/bin", "GAMEDAY_LOAD_RECORD": "/nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", look], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "False False", done.stderr[-1000:]
