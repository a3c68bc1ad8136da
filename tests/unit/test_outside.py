"""The service as its clients see it while a drill runs: the prober's lines, followed as they are written."""

import contextlib
import threading
from io import BufferedReader, FileIO
from pathlib import PosixPath

import pytest

from gameday.clock import NS, boot_id
from gameday.facts import Probe
from gameday.outside import Outside, Sight
from gameday.record.lines import LineWriter


@pytest.fixture
def outside(tmp_path):
    return Outside(tmp_path, latency_bound_s=1.0)


@pytest.fixture
def prober(tmp_path):
    writer = LineWriter(tmp_path / "prober.ndjson", sync=False)
    yield writer
    writer.close()


def probe(seq, *, good=True, took_s=0.01):
    at = seq * NS
    return Probe(boot_id(), "write", "fresh", seq, at, at, at + int(took_s * NS), "", good, "us-west-2")


def test_a_good_probe_is_a_success_within_the_latency_bound(outside, prober):
    for seq, each in enumerate(({}, {"good": False}, {"took_s": 1.01}, {"took_s": 1.0})):
        prober.append(probe(seq, **each))
    outside.look()
    assert outside.sight("write") == Sight(good=2, seen=4)
    assert outside.sight("write", newest=1) == Sight(1, 1)
    assert outside.sight("write", since_ns=2 * NS) == Sight(1, 2)


def test_nothing_seen_proves_nothing(outside):
    outside.look()
    assert outside.sight("write").share == 0


def test_a_line_still_being_written_is_left_for_the_next_look(outside, prober, tmp_path):
    prober.append(probe(0))
    path = tmp_path / "prober.ndjson"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    outside.look()
    assert outside.sight("write").seen == 0
    path.write_bytes(whole)
    outside.look()
    assert outside.sight("write").seen == 1


@pytest.mark.parametrize("line", [b'{"v":1,"boot":"b', b'{"v":1}', b'{"boot":"\xff"}', b""], ids=repr)
def test_a_line_that_cannot_be_read_is_passed_over(line, outside, prober, tmp_path):
    prober.append(probe(0))
    with (tmp_path / "prober.ndjson").open("ab") as torn:
        torn.write(line + b"\n")
    prober.append(probe(1))
    outside.look()
    assert outside.sight("write").seen == 2


class MeetingPlace(PosixPath):
    """A folder in whose files two threads have read before either goes on, when two may read at once."""

    def open(self, mode):
        return MeetingReader(FileIO(self, mode))


class MeetingReader(BufferedReader):
    together = threading.Barrier(2)

    def read(self):
        piece = super().read()
        with contextlib.suppress(threading.BrokenBarrierError):
            self.together.wait(timeout=0.2)
        return piece


def test_each_probe_is_seen_once_by_whichever_thread_looks_first(prober, tmp_path):
    for seq in range(3):
        prober.append(probe(seq))
    shared = Outside(MeetingPlace(tmp_path), latency_bound_s=1.0)
    threads = [threading.Thread(target=shared.look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shared.sight("write").seen == 3
