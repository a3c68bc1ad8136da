"""The drills in progress on this machine: which there are, how one is asked to end, and the switch that allows none."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gameday.clock import SYSTEM
from gameday.errors import GuardError, InputError, NoDrillUnderway
from gameday.lab.local.home import labs_folder
from gameday.processes import ProcessId, alive, identify
from gameday.record.layout import Record, pretty, write_whole

KILL_SWITCH = "GAMEDAY_KILL_SWITCH"
LONGEST = 200  # characters of what a kill switch says


@dataclass(frozen=True, slots=True)
class Underway:
    """A drill in progress: its process, the folder of its record, and the lab that it acts on."""

    process: ProcessId
    record: str
    drill: str
    lab: str
    started_utc: str


@dataclass(frozen=True, slots=True)
class Request:
    """Who asked a drill to end, and what they said."""

    who: str
    why: str


def kill_switch() -> Path:
    """The file that stops every drill of this user while it is there: ``$GAMEDAY_KILL_SWITCH``, else one beside the
    labs' folder."""
    named = os.environ.get(KILL_SWITCH)
    return Path(named) if named else labs_folder().parent / "kill-switch"


def refuse_if_switched_off() -> None:
    """Raise :class:`GuardError` while the kill switch is there; nothing was made."""
    if request := _switched_off():
        then = f"remove {kill_switch()} when drills may run again"
        raise GuardError("no kill switch", f"{request.why}, of {request.who}", then)


@contextlib.contextmanager
def announced(record: Record, drill: str, lab: str) -> Iterator[None]:
    """While inside, :func:`underway` names this drill. The note of a drill that was killed is found to be stale."""
    me = identify(os.getpid())
    assert me is not None
    folder = _drills_folder()
    note = folder / f"{me.pid}-{record.folder.name}.json"
    with contextlib.suppress(OSError):  # a home that cannot be written to keeps no drill from running
        folder.mkdir(parents=True, exist_ok=True)
        write_note = Underway(me, str(record.folder.resolve()), drill, lab, SYSTEM.utc())
        note.write_text(pretty(write_note))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            note.unlink(missing_ok=True)


def underway() -> tuple[Underway, ...]:
    """Every drill in progress, the oldest first; notes that killed drills left are removed."""
    found = []
    for path in sorted(_drills_folder().glob("*.json")):
        with contextlib.suppress(OSError, msgspec.DecodeError):  # gone, or being written just now
            one = msgspec.json.decode(path.read_bytes(), type=Underway)
            if alive(one.process):
                found.append(one)
            else:
                path.unlink(missing_ok=True)
    return tuple(sorted(found, key=lambda one: one.started_utc))


def the_one(named: str | None) -> Underway:
    """The drill in progress whose record or lab is ``named``, or the only one; else :class:`NoDrillUnderway`."""
    known = underway()
    fitting = [one for one in known if named is None or _is_called(one, named)]
    if len(fitting) == 1:
        return fitting[0]
    wanted = "one drill in progress" if named is None else f"a drill in progress in {named}, its record or its lab"
    told = "; ".join(f"{one.record} on {one.lab}" for one in known)
    if not known:
        raise NoDrillUnderway(wanted, "no drill in progress", "nothing is left to abort; gameday undo RECORD heals")
    raise NoDrillUnderway(wanted, f"{len(known)} in progress: {told}", "name the record of one of them")


def refuse_while_underway(record: Record) -> None:
    """Raise :class:`InputError` while the drill of this record is in progress: it takes back itself."""
    folder = str(record.folder.resolve())
    for one in underway():
        if one.record == folder:
            seen = f"it is in progress, process {one.process.pid} on {one.lab}"
            raise InputError(f"a drill that has ended, of {folder}", seen, f"gameday abort {folder} ends and heals it")


def ask_to_end(one: Underway, request: Request) -> None:
    """Write ``abort.json`` into the drill's record, where it looks twice a second."""
    write_whole(_abort_file(Path(one.record)), pretty(request), "make the record's folder writable, or use Ctrl-C")


def asked_to_end(record: Record) -> Request | None:
    """Who asked this drill to end, by ``abort.json`` or by the kill switch; a file that cannot be read counts too."""
    path = _abort_file(record.folder)
    if not _is_there(path):
        return _switched_off()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Request)
    except (OSError, msgspec.DecodeError) as cause:
        return Request("somebody", f"{path.name} is there and cannot be read: {cause}")


def _switched_off() -> Request | None:
    path = kill_switch()
    if not _is_there(path):
        return None
    told = f"the kill switch {path} is there"
    try:
        said = path.read_text(errors="replace").strip()[:LONGEST]
        return Request(path.owner(), f"{told}: {said}" if said else told)
    except (OSError, KeyError):  # a folder, an unreadable file, or an owner without a name: it is there all the same
        return Request("somebody", told)


def _is_there(path: Path) -> bool:
    """Also when it cannot be looked at: only a path that leads nowhere lets a drill go on."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _is_called(one: Underway, named: str) -> bool:
    return named == one.lab or str(Path(named).resolve()) == one.record


def _abort_file(folder: Path) -> Path:
    return folder / "abort.json"


def _drills_folder() -> Path:
    return labs_folder().parent / "drills"
