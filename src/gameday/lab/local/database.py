"""The database controller: every RDS instance of the control plane is a real PostgreSQL."""

import importlib
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from gameday.clock import eventually
from gameday.errors import LabError
from gameday.facts import WalCommit
from gameday.lab.local.credentials import database_credentials
from gameday.lab.local.ground import PRIMARY, SECONDARY, Ground
from gameday.lab.local.links import Address, Place
from gameday.lab.local.metrics import MetricStore
from gameday.lab.local.pg_binaries import find_binaries
from gameday.lab.local.pg_template import Blanks
from gameday.lab.local.postgres import Node, Upstream
from gameday.lab.local.rds_state import AVAILABLE, CREATING, FAILED, STARTING, instances, named_in, source_id
from gameday.lab.local.replica_watch import ReplicaWatch
from gameday.lab.local.wal import commits_after_fork

READY_WITHIN_S = 60.0
PROMOTED_WITHIN_S = 60.0
DATABASE_DEFAULT = "app"
STREAMS = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND application_name = %(name)s"
HOLDS = "SELECT pg_last_wal_replay_lsn() >= %(lsn)s::pg_lsn"
type Key = tuple[str, str]  # region, RDS identifier


@dataclass
class Instance:
    """One RDS instance and its PostgreSQL. ``source`` is what it streams from; ``life`` is the work that makes it.

    It ``feeds`` from when a replica may begin to stream from it, which is before it ``is_up``.
    """

    region: str
    number: int
    node: Node
    source: "Instance | None"
    life: "Future[None] | None" = None
    feeds: bool = False
    is_up: bool = False
    watch: ReplicaWatch | None = None

    @property
    def db_id(self) -> str:
        return self.node.name


