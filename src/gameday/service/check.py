"""``python -m gameday.service.check``: the failover's post-check. Health, database check, and a real write read back.

Environment: ``GAMEDAY_CHECK_URL``; ``GAMEDAY_RESOLVER`` = ``system`` (default) or ``host:port`` of a DNS server;
``GAMEDAY_TIMER_SCALE`` multiplies the minute that all checks together may take (at least 10 s), and
``GAMEDAY_CHECK_WITHIN_S`` replaces it. One line a check; exit code 0 when all are good, 1 when one is not, 2 when there
is nothing to check.
"""

import http.client
import json
import os
import socket
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

WITHIN_S, WITHIN_MIN_S = 60.0, 10.0
REQUEST_TIMEOUT_S, RETRY_PAUSE_S = 6.0, 0.5


class NotGood(Exception):
    """A check saw something else than it must."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to ask: the name is resolved again for every request."""

    url: str
    resolver: str = "system"

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON body; raises :class:`NotGood` when nobody answered in time."""
        parts = urlsplit(self.url)
        name, port = parts.hostname or "", parts.port or 80
        try:
            connection = http.client.HTTPConnection(self._address(name), port, timeout=REQUEST_TIMEOUT_S)
            with closing(connection):
                headers = {"host": f"{name}:{port}", "content-type": "application/json", "connection": "close"}
                connection.request(method, path, json.dumps(body) if body else None, headers)
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read() or b"null")
        except (OSError, http.client.HTTPException, ValueError) as cause:
            raise NotGood(f"{method} {path}: {cause!r}") from cause

    def _address(self, name: str) -> str:
        if self.resolver == "system":
            return socket.gethostbyname(name)
        import dns.exception
        import dns.resolver

        host, _, port = self.resolver.rpartition(":")
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port, resolver.lifetime = [host], int(port), 3.0
        try:
            return str(resolver.resolve(name, "A")[0])
        except dns.exception.DNSException as cause:
            raise OSError(f"{name} does not resolve at {self.resolver}: {cause}") from cause


def is_healthy(target: Target) -> None:
    """The balancer reaches a task."""
    _expect(target.ask("GET", "/healthz")[0], 200, "GET /healthz")


def database_writes_and_reads(target: Target) -> None:
    """A task reaches its database, and may write to it."""
    _expect(target.ask("GET", "/dbcheck")[0], 200, "GET /dbcheck")


@dataclass(frozen=True, slots=True)
class OrderIsKept:
    """An order is placed, and found again with the same sum. Repeating it places nothing new."""

    id: str

    def __call__(self, target: Target) -> None:
        status, placed = target.ask("POST", "/orders", {"id": self.id, "payload": "post-check"})
        _expect(status, 200, "POST /orders")
        status, found = target.ask("GET", f"/orders/{self.id}")
        _expect(status, 200, f"GET /orders/{self.id}")
        _expect(found.get("sum"), placed.get("sum"), "the sum of the order read back")


def run(target: Target, within_s: float, say: Callable[[str], object]) -> bool:
    """Every check in turn, each repeated until it is good or the time for all of them is up."""
    deadline = time.monotonic() + within_s
    checks: dict[str, Callable[[Target], None]] = {
        "healthz": is_healthy,
        "dbcheck": database_writes_and_reads,
        "write": OrderIsKept(f"check-{uuid.uuid4()}"),
    }
    for name, check in checks.items():
        why = _until_good(check, target, deadline)
        say(f"{name}: not good within {within_s:g} s: {why}" if why else f"{name}: good")
        if why:
            return False
    return True


def _until_good(check: Callable[[Target], None], target: Target, deadline: float) -> str:
    while True:
        try:
            check(target)
        except NotGood as cause:
            if time.monotonic() + RETRY_PAUSE_S > deadline:
                return str(cause)
            time.sleep(RETRY_PAUSE_S)
        else:
            return ""


def _expect(seen: object, want: object, what: str) -> None:
    if seen != want:
        raise NotGood(f"{what}: expected {want!r}, saw {seen!r}")


def main() -> int:
    """Check what the environment names."""
    url = os.environ.get("GAMEDAY_CHECK_URL", "")
    if not urlsplit(url).hostname:
        sys.stderr.write(f"expected GAMEDAY_CHECK_URL=http://name:port; saw {url!r}\n")
        return 2
    scale = float(os.environ.get("GAMEDAY_TIMER_SCALE", "1"))
    within_s = float(os.environ.get("GAMEDAY_CHECK_WITHIN_S", max(WITHIN_MIN_S, WITHIN_S * scale)))
    target = Target(url, os.environ.get("GAMEDAY_RESOLVER", "system"))
    good = run(target, within_s, lambda line: print(line, flush=True))  # noqa: T201  its log
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
