"""What the ledger costs: requests per second with it and without it, by the same users of one Locust, by turns."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import batched
from pathlib import Path

import msgspec

from benchmarks.bench_prober import real_service
from benchmarks.figures import Figure
from benchmarks.ledger_service import cheap_service
from benchmarks.ledger_slice import Slice
from gameday.record.layout import Record
from gameday.record.lines import Damage
from gameday.secrecy import bare_environment

PAIRS, REAL_PAIRS, SLICE_S = 60, 20, 1.0
USERS = 20  # who do not wait: as many requests as Locust's one process can make
ROOT = Path(__file__).parents[1]
LOCUSTFILE = Path(__file__).with_name("ledger_users.py")
type Pair = tuple[Slice, Slice]  # with the ledger, and without it, one right after the other


def figures(times: int = PAIRS) -> Iterator[Figure]:
    """So many pairs of turns against a service in memory, where Locust is the slowest; some against the real one."""
    with tempfile.TemporaryDirectory(prefix="gd-") as folder, cheap_service() as url:
        pairs = _pairs(Path(folder), url, times)
    yield Figure(
        "requests/s with the ledger ÷ without", "", tuple(kept.per_second / bare.per_second for kept, bare in pairs),
        at_least=0.95,
    )  # fmt: skip
    yield Figure("requests/s without", "1/s", tuple(bare.per_second for _, bare in pairs))
    yield Figure(
        "Locust's processor time for a request, with − without", "µs",
        tuple(kept.processor_us - bare.processor_us for kept, bare in pairs),
    )  # fmt: skip
    yield Figure("the same, without", "µs", tuple(bare.processor_us for _, bare in pairs))
    with tempfile.TemporaryDirectory(prefix="gd-") as folder, real_service(Path(folder)) as url:
        pairs = _pairs(Path(folder), url, min(times, REAL_PAIRS))
    yield Figure(
        "requests/s with ÷ without, reference service and PostgreSQL", "",
        tuple(kept.per_second / bare.per_second for kept, bare in pairs),
    )  # fmt: skip


def _pairs(folder: Path, url: str, count: int) -> list[Pair]:
    """Let Locust take its turns, in a record of its own; and look at the ledger that came of it."""
    record, told = Record.create(folder, "bench"), folder / "slices.json"
    env = {
        "GAMEDAY_LOAD_RECORD": str(record.folder), "GAMEDAY_LOAD_THINK_S": "0",
        "GAMEDAY_BENCH_PAIRS": str(count), "GAMEDAY_BENCH_SLICE_S": str(SLICE_S), "GAMEDAY_BENCH_SLICES": str(told),
    }  # fmt: skip
    command = [sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--headless", "--host", url]
    command += ["--users", str(USERS), "--spawn-rate", str(USERS), "--stop-timeout", "10", "--loglevel", "WARNING"]
    command += ["--only-summary"]
    subprocess.run(command, check=True, env=bare_environment() | env, cwd=ROOT, stdout=subprocess.DEVNULL)
    slices = msgspec.json.decode(told.read_bytes(), type=list[Slice])
    _check(slices, record)
    return [_pair(*both) for both in batched(slices, 2)]


def _pair(first: Slice, second: Slice) -> Pair:
    return (first, second) if first.with_ledger else (second, first)


def _check(slices: Sequence[Slice], record: Record) -> None:
    """The figure counts only when nothing failed, the one half wrote everything down, and the other nothing."""
    if wrong := [one for one in slices if one.failed or bool(one.ledger_bytes) is not one.with_ledger]:
        raise ValueError(f"expected turns without failures, whose ledger grows or rests; saw {wrong}; look at the load")
    damage, open_attempts = Damage(), set[tuple[str, int]]()
    for line in record.read_writes(damage):
        (open_attempts.add if line.ev == "sent" else open_attempts.remove)((line.id, line.attempt))
    if open_attempts or damage != Damage():
        raise ValueError(f"expected a whole ledger; saw {damage} and {len(open_attempts)} attempts without an end")
