"""Locust's users: they place orders and read their own back, and write every attempt at a write into the ledger.

Locust does the users, the rates, the workers and the statistics; here stands only what a user of this service does. Run
by :class:`gameday.load.runner.Load`, which sets ``GAMEDAY_LOAD_RECORD`` (a record's folder), ``GAMEDAY_LOAD_RESOLVER``,
``GAMEDAY_LOAD_THINK_S``, ``GAMEDAY_LOAD_PATIENCE_S`` and ``GAMEDAY_LOAD_STAGES`` (JSON). ``GAMEDAY_LOAD_MODULES=path``
makes each process write down which modules it has loaded: boto3 must not be among them, since gevent's patches make its
TLS recurse.

Every attempt settles in the ledger, also when its user is stopped: users that are told to stop begin nothing new and
finish what they are in, for which they get longer than an attempt takes; what is cut off nevertheless settles as
indeterminate at the end.
"""

import itertools
import os
import random
import signal
import sys
import time
from collections import deque
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any

import gevent
import msgspec
import psutil
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool
from locust import FastHttpUser, LoadTestShape, between, events, task
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner
from locust.user.task import LOCUST_STATE_STOPPING

from gameday.facts import Settlement
from gameday.load.ids import order_id, payload_of
from gameday.load.plan import LoadStage, stage_at
from gameday.load.resolve_gevent import use
from gameday.load.settle import NOT_APPLIED, Answer, Settled, found, settle_answer, settle_failure
from gameday.processes import die_with_parent, identify
from gameday.record.ledger import Ledger, checksum

ATTEMPTS = 2
REMEMBERED = 50  # of a user's own orders, to read back
WORKERS_WITHIN_S = 2.0  # beyond the stop timeout: for a worker's last report

RECORD = Path(os.environ.get("GAMEDAY_LOAD_RECORD", "."))
THINK_S = float(os.environ.get("GAMEDAY_LOAD_THINK_S", "0.5"))
PATIENCE_S = float(os.environ.get("GAMEDAY_LOAD_PATIENCE_S", "3"))
STAGES = msgspec.json.decode(os.environ.get("GAMEDAY_LOAD_STAGES", "[]"), type=tuple[LoadStage, ...])

_stopping = Event()


@events.init.add_listener  # type: ignore[untyped-decorator]
def _begin(environment: Any, **_: Any) -> None:
    """In every process of this load, after Locust forked it: it dies with its parent, and follows DNS."""
    if isinstance(environment.runner, WorkerRunner):
        die_with_parent()
    elif environment.shape_class:
        _end_shape_on_sigterm(environment.runner)
    use(os.environ.get("GAMEDAY_LOAD_RESOLVER", "system"))


def _end_shape_on_sigterm(runner: Any) -> None:
    """Locust listens to SIGTERM only when its shape is over, and is killed before that: so SIGTERM ends the shape.

    From there on Locust ends by itself, as after a shape's last tick: users are stopped, statistics written, exit 0.
    """

    def end_shape() -> None:
        _stopping.set()
        if runner.shape_greenlet:
            runner.shape_greenlet.kill(block=False)

    gevent.signal_handler(signal.SIGTERM, end_shape)


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def _tell_modules(**_: Any) -> None:
    if path := os.environ.get("GAMEDAY_LOAD_MODULES"):
        Path(path).write_text("\n".join(sorted(sys.modules)))


@events.test_stopping.add_listener  # type: ignore[untyped-decorator]
def _begin_nothing_new(**_: Any) -> None:
    """Locust kills users that wait; one that wakes up in that same turn of the loop would send an order first."""
    _stopping.set()


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def _let_workers_end(environment: Any, **_: Any) -> None:
    """Locust's master ends half a second after it told its workers to, and they die with it: wait for them here."""
    if isinstance(environment.runner, MasterRunner):
        environment.runner.send_message("quit")
        workers = psutil.Process().children()
        deadline = time.monotonic() + environment.stop_timeout + WORKERS_WITHIN_S
        while any(identify(worker.pid) for worker in workers) and time.monotonic() < deadline:
            gevent.sleep(0.05)


@events.quit.add_listener  # type: ignore[untyped-decorator]
def _close(**_: Any) -> None:
    if _writer.cache_info().currsize:
        _writer().close()


class _Writer:
    """This process's segment of the ledger, and the numbers of its orders."""

    def __init__(self) -> None:
        self.ledger = Ledger(RECORD / "writes", f"locust-{os.getpid()}")
        self._numbers = itertools.count(1)

    def next_id(self) -> str:
        return order_id(RECORD.name, self.ledger.writer, next(self._numbers))

    def close(self) -> None:
        """Locust ends users in the middle of a request: what they sent may have arrived, and nobody will know."""
        cut_off = settle_failure("stopped while under way", byte_sent=True)
        for sent in self.ledger.under_way():
            self.ledger.settled(sent, cut_off.settlement, why=cut_off.why)
        self.ledger.close()


