"""Watching one replica from a thread of its own: its lag is measured each second and published."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from gameday.lab.local.postgres import Node
from gameday.lab.local.replica_lag import LagMeter, Sighting

SAMPLE_S = 1.0
SOURCE_SAYS = """
    SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint,
           (SELECT extract(epoch FROM clock_timestamp() - reply_time)::float
              FROM pg_stat_replication WHERE application_name = %s)
"""
REPLICA_SAYS = """
    SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint,
           extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float
"""


class ReplicaWatch:
    """Publishes ``publish(lag_s)`` each ``period_s`` until :meth:`stop`; nothing while the replica itself is silent."""

    def __init__(self, source: Node, replica: Node, period_s: float, publish: Callable[[float], None]) -> None:
        self._source, self._replica = source, replica
        self._period_s, self._publish = period_s, publish
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lag of {replica.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Publish nothing more. Safe twice."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        meter, due_s = LagMeter(time.monotonic()), time.monotonic()
        with _Line(self._source) as source, _Line(self._replica) as replica:
            while not self._stopping.wait(min(SAMPLE_S, self._period_s)):
                seen = self._look(source, replica)
                lag_s = meter.lag_s(seen) if seen else None
                if lag_s is not None and time.monotonic() >= due_s:
                    self._publish(lag_s)
                    due_s = max(due_s + self._period_s, time.monotonic())

    def _look(self, source: "_Line", replica: "_Line") -> Sighting | None:
        at_s = time.monotonic()
        had = source.ask(SOURCE_SAYS, (self._replica.name,))
        has = replica.ask(REPLICA_SAYS, None)
        if has is None or has[0] is None:
            return None
        return Sighting(at_s, had[0] if had else None, had[1] if had else None, has[0], has[1])


class _Line:
    """A kept connection to a PostgreSQL that may die and come back."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._open = contextlib.ExitStack()
        self._connection: Any = None

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    def ask(self, question: str, parameters: tuple[str, ...] | None) -> Any:
        """The first row; None when the PostgreSQL does not answer."""
        import psycopg

        try:
            if self._connection is None:
                self._connection = self._open.enter_context(self._node.connect(timeout_s=2))
            return self._connection.execute(question, parameters).fetchone()
        except psycopg.Error:
            self._drop()
            return None

    def _drop(self) -> None:
        self._connection = None
        self._open.close()
