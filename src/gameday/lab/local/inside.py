"""AWS for this very process: its clients hand their requests to the control plane's gate instead of a socket.

Requests are signed, audited and obeyed as any other; what is saved is a connection and a thread for each.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError

from gameday.aws import Aws
from gameday.lab.local.gate import Wsgi


@dataclass
class InsideAws(Aws):
    """Clients like any others, for the process that serves ``gate`` at ``endpoint_url``."""

    gate: Wsgi = field(kw_only=True, repr=False)

    def _new(self, service: str, region: str, attempts: int) -> Any:
        client = super()._new(service, region, attempts)
        client.meta.events.register("before-send", self._answer)
        return client

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        """botocore sends nothing when a handler of ``before-send`` has an answer."""
        status, headers = 0, dict[str, str]()

        def start_response(line: str, given: list[tuple[str, str]], _exc_info: Any = None) -> None:
            nonlocal status
            status = int(line.split(maxsplit=1)[0])
            headers.update(given)

        try:
            body = b"".join(self.gate(_environ(request), start_response))
        except ConnectionAbortedError as cause:  # a blackout: what a client sees when the connection ends
            raise ConnectionClosedError(endpoint_url=request.url, error=cause) from cause
        return AWSResponse(request.url, status, headers, _Body(body))


class _Body(io.BytesIO):
    """An answer's body as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def _environ(request: Any) -> dict[str, Any]:
    """The request as WSGI tells it (PEP 3333)."""
    url, body = urlsplit(request.url), _bytes_of(request.body)
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path or "/").decode("latin-1"),
        "QUERY_STRING": url.query,
        "RAW_URI": f"{url.path}?{url.query}" if url.query else url.path,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": url.hostname,
        "HTTP_HOST": url.netloc,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = _text_of(value)
    return environ | {"CONTENT_LENGTH": str(len(body))}


def _bytes_of(body: Any) -> bytes:
    if body is None:
        return b""
    if hasattr(body, "read"):
        body = body.read()
    return body.encode() if isinstance(body, str) else bytes(body)


def _text_of(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
