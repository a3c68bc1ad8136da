"""A drill's documents: stored through HTTP, watched by the canary, read back; what is not answered is no evidence."""

import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gameday.documents import Canary, Documents
from gameday.facts import Event, Kind
from gameday.facts.documents import Document
from gameday.load.documents import Shelf, body_of
from gameday.record.layout import Record
from gameday.record.ledger import checksum
from gameday.record.lines import Damage, LineWriter
from gameday.record.timeline import Timeline

pytestmark = pytest.mark.parts


class Store:
    """A service of documents in memory; ``down`` answers 503."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.down = False
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                key, body = self.path.removeprefix("/documents/"), self.rfile.read(int(self.headers["content-length"]))
                store.kept[key] = body
                self._say(503 if store.down else 200, f'{{"key":"{key}","bytes":{len(body)}}}'.encode())

            def do_GET(self) -> None:
                body = store.kept.get(self.path.removeprefix("/documents/"))
                self._say(503 if store.down else 404 if body is None else 200, body or b"")

            def _say(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing to say."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.shelf = Shelf(f"http://127.0.0.1:{self.server.server_address[1]}", "system")


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record.create(tmp_path, "drill")


def stored(store: Store, record: Record, count: int = 10) -> tuple[Document, ...]:
    with closing(LineWriter(record.objects, sync=False)) as writer:
        assert store.shelf.store("run", count, 64, writer) == count
    return tuple(sorted(record.read_objects(Damage()), key=lambda document: document.key))


def test_what_was_acknowledged_is_written_down_with_its_checksum(store: Store, record: Record):
    found = stored(store, record)
    assert [one.key for one in found] == [f"run/{number:06d}" for number in range(10)]
    assert {one.sum for one in found} == {checksum(body) for body in store.kept.values()}
    assert store.kept["run/000003"] == body_of("run/000003", 64)


def test_what_was_not_acknowledged_is_not_written_down(store: Store, record: Record):
    store.down = True
    with closing(LineWriter(record.objects, sync=False)) as writer:
        assert store.shelf.store("run", 2, 64, writer) == 0
    assert list(record.read_objects(Damage())) == []


def test_the_read_back_tells_gone_from_altered_from_unanswered(store: Store, record: Record):
    found = stored(store, record, 3)
    del store.kept["run/000000"]
    store.kept["run/000001"] = b"?"
    timeline = Timeline(record)
    Documents(record, timeline, store.shelf, found).read_back()
    store.down = True
    silent = store.shelf.read("run/000002")
    timeline.close()
    reads = [(read.sum, read.status) for read in record.read_objects_survivors(Damage())]
    assert reads == [(None, 404), (checksum(b"?"), 200), (found[2].sum, 200)]
    assert (silent.sum, silent.status) == (None, 503)
    [note] = record.read_events(Damage())
    assert (note.what, dict(note.detail)) == ("documents read back", {"documents": 3})


def test_the_canary_tells_each_change_once(store: Store, record: Record):
    found = stored(store, record)
    told: list[tuple[Kind, str]] = []

    def say(kind: Kind, what: str, **detail: object) -> Event:
        told.append((kind, what))
        return Event("boot", 0, "", kind, what)

    canary = Canary(store.shelf.read, found, say, every_s=60)
    assert [one.key[-1] for one in canary.watched] == ["0", "2", "4", "6", "8"]
    canary.look()
    canary.look()
    kept = store.kept.pop("run/000004")
    canary.look()
    store.kept["run/000004"] = kept
    store.down = True
    canary.look()
    store.down = False
    canary.look()
    assert [what for _, what in told] == ["good", "bad", "unanswered", "good"]


def test_the_canary_does_not_see_what_it_does_not_watch(store: Store, record: Record):
    canary = Canary(store.shelf.read, stored(store, record), lambda *_, **__: Event("", 0, "", Kind.NOTE, ""), 60)
    del store.kept["run/000001"]
    canary.look()
    assert canary._last == "good"
