"""How a database of the lab comes to be: of a blank, of its source (a replica), or of a backup (a restored one)."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from gameday.clock import eventually
from gameday.errors import LabError
from gameday.lab.local.backups import Origin
from gameday.lab.local.base_copy import copy_online, duplicate
from gameday.lab.local.credentials import database_credentials
from gameday.lab.local.ground import Ground
from gameday.lab.local.links import Address, Place
from gameday.lab.local.network import passes
from gameday.lab.local.pg_template import Blanks
from gameday.lab.local.postgres import Node, Upstream
from gameday.lab.local.replica_watch import ReplicaWatch

READY_WITHIN_S = 60.0
RESTORED_WITHIN_S = 600.0
LOOK_AGAIN_S = 0.2
DATABASE_DEFAULT = "app"
BLANK_PATH_BYTES_MAX = 64 * 1024 * 1024  # of WAL that a replica made of a blank may have to stream
STREAMS = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND application_name = %(name)s"
HOLDS = "SELECT pg_last_wal_replay_lsn() >= %(lsn)s::pg_lsn"
WAL_WRITTEN = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %(since)s::pg_lsn)::bigint"


@dataclass
class Instance:
    """One RDS instance and its PostgreSQL. ``source`` is what it streams from; ``life`` is the work that makes it.

    It ``feeds`` from when a replica may begin to stream from it, which is before it ``is_up``. ``blank_lsn`` is where
    the WAL of one that was made of a blank begins; None for any other.
    """

    region: str
    number: int
    node: Node
    source: "Instance | None"
    life: "Future[None] | None" = None
    feeds: bool = False
    is_up: bool = False
    leaving: "Future[None] | None" = None
    watch: ReplicaWatch | None = None
    blank_lsn: str | None = None

    @property
    def db_id(self) -> str:
        return self.node.name


@dataclass
class Births:
    """Makes PostgreSQLs, in worker threads; ``start`` has the main thread start one, and waits until it is ready."""

    ground: Ground
    blanks: Blanks
    password: str = field(repr=False)  # the replication role's
    start: Callable[[Node], None]
    closing: threading.Event
    publish_lag: Callable[[Instance, float], None]
    _copying: threading.Lock = field(default_factory=threading.Lock, init=False)

    def primary(self, instance: Instance, db: Any) -> None:
        """A new database with nothing in it but the application's role and its own empty database."""
        login, node = database_credentials(instance.region), instance.node
        node.create(self.blanks.take())
        self.start(node)
        instance.blank_lsn = node.ask("SELECT redo_lsn::text FROM pg_control_checkpoint()")
        node.add_replicator(self.password)
        instance.feeds = True
        node.add_application(login.username, login.password, db.db_name or DATABASE_DEFAULT)

    def restored(self, instance: Instance, origin: Origin) -> None:
        """A new database with what a backup holds; its roles and their passwords are the backup's too."""
        data = self._arriving(instance)
        duplicate(origin.copy, data)
        instance.node.create(data, rewind=origin.rewind)
        self.start(instance.node)
        instance.node.wait_primary(within_s=RESTORED_WITHIN_S)

    def replica(self, instance: Instance, source: Instance) -> None:
        """A standby that holds all its source has and streams from it.

        RDS makes one from a snapshot of its source, across regions by a copy of it. Across regions that are cut from
        each other it waits, and is ``creating``, for as long as they are.
        """
        node, slot = instance.node, instance.db_id.replace("-", "_")
        self.until_passes(instance.region, source.region, instance)
        source.node.drop_slot(slot)
        source.node.add_slot(slot)
        upstream = Upstream(self._open_replication(instance, source), slot, self.password)
        data = self.blanks.take() if _is_like_a_blank(source) else self._copied(instance, source)
        node.create(data, upstream)
        self.start(node)
        if source.life:
            source.life.result()
        self._wait_complete(instance, source.node)
        publish = partial(self.publish_lag, instance)
        instance.watch = ReplicaWatch(source.node, node, self.ground.delays.lag_metric_period_s, publish)

    def until_passes(self, near: str, far: str, waiting: Instance | None = None) -> None:
        """Wait until the databases' tiers of two regions reach each other.

        Raises :class:`LabError` when the lab ends, or when who waits is being deleted.
        """
        while not passes(self.ground, (Place(near, "database"), Place(far, "database"))):
            if self.closing.wait(LOOK_AGAIN_S) or (waiting and waiting.leaving):
                raise LabError(f"a way from {far} to {near}", "the lab is closing, or the instance is being deleted")

    def _copied(self, instance: Instance, source: Instance) -> Path:
        if source.life:
            source.life.result()
        data = self._arriving(instance)
        with self._copying:
            copy_online(source.node, data)
        self.ground.said(f"database: {source.db_id} copied for {instance.db_id}")
        self.until_passes(instance.region, source.region, instance)  # what is cut on its way arrives after the cut
        return data

    def _arriving(self, instance: Instance) -> Path:
        folder = self.ground.folder / "arriving"
        folder.mkdir(exist_ok=True)
        return folder / instance.db_id

    def _wait_complete(self, instance: Instance, source: Node) -> None:
        """An available replica streams, and holds everything its source had when it began to.

        How long that takes is the link's affair: one that is cut in the meantime is waited for.
        """
        replica = instance.node
        streams = partial(source.ask, STREAMS, {"name": replica.name})
        self._wait(instance, streams, 1, f"{replica.name} streaming from {source.name}")
        had = source.ask("SELECT pg_current_wal_flush_lsn()::text")
        holds = partial(replica.ask, HOLDS, {"lsn": had})
        self._wait(instance, holds, True, f"{replica.name} as far as {source.name}")

    def _wait(self, instance: Instance, look: Callable[[], Any], want: Any, what: str) -> None:
        def seen() -> Any:
            if self.closing.is_set() or instance.leaving:
                raise LabError(what, "the lab is closing, or the instance is being deleted")
            return look()

        eventually(seen, want, what=what, within_s=RESTORED_WITHIN_S)

    def _open_replication(self, instance: Instance, source: Instance) -> Address:
        path = (Place(instance.region, "database"), Place(source.region, "database"))
        near = (self.ground.addresses.remote_database(instance.region, instance.number), self.ground.ports.database)
        latency_s = 0.0 if instance.region == source.region else self.ground.delays.link_latency_s
        self.ground.board.open(f"replication/{instance.db_id}", near, [source.node.address], path, latency_s=latency_s)
        return near


def _is_like_a_blank(source: Instance) -> bool:
    """Whether a blank that streams everything ends as an equal of ``source``, and soon.

    So it is when the source was made of the same blank, never was a replica, and still keeps all of its WAL
    (``wal_keep_size`` is far above this bound).
    """
    if source.blank_lsn is None:
        return False
    written: int = source.node.ask(WAL_WRITTEN, {"since": source.blank_lsn})
    return written <= BLANK_PATH_BYTES_MAX
