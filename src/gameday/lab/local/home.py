"""Where this user's local labs keep their files, and who is up: a folder, a name and an address slot each."""

import contextlib
import errno
import os
import platform
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import platformdirs
import psutil

from gameday.clock import eventually
from gameday.errors import DeadlineError, LabError, LabExists, PortsTaken
from gameday.lab.local.ground import Addresses, Ports
from gameday.processes import ProcessId, alive
from gameday.record.lines import Damage, LineWriter, read_lines

SLOTS = range(16, 200)
ROOM_MIN_BYTES = (
    256 << 20
)  # two PostgreSQL servers with their write-ahead logs, and the initialised one they start from
SWEPT_WITHIN_S = 20.0  # longer than any sweep takes
OTHER_HOME = "let GAMEDAY_HOME name another folder"


@dataclass(frozen=True, slots=True)
class LabState:
    """What ``lab.json`` says of a lab: enough to attach to it, and to end it when its process is gone."""

    name: str
    process: ProcessId
    slot: int
    port_base: int
    endpoint_url: str
    timer_scale: float
    link_latency_s: float
    rds_promotion_s: float  # at scale 1
    ecs_start_s: float  # at scale 1
    lag_metric_period_s: float  # effective
    private: bool
    started_utc: str
    host: str

    @property
    def is_alive(self) -> bool:
        return alive(self.process)


@dataclass(frozen=True, slots=True)
class Started:
    """One line of ``processes.ndjson``: a process that the lab started."""

    name: str
    who: ProcessId


def labs_folder() -> Path:
    """``$GAMEDAY_HOME/labs``, else the user's own state folder."""
    home = os.environ.get("GAMEDAY_HOME")
    return (Path(home) if home else platformdirs.user_state_path("gameday")) / "labs"


def make_room() -> Path:
    """The folder of all labs, made if need be; raises :class:`LabError` when no lab could keep its files there."""
    folder = labs_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as cause:
        raise LabError(f"a writable folder {folder}", f"{cause.strerror}: {cause.filename}", OTHER_HOME) from cause
    if not os.access(folder, os.W_OK):
        raise LabError(f"a writable folder {folder}", "it is not", OTHER_HOME)
    if free < ROOM_MIN_BYTES:
        expected = f"{ROOM_MIN_BYTES >> 20} MiB free for a lab in {folder}"
        raise LabError(expected, f"{free / 2**20:.1f} MiB", f"free the disk, or {OTHER_HOME}")
    return folder


def folder_of(name: str) -> Path:
    """A lab's folder; raises :class:`LabError` for a name that is no plain word."""
    if not _is_plain(name):
        raise LabError("a lab name of letters, digits, - and _", repr(name), "choose another name")
    return labs_folder() / name


def _is_plain(name: str) -> bool:
    return name.replace("-", "").replace("_", "").isalnum()


def read_state(name: str) -> LabState | None:
    """The state of a lab, or None when there is no such lab; an unreadable one, or another lab's, counts as none."""
    try:
        state = msgspec.json.decode((folder_of(name) / "lab.json").read_bytes(), type=LabState)
    except (OSError, msgspec.DecodeError):
        return None
    return state if state.name == name else None


def write_state(folder: Path, state: LabState) -> None:
    """Write ``lab.json`` whole."""
    half = folder / "lab.json.part"
    half.write_bytes(msgspec.json.encode(state))
    half.replace(folder / "lab.json")


def list_labs() -> tuple[LabState, ...]:
    """Every lab of this user that left a state, alive or not, by name."""
    folders = (path for path in sorted(labs_folder().glob("*")) if path.is_dir() and _is_plain(path.name))
    found = (read_state(path.name) for path in folders)
    return tuple(state for state in found if state)


@contextlib.contextmanager
def claimed_name(name: str) -> Iterator[None]:
    """Hold the name while the lab lives; raises :class:`LabExists` when another process holds it.

    The claim is an abstract Unix socket: no file, and the kernel lets go of it with the process, kill -9 included.
    Who holds the name owns the folder: a sweep under way is waited for, and none begins.
    """
    with _sweeping(name):
        sock = _claim(_key(name))
    if sock is None:
        raise LabExists(
            f"no lab named {name!r}", "one is up", f"gameday lab down --name {name}, or choose another --name"
        )
    with sock:
        yield


