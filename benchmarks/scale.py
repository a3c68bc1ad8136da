"""What it takes to judge a large drill: time and peak memory of a process of its own, over a ledger with known truths.

The ledger is made up, by four writers, with the very lines that a writer writes; one in some thousands of its writes is
planted to be of each class, and the judgement must find exactly those.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.figures import Figure
from gameday.clock import NS, HandClock, boot_id
from gameday.facts import READ_BACK_COMPLETE, Event, Kind, Objectives, Plan, Probe, Survivor, Timers, WalCommit, Write
from gameday.load.ids import order_id
from gameday.record.layout import Record
from gameday.record.timeline import Timeline

MILLION = 1_000_000
WRITERS = 4
SPAN_S = 3_600  # however many writes there are
FAULT_S = 3_000
EVERY = 5_003  # one write in so many is planted, each in its turn
PLANTED = ("lost", "duplicate", "corrupted", "diverged", "recovered", "absent", "ghost", "refused", "unexpected")
PRIMARY, SECONDARY = "ap-southeast-2", "us-west-2"
BLOCK = 10_000
FIRST_XID, STAMP = 700, "2026-11-27T05:00:00.000000Z"
DEFECTS = {"the ledger has gaps", "the record is damaged", "attempts never settled"}
_SETTLED = {"recovered": "unknown", "absent": "unknown", "ghost": "refused", "refused": "refused"}
_GONE = {"lost", "absent", "refused"}
# Runs in the child, so that the peak is the judgement's own.
_CHILD = """
import json, resource, sys, time
from pathlib import Path
from gameday.measure.judge import judge
from gameday.record.layout import Record
start = time.perf_counter()
found = judge(Record.open(Path(sys.argv[1])))
took_s, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"took_s": took_s, "cpu_s": used.ru_utime + used.ru_stime, "peak_mib": used.ru_maxrss / 1024,
    "classes": {**found.classes, "unexpected": found.unexpected}, "told": [each.what for each in found.findings]}))
"""

# The floor of any judgement by these libraries: the ledger's lines read into all their columns, and looked through.
_READ = """
import json, sys, time
from pathlib import Path
import duckdb, msgspec
from gameday.measure.settle import LINES
segments = sorted(map(str, Path(sys.argv[1]).glob("*.ndjson")))
start, used = time.perf_counter(), time.process_time()
db = duckdb.connect(config={"threads": 2})
db.execute("SET enable_progress_bar = false")
columns = ", ".join(f"{name}: '{kind}'" for name, kind in LINES.columns.items())
counts = ", ".join(f"count({name})" for name in LINES.columns)
db.execute(f"SELECT {counts} FROM read_ndjson($1, columns={{{columns}}})", [segments])
read_s, cpu_s = time.perf_counter() - start, time.process_time() - used
decoder, used = msgspec.json.Decoder(LINES.struct), time.process_time()
for segment in segments:
    with open(segment, "rb") as file:
        while lines := file.readlines(1 << 16):
            decoder.decode_lines(b"".join(lines))
print(json.dumps({"read_s": read_s, "cpu_s": cpu_s, "decoded_s": time.process_time() - used}))
"""


def figures(times: int = 1) -> Iterator[Figure]:
    """Judge 1 and 10 million writes."""
    yield from _of(MILLION, times)
    yield from _of(10 * MILLION, times, took_s_max=30, peak_mib_max=1024)


def all_figures(times: int = 1) -> Iterator[Figure]:
    """And 100 million: a record of 83 GB, and a quarter of that for the judgement's own files."""
    yield from figures(times)
    yield from _of(100 * MILLION, times, peak_mib_max=2048)


def _of(
    writes: int, times: int, *, took_s_max: float | None = None, peak_mib_max: float | None = None
) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="gameday-scale-") as folder:
        record, planted = made_up(Path(folder), writes)
        told = [_judged(record, planted) for _ in range(times)]
        floor = _child(_READ, record.writes)
    of = f"{writes / MILLION:g} million writes judged"
    yield Figure(of, "s", tuple(each["took_s"] for each in told), at_most=took_s_max)
    yield Figure(f"{of}: processor time", "s", tuple(each["cpu_s"] for each in told))
    yield Figure(f"{of}: peak memory", "MiB", tuple(each["peak_mib"] for each in told), at_most=peak_mib_max)
    yield Figure(f"{of}: their lines only read by DuckDB", "s", (floor["read_s"],))
    yield Figure(f"{of}: that and the look through them, processor time", "s", (floor["cpu_s"] + floor["decoded_s"],))


def _judged(record: Record, planted: Counter[str]) -> dict[str, float]:
    told = _child(_CHILD, record.folder)
    if Counter(told["classes"]) != planted:
        raise AssertionError(f"planted were {dict(planted)}, found were {told['classes']}")
    if defects := DEFECTS.intersection(told["told"]):
        raise AssertionError(f"the ledger is whole, found were {defects}")
    return told


