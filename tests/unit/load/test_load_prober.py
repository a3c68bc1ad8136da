"""The prober keeps its schedule, and calls an attempt refused only when no byte of it can have left."""

import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from load_stage import ADDRESS, FakeDns, FakeService, new_record, until

from gameday.clock import NS, eventually
from gameday.facts import Probe, Write
from gameday.load.plan import LoadPlan
from gameday.load.runner import Prober
from gameday.processes import alive, identify, kill_tree, spawn
from gameday.record.layout import Record
from gameday.record.lines import Damage

PLAN = LoadPlan(writes_per_s=20, reads_per_s=20, probe_timeout_s=0.5, read_age_s=0.3)
type Start = Callable[..., Prober]


@pytest.fixture
def start(record: Record) -> Iterator[Start]:
    running: list[Prober] = []

    def started(url: str, resolver: str = "system", plan: LoadPlan = PLAN) -> Prober:
        running.append(Prober.start(plan, url, resolver, record))
        return running[-1]

    yield started
    for prober in running:
        kill_tree(prober.process)


def probes(record: Record, target: str, client: str = "fresh") -> list[Probe]:
    found = record.read_probes(Damage())
    return sorted((p for p in found if (p.target, p.client) == (target, client)), key=lambda p: p.seq)


def settled(record: Record) -> list[Write]:
    return [write for write in record.read_writes(Damage()) if write.ev != "sent"]


def test_every_probe_is_good_while_the_service_is_and_each_write_is_in_the_ledger(
    service: FakeService, record: Record, start: Start
) -> None:
    prober = start(service.url)
    until(lambda: len(probes(record, "read")) >= 10, "ten reads")
    prober.stop()
    writes, reads = probes(record, "write"), probes(record, "read")
    assert all(probe.good for probe in writes + reads + probes(record, "write", "kept"))
    assert {write.ev for write in settled(record)} == {"acked"}
    assert len(settled(record)) == len(writes) + len(probes(record, "write", "kept")) == len(service.orders)
    assert {probe.region for probe in writes + reads} == {"here"}


def test_nothing_of_the_schedule_is_left_out(service: FakeService, record: Record, start: Start) -> None:
    prober = start(service.url)
    until(lambda: len(probes(record, "read")) >= 10, "ten reads")
    prober.stop()
    for stream in (probes(record, "write"), probes(record, "read")):
        assert [probe.seq for probe in stream] == list(range(len(stream)))
        gaps = {b.scheduled_mono_ns - a.scheduled_mono_ns for a, b in itertools.pairwise(stream)}
        assert gaps == {NS // 20}


def test_it_keeps_its_schedule_while_the_service_hangs(service: FakeService, record: Record, start: Start) -> None:
    service.mood = "hang"
    prober = start(service.url)
    until(lambda: service.count("POST") >= 40, "forty writes asked")
    prober.stop()
    writes = probes(record, "write")
    assert [probe.seq for probe in writes] == list(range(len(writes)))
    late_ms = sorted((probe.sent_mono_ns - probe.scheduled_mono_ns) / 1e6 for probe in writes)
    assert late_ms[len(late_ms) // 2] < 20


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeService, Record]]:
    """One prober for the tests that only ask what becomes of a write; it starts while the service is good."""
    service, record = FakeService().start(), new_record(tmp_path_factory.mktemp("shared"))
    prober = Prober.start(PLAN, service.url, "system", record)
    yield service, record
    kill_tree(prober.process)
    service.stop()


@pytest.mark.parametrize(
    ("mood", "end", "status"),
    [
        ("good", "acked", 200),
        ("hang", "unknown", None),
        ("hang_after", "unknown", None),
        ("reset", "unknown", None),
        ("broken", "unknown", 503),
        ("not_applied", "refused", 503),
    ],
)
def test_an_answer_or_its_lack_is_settled_by_the_definition(
    shared: tuple[FakeService, Record], mood: str, end: str, status: int | None
) -> None:
    service, record = shared
    service.mood, since = mood, time.monotonic_ns()

    def found() -> list[Probe]:
        return [probe for probe in probes(record, "write") if probe.sent_mono_ns > since]

    seen = eventually(found, lambda seen: len(seen) >= 5, what=mood, within_s=10, every_s=0.05)
    lines = [line for line in record.read_writes(Damage()) if line.writer.startswith("prober")]
    sent = {line.id for line in lines if line.ev == "sent" and line.mono_ns > since}
    assert {(line.ev, line.status) for line in lines if line.ev != "sent" and line.id in sent} == {(end, status)}
    assert {probe.good for probe in seen} == {mood == "good"}


