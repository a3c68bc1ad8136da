"""PostgreSQL refuses to run as root; here is who it runs as instead, and how that user reaches its files."""

import ctypes
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gameday.errors import LabError
from gameday.processes import nobody_in_a_namespace
from gameday.secrecy import bare_environment

NOBODY = 65534
OWN_WITHIN_S = 30.0
CAP_DAC_OVERRIDE, CAP_FOWNER = 1, 3
PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 8, 47, 2
LINUX_CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True, slots=True)
class Disguise:
    """How a program that refuses root is started: ``before_exec`` runs in the child; files may need another owner."""

    before_exec: Callable[[], None] | None = None
    owns_files: bool = False

    def own(self, tree: Path) -> None:
        """Give ``tree`` and all in it to the user that the program runs as, if that is another one.

        By a process of its own: a thread would ask for Python's lock again after each of 1,000 files.
        """
        if self.owns_files:
            subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(tree)], check=True, timeout=OWN_WITHIN_S)

    def own_file(self, path: Path) -> None:
        """The same for one file or folder."""
        if self.owns_files:
            shutil.chown(path, NOBODY, NOBODY)

    def run(self, command: list[str], *, within_s: float) -> str:
        """Run to the end and return what it printed; raises :class:`LabError` with its last words."""
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=within_s, check=False,
            env=plain_environment(), preexec_fn=self.before_exec,
        )  # fmt: skip
        if done.returncode:
            raise LabError(f"{Path(command[0]).name} to succeed", (done.stderr or done.stdout)[-800:].strip())
        return done.stdout


def plain_environment() -> dict[str, str]:
    """A bare environment without libpq's variables, which would change what PostgreSQL's programs do, in C locale."""
    return {name: value for name, value in bare_environment().items() if not name.startswith("PG")} | {"LC_ALL": "C"}


@cache
def disguise() -> Disguise:
    """How this process starts PostgreSQL: plainly, unless it is root.

    Root's PostgreSQL becomes uid 65534 in a user namespace of its own; where those are forbidden (most containers), the
    real user 65534, who keeps root's right to pass folders, so that no folder has to be copied or opened to others.
    """
    if os.geteuid() != 0:
        return Disguise()
    for candidate in (Disguise(nobody_in_a_namespace), Disguise(nobody_with_reach, owns_files=True)):
        if _works(candidate):
            return candidate
    raise LabError(
        "root to start PostgreSQL as another user",
        "neither user namespaces nor the capability to pass folders are allowed here",
        "run gameday as an ordinary user",
    )


def _works(candidate: Disguise) -> bool:
    try:
        subprocess.run([sys.executable, "-c", ""], preexec_fn=candidate.before_exec, check=True)
    except (subprocess.SubprocessError, OSError):
        return False
    return True


def nobody_with_reach() -> None:
    """Become uid 65534 for good, keeping only the capabilities to pass and to change root's folders.

    Runs between fork and exec. The ambient set makes the two capabilities survive the exec (capabilities(7)).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    kept = 1 << CAP_DAC_OVERRIDE | 1 << CAP_FOWNER
    _must(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    header = struct.pack("Ii", LINUX_CAPABILITY_VERSION_3, 0)
    _must(libc.capset(header, struct.pack("6I", kept, kept, kept, 0, 0, 0)))
    for capability in (CAP_DAC_OVERRIDE, CAP_FOWNER):
        _must(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0))


def _must(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
