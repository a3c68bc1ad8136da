"""A PostgreSQL of the lab: a real postmaster of ours with its data folder, primary or streaming standby."""

import contextlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from gameday.clock import eventually
from gameday.errors import LabError
from gameday.lab.local.links import Address
from gameday.lab.local.pg_binaries import Binaries
from gameday.lab.local.pg_user import disguise, plain_environment
from gameday.processes import end, kill_tree

REPLICATOR = "gameday_replicator"
SOCKET_PATH_MAX = 100  # sun_path holds 108 bytes on Linux, 104 on macOS
STOP_WITHIN_S = 20.0
LOG_TAIL_BYTES = 1500


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting that differs from PostgreSQL's default, and why; every report discloses them."""

    name: str
    value: str
    why: str
    since: int = 0  # the first major version that knows it
    only_on: str = ""  # the system that knows it, as ``sys.platform`` says; empty is any

    @property
    def is_here(self) -> bool:
        """Whether this system knows it."""
        return sys.platform.startswith(self.only_on)


# Durability is PostgreSQL's own: these three are its defaults, written down so that nothing else can decide.
HONEST = (
    Setting("fsync", "on", "an acknowledged commit is on the disk"),
    Setting("full_page_writes", "on", "a page survives a crash in the middle of its write"),
    Setting(
        "synchronous_commit",
        "on",
        "a commit is acknowledged after its WAL is flushed here; the replica is asynchronous",
    ),
)
DISCLOSED = (
    Setting("wal_retrieve_retry_interval", "200ms", "a promotion right after a death waits this long, not 5 s"),
    Setting("wal_receiver_status_interval", "1s", "the primary hears each second how far the replica is"),
    Setting("wal_sender_timeout", "1min", "PostgreSQL's default: when a silent cut ends the stream"),
    Setting("wal_receiver_timeout", "1min", "PostgreSQL's default: when a silent cut ends the stream"),
    Setting("wal_keep_size", "2GB", "the old primary keeps its WAL, which proves what was lost"),
    Setting("hot_standby_feedback", "on", "as RDS recommends for replicas that are read"),
    Setting("wal_log_hints", "on", "an old primary can be rewound"),
    Setting("max_wal_size", "1GB", "no checkpoint is forced during a drill"),
    Setting("checkpoint_timeout", "5min", "PostgreSQL's default"),
    Setting("shared_buffers", "32MB", "a laptop's share"),
    Setting("max_connections", "100", "a small instance's share"),
    Setting(
        "recovery_init_sync_method",
        "syncfs",
        "a copy's files reach the disk together before it starts, not one by one",
        only_on="linux",
    ),
    Setting("io_method", "sync", "no I/O worker processes on a laptop", since=18),
)  # fmt: skip
PLUMBING = (
    Setting("wal_level", "replica", ""),
    Setting("hot_standby", "on", ""),
    Setting("max_wal_senders", "10", ""),
    Setting("max_replication_slots", "10", ""),
    Setting("password_encryption", "scram-sha-256", ""),
    Setting("log_line_prefix", "'%m [%p] '", ""),
    Setting("log_min_messages", "warning", ""),
)
HBA = f"""\
local all all trust
host replication {REPLICATOR} 127.0.0.0/8 scram-sha-256
host all all 127.0.0.0/8 scram-sha-256
"""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a standby streams from: the near end of the replication link, and its own slot there."""

    address: Address
    slot: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rewind:
    """A recovery from an archive of WAL that ends with the last transaction committed at or before ``until``."""

    wal: Path
    until: datetime

    def settings(self) -> list[Setting]:
        return [
            Setting("restore_command", f'\'cp "{self.wal}/%f" "%p"\'', ""),
            Setting("recovery_target_time", f"'{self.until.isoformat()}'", ""),
            Setting("recovery_target_action", "promote", ""),
        ]


class Node:
    """One PostgreSQL. ``folder`` holds its ``data`` and its socket; ``start`` is the lab's, main thread only.

    Everything but :meth:`start` may be called from worker threads, by one at a time.
    """

    def __init__(self, name: str, folder: Path, address: Address, binaries: Binaries) -> None:
        self.name, self.folder, self.address, self.binaries = name, folder, address, binaries
        self.process: subprocess.Popen[bytes] | None = None
        if len(str(folder)) + len(f"/.s.PGSQL.{address[1]}") > SOCKET_PATH_MAX:
            raise LabError(
                f"a folder of at most {SOCKET_PATH_MAX} characters for a Unix socket", str(folder),
                "choose a shorter folder with GAMEDAY_HOME",
            )  # fmt: skip

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def create(self, blank: Path, upstream: Upstream | None = None, rewind: Rewind | None = None) -> None:
        """Make the data folder of a blank one, or of a copy (it is moved), configured, and with ``upstream`` a standby.

        With ``rewind`` it recovers to a point in time first, and is a primary then.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        disguise().own(self.folder)  # the socket is made in it
        self.folder.chmod(0o700)
        blank.rename(self.data)
        self._write("pg_hba.conf", HBA)
        self._write("postgresql.auto.conf", self._configuration(upstream, rewind))
        for signal_file, is_wanted in (("standby.signal", upstream), ("recovery.signal", rewind)):
            (self.data / signal_file).unlink(missing_ok=True)  # a copy of a standby has one
            if is_wanted:
                self._write(signal_file, "")

    def start(self, start: "Callable[..., subprocess.Popen[bytes]]") -> None:
        """Start the postmaster as our child, through ``start(name, command, env=…, before_exec=…)``."""
        command = [self.binaries.program("postgres"), "-D", str(self.data)]
        self.process = start(
            f"postgres/{self.name}", command, env=plain_environment(), before_exec=disguise().before_exec
        )

    def wait_ready(self, *, within_s: float, log: Path) -> None:
        """Wait until it takes connections; raises :class:`LabError` with the end of its log when it ended instead."""
        eventually(
            lambda: self._is_ready(log), True, what=f"PostgreSQL {self.name} ready", within_s=within_s, every_s=0.02,
            next_step=f"read {log}",
        )  # fmt: skip

    def is_running(self) -> bool:
        """Whether its postmaster runs (it is reaped when it does not)."""
        return self.process is not None and self.process.poll() is None

    @contextlib.contextmanager
    def connect(self, dbname: str = "postgres", timeout_s: int = 5) -> "Any":
        """A superuser's autocommit connection over its own socket, closed at the end."""
        import psycopg

        with psycopg.connect(
            host=str(self.folder), port=self.address[1], user="postgres", dbname=dbname, connect_timeout=timeout_s,
            autocommit=True, application_name="gameday",
        ) as connection:  # fmt: skip
            yield connection

    def ask(self, question: str, parameters: Mapping[str, Any] | None = None, *, dbname: str = "postgres") -> Any:
        """The first column of the first row; None when there is no row."""
        with self.connect(dbname) as connection:
            row = connection.execute(question, parameters).fetchone()
            return row[0] if row else None

    def role(self) -> str:
        """``primary`` or ``standby``, as PostgreSQL itself says."""
        return "standby" if self.ask("SELECT pg_is_in_recovery()") else "primary"

    def add_replicator(self, password: str) -> None:
        """The role that standbys stream as."""
        self._execute("CREATE ROLE {name} LOGIN REPLICATION PASSWORD {password}", name=REPLICATOR, password=password)

    def add_slot(self, slot: str) -> None:
        """Keep, from now on, the WAL that the standby of this slot has not received."""
        self.ask("SELECT pg_create_physical_replication_slot(%(slot)s, true)", {"slot": slot})

    def drop_slot(self, slot: str) -> None:
        """No longer keep WAL for a standby that is gone; safe when it never was."""
        self.ask(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
            "WHERE slot_name = %(slot)s AND NOT active",
            {"slot": slot},
        )

    def add_application(self, username: str, password: str, dbname: str) -> None:
        """The application's role, and a database it owns."""
        self._execute("CREATE ROLE {name} LOGIN PASSWORD {password}", name=username, password=password)
        # Copied as files: 4 MB less WAL for the replica to fetch over the long link while everybody waits.
        self._execute("CREATE DATABASE {name} OWNER {owner} STRATEGY file_copy", name=dbname, owner=username)

    def promote(self, *, within_s: float) -> None:
        """Make a standby a primary, and return when it takes writes."""
        with self.connect() as connection:
            connection.execute("SELECT pg_promote(wait => false)")

        self.wait_primary(within_s=within_s)

    def wait_primary(self, *, within_s: float) -> None:
        """Wait until its recovery is over and it takes writes."""
        with self.connect() as connection:

            def role() -> str:
                row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
                return "standby" if row and row[0] else "primary"

            eventually(role, "primary", what=f"PostgreSQL {self.name}", within_s=within_s, every_s=0.01)

    def stop(self) -> None:
        """End it in order ("fast": sessions are ended, a checkpoint is written), by force when that takes too long."""
        if self.process:
            end(self.process, within_s=STOP_WITHIN_S, signal_first=signal.SIGINT)

    def kill(self) -> None:
        """Kill postmaster and backends without a goodbye, and reap the postmaster."""
        if self.process:
            kill_tree(self.process)

    def remove(self) -> None:
        """Delete the folder; the process must have ended."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    @property
    def is_removed(self) -> bool:
        """Whether its folder is gone, and so its process before that."""
        return not self.folder.exists()

    def _is_ready(self, log: Path) -> bool:
        if self.process is None or self.process.poll() is not None:
            code = self.process.returncode if self.process else "none"
            raise LabError(f"PostgreSQL {self.name} to run", f"it ended with code {code}: {_tail(log)}", f"read {log}")
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        # A file left by a killed postmaster still says "ready", so the process id is compared as well.
        return len(lines) >= 8 and lines[7].strip() == "ready" and int(lines[0]) == self.process.pid

    def _configuration(self, upstream: Upstream | None, rewind: Rewind | None) -> str:
        own = [
            Setting("listen_addresses", f"'{self.address[0]}'", ""),
            Setting("port", str(self.address[1]), ""),
            Setting("unix_socket_directories", f"'{self.folder}'", ""),
            Setting("cluster_name", f"'{self.name}'", ""),
        ]
        if upstream:
            host, port = upstream.address
            conninfo = (
                f"host={host} port={port} user={REPLICATOR} password={upstream.password} "
                f"application_name={self.name} sslmode=disable gssencmode=disable connect_timeout=5"
            )
            own += [
                Setting("primary_conninfo", f"'{conninfo}'", ""),
                Setting("primary_slot_name", f"'{upstream.slot}'", ""),
            ]
        own += rewind.settings() if rewind else []
        known = [one for one in (*HONEST, *DISCLOSED, *PLUMBING, *own) if one.since <= self.binaries.major]
        return "".join(f"{one.name} = {one.value}\n" for one in known if one.is_here)

    def _write(self, name: str, text: str) -> None:
        path = self.data / name
        path.write_text(text)
        path.chmod(0o600)
        disguise().own_file(path)

    def _execute(self, statement: str, *, name: str, **rest: str) -> None:
        """Run a statement whose ``{name}`` and ``{owner}`` are identifiers and ``{password}`` a literal.

        The server is told the password's SCRAM verifier only: a statement that fails stands in its log, word for word.
        """
        from psycopg import sql

        with self.connect() as connection:
            parts: dict[str, sql.Composable] = {"name": sql.Identifier(name)}
            for key, value in rest.items():
                parts[key] = sql.Identifier(value)
                if key == "password":
                    verifier = connection.pgconn.encrypt_password(value.encode(), name.encode(), b"scram-sha-256")
                    parts[key] = sql.Literal(verifier.decode())
            connection.execute(sql.SQL(statement).format(**parts))


def _tail(log: Path) -> str:
    if not log.exists():
        return "it has no log"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        return " | ".join(file.read().decode(errors="replace").splitlines()[-6:])
