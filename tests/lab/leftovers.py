"""A sharp eye for what a lab or a drill leaves behind."""

import contextlib
from pathlib import Path

import psutil

from gameday.clock import eventually
from gameday.lab.local import extras
from gameday.lab.local.launch import RunningLab
from gameday.processes import ProcessId, alive, identify

CLEAN_WITHIN_S = 10.0  # after any end of a drill nothing of it is left within that time


def everything_of(lab: RunningLab) -> list[ProcessId]:
    """Every process of a lab: those it names, and all their descendants."""
    return [*extras.processes(lab.lab).values(), *_family_of(lab.process.pid)]


def everything_of_drill(pid: int | None = None) -> list[ProcessId]:
    """Every process that a drill's process (this one, unless named) started, and all their children."""
    return _family_of(pid)


def all_gone(family: list[ProcessId], home: Path) -> None:
    """Within 10 s no process of ``family`` runs, none that works in ``home`` or was started for it, and no lab's
    folder is left there."""
    eventually(lambda: [who for who in family if alive(who)], [], what="processes left", within_s=CLEAN_WITHIN_S)
    eventually(lambda: _at(home), [], what=f"processes left at {home}", within_s=CLEAN_WITHIN_S)
    folders = home / "labs"
    eventually(lambda: _names_in(folders), [], what="folders left", within_s=CLEAN_WITHIN_S)


def _family_of(pid: int | None) -> list[ProcessId]:
    found = [identify(process.pid) for process in psutil.Process(pid).children(recursive=True)]
    return [who for who in found if who]  # one may end while we look


def _names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def _at(home: Path) -> list[str]:
    """The command lines of processes that name ``home``, there or in the environment they were started with."""
    return [command for process in psutil.process_iter() if (command := command_at(home, process))]


def command_at(home: Path, process: psutil.Process) -> str:
    """A process's command line, if it names ``home``, or if the process was started with it; else nothing."""
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # it ended meanwhile, or is a stranger's
        command = " ".join(process.cmdline())
        if str(home) in command or process.environ().get("GAMEDAY_HOME") == str(home):
            return command
    return ""
