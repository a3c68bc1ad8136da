"""A TCP link that a test can break in chosen ways: in front of PostgreSQL, it is the network's bad day."""

import contextlib
import socket
import threading
from dataclasses import dataclass, field


@dataclass
class Link:
    """``answers``/``requests``: whether bytes pass that way now. What does not pass is dropped, silently."""

    address: str
    target: tuple[str, int]
    answers: bool = True
    requests: bool = True
    accepted: int = 0
    drop_answers_after: bytes | None = None  # once a request holds these bytes, answers no longer pass
    _sockets: list[socket.socket] = field(default_factory=list)
    _listener: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self._listener = socket.create_server((self.address, 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def sever(self) -> None:
        """Reset every connection there is."""
        ends, self._sockets = self._sockets, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.sever()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.accepted += 1
                self._join(client)

    def _join(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self.target)
        except OSError:
            client.close()
            return
        self._sockets += [client, server]
        for way in ((client, server, "requests"), (server, client, "answers")):
            threading.Thread(target=self._pump, args=way, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                if way == "requests" and self.drop_answers_after and self.drop_answers_after in part:
                    self.answers = False
                if getattr(self, way):
                    sink.sendall(part)
            sink.shutdown(socket.SHUT_RDWR)
