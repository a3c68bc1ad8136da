"""How long the command line and the import take."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from benchmarks.figures import Figure


def figures(times: int = 10) -> Iterator[Figure]:
    """`gameday --help` as a process; `import gameday` over a bare interpreter's start."""
    helped = [_wall_s([sys.executable, "-m", "gameday", "--help"]) for _ in range(times)]
    yield Figure("gameday --help", "s", tuple(helped), at_most=0.3)
    bare = min(_wall_s([sys.executable, "-c", "pass"]) for _ in range(times))
    imported = [max(0.0, _wall_s([sys.executable, "-c", "import gameday"]) - bare) for _ in range(times)]
    yield Figure("import gameday", "s", tuple(imported), at_most=0.1)


def _wall_s(command: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
