"""How long it takes to have 1,000 ransomed objects again, in a lab of its own, and how many are not back."""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import Figure
from gameday.clock import eventually
from gameday.faults.object_ransomware import ObjectRansomware
from gameday.lab.bring_back import each_at_once
from gameday.lab.local.lab import LabOptions
from gameday.lab.local.launch import launch_lab
from gameday.lab.model import Lab
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal
from gameday.recovery import runbook
from gameday.recovery.object_recovery import RUNBOOK
from gameday.recovery.objects import altered
from gameday.recovery.runbook import Scene, walk

OBJECTS, BYTES = 1_000, 2_048


def figures(times: int = 5) -> Iterator[Figure]:
    """Ransom them all and walk the runbook, ``times`` times over the same objects; the reading is the runbook's own."""
    running = launch_lab(LabOptions("bench-objects", 0.05, private=True), lambda text: None)
    took_s, left = [], []
    try:
        _store(running.lab)
        for number in range(times):
            seconds, unrecovered = _ransomed_and_recovered(running.lab, number)
            took_s.append(seconds)
            left.append(float(unrecovered))
    finally:
        running.stop()
    yield Figure(f"{OBJECTS:,} ransomed objects restored, each read", "s", tuple(took_s), at_most=30)
    yield Figure("of them unrecovered or altered", "objects", tuple(left), at_most=0)


def _store(lab: Lab) -> None:
    s3, bucket = lab.client("s3", lab.primary), lab.of(lab.primary, "BucketName")
    keys = [f"bench/{number:06d}" for number in range(OBJECTS)]
    each_at_once(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=key.encode().ljust(BYTES, b".")), keys)


def _ransomed_and_recovered(lab: Lab, seed: int) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder:
        record = Record.create(Path(folder), "bench")
        timeline, undo = Timeline(record), UndoJournal(record.undo)
        at = _next_second()
        ObjectRansomware(lab.primary, seed=seed).inject(lab, undo, timeline)
        start = time.perf_counter()
        scene = Scene.of(RUNBOOK, lab, timeline, {"at": at.isoformat()})
        walk(runbook("object-recovery"), scene)
        took_s = time.perf_counter() - start
        left = len(altered(lab, lab.primary, at, "", "best"))
        timeline.close()
        undo.close()
    return took_s, left


def _next_second() -> datetime:
    """S3's stamps are whole seconds: what was stored before this one is known to be older."""
    now = datetime.now(UTC)
    eventually(lambda: int(datetime.now(UTC).timestamp()) > int(now.timestamp()), True, what="a second", within_s=2)
    return datetime.now(UTC).replace(microsecond=0)
