"""Starting a process so that it cannot outlive its owner, and ending it together with its children."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

PR_SET_PDEATHSIG = 1
STARTTIME = 19  # of the fields of /proc/PID/stat after the name: proc(5)
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the thread that started it ends (Linux; elsewhere: the warden)."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def nobody_in_a_namespace() -> None:
    """Become uid 65534 in a user namespace; files of the real user stay writable. For programs that refuse root."""
    uid, gid = os.geteuid(), os.getegid()
    os.unshare(os.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"65534 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"65534 {gid} 1")


def spawn(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    cwd: Path | None = None,
    stdin: int | None = subprocess.DEVNULL,
    stdout: int | None = None,
    own_session: bool = True,
    before_exec: Callable[[], None] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start ``command`` so that the kernel ends it with its owner. Call from the main thread only.

    The parent-death signal follows the *thread* that forked, so a process started from a worker thread would die with
    that thread. ``before_exec`` runs in the child. Output goes to ``log`` (appended), or to ``stdout`` when given.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(f"processes start from the main thread, because their life is tied to it: {command[0]}")

    parent = os.getpid()

    def in_child() -> None:
        if before_exec:
            before_exec()
        die_with_parent()
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)

    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(log.open("ab")) if log else None
        out = stdout if stdout is not None else (sink or subprocess.DEVNULL)
        return subprocess.Popen(
            list(command), env=dict(env) if env is not None else None, cwd=cwd, stdin=stdin, stdout=out,
            stderr=sink or subprocess.DEVNULL, start_new_session=own_session, preexec_fn=in_child,  # noqa: PLW1509  prctl only; the child execs at once
        )  # fmt: skip


def end(process: "subprocess.Popen[bytes]", *, within_s: float = 5.0, signal_first: int = signal.SIGTERM) -> int:
    """Ask a process to stop, kill it and its descendants when it does not in ``within_s``; returns its exit code."""
    if process.poll() is None:
        family = descendants(process.pid)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal_first)
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        kill_all(family)
    return process.returncode


def kill_tree(process: "subprocess.Popen[bytes]") -> int:
    """Kill a process and all its descendants without a goodbye, and reap it."""
    family = descendants(process.pid) if process.poll() is None else []
    process.kill()
    kill_all(family)
    return process.wait()


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process id that cannot be mistaken for a later process of the same number.

    ``started_s`` counts from the machine's start on Linux, where nobody sets that clock; elsewhere it is the system's.
    """

    pid: int
    started_s: float


def identify(pid: int) -> ProcessId | None:
    """The identity of a living process, or None when there is none."""
    try:
        process = psutil.Process(pid)
        return ProcessId(pid, _started_s(process)) if process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None


def _started_s(process: psutil.Process) -> float:
    """psutil adds the time at which the machine started, which a step of the system's clock changes."""
    if sys.platform != "linux":
        return process.create_time()
    after_its_name = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2]
    return int(after_its_name.split()[STARTTIME]) / os.sysconf("SC_CLK_TCK")


def alive(who: ProcessId) -> bool:
    """Whether that very process still runs (a zombie does not)."""
    return identify(who.pid) == who


def signal_exactly(who: ProcessId, number: int) -> None:
    """Signal that very process, and no later one of its number; it may end by itself just now."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(who.pid)  # which signals no later one
        if alive(who):
            process.send_signal(number)


def descendants(pid: int) -> list[psutil.Process]:
    """All children, grandchildren and so on of ``pid``, as they are now."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill_all(family: Sequence[psutil.Process]) -> None:
    """Kill every one of ``family`` that still runs; psutil compares start times, so no stranger is hit."""
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
