"""How long a failback takes until both regions protect each other again, with so much data in the database."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import Figure
from gameday.clock import eventually
from gameday.facts import FAILBACK_REBUILDS, Kind
from gameday.lab import fence, status
from gameday.lab.local.attach import living
from gameday.lab.local.ground import Addresses, Ports
from gameday.lab.local.lab import LabOptions
from gameday.lab.local.launch import launch_lab
from gameday.lab.model import Lab
from gameday.record.layout import Record
from gameday.record.lines import Damage
from gameday.record.timeline import Timeline
from gameday.recovery import runbook
from gameday.recovery.failover import start_unplanned_failover
from gameday.recovery.runbook import Scene, walk

SCALE = 0.05
GIB = 2**30
ROW_BYTES = 8000  # uncompressed, so that a row is what it weighs
FILL = (
    "CREATE TABLE ballast (id int, text bytea)",
    "ALTER TABLE ballast ALTER text SET STORAGE EXTERNAL",
    "INSERT INTO ballast SELECT n, decode(repeat(md5(n::text), %(md5s)s), 'hex') FROM generate_series(1, %(rows)s) n",
)


def figures(times: int = 5) -> Iterator[Figure]:
    """A failover, a fence, then the runbook, on fresh labs with 1 GiB each; no clients, so nothing but the way back."""
    protected_s, reverse_s = [], []
    for number in range(times):
        took = _failback(f"bench-failback-{number}", GIB)
        protected_s.append(took[0])
        reverse_s.append(took[1])
    yield Figure("failback with 1 GiB to re-protected", "s", tuple(protected_s), at_most=30)
    yield Figure("of that, until protected the other way round", "s", tuple(reverse_s))


def _failback(name: str, size_bytes: int) -> tuple[float, float]:
    """Seconds from the runbook's first change to its end, and to the end of the step that rebuilds the primary.

    Its first step only looks, and waits for a failover that the fence sets off: the alarm's time, not the way's.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        running = launch_lab(LabOptions(name, SCALE, private=True), lambda text: None)
        stack.callback(running.stop)
        lab = running.lab
        _fill(lab, size_bytes)
        record = Record.create(folder, "failback")
        timeline = Timeline(record)
        stack.callback(timeline.close)
        start_unplanned_failover(lab, timeline)
        eventually(lambda: _failover(lab), "SUCCEEDED", what="the failover", within_s=60)
        fence.fence(lab, lab.primary, timeline)
        book = runbook("failback")
        scene = Scene.of(book, lab, timeline, {})
        walk(book, scene, book.steps[:1])
        begun = time.monotonic()
        walk(book, scene, book.steps[1:])
        took_s = time.monotonic() - begun
        events = [event for event in record.read_events(Damage()) if event.kind is Kind.RUNBOOK]
        first = next(event for event in events if event.what == book.steps[1].name)
        rebuilt = next(e for e in events if e.what == FAILBACK_REBUILDS and e.detail["state"] == "done")
        return took_s, (rebuilt.mono_ns - first.mono_ns) / 1e9


def _failover(lab: Lab) -> str:
    seen = status.execution(lab)
    return seen.status if seen else "none"


def _fill(lab: Lab, size_bytes: int) -> None:
    """So many bytes of rows in the primary, replayed by the standby before anything begins."""
    rows = size_bytes // ROW_BYTES
    with _inside(lab, lab.primary) as primary:
        for statement in FILL:
            primary.execute(statement, {"rows": rows, "md5s": ROW_BYTES // 16})
        (written,) = primary.execute("SELECT pg_current_wal_lsn()::text").fetchone()
    with _inside(lab, lab.secondary) as standby:
        replayed = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        eventually(lambda: standby.execute(replayed, (written,)).fetchone()[0], True, what="the rows", within_s=120)


def _inside(lab: Lab, region: str) -> Any:
    """The region's own PostgreSQL, asked behind every link."""
    state, secrets = living(lab.name), lab.client("secretsmanager", lab.primary)
    login = json.loads(secrets.get_secret_value(SecretId="gameday/database/credentials")["SecretString"])
    return psycopg.connect(
        host=Addresses(state.slot).postgres(region), port=Ports(state.port_base).database, dbname="app",
        user=login["username"], password=login["password"], autocommit=True,
    )  # fmt: skip
