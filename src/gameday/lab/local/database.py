"""The database controller: every RDS instance of the control plane is a real PostgreSQL."""

import importlib
import itertools
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from gameday.clock import eventually
from gameday.errors import LabError
from gameday.facts import WalCommit
from gameday.lab.local.backups import AutomatedBackup, Backups
from gameday.lab.local.births import Births, Instance
from gameday.lab.local.ground import PRIMARY, SECONDARY, Ground
from gameday.lab.local.links import Address, Place
from gameday.lab.local.metrics import MetricStore
from gameday.lab.local.pg_binaries import find_binaries
from gameday.lab.local.pg_template import Blanks
from gameday.lab.local.postgres import Node
from gameday.lab.local.rds_state import (
    AVAILABLE,
    CREATING,
    DELETING,
    FAILED,
    STARTING,
    automated_snapshot,
    deleted,
    identify,
    instances,
    named_in,
    source_id,
)  # fmt: skip
from gameday.lab.local.wal import commits_after_fork

READY_WITHIN_S = 60.0
PROMOTED_WITHIN_S = 60.0
# RDS ships WAL each five minutes (RDS user guide, "Restoring a DB instance to a specified time").
SHIPS_EACH_S, SHIPS_EACH_AT_LEAST_S = 300.0, 1.0
type Key = tuple[str, str]  # region, RDS identifier


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
    _fork_told: tuple[WalCommit, ...] | None = field(default=None, init=False)  # where its old primary is deleted
    backs_up: bool = field(default=False, init=False)  # the lab's start is not slowed by copies
    _closing: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self._metrics = MetricStore()
        self._password = secrets.token_urlsafe(16)  # the replication role's: made for this lab, known to nobody else
        self._workers = ThreadPoolExecutor(8, thread_name_prefix="database")
        self._binaries = find_binaries()
        self._blanks = Blanks(self._binaries, self.ground.folder / "blanks", self._workers)
        self._workers.submit(importlib.import_module, "psycopg")  # now, when there is time
        self._to_start: list[tuple[Node, Future[None]]] = []
        self._folders = itertools.count()
        self.backups = Backups(self.ground.folder / "backups")
        self.births = Births(
            self.ground, self._blanks, self._password, self._start_and_wait, self._closing, self._publish_lag
        )

    def reconcile(self) -> None:
        """Take new instances in, let deleted ones go, start what is ready to start, tell which died.

        Raises what kept an instance from coming up, each time, until the instance is deleted.
        """
        wanted = {
            (region, db.db_instance_identifier): db for region in (PRIMARY, SECONDARY) for db in instances(region)
        }
        for key in [key for key in self._held if key not in wanted]:
            self._let_go(key)
        for key, db in wanted.items():
            if db.status == DELETING:
                self._see_off(key, db)
            elif key not in self._held:
                self._take_in(key, db)
        self._start_what_is_ready()
        for key, db in wanted.items():
            if key in self._held:
                self._tell_a_death(self._held[key], db)
                self._back_up(self._held[key], db)
        self._raise_what_failed()

    def close(self) -> None:
        """End every PostgreSQL at once; the lab's folder goes with the lab."""
        self._closing.set()
        self.backups.close()
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
        # An old primary that was deleted before can commit nothing after the fork, and its WAL is gone with it.
        told = () if replica.source.node.is_removed else None
        replica.node.promote(within_s=PROMOTED_WITHIN_S)
        self.ground.board.close(f"replication/{db_id}")
        self._fork, self._fork_told = (replica.source.node, replica.node), told
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

    def reboot(self, region: str, db_id: str) -> None:
        """End the instance's PostgreSQL in order and start it again; returns at once."""
        instance = self._named(region, db_id)
        (db,) = [db for db in instances(region) if db.db_instance_identifier == db_id]
        instance.feeds = instance.is_up = False
        instance.life = self._workers.submit(self._restart, instance, db)

    def take_snapshot(self, region: str, db_id: str, snapshot: Any) -> None:
        """Copy the instance's data as of now, under moto's snapshot, which is ``available`` then; returns at once."""
        node = self._named(region, db_id).node
        take = partial(self.backups.take, region, snapshot.db_snapshot_identifier, node)
        self._workers.submit(self._keep, snapshot, take)

    def copy_snapshot(self, source: Key, region: str, snapshot: Any) -> None:
        """Copy a snapshot, of another region when that can be reached; returns at once."""

        def copy() -> None:
            self.births.until_passes(region, source[0])
            self.backups.copy(source, (region, snapshot.db_snapshot_identifier))
            self.births.until_passes(region, source[0])  # what is cut on its way arrives after the cut

        self._workers.submit(self._keep, snapshot, copy)

    def _keep(self, snapshot: Any, work: Callable[[], object]) -> None:
        """RDS tells of a snapshot that came to nothing by its status alone."""
        try:
            work()
        except BaseException as cause:
            snapshot.status = FAILED
            self.ground.said(f"database: no snapshot {snapshot.db_snapshot_identifier}: {cause!r}")
            raise
        snapshot.percent_progress, snapshot.status = 100, AVAILABLE
        self.ground.said(f"database: snapshot {snapshot.db_snapshot_identifier} available")

    def _named(self, region: str, db_id: str) -> Instance:
        if (region, db_id) not in self._held:
            known = ", ".join(name for of, name in self._held if of == region) or "none"
            raise LabError(f"a database {db_id} in {region}", f"only {known}", "correct its name")
        return self._held[region, db_id]

    def commits_after_fork(self) -> tuple[WalCommit, ...] | None:
        """What the last promoted replica's old source committed after they parted; None when nothing was promoted."""
        if self._fork_told is not None:
            return self._fork_told
        return commits_after_fork(*self._fork) if self._fork else None

    # taking in and letting go

    def _take_in(self, key: Key, db: Any) -> None:
        region, db_id = key
        source = self._source_of(db)
        if db.is_replica and not (source and source.feeds):
            return  # it is `creating` until its source is there
        number = self._number(key)
        address = (self.ground.addresses.postgres(region, number), self.ground.ports.database)
        # Not named after the instance: 63 characters of it would make the socket's path too long.
        node = Node(db_id, self.ground.folder / "pg" / str(next(self._folders)), address, self._binaries)
        instance = self._held[key] = Instance(region, number, node, source)
        db.status = CREATING
        db.gameday_address, db.port = self.endpoint(region, db_id)
        identify(db)
        instance.life = self._workers.submit(self._bring_up, instance, db)

    def _source_of(self, db: Any) -> Instance | None:
        if not db.is_replica:
            return None
        wanted = source_id(db)
        return next((one for (region, db_id), one in self._held.items() if named_in(wanted, region, db_id)), None)

    def _let_go(self, key: Key) -> None:
        """The control plane no longer knows it."""
        instance = self._held.pop(key)
        self._forget_number(instance)
        self._workers.submit(self._take_down, instance)

    def _see_off(self, key: Key, db: Any) -> None:
        """It is ``deleting`` until its final snapshot is taken and its PostgreSQL is gone, as on AWS."""
        instance = self._held.get(key)
        if instance and instance.leaving is None:
            instance.leaving = self._workers.submit(self._leave, instance, db)
        elif instance is None or (instance.leaving and instance.leaving.done() and not instance.leaving.exception()):
            deleted(key[0], db)
            if instance:
                self._forget_number(self._held.pop(key))

    def _leave(self, instance: Instance, db: Any) -> None:
        if instance.life:
            wait([instance.life])
        if self._fork and instance.node is self._fork[0]:
            self._fork_told = commits_after_fork(*self._fork)
        self.backups.end(instance.region, db.dbi_resource_id, retain=getattr(db, "gameday_keeps_backups", False))
        self._take_down(instance, getattr(db, "gameday_final_snapshot", None))

    def _forget_number(self, instance: Instance) -> None:
        with self._numbering:
            self._numbers.pop((instance.region, instance.db_id), None)

    def _links_of(self, instance: Instance) -> Iterator[str]:
        wanted = {f"db/{instance.db_id}", f"replication/{instance.db_id}"}
        return (link.name for link in self.ground.board.links() if link.name in wanted)

    def _take_down(self, instance: Instance, final: Any = None) -> None:
        """What cannot be kept in its final snapshot is not removed."""
        for link in self._links_of(instance):
            self.ground.board.close(link)
        if instance.watch:
            instance.watch.stop()
        if final:
            take = partial(self.backups.take_last, instance.region, final.db_snapshot_identifier, instance.node)
            self._keep(final, take)
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
            origin = self.backups.origin((instance.region, instance.db_id))
            if instance.source:
                self.births.replica(instance, instance.source)
            elif origin:
                self.births.restored(instance, origin)
            else:
                self.births.primary(instance, db)
            self._open_endpoint(instance)
        except BaseException as cause:
            db.status = FAILED
            self.ground.said(f"database: {instance.db_id} in {instance.region} did not come up: {cause!r}")
            raise
        instance.feeds = instance.is_up = True
        db.status = AVAILABLE
        self.ground.said(f"database: {instance.db_id} in {instance.region} available")

    def _restart(self, instance: Instance, db: Any) -> None:
        instance.node.stop()
        self._run_again(instance, db)

    def _run_again(self, instance: Instance, db: Any) -> None:
        try:
            self._start_and_wait(instance.node)
        except BaseException:
            db.status = FAILED
            raise
        instance.feeds = instance.is_up = True
        db.status = AVAILABLE
        self.ground.said(f"database: {instance.db_id} in {instance.region} runs again")

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
        if instance.is_up and not instance.leaving and not instance.node.is_running():
            instance.feeds = instance.is_up = False
            db.status = FAILED
            self.ground.ended(f"postgres/{instance.db_id}")
            self.ground.said(f"database: the PostgreSQL of {instance.db_id} in {instance.region} died")

    def _back_up(self, instance: Instance, db: Any) -> None:
        """Automated backups begin with the instance's own life as a primary, or with its promotion."""
        if self.backs_up and instance.is_up and not db.is_replica and db.backup_retention_period:
            period_s = max(SHIPS_EACH_AT_LEAST_S, SHIPS_EACH_S * self.ground.scale)
            self.backups.begin(instance.region, db, instance.node, period_s, self._shipped)

    def _shipped(self, backup: AutomatedBackup) -> None:
        """RDS lists the first backup of an instance among its snapshots, and tells how far it can be restored."""
        base, db = backup.archive.base, backup.database
        assert base
        if db.gameday_restorable is None:
            snapshot = automated_snapshot(db, base.begun)
            self.backups.adopt(backup.region, snapshot.db_snapshot_identifier, base)
            snapshot.status = AVAILABLE
        db.gameday_restorable = backup.archive.latest

    def _raise_what_failed(self) -> None:
        for instance in self._held.values():
            done = [work for work in (instance.life, instance.leaving) if work and work.done()]
            for cause in [work.exception() for work in (done[-1:] if instance.leaving else done)]:
                if cause:
                    wanted = "be deleted" if instance.leaving else "come up"
                    raise LabError(f"{instance.db_id} in {instance.region} to {wanted}", str(cause)) from cause
        for name, failure in self.backups.failures():
            raise LabError(f"the automated backup of {name}", str(failure)) from failure

    def _log(self, node: Node) -> Path:
        return self.ground.folder / "logs" / "postgres" / f"{node.name}.log"