@dataclass
class DatabaseController:
    """Makes, watches, promotes and removes the PostgreSQL behind each RDS instance of both regions.

    An instance is ``creating`` until its PostgreSQL takes connections (a replica: until it streams), and ``failed``
    once its PostgreSQL died. Slow work runs in threads; processes start in :meth:`reconcile`, on the main thread.
    Raises :class:`NoPostgres` at once when there are no PostgreSQL programs.
    """

    ground: Ground
    name: str = field(default="database", init=False)
    _held: dict[Key, Instance] = field(default_factory=dict, init=False)
    _numbers: dict[Key, int] = field(default_factory=dict, init=False)
    _numbering: threading.Lock = field(default_factory=threading.Lock, init=False)
    _fork: tuple[Node, Node] | None = field(default=None, init=False)
    _closing: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self._metrics = MetricStore()
        self._password = secrets.token_urlsafe(16)  # the replication role's: made for this lab, known to nobody else
        self._workers = ThreadPoolExecutor(4, thread_name_prefix="database")
        self._binaries = find_binaries()
        self._blanks = Blanks(self._binaries, self.ground.folder / "blanks", self._workers)
        self._workers.submit(importlib.import_module, "psycopg")  # now, when there is time
        self._to_start: list[tuple[Node, Future[None]]] = []

    def reconcile(self) -> None:
        """Take new instances in, let deleted ones go, start what is ready to start, tell which died.

        Raises what kept an instance from coming up, each time, until the instance is deleted.
        """
        wanted = {
            (region, db.db_instance_identifier): db for region in (PRIMARY, SECONDARY) for db in instances(region)
        }
        for key in [key for key in self._held if key not in wanted]:
            self._let_go(self._held.pop(key))
        for key, db in wanted.items():
            if key not in self._held:
                self._take_in(key, db)
        self._start_what_is_ready()
        for key, db in wanted.items():
            if key in self._held:
                self._tell_a_death(self._held[key], db)
        for instance in self._held.values():
            if instance.life and instance.life.done() and (cause := instance.life.exception()):
                raise LabError(f"{instance.db_id} in {instance.region} to come up", str(cause)) from cause

    def close(self) -> None:
        """End every PostgreSQL at once; the lab's folder goes with the lab."""
        self._closing.set()
        for instance in self._held.values():
            if instance.watch:
                instance.watch.stop()
            instance.node.kill()
            self.ground.ended(f"postgres/{instance.db_id}")
        self._workers.shutdown(cancel_futures=True)

    def endpoint(self, region: str, db_id: str) -> Address:
        """Where an instance is reached, from before it exists until after it is gone."""
        return (self.ground.addresses.database(region, self._number((region, db_id))), self.ground.ports.database)

    def promote(self, region: str, db_id: str) -> None:
        """Make a replica a primary; returns when it takes writes. Blocks: never call it from the main thread.

        Waits the lab's promotion delay first. Raises :class:`LabError` when it is no running replica.
        """
        replica = self._held.get((region, db_id))
        if replica is None or replica.source is None or not replica.is_up:
            raise LabError(f"{db_id} in {region} to be a running replica", "it is not")
        if self._closing.wait(self.ground.delays.rds_promotion_s):
            raise LabError(f"{db_id} promoted", "the lab is closing")
        if replica.watch:
            replica.watch.stop()
        replica.node.promote(within_s=PROMOTED_WITHIN_S)
        self.ground.board.close(f"replication/{db_id}")
        self._fork = (replica.source.node, replica.node)
        replica.source = None
        self.ground.said(f"database: {db_id} in {region} is a primary")

    def kill(self, region: str, db_id: str) -> None:
        """Lose the instance's host: its links fall silent first, so that nothing under way is delivered (a kernel would
        go on sending what a killed process wrote), then its processes die, then who waited for them is reset."""
        instance = self._named(region, db_id)
        links = [link.name for link in self.ground.board.links() if instance.node.address in link.targets]
        for link in links:
            self.ground.board.cut(link, True)
        instance.node.kill()
        for link in links:
            self.ground.board.sever(link)
        self.ground.said(f"database: {db_id} in {region} was killed")

    def revive(self, region: str, db_id: str) -> None:
        """Start a killed instance again, with what its disk holds; returns at once. One that runs is left alone."""
        instance = self._named(region, db_id)
        if not instance.node.is_running():
            (db,) = [db for db in instances(region) if db.db_instance_identifier == db_id]
            db.status = STARTING
            instance.life = self._workers.submit(self._run_again, instance, db)

    def _named(self, region: str, db_id: str) -> Instance:
        if (region, db_id) not in self._held:
            known = ", ".join(name for of, name in self._held if of == region) or "none"
            raise LabError(f"a database {db_id} in {region}", f"only {known}", "correct its name")
        return self._held[region, db_id]

    def commits_after_fork(self) -> tuple[WalCommit, ...] | None:
        """What the last promoted replica's old source committed after they parted; None when nothing was promoted."""
        return commits_after_fork(*self._fork) if self._fork else None

    # taking in and letting go

    def _take_in(self, key: Key, db: Any) -> None:
        region, db_id = key
        source = self._source_of(db)
        if db.is_replica and not (source and source.feeds):
            return  # it is `creating` until its source is there
        number = self._number(key)
        address = (self.ground.addresses.postgres(region, number), self.ground.ports.database)
        node = Node(db_id, self.ground.folder / "pg" / db_id, address, self._binaries)
        instance = self._held[key] = Instance(region, number, node, source)
        db.status = CREATING
        db.gameday_address, db.port = self.endpoint(region, db_id)
        instance.life = self._workers.submit(self._bring_up, instance, db)

    def _source_of(self, db: Any) -> Instance | None:
        if not db.is_replica:
            return None
        wanted = source_id(db)
        return next((one for (region, db_id), one in self._held.items() if named_in(wanted, region, db_id)), None)

    def _let_go(self, instance: Instance) -> None:
        for link in self._links_of(instance):
            self.ground.board.close(link)
        with self._numbering:
            self._numbers.pop((instance.region, instance.db_id), None)
        self._workers.submit(self._take_down, instance)

    def _links_of(self, instance: Instance) -> Iterator[str]:
        wanted = {f"db/{instance.db_id}", f"replication/{instance.db_id}"}
        return (link.name for link in self.ground.board.links() if link.name in wanted)

    def _take_down(self, instance: Instance) -> None:
        if instance.watch:
            instance.watch.stop()
        instance.node.stop()
        self.ground.ended(f"postgres/{instance.db_id}")
        instance.node.remove()
        self.ground.said(f"database: {instance.db_id} in {instance.region} deleted")

    def _number(self, key: Key) -> int:
        with self._numbering:
            if key not in self._numbers:
                taken = {number for (region, _), number in self._numbers.items() if region == key[0]}
                self._numbers[key] = next(number for number in range(len(taken) + 1) if number not in taken)
            return self._numbers[key]

    # one instance's life, in a worker thread

    def _bring_up(self, instance: Instance, db: Any) -> None:
        try:
            if instance.source:
                self._make_replica(instance, instance.source)
            else:
                self._make_primary(instance, db)
            self._open_endpoint(instance)
        except BaseException as cause:
            db.status = FAILED
            self.ground.said(f"database: {instance.db_id} in {instance.region} did not come up: {cause!r}")
            raise
        instance.feeds = instance.is_up = True
        db.status = AVAILABLE
        self.ground.said(f"database: {instance.db_id} in {instance.region} available")

    def _run_again(self, instance: Instance, db: Any) -> None:
        try:
            self._start_and_wait(instance.node)
        except BaseException:
            db.status = FAILED
            raise
        instance.feeds = instance.is_up = True
        db.status = AVAILABLE
        self.ground.said(f"database: {instance.db_id} in {instance.region} runs again")

    def _make_primary(self, instance: Instance, db: Any) -> None:
        login = database_credentials(instance.region)
        node = instance.node
        node.create(self._blanks.take())
        self._start_and_wait(node)
        node.add_replicator(self._password)
        instance.feeds = True
        node.add_application(login.username, login.password, db.db_name or DATABASE_DEFAULT)

    def _make_replica(self, instance: Instance, source: Instance) -> None:
        node, slot = instance.node, instance.db_id.replace("-", "_")
        source.node.drop_slot(slot)
        source.node.add_slot(slot)
        upstream = Upstream(self._open_replication(instance, source), slot, self._password)
        node.create(self._blanks.take(), upstream)
        self._start_and_wait(node)
        assert source.life
        source.life.result()
        self._wait_complete(source.node, node)
        publish = partial(self._publish_lag, instance)
        instance.watch = ReplicaWatch(source.node, node, self.ground.delays.lag_metric_period_s, publish)

    def _wait_complete(self, source: Node, replica: Node) -> None:
        """An available replica streams, and holds everything its source had when it began to."""
        streams = partial(source.ask, STREAMS, {"name": replica.name})
        eventually(streams, 1, what=f"{replica.name} streaming from {source.name}", within_s=READY_WITHIN_S)
        had = source.ask("SELECT pg_current_wal_flush_lsn()::text")
        holds = partial(replica.ask, HOLDS, {"lsn": had})
        eventually(holds, True, what=f"{replica.name} as far as {source.name}", within_s=READY_WITHIN_S)

    def _start_and_wait(self, node: Node) -> None:
        started: Future[None] = Future()
        self._to_start.append((node, started))

        def is_started() -> bool:
            if self._closing.is_set():
                raise LabError(f"PostgreSQL {node.name} started", "the lab is closing")
            return started.done()

        eventually(is_started, True, what=f"PostgreSQL {node.name} started", within_s=READY_WITHIN_S, every_s=0.02)
        started.result()
        node.wait_ready(within_s=READY_WITHIN_S, log=self._log(node))

    def _open_endpoint(self, instance: Instance) -> None:
        path = (Place(instance.region, "tasks"), Place(instance.region, "database"))
        listen = self.endpoint(instance.region, instance.db_id)
        self.ground.board.open(f"db/{instance.db_id}", listen, [instance.node.address], path)

    def _open_replication(self, instance: Instance, source: Instance) -> Address:
        path = (Place(instance.region, "database"), Place(source.region, "database"))
        near = (self.ground.addresses.remote_database(instance.region, instance.number), self.ground.ports.database)
        latency_s = 0.0 if instance.region == source.region else self.ground.delays.link_latency_s
        self.ground.board.open(f"replication/{instance.db_id}", near, [source.node.address], path, latency_s=latency_s)
        return near

    def _publish_lag(self, instance: Instance, lag_s: float) -> None:
        dimensions = {"DBInstanceIdentifier": instance.db_id}
        self._metrics.put(instance.region, "AWS/RDS", "ReplicaLag", dimensions, lag_s)

    # on the main thread

    def _start_what_is_ready(self) -> None:
        while self._to_start:
            node, started = self._to_start.pop(0)
            try:
                node.start(self.ground.start)
            except BaseException as cause:
                started.set_exception(cause)
                raise
            started.set_result(None)

    def _tell_a_death(self, instance: Instance, db: Any) -> None:
        if instance.is_up and not instance.node.is_running():
            instance.feeds = instance.is_up = False
            db.status = FAILED
            self.ground.ended(f"postgres/{instance.db_id}")
            self.ground.said(f"database: the PostgreSQL of {instance.db_id} in {instance.region} died")

    def _log(self, node: Node) -> Path:
        return self.ground.folder / "logs" / "postgres" / f"{node.name}.log"
