"""The empty data folder that every PostgreSQL of a lab is cloned from: initialised once for each user and version."""

import fcntl
import hashlib
import itertools
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from gameday.errors import LabError
from gameday.lab.local.pg_binaries import Binaries
from gameday.lab.local.pg_user import disguise

FORM = 1  # raise it when the initdb below changes
INITDB_WITHIN_S = 120.0
CLONE_WITHIN_S = 60.0
INITDB = (
    "--username=postgres", "--encoding=UTF8", "--locale=C",
    "--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions",
)  # fmt: skip


def cache_folder() -> Path:
    """``$GAMEDAY_HOME/cache``, else the user's own cache folder."""
    home = os.environ.get("GAMEDAY_HOME")
    return Path(home) / "cache" if home else platformdirs.user_cache_path("gameday")


def template(binaries: Binaries, cache: Path) -> Path:
    """The template of these binaries, made on first use.

    Labs that want it at once wait for one maker. It appears whole or not at all: a maker that was killed leaves a half,
    which the next one removes.
    """
    folder = cache / "postgres"
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / _key(binaries)
    if not ready.exists():
        with _only_one(folder / "lock"):
            if not ready.exists():
                _make(binaries, ready)
    return ready


def clone(source: Path, target: Path) -> None:
    """Copy a template; ``target`` must not exist yet. It belongs to the user PostgreSQL runs as, and to nobody else.

    By a process of its own: a thread would ask for Python's lock again after each of some 5,000 system calls.
    """
    done = subprocess.run(
        ["cp", "-R", str(source), str(target)], capture_output=True, text=True, timeout=CLONE_WITHIN_S, check=False
    )
    if done.returncode:
        raise LabError(f"a copy of {source} at {target}", done.stderr.strip()[-400:], "look at the disk's free space")
    target.chmod(0o700)
    disguise().own(target)


@dataclass
class Blanks:
    """Empty data folders for a lab's PostgreSQL, ``ahead`` of them cloned before anybody asks."""

    binaries: Binaries
    folder: Path
    workers: ThreadPoolExecutor
    ahead: int = 2

    def __post_init__(self) -> None:
        self._numbers = itertools.count()
        self._cloning = threading.Lock()  # one after the other: two at once would take the lab's start its processors
        self._made = queue.SimpleQueue[Future[Path]]()
        for _ in range(self.ahead):
            self._made.put(self.workers.submit(self._clone))

    def take(self) -> Path:
        """A folder that is now the caller's, to be renamed within the lab's folder. Blocks until there is one."""
        try:
            return self._made.get_nowait().result()
        except queue.Empty:
            return self._clone()

    def _clone(self) -> Path:
        blank = self.folder / f"blank-{next(self._numbers)}"
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._cloning:
            clone(template(self.binaries, cache_folder()), blank)
        return blank


def _make(binaries: Binaries, ready: Path) -> None:
    for half in ready.parent.glob("half-*"):
        shutil.rmtree(half)
    half = Path(tempfile.mkdtemp(prefix="half-", dir=ready.parent))
    disguise().own(half)
    disguise().run([binaries.program("initdb"), *INITDB, "--pgdata", str(half / "data")], within_s=INITDB_WITHIN_S)
    (half / "data").rename(ready)
    half.rmdir()


def _key(binaries: Binaries) -> str:
    """Two builds of one version may differ on disk, so the folder they live in counts too."""
    home = hashlib.sha256(str(binaries.folder).encode()).hexdigest()[:8]
    return f"{binaries.version}-{home}-{FORM}"


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the kernel lets go of it with the process
        yield
