"""The read-back: every order that survived, page by page through the service, from a database that takes writes."""

import http.client
import socket
from contextlib import closing
from urllib.parse import quote, urlsplit

import msgspec

from gameday.clock import NS, SYSTEM, Clock
from gameday.errors import ReadBackError
from gameday.facts import Survivor
from gameday.load.ids import is_foreign
from gameday.load.resolve import TtlResolver
from gameday.record.lines import LineWriter

PAGE = 1_000
REQUEST_TIMEOUT_S, RETRY_PAUSE_S = 6.0, 0.25
PAGE_BYTES_MAX = 64 << 20  # of one answer, which is held in memory
BLOCK_BYTES = 1 << 16
ROWS_MAX = 500_000_000  # of all pages: a listing that goes on for ever ends somewhere
NEXT_STEP = "look whether the surviving database answers and takes writes, then read back again"


class _Page(msgspec.Struct):
    orders: list[Survivor]
    complete: bool
    writable: bool
    database: str


class _NoPage(Exception):
    """A page was not to be had this time."""


class ReadBack:
    """One reading of all orders. ``listed`` and ``rows``, those of them that count, say how far it has come."""

    def __init__(self, service_url: str, resolver: str, within_s: float, clock: Clock = SYSTEM) -> None:
        self.listed = self.rows = 0
        self._url, self._names, self._clock = service_url, TtlResolver(resolver), clock
        self._within_s = within_s
        self._database = ""

    def into(self, writer: LineWriter, run: str) -> int:
        """Append every survivor; returns how many rows were written. Raises :class:`ReadBackError` when not all are."""
        after = ""
        while True:
            page = self._page_after(after)
            for survivor in page.orders:
                if survivor.id <= after:
                    raise self._incomplete(f"ids out of order: {survivor.id!r} after {after!r}")
                after = survivor.id
                self.listed += 1
                if not is_foreign(survivor.id, run):
                    writer.append(survivor)
                    self.rows += 1
            if page.complete:
                return self.rows
            if self.listed > ROWS_MAX:
                raise self._incomplete(f"more than {ROWS_MAX:,} rows")
            if not page.orders:
                raise self._incomplete("an empty page that is not the last")

    def _page_after(self, after: str) -> _Page:
        deadline_ns = self._clock.mono_ns() + int(self._within_s * NS)
        while True:
            try:
                page = self._ask(f"/orders?after={quote(after, safe='')}&limit={PAGE}", deadline_ns)
            except _NoPage as cause:
                if self._clock.mono_ns() + int(RETRY_PAUSE_S * NS) > deadline_ns:
                    raise self._incomplete(str(cause)) from cause
                self._clock.sleep(RETRY_PAUSE_S)
            else:
                self._check_same_database(page)
                return page

    def _check_same_database(self, page: _Page) -> None:
        """Pages of two databases, or of one before and after a promotion, make no reading of one."""
        self._database = self._database or page.database
        if page.database != self._database:
            raise self._incomplete(f"the database changed from {self._database} to {page.database} between two pages")

    def _ask(self, path: str, deadline_ns: int) -> _Page:
        status, body = self._get(path, deadline_ns)
        if status != 200:
            raise _NoPage(f"status {status} for {path}")
        try:
            page = msgspec.json.decode(body, type=_Page)
        except (msgspec.DecodeError, UnicodeDecodeError) as cause:
            raise self._incomplete(f"an answer that is no page of orders: {cause}") from cause
        if not page.writable:
            raise _NoPage("an answer from a database that takes no writes")
        return page

    def _get(self, path: str, deadline_ns: int) -> tuple[int, bytes]:
        parts = urlsplit(self._url)
        name, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        try:
            address = self._names.addresses(name)[0]
            with closing(connection(parts.scheme, name, address, port)) as line:
                line.request("GET", path, headers={"host": parts.netloc, "connection": "close"})
                answer = line.getresponse()
                return answer.status, self._body(answer, path, deadline_ns)
        except (OSError, http.client.HTTPException) as cause:
            raise _NoPage(f"{type(cause).__name__}: {cause}") from cause

    def _body(self, answer: http.client.HTTPResponse, path: str, deadline_ns: int) -> bytes:
        body = bytearray()
        while some := answer.read1(BLOCK_BYTES):
            body += some
            if len(body) > PAGE_BYTES_MAX:
                raise self._incomplete(f"an answer of more than {PAGE_BYTES_MAX:,} bytes to {path}")
            if self._clock.mono_ns() > deadline_ns:
                raise _NoPage(f"an answer that does not end, to {path}")
        if answer.length:
            raise _NoPage(f"an answer that was cut, to {path}")
        return bytes(body)

    def _incomplete(self, why: str) -> ReadBackError:
        return ReadBackError(
            f"every surviving order of {self._url}, each page of them within {self._within_s:g} s",
            f"{why}, after {self.listed:,} rows",
            NEXT_STEP,
        )


def read_back(
    service_url: str, resolver: str, writer: LineWriter, *, within_s: float, run: str = "", clock: Clock = SYSTEM
) -> int:
    """Append every surviving order to ``writer`` and return how many there were.

    They are written in the order of their ids, a page of :data:`PAGE` at a time, each waited for ``within_s`` at most.
    Raises :class:`ReadBackError` when the reading is incomplete: no answer in time, no database that takes writes, or
    more than one database. Left out are the one order of the failover's post-check and, when ``run`` (the record's
    folder name) is given, the orders of other drills in the same database.
    """
    return ReadBack(service_url, resolver, within_s, clock).into(writer, run)


def connection(scheme: str, name: str, address: str, port: int) -> http.client.HTTPConnection:
    """To an address that was looked up by the caller, for a name; over TLS the certificate is the name's."""
    if scheme == "https":
        return _TlsTo(name, address, port)
    return http.client.HTTPConnection(address, port, timeout=REQUEST_TIMEOUT_S)


class _TlsTo(http.client.HTTPSConnection):
    """TLS to a chosen address, verified for the name."""

    def __init__(self, name: str, address: str, port: int) -> None:
        super().__init__(name, port, timeout=REQUEST_TIMEOUT_S)
        self._create_connection = lambda _to, *rest: socket.create_connection((address, port), *rest)
