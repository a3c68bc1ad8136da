"""The Locust file of ``python -m benchmarks ledger``: our own users, whose ledger is kept and put aside by turns.

Locust takes up the users that it finds here, so ours are imported.

Its turns are told by ``GAMEDAY_BENCH_PAIRS``, ``GAMEDAY_BENCH_SLICE_S`` and ``GAMEDAY_BENCH_SLICES``, a file to write.
"""

import itertools
import os
import time
from functools import cache
from pathlib import Path
from typing import Any

import gevent
import msgspec
from locust import events

from benchmarks.ledger_slice import Slice
from gameday.load import locustfile
from gameday.load.locustfile import Customer
from gameday.record.ledger import Attempt, Ledger

__all__ = ["Customer"]
WARM_UP_S = 0.3  # after each turn, until what was begun before it has ended
BOTH_WAYS = (True, False, False, True)  # with, without; without, with: what drifts meets both alike


class _Aside:
    """A ledger that writes nothing down of what begins while it is there; what began before ends where it began."""

    def __init__(self, kept: Ledger) -> None:
        self._kept, self.writer = kept, kept.writer

    def sent(self, *_: Any) -> None: ...

    def settled(self, sent: Attempt | None, *how: Any) -> None:
        if sent is not None:
            self._kept.settled(sent, *how)


@cache
def _ledgers() -> dict[bool, Any]:
    kept = locustfile._writer().ledger
    return {True: kept, False: _Aside(kept)}


@events.init.add_listener
def _measure_when_all_are_there(environment: Any, **_: Any) -> None:
    events.spawning_complete.add_listener(lambda **_: gevent.spawn(_take_turns, environment))


def _take_turns(environment: Any) -> None:
    turns = itertools.islice(itertools.cycle(BOTH_WAYS), 2 * int(os.environ["GAMEDAY_BENCH_PAIRS"]))
    slices = [_slice(environment.stats.total, with_ledger) for with_ledger in turns]
    Path(os.environ["GAMEDAY_BENCH_SLICES"]).write_bytes(msgspec.json.encode(slices))
    locustfile._writer().ledger = _ledgers()[True]  # it is closed as always
    environment.runner.quit()


def _slice(total: Any, with_ledger: bool) -> Slice:
    locustfile._writer().ledger = _ledgers()[with_ledger]
    gevent.sleep(WARM_UP_S)
    before = _seen(total)
    gevent.sleep(float(os.environ["GAMEDAY_BENCH_SLICE_S"]))
    return Slice(with_ledger, *(now - then for now, then in zip(_seen(total), before, strict=True)))


def _seen(total: Any) -> tuple[int, int, float, float, int]:
    written = sum(segment.stat().st_size for segment in (locustfile.RECORD / "writes").iterdir())
    return total.num_requests, total.num_failures, time.perf_counter(), time.process_time(), written
