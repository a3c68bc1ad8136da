"""moto's server, in this process, on the lab's own address, behind the gate."""

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

from gameday.errors import PortsTaken
from gameday.lab.local.gate import Gate, Route, Wsgi
from gameday.lab.local.ground import Ground
from gameday.lab.local.inside import InsideAws
from gameday.record.lines import LineWriter

POLL_S = 0.1


@dataclass
class Server:
    """A control plane that answers at ``endpoint_url`` until it is closed; closing twice is fine."""

    gate: Gate
    endpoint_url: str
    _http: Any = field(repr=False)
    _thread: threading.Thread = field(repr=False)

    @property
    def routes(self) -> dict[str, Route]:
        """What answers ``GET /_gameday/<name>``; add to it at any time."""
        return self.gate.routes

    def inside(self) -> InsideAws:
        """AWS for this process itself, through the gate but without a socket."""
        return InsideAws(self.endpoint_url, gate=self.gate)

    def close(self) -> None:
        """Stop answering, free the port and close the audit log. Calls still running are not waited for."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
        self.gate.audit.close()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def serve(ground: Ground, app: Wsgi | None = None) -> Server:
    """Answer AWS's API at ``ground.endpoint_url``; raises :class:`PortsTaken` when another process holds the port.

    ``app`` is the WSGI application behind the gate: moto's own unless a test brings another.
    """
    with contextlib.closing(_listen(ground)) as listening, contextlib.ExitStack() as undo:
        audit = LineWriter(ground.folder / "audit.ndjson", sync=False)
        undo.callback(audit.close)
        gate = Gate(app or moto_app(), audit, ground.said)
        http = _http_server(ground, gate, listening)
        undo.pop_all()
    thread = threading.Thread(target=http.serve_forever, args=(POLL_S,), name="control-plane", daemon=True)
    thread.start()
    return Server(gate, ground.endpoint_url, http, thread)


def moto_app() -> Wsgi:
    """moto's dispatcher of all services."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    application: Wsgi = DomainDispatcherApplication(create_backend_app)
    return application


def _listen(ground: Ground) -> socket.socket:
    where = (ground.addresses.api, ground.ports.api)
    try:
        return socket.create_server(where, backlog=128)
    except OSError as cause:
        raise PortsTaken(
            f"port {where[1]} on {where[0]} to be free for the lab's control plane",
            cause.strerror or str(cause),
            "end the process that holds it, or give this lab other ports",
        ) from cause


def _http_server(ground: Ground, gate: Gate, listening: socket.socket) -> Any:
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import ThreadedWSGIServer

    class QuietHandler(MotoRequestHandler):  # type: ignore[misc]
        """The audit log is the log: nothing goes to stderr."""

        def log(self, type: str, message: str, *args: Any) -> None:
            pass

        def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
            """Whether the client went or the gate refused to answer: this connection is over."""
            self.close_connection = True

    class QuietServer(ThreadedWSGIServer):  # type: ignore[misc]
        """Its complaints go to the lab's log."""

        daemon_threads = True

        def log(self, type: str, message: str, *args: Any) -> None:
            ground.said(f"control plane: {message % args if args else message}")

        def handle_error(self, request: Any, client_address: Any) -> None:
            import sys

            ground.said(f"control plane: {client_address}: {sys.exc_info()[1]!r}")

    return QuietServer(ground.addresses.api, ground.ports.api, gate, handler=QuietHandler, fd=listening.fileno())