def test_nobody_listening_is_refused(record: Record, start: Start) -> None:
    prober = start(f"http://{ADDRESS}:9")
    until(lambda: settled(record), "a settlement")
    prober.stop()
    assert {write.ev for write in settled(record)} == {"refused"}


def test_a_connect_that_is_never_answered_is_refused(record: Record, start: Start, silent_port: int) -> None:
    prober = start(f"http://{ADDRESS}:{silent_port}")
    until(lambda: settled(record), "a settlement")
    prober.stop()
    assert {(write.ev, write.why) for write in settled(record)} == {("refused", "timeout while connecting")}


def test_a_name_that_does_not_resolve_is_refused(record: Record, start: Start, name_server: FakeDns) -> None:
    name_server.silent = True
    prober = start("http://app.gameday.example:8000", name_server.resolver)
    until(lambda: settled(record), "a settlement")
    prober.stop()
    assert {write.ev for write in settled(record)} == {"refused"}


def test_a_read_that_is_not_found_is_bad(service: FakeService, record: Record, start: Start) -> None:
    prober = start(service.url)
    until(lambda: probes(record, "read"), "a read")
    service.mood = "forget"
    until(lambda: any(not probe.good for probe in probes(record, "read")), "a bad read")
    prober.stop()
    assert {probe.why for probe in probes(record, "read") if not probe.good} == {"status 404"}


def test_fresh_probes_follow_the_name_and_the_kept_connection_does_not(
    service: FakeService, record: Record, start: Start, name_server: FakeDns
) -> None:
    other = FakeService("127.204.2.2", service.port).start()
    prober = start(f"http://app.gameday.example:{service.port}", name_server.resolver)
    until(lambda: probes(record, "write", "kept"), "a kept write")
    name_server.address = other.address
    until(lambda: probes(record, "write")[-1].address == other.address, "the new address")
    seen = len(probes(record, "write", "kept"))
    until(lambda: len(probes(record, "write", "kept")) > seen, "another kept write")
    prober.stop()
    other.stop()
    assert {probe.address for probe in probes(record, "write", "kept")} == {service.address}


def test_sigterm_drains_what_is_in_flight_and_exits_0(service: FakeService, record: Record, start: Start) -> None:
    service.mood = "hang"
    prober = start(service.url)
    until(lambda: service.count("POST") >= 5, "writes in flight")
    prober.process.send_signal(signal.SIGTERM)
    assert prober.process.wait(5) == 0
    lines = list(record.read_writes(Damage()))
    assert sum(write.ev == "sent" for write in lines) == len(lines) / 2


def test_a_full_record_ends_it_with_the_reason(service: FakeService, record: Record, start: Start) -> None:
    (record.folder / "probes").rmdir()
    (record.folder / "probes").write_text("in the way")
    prober = start(service.url)
    eventually(prober.alive, False, what="the prober's end", within_s=10)
    with pytest.raises(Exception, match="expected to write"):
        prober.check()


OWNER = """
import sys, time
from pathlib import Path
from gameday.load.plan import LoadPlan
from gameday.load.runner import Prober
from gameday.record.layout import Record
print(Prober.start(LoadPlan(), sys.argv[1], "system", Record(Path(sys.argv[2]))).process.pid, flush=True)
sys.stdin.read()
"""


def test_it_dies_with_its_owner(service: FakeService, record: Record) -> None:
    command = [sys.executable, "-c", OWNER, service.url, str(record.folder)]
    owner = spawn(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with owner:
        assert owner.stdout
        prober = identify(int(owner.stdout.readline()))
        assert prober
        owner.kill()
        eventually(lambda: alive(prober), False, what="the prober", within_s=5)