def sweep_unless_held(name: str, *, let_go_within_s: float = 0.0) -> bool:
    """Sweep what a dead lab left, if anything; False when a lab holds the name, for then the folder is its own."""
    with _sweeping(name):
        try:
            claim = _claim_within(let_go_within_s, _key(name), f"the name {name!r}")
        except DeadlineError:
            return False
        with claim:
            if (folder := folder_of(name)).exists():
                sweep(folder)
        return True


def sweep_the_dead() -> None:
    """Sweep what killed labs of this machine left, whatever their names; other machines may share the folder."""
    for state in list_labs():
        if state.host == platform.node() and not state.is_alive:
            sweep_unless_held(state.name)


@contextlib.contextmanager
def _sweeping(name: str) -> Iterator[None]:
    """Names are claimed one at a time, and sweepers keep theirs within this: so a name found held is a lab's."""
    with _claim_within(SWEPT_WITHIN_S, f"{_key(name)}!", f"the sweep of {folder_of(name)}"):
        yield


def _claim_within(within_s: float, key: str, what: str) -> socket.socket:
    def is_over(sock: socket.socket | None) -> bool:
        """to be over"""
        return sock is not None

    sock = eventually(lambda: _claim(key), is_over, what=what, within_s=within_s, next_step="try again")
    assert sock
    return sock


def _key(name: str) -> str:
    return f"gameday/{os.getuid()}/{labs_folder()}/{name}"


@contextlib.contextmanager
def claimed_slot() -> Iterator[Addresses]:
    """Hold a slot of 127/8 that no other lab of this machine holds."""
    for slot in SLOTS:
        sock = _claim(f"gameday/slot/{slot}")
        if sock is not None:
            with sock:
                yield Addresses(slot)
            return
    raise LabError(f"a free slot of {len(SLOTS)}", "all held by labs", "end a lab: gameday lab down --name NAME")


def _claim(name: str) -> socket.socket | None:
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.bind(f"\0{name}")
    except OSError as cause:
        sock.close()
        if cause.errno != errno.EADDRINUSE:
            raise LabError(f"to claim {name!r}", str(cause), OTHER_HOME) from cause
        return None
    return sock


def check_ports(addresses: Addresses, ports: Ports) -> None:
    """Raise :class:`PortsTaken` when any of the lab's ports is held; nothing was started yet."""
    over_tcp = [(port, socket.SOCK_STREAM) for port in (ports.api, ports.dns, ports.http, ports.task, ports.database)]
    for port, kind in (*over_tcp, (ports.dns, socket.SOCK_DGRAM)):
        with socket.socket(type=kind) as sock:
            if kind == socket.SOCK_STREAM:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((addresses.api, port))
            except OSError as cause:
                raise PortsTaken(
                    f"ports {ports.base}-{ports.database} free on loopback",
                    f"{port} is {_why_not(cause)}{_holder(port)}",
                    "choose others: --ports BASE, or port_base in the experiment's configuration",
                ) from cause


def _why_not(cause: OSError) -> str:
    return "in use" if cause.errno == errno.EADDRINUSE else f"not to be had ({cause.strerror})"


def _holder(port: int) -> str:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("inet"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    return ""


def note_process(folder: Path) -> LineWriter:
    """The list of processes that the sweeper will look for."""
    return LineWriter(folder / "processes.ndjson", sync=False)


def sweep(folder: Path, *, within_s: float = 8.0) -> int:
    """End what is left of a dead lab and remove its folder; returns how many processes it had to end.

    Only for who holds the name; whoever else would sweep asks :func:`sweep_unless_held`.
    """
    left = [entry.who for entry in read_lines(folder / "processes.ndjson", Started, Damage()) if alive(entry.who)]
    for who in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(who.pid).kill()
    eventually(lambda: sum(map(alive, left)), 0, what=f"processes of the lab in {folder}", within_s=within_s)
    remove(folder, within_s=within_s)
    return len(left)


def remove(folder: Path, *, within_s: float = 8.0) -> None:
    """Remove a lab's folder; a dying PostgreSQL may still write into it for a moment, hence more than one try."""

    def gone() -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    eventually(gone, True, what=f"removing {folder}", within_s=within_s, next_step="remove it by hand")