def _child(program: str, path: Path) -> Any:
    ran = subprocess.run([sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True)
    return json.loads(ran.stdout)


def made_up(reports: Path, writes: int) -> tuple[Record, Counter[str]]:
    """A record of so many writes, and how many were planted of each class; a diverged one is there as well."""
    record, planted = Record.create(reports, "scale"), Counter[str]()
    record.write_plan(_plan())
    with ExitStack() as files:
        survivors = files.enter_context(record.survivors.open("wb"))
        rows = 0
        for number in range(WRITERS):
            writer = f"locust-{1000 + number}"
            segment = files.enter_context((record.writes / f"{writer}.ndjson").open("wb"))
            for first in range(0, writes // WRITERS, BLOCK):
                block = range(first, min(first + BLOCK, writes // WRITERS))
                lines, there, classes = _block(writer, block, writes // WRITERS)
                segment.write(lines)
                survivors.write(there)
                planted += classes
                rows += there.count(b"\n")
    _tell(record, rows)
    return record, planted


def class_of(number: int) -> str:
    """Most writes are kept; one in :data:`EVERY` is planted, the classes taking turns."""
    return PLANTED[number // EVERY % len(PLANTED)] if number % EVERY == EVERY - 1 else "kept"


def _block(writer: str, numbers: range, of: int) -> tuple[bytes, bytes, Counter[str]]:
    """The lines and the rows of one writer's next orders, and their classes."""
    sent, settled, row = _templates(writer)
    lines, rows, classes = [], [], Counter[str]()
    for number in numbers:
        kind, id = class_of(number), order_id("2026-11-27T05-00-00.000000Z", writer, number)
        sum_, at_ns, ev = f"{number:016x}", number * SPAN_S * NS // of, _SETTLED.get(kind, "acked")
        region = PRIMARY if at_ns < FAULT_S * NS or kind == "diverged" else SECONDARY
        stamp_ns = (SPAN_S + 1) * NS if kind == "diverged" else at_ns + 5_000_000
        if kind != "unexpected":
            xid = FIRST_XID + number * WRITERS + int(writer[-1])
            line = 2 * (number - number // (EVERY * len(PLANTED))) + 1  # unexpected ones, the last in turn, have none
            lines.append(sent % (id, at_ns, sum_, line))
            lines.append(settled % (id, ev, stamp_ns, sum_, region, xid, line + 1))
        if kind not in _GONE:
            rows.append(row % (id, "0" * 15 + "x" if kind == "corrupted" else sum_, 2 if kind == "duplicate" else 1))
        classes[kind] += 1
    return "".join(lines).encode(), "".join(rows).encode(), classes


def _templates(writer: str) -> tuple[str, str, str]:
    """The writers' own lines, with a place for what differs."""
    blank = Write(boot_id(), writer, "%s", 1, "sent", -1, STAMP, "%s", size_bytes=120, line=-2)
    answered = replace(
        blank, ev="%s", region="%s", xid=-3, lsn_before="0/3000148", lsn_after="0/30001F8", status=200
    )  # fmt: skip
    row = Survivor("%s", "%s", 700, PRIMARY, -1)
    sent, settled, there = (
        '{"v":1,' + msgspec.json.encode(each).decode()[1:] + "\n" for each in (blank, answered, row)
    )
    return tuple(
        text.replace(":-1", ":%d").replace(":-2", ":%d").replace(":-3", ":%d") for text in (sent, settled, there)
    )


def _plan() -> Plan:
    timers = Timers(
        scale=1.0, health_check_interval_s=10.0, health_check_threshold=3, health_check_timeout_s=4.0, dns_ttl_s=60.0,
        alarm_period_s=60.0, alarm_periods=2, rds_promotion_s=60.0, ecs_start_s=30.0, asl_wait_s={}, window_s=30.0,
    )  # fmt: skip
    return Plan(
        drill="scale", title="A large drill, made up", started_utc=STAMP, boot=boot_id(),
        who="benchmarks", objectives=Objectives(rto_s=1800.0, rpo_s=600.0), timers=timers, lab="none",
        lab_name="none", primary=PRIMARY, secondary=SECONDARY, expected_alarms=(), outputs={}, versions={}, limits=(),
        load={}, faults=("made up",), link_latency_s=0.07, metric_period_s=60.0,
    )  # fmt: skip


def _tell(record: Record, rows: int) -> None:
    """What else is needed for every figure that is told of the ledger: lags, probes that fail for a minute, a WAL."""
    seen = [(FAULT_S, Kind.FAULT, "made up", {}), (FAULT_S + 1, Kind.FAULT_VERIFIED, "made up", {})]
    seen += [
        (SPAN_S, Kind.OBSERVATION_END, "observed", {}),
        (SPAN_S + 2, Kind.NOTE, READ_BACK_COMPLETE, {"rows": rows}),
    ]
    seen += [(at_s, Kind.LAG, "5", {"lag_s": 5.0}) for at_s in range(60, FAULT_S, 60)]
    timeline = Timeline(record)
    for at_s, kind, what, detail in sorted(seen, key=lambda each: each[0]):
        clock = HandClock(at_s * NS)
        timeline.add_event(Event(boot_id(), clock.now_ns, clock.utc(), kind, what, None, detail))
    timeline.close()
    _append(record, record.probes / "prober.ndjson", map(_probe, range(SPAN_S)))
    _append(record, record.wal, (WalCommit(FIRST_XID + number, "0/1", STAMP) for number in range(1_000)))


def _probe(at_s: int) -> Probe:
    good, at_ns = not FAULT_S <= at_s < FAULT_S + 60, at_s * NS
    done = HandClock(at_ns + 10_000_000)
    return Probe(boot_id(), "write", "fresh", at_s, at_ns, at_ns, done.now_ns, done.utc(), good, SECONDARY)


def _append(record: Record, path: Path, lines: Iterable[object]) -> None:
    with closing(record.line_writer(path, sync=False)) as writer:
        for line in lines:
            writer.append(line)
