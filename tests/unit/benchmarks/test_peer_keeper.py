"""The keeper of the peer's programs: whoever it started, directly or not, has ended soon after its owner."""

import subprocess
import sys
from pathlib import Path

import pytest

from gameday.clock import eventually
from gameday.processes import alive, identify

ROOT = Path(__file__).parents[3]


@pytest.mark.parts
def test_an_orphan_of_an_orphan_ends_when_the_keepers_owner_is_gone(tmp_path: Path):
    noted = tmp_path / "pid"
    leaves_a_child = f"setsid sleep 600 & echo $! > {noted}; exit 0"
    keeper = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.peer_keeper", "sh", "-c", leaves_a_child],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip
    try:
        eventually(lambda: noted.exists() and noted.read_text().strip() != "", True, what="the orphan", within_s=20)
        orphan = identify(int(noted.read_text()))
        assert orphan is not None
        keeper.stdin.close()  # what an owner's death does, kill -9 included
        assert keeper.wait(20) == 0
        eventually(lambda: alive(orphan), False, what="the orphan running", within_s=5)
    finally:
        keeper.kill()
        keeper.wait()
