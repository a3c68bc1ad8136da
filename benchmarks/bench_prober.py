"""How true the prober keeps its schedule while Locust runs 50 users against the real service and a real PostgreSQL."""

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from benchmarks.figures import Figure, print_table
from gameday.aws import local_environment
from gameday.clock import eventually
from gameday.facts import Probe
from gameday.lab.local.pg_binaries import find_binaries
from gameday.lab.local.pg_template import cache_folder, template
from gameday.lab.local.postgres import Node
from gameday.load.plan import LoadPlan
from gameday.load.runner import Load, Prober
from gameday.processes import end, spawn
from gameday.record.layout import Record
from gameday.record.lines import Damage

ADDRESS, DATABASE_PORT, SERVICE_PORT = "127.204.3.1", 24890, 24891
USERS, LASTS_S = 50, 30.0
PLAN = LoadPlan(users=USERS, spawn_rate=USERS)


def figures(times: int = 3) -> Iterator[Figure]:
    """Lateness (actual − scheduled send) over all streams, and the share of the schedule that was sent, by run."""
    runs = [_run() for _ in range(times)]
    yield Figure(f"prober lateness p50, {USERS} users", "ms", tuple(_late_ms(run, 0.5) for run in runs))
    yield Figure(f"prober lateness p99, {USERS} users", "ms", tuple(_late_ms(run, 0.99) for run in runs), at_most=20)
    yield Figure("prober lateness max", "ms", tuple(_late_ms(run, 1.0) for run in runs))
    yield Figure("scheduled probes sent", "%", tuple(_sent_percent(run) for run in runs), at_least=99.9)
    yield Figure("probes good", "%", tuple(100 * sum(p.good for p in run) / len(run) for run in runs))


def _run() -> list[Probe]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gd-")))
        url = stack.enter_context(real_service(folder))
        record = Record.create(folder, "bench")
        prober = Prober.start(PLAN, url, "system", record)
        stack.callback(prober.stop)
        load = Load.start(PLAN, url, "system", record)
        stack.callback(load.stop)
        probes = record.probes
        wanted = (PLAN.writes_per_s + PLAN.reads_per_s) * LASTS_S
        eventually(
            lambda: _lines(probes), lambda seen: seen >= wanted, what="probes", within_s=3 * LASTS_S, every_s=0.5
        )
        load.stop()
        prober.stop()
        return list(record.read_probes(Damage()))


@contextmanager
def real_service(folder: Path) -> Iterator[str]:
    """The reference service before a PostgreSQL of its own, both in processes of their own; its URL."""
    with ExitStack() as stack:
        binaries = find_binaries()
        node = Node("bench", folder / "pg", (ADDRESS, DATABASE_PORT), binaries)
        node.create(template(binaries, cache_folder()))
        node.start(lambda name, command, **how: spawn(command, log=folder / "postgres.log", **how))
        stack.callback(node.stop)
        node.wait_ready(within_s=20, log=folder / "postgres.log")
        node.add_application("app", "bench", "app")
        secrets = stack.enter_context(_secrets())
        env = local_environment(secrets, "ap-southeast-2") | {
            "HOST": ADDRESS, "PORT": str(SERVICE_PORT), "GAMEDAY_REGION": "ap-southeast-2", "GAMEDAY_BUCKET": "none",
            "GAMEDAY_ENDPOINT_SECRET": "endpoint", "DB_USERNAME": "app", "DB_PASSWORD": "bench",
            "GAMEDAY_TIMER_SCALE": "0.1",
        }  # fmt: skip
        process = spawn([sys.executable, "-m", "gameday.service"], env=env, log=folder / "service.log")
        stack.callback(end, process)
        url = f"http://{ADDRESS}:{SERVICE_PORT}"
        eventually(lambda: _answers(f"{url}/dbcheck"), True, what="the service writes", within_s=20)
        yield url


@contextmanager
def _secrets() -> Iterator[str]:
    endpoint = json.dumps({"host": ADDRESS, "port": DATABASE_PORT, "dbname": "app"})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps({"SecretString": endpoint}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None: ...

    with ThreadingHTTPServer((ADDRESS, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{ADDRESS}:{server.server_address[1]}"
        server.shutdown()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _lines(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.ndjson"))


def _late_ms(probes: list[Probe], quantile: float) -> float:
    late = sorted((probe.sent_mono_ns - probe.scheduled_mono_ns) / 1e6 for probe in probes)
    return late[min(len(late) - 1, int(len(late) * quantile))]


def _sent_percent(probes: list[Probe]) -> float:
    scheduled = 0
    for stream in {(probe.target, probe.client) for probe in probes}:
        numbers = [probe.seq for probe in probes if (probe.target, probe.client) == stream]
        scheduled += max(numbers) - min(numbers) + 1
    return 100 * len(probes) / scheduled


def main() -> None:
    """``python -m benchmarks.bench_prober [--times N]``."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--times", type=int, default=3)
    print_table(figures(asked.parse_args().times))


if __name__ == "__main__":
    main()