@cache
def _writer() -> _Writer:
    """Made when the first order is placed, which is after Locust's workers were forked."""
    return _Writer()


class _CountingPool(ConnectionPool):  # type: ignore[misc]
    """Counts the connections it lent: while none is, no byte of a request can have left."""

    lent = 0

    def get_socket(self) -> Any:
        lent = super().get_socket()
        self.lent += 1
        return lent


class _CountingClient(HTTPClient):  # type: ignore[misc]
    """geventhttpclient's client, over a pool that counts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        pool = self._connection_pool
        if type(pool) is ConnectionPool:  # over TLS nothing is counted, and every failure is indeterminate
            pool.__class__ = _CountingPool  # the client makes its own pool, and lets nobody choose the kind


class _CountingClients(HTTPClientPool):  # type: ignore[misc]
    """One user's connections; they are kept until they break, and each new one follows the name."""

    def get_client(self, url: Any) -> Any:
        key = url.host, url.port
        if key not in self.clients:
            self.clients[key] = _CountingClient.from_url(url, **self.client_args)
        return self.clients[key]

    def lent(self) -> int | None:
        """How many connections were lent so far; None when that is not counted."""
        pools = [client._connection_pool for client in self.clients.values()]
        return sum(pool.lent for pool in pools) if all(type(pool) is _CountingPool for pool in pools) else None


class Stages(LoadTestShape):  # type: ignore[misc]
    """The plan's stages by the clock; the last one is held. Where there are workers, only their master asks."""

    abstract = not STAGES  # else Locust would take it up, and leave its --users aside

    def tick(self) -> tuple[int, float] | None:
        """How many users there should be now; None, which ends Locust, once it was told to stop."""
        if _stopping.is_set():
            return None
        now = stage_at(STAGES, self.get_run_time())
        return now.users, now.spawn_rate


class Customer(FastHttpUser):  # type: ignore[misc]
    """Places an order, thinks, and now and then looks at one of the last orders it knows to be placed."""

    wait_time = between(THINK_S * 0.5, THINK_S * 1.5)
    concurrency = 1

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._pool = _CountingClients(concurrency=1, network_timeout=PATIENCE_S, connection_timeout=PATIENCE_S / 2)
        self.client.client.clientpool = self._pool
        self._own: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)

    @task(3)  # type: ignore[untyped-decorator]
    def place(self) -> None:
        """An order; when it is not acknowledged, the same order once more."""
        self._unless_stopping()
        id = _writer().next_id()
        for attempt in range(1, ATTEMPTS + 1):
            if self._attempt(id, attempt).good:
                self._own.append((id, checksum(payload_of(id).encode())))
                return
            self._unless_stopping()

    @task(1)  # type: ignore[untyped-decorator]
    def look(self) -> None:
        """One of the user's own orders, if there is one."""
        self._unless_stopping()
        if not self._own:
            return
        id, sum_ = random.choice(list(self._own))
        with self.client.get(f"/orders/{id}", name="GET /orders/{id}", catch_response=True) as answer:
            if why := found(_answer(answer), id, sum_):
                answer.failure(why)

    def _attempt(self, id: str, attempt: int) -> Settled:
        payload = payload_of(id)
        content = payload.encode()
        sum_, lent_before = checksum(content), self._pool.lent()
        sent = _writer().ledger.sent(id, attempt, sum_, len(content))
        with self.client.post("/orders", json={"id": id, "payload": payload}, catch_response=True) as answer:
            if answer.status_code:
                settled = settle_answer(_answer(answer), id, sum_)
            else:
                byte_sent = lent_before is None or self._pool.lent() != lent_before
                settled = settle_failure(repr(answer.error)[:200], byte_sent=byte_sent)
            if settled.settlement is not Settlement.ACKED:
                answer.failure(settled.why)
        _writer().ledger.settled(sent, settled.settlement, settled.ack, settled.status, settled.why)
        return settled

    def _unless_stopping(self) -> None:
        """Ends a user that would begin something new while Locust is stopping, or has one user fewer to have."""
        if _stopping.is_set() or self._state == LOCUST_STATE_STOPPING:
            raise StopUser


def _answer(response: Any) -> Answer:
    headers = response.headers or {}
    return Answer(response.status_code, response.content or b"", headers.get(NOT_APPLIED) == "1")
