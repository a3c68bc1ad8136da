"""Documents, stored and read through the service: the part of the load that a bucket's loss can take away."""

import http.client
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import quote, urlsplit

import msgspec

from gameday.clock import SYSTEM, Clock, boot_id
from gameday.facts.documents import Document, DocumentRead
from gameday.load.readback import connection
from gameday.load.resolve import TtlResolver
from gameday.record.ledger import checksum
from gameday.record.lines import LineWriter

AT_ONCE = 8
ATTEMPTS = 3
NOT_THERE = 404


class _Echo(msgspec.Struct):
    key: str
    bytes: int


def body_of(key: str, size_bytes: int) -> bytes:
    """A document's bytes, told by its key alone."""
    return random.Random(key).randbytes(size_bytes)


def keys_of(run: str, count: int) -> Iterator[str]:
    """The keys of a drill's documents; ``run`` is the record's folder name, so no two drills share one."""
    return (f"{run}/{number:06d}" for number in range(count))


class Shelf:
    """The service's documents, as a client sees them. Safe between threads."""

    def __init__(self, service_url: str, resolver: str, clock: Clock = SYSTEM) -> None:
        self._url, self._names, self._clock, self._boot = service_url, TtlResolver(resolver), clock, boot_id()

    def store(self, run: str, count: int, size_bytes: int, writer: LineWriter) -> int:
        """Store so many documents, and append each that was acknowledged; returns how many were."""

        def put(key: str) -> bool:
            document = self._put(key, body_of(key, size_bytes))
            if document:
                writer.append(document)
            return document is not None

        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="documents") as pool:
            return sum(pool.map(put, keys_of(run, count)))

    def read_all(self, documents: tuple[Document, ...], writer: LineWriter) -> int:
        """Read every one of them back, and append what was seen; returns how many were asked for."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="documents") as pool:
            for read in pool.map(self.read_surely, (document.key for document in documents)):
                writer.append(read)
        return len(documents)

    def read_surely(self, key: str) -> DocumentRead:
        """Read one, again where nobody answered: what was not answered is no evidence."""
        for _ in range(ATTEMPTS):
            read = self.read(key)
            if read.sum is not None or read.status == NOT_THERE:
                break
        return read

    def read(self, key: str) -> DocumentRead:
        """Read one document once."""
        try:
            status, body = self._ask("GET", key)
        except (OSError, http.client.HTTPException) as cause:
            return self._seen(key, None, None, f"{type(cause).__name__}: {cause}"[:200])
        return self._seen(key, checksum(body) if status == 200 else None, status, None)

    def _put(self, key: str, body: bytes) -> Document | None:
        for _ in range(ATTEMPTS):
            try:
                status, answer = self._ask("PUT", key, body)
                echo = msgspec.json.decode(answer, type=_Echo) if status == 200 else None
            except (OSError, http.client.HTTPException, msgspec.DecodeError):
                continue
            if echo and (echo.key, echo.bytes) == (key, len(body)):
                return Document(
                    self._boot, key, checksum(body), len(body), self._clock.mono_ns(), self._clock.utc()
                )  # fmt: skip
        return None

    def _seen(self, key: str, sum: str | None, status: int | None, why: str | None) -> DocumentRead:
        return DocumentRead(self._boot, key, sum, self._clock.mono_ns(), self._clock.utc(), status, why)

    def _ask(self, method: str, key: str, body: bytes | None = None) -> tuple[int, bytes]:
        parts = urlsplit(self._url)
        name, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        with closing(connection(parts.scheme, name, self._names.addresses(name)[0], port)) as line:
            headers = {"host": parts.netloc, "connection": "close"}
            line.request(method, f"/documents/{quote(key)}", body=body, headers=headers)
            answer = line.getresponse()
            return answer.status, answer.read()
