"""The door of the local control plane: calls are noted; a service in a region can be closed, slowed or throttled."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from gameday.clock import NS, SYSTEM, Clock
from gameday.lab.local.calls import Call, Environ, recognise
from gameday.record.lines import LineWriter

type StartResponse = Callable[..., Any]
type Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]
type Route = Callable[[Mapping[str, str]], bytes]  # the request's arguments -> JSON

ROUTES_UNDER = "/_gameday/"


@dataclass(frozen=True, slots=True)
class Rule:
    """What the gate does to the calls of one service in one region; ``*`` is every one.

    ``blackout``: the connection ends without an answer, as when a regional endpoint is gone. ``latency_s`` is added to
    every call. ``calls_per_s``: what exceeds it is answered with the service's own throttling error. ``error_share``
    of the calls, evenly spread, are answered with an internal error; 1 is every one.
    """

    service: str = "*"
    region: str = "*"
    blackout: bool = False
    latency_s: float = 0.0
    calls_per_s: float | None = None
    error_share: float = 0.0

    def covers(self, call: Call) -> bool:
        return self.service in ("*", call.service) and self.region in ("*", call.region)


@dataclass(frozen=True, slots=True)
class Heard:
    """One line of ``audit.ndjson``: a call of the control plane, without its content."""

    utc: str
    mono_ns: int
    service: str
    region: str
    action: str
    status: int  # 0: no answer was given
    duration_ms: float
    caller: str


@dataclass
class Gate:
    """A WSGI application around ``app``. Rules may be changed from any thread while calls are running.

    ``routes`` maps a name to what answers ``GET /_gameday/<name>``; rules do not apply there, and it is not audited.
    """

    app: Wsgi
    audit: LineWriter
    said: Callable[[str], None]
    clock: Clock = SYSTEM
    routes: dict[str, Route] = field(default_factory=dict)
    _rules: dict[tuple[str, str], Rule] = field(default_factory=dict)
    _calls_at_ns: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    _owed: dict[tuple[str, str], float] = field(default_factory=dict)  # what of an error a rule has still to give
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def apply(self, rule: Rule) -> None:
        """Put a rule in force; it replaces the one for the same service and region."""
        with self._lock:
            self._rules = {**self._rules, (rule.service, rule.region): rule}

    def lift(self, service: str = "*", region: str = "*") -> None:
        """Take the rule for exactly this service and region away; none there is fine."""
        with self._lock:
            self._rules = {key: rule for key, rule in self._rules.items() if key != (service, region)}

    def rules(self) -> tuple[Rule, ...]:
        return tuple(self._rules.values())

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(ROUTES_UNDER):
            return self._answer_locally(path.removeprefix(ROUTES_UNDER), environ, start_response)
        return self._pass(recognise(environ), environ, start_response)

    def _pass(self, call: Call, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        started_ns, utc, status = self.clock.mono_ns(), self.clock.utc(), 0

        def noted(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status
            status = int(line.split(maxsplit=1)[0])
            return start_response(line, headers, exc_info)

        try:
            return self._obey(call, environ, noted)
        finally:
            took_ms = (self.clock.mono_ns() - started_ns) / 1e6
            self.audit.append(
                Heard(utc, started_ns, call.service, call.region, call.action, status, round(took_ms, 3), call.caller)
            )

    def _obey(self, call: Call, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Blackout raises ConnectionAbortedError, at which the server closes the connection without an answer."""
        rules = [rule for rule in self._rules.values() if rule.covers(call)]
        if any(rule.blackout for rule in rules):
            raise ConnectionAbortedError(f"{call.service} in {call.region} is blacked out")
        for rule in rules:
            if self._exceeds(rule):
                return _refuse(call, start_response, "400 Bad Request", "ThrottlingException", "Rate exceeded")
        if latency_s := sum(rule.latency_s for rule in rules):
            time.sleep(latency_s)
        if any(self._fails(rule) for rule in rules):
            return _refuse(call, start_response, "500 Internal Server Error", "InternalFailure", "internal error")
        return self._served(call, environ, start_response)

    def _served(self, call: Call, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """moto's answer; what it does not implement, and its own bugs, become errors that an AWS client can read."""
        try:
            return list(self.app(environ, start_response))
        except NotImplementedError as missing:
            why = f"the local lab does not implement {call.service}:{call.action} ({missing})"
            self.said(why)
            return _refuse(call, start_response, "501 Not Implemented", "NotImplemented", why)
        except Exception as bug:  # noqa: BLE001  told to the caller and to the lab's log, as a server must
            why = f"{call.service}:{call.action} in {call.region} failed inside the local control plane: {bug!r}"
            self.said(f"{why}{_where(bug)}")
            return _refuse(call, start_response, "500 Internal Server Error", "InternalFailure", why)

    def _exceeds(self, rule: Rule) -> bool:
        if rule.calls_per_s is None:
            return False
        now_ns = self.clock.mono_ns()
        with self._lock:
            recent = [at for at in self._calls_at_ns.get((rule.service, rule.region), []) if now_ns - at < NS]
            over = len(recent) >= rule.calls_per_s
            self._calls_at_ns[rule.service, rule.region] = recent if over else [*recent, now_ns]
        return over

    def _fails(self, rule: Rule) -> bool:
        """Whether this call is one of the rule's errors: at a share of 0.25 every fourth is."""
        with self._lock:
            owed = self._owed.get((rule.service, rule.region), 0.0) + rule.error_share
            fails = owed >= 1 - 1e-9
            self._owed[rule.service, rule.region] = owed - fails
        return fails

    def _answer_locally(self, name: str, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        route = self.routes.get(name.strip("/"))
        if route is None:
            known = ", ".join(sorted(self.routes)) or "none"
            return _json(start_response, "404 Not Found", {"expected": f"one of: {known}", "seen": name})
        arguments = {key: values[-1] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        try:
            body = route(arguments)
        except Exception as bug:  # noqa: BLE001  told to the caller and to the lab's log, as a server must
            self.said(f"{ROUTES_UNDER}{name} failed: {bug!r}{_where(bug)}")
            return _json(start_response, "500 Internal Server Error", {"expected": "an answer", "seen": repr(bug)})
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


def _json(start_response: StartResponse, status: str, content: Mapping[str, str]) -> Iterable[bytes]:
    body = json.dumps(content).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _refuse(call: Call, start_response: StartResponse, status: str, code: str, message: str) -> Iterable[bytes]:
    """An error in the client's own protocol, so that boto3 raises a ClientError of that code."""
    from xml.sax.saxutils import escape

    if call.form == "json":
        kind, text = "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message})
    else:
        error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        kind = "application/xml"
        text = error if call.service == "s3" else f"<ErrorResponse>{error}<RequestId>local</RequestId></ErrorResponse>"
    body = text.encode()
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body))), ("x-amzn-errortype", code)])
    return [body]


def _where(bug: Exception) -> str:
    """File and line of the last frame, for the lab's log."""
    frame = bug.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f" at {frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else ""


def gate_routes(gate: Gate) -> dict[str, Route]:
    """What puts a rule in force and takes it away, beside AWS's API: the other side of the lab's extras."""

    def trouble(asked: Mapping[str, str]) -> bytes:
        told = {key: value for key, value in asked.items() if key not in ("service", "region")}
        numbers = {key: float(value) for key, value in told.items() if key != "blackout"}
        gate.apply(Rule(asked["service"], asked["region"], blackout="blackout" in told, **numbers))
        return b"true"

    def calm(asked: Mapping[str, str]) -> bytes:
        gate.lift(asked["service"], asked["region"])
        return b"true"

    return {"trouble-control-plane": trouble, "calm-control-plane": calm}
