"""Links, with real sockets and the real link process."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from threading import Thread

import pytest

from gameday.clock import eventually
from gameday.errors import LabError, PortsTaken
from gameday.lab.local.links import HttpAnswers, LinkBoard, LinkState, Place
from gameday.processes import identify, spawn

LISTEN = ("127.202.1.1", 24702)
TARGET = ("127.202.1.10", 24703)
OTHER = ("127.202.1.11", 24703)
PATH = (Place("", "client"), Place("ap-southeast-2", "balancer"))
SOON_S = 5.0


@pytest.fixture(scope="module")
def process() -> Iterator[LinkBoard]:
    board = LinkBoard.launch(spawn)
    yield board
    board.stop()


@pytest.fixture
def board(process: LinkBoard) -> Iterator[LinkBoard]:
    yield process
    for link in process.links():
        process.close(link.name)


class Ends:
    """A link `east`, and sockets at both of its ends."""

    def __init__(self, board: LinkBoard, stack: ExitStack) -> None:
        self.board, self._stack = board, stack
        self.server = stack.enter_context(closing(socket.create_server(TARGET)))
        self.server.settimeout(SOON_S)

    def connect(self, timeout_s: float = SOON_S) -> socket.socket:
        return self._stack.enter_context(closing(socket.create_connection(LISTEN, timeout_s)))

    def accept(self) -> socket.socket:
        accepted = self._stack.enter_context(closing(self.server.accept()[0]))
        accepted.settimeout(SOON_S)
        return accepted

    def pair(self) -> tuple[socket.socket, socket.socket]:
        return self.connect(), self.accept()


@pytest.fixture
def ends(board: LinkBoard) -> Iterator[Ends]:
    board.open("east", LISTEN, [TARGET], PATH)
    with ExitStack() as stack:
        yield Ends(board, stack)


def state(board: LinkBoard, name: str = "east") -> LinkState:
    return next(link for link in board.links() if link.name == name)


def silent(end: socket.socket, for_s: float = 0.3) -> bool:
    end.settimeout(for_s)
    try:
        end.recv(1)
    except TimeoutError:
        return True
    else:
        return False
    finally:
        end.settimeout(SOON_S)


def test_a_link_carries_bytes_both_ways_and_an_end_of_one_side(ends: Ends) -> None:
    client, server = ends.pair()
    client.sendall(b"ping")
    assert server.recv(10) == b"ping"
    client.shutdown(socket.SHUT_WR)
    assert server.recv(10) == b""
    server.sendall(b"pong")
    server.close()
    assert (client.recv(10), client.recv(10)) == (b"pong", b"")


def test_a_link_tells_its_path_its_connections_and_its_bytes(ends: Ends) -> None:
    client, server = ends.pair()
    client.sendall(b"ping")
    server.recv(10)
    assert state(ends.board) == LinkState("east", LISTEN, (TARGET,), PATH, False, True, 1, 4)


def test_a_closed_connection_is_forgotten(ends: Ends) -> None:
    client, server = ends.pair()
    client.close()
    server.close()
    eventually(lambda: state(ends.board).connections, 0, what="connections", within_s=SOON_S)


def test_a_large_transfer_arrives_whole_and_in_order(ends: Ends) -> None:
    ends.board.shape("east", latency_s=0.01)
    client, server = ends.pair()
    sent = bytes(range(256)) * 8192
    sender = Thread(target=client.sendall, args=(sent,))
    sender.start()
    got = bytearray()
    while len(got) < len(sent):
        got += server.recv(1 << 16)
    sender.join()
    assert bytes(got) == sent


def test_a_cut_is_silent_and_what_was_under_way_arrives_after_it(ends: Ends) -> None:
    client, server = ends.pair()
    ends.board.cut("east", True)
    client.sendall(b"late")
    server.sendall(b"late too")
    assert silent(server) and silent(client)
    ends.board.cut("east", False)
    assert (server.recv(10), client.recv(10)) == (b"late", b"late too")


def test_bytes_in_flight_freeze_when_the_cut_comes(ends: Ends) -> None:
    ends.board.shape("east", latency_s=0.2)
    client, server = ends.pair()
    client.sendall(b"on the wire")
    ends.board.cut("east", True)
    assert silent(server, 0.5)
    ends.board.cut("east", False)
    assert server.recv(20) == b"on the wire"


def test_while_cut_a_side_that_dies_is_not_noticed_by_the_other(ends: Ends) -> None:
    client, server = ends.pair()
    ends.board.cut("east", True)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    server.close()
    assert silent(client)
    ends.board.cut("east", False)
    with pytest.raises(ConnectionResetError):
        client.recv(1)


def test_what_a_task_sent_into_a_cut_dies_with_the_task(board: LinkBoard) -> None:
    board.open("east", LISTEN, [TARGET], (Place("ap-southeast-2", "tasks"), Place("ap-southeast-2", "database")))
    with ExitStack() as stack:
        ends = Ends(board, stack)
        task, database = ends.pair()
        living, its_database = ends.pair()
        board.cut("east", True)
        task.sendall(b"COMMIT")
        living.sendall(b"COMMIT")
        task.close()
        board.cut("east", False)
        with pytest.raises(ConnectionResetError):
            database.recv(10)
        assert its_database.recv(10) == b"COMMIT"


def test_while_cut_a_sender_meets_back_pressure(ends: Ends) -> None:
    client, _ = ends.pair()
    ends.board.cut("east", True)
    client.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.sendall(bytes(64 << 20))


def test_while_cut_nobody_answers_a_new_connection(ends: Ends) -> None:
    ends.board.cut("east", True)
    with pytest.raises(TimeoutError):
        ends.connect(timeout_s=0.5)
    ends.board.cut("east", False)
    client, server = ends.pair()
    client.sendall(b"back")
    assert server.recv(10) == b"back"


def test_a_connection_that_waited_through_a_cut_comes_through(ends: Ends) -> None:
    ends.board.cut("east", True)
    with closing(socket.socket()) as client:
        client.setblocking(False)
        client.connect_ex(LISTEN)
        ends.board.cut("east", False)
        client.settimeout(SOON_S)
        ends.accept()
        client.sendall(b"x")


def test_a_link_that_admits_nobody_carries_its_old_connections_on(ends: Ends) -> None:
    client, server = ends.pair()
    ends.board.admit("east", False)
    with pytest.raises(TimeoutError):
        ends.connect(timeout_s=0.5)
    client.sendall(b"still here")
    assert server.recv(20) == b"still here"
    assert not state(ends.board).admits


def test_a_cut_that_ends_does_not_admit_what_is_not_admitted(ends: Ends) -> None:
    ends.board.admit("east", False)
    ends.board.cut("east", True)
    ends.board.cut("east", False)
    with pytest.raises(TimeoutError):
        ends.connect(timeout_s=0.5)


def test_severing_resets_both_sides_and_drops_what_was_under_way(ends: Ends) -> None:
    client, server = ends.pair()
    ends.board.shape("east", latency_s=0.3)
    client.sendall(b"lost")
    ends.board.sever("east")
    for end in (client, server):
        with pytest.raises(ConnectionResetError):
            end.recv(10)


@pytest.mark.parametrize("latency_s", [0.0, 0.02, 0.07])
def test_latency_is_one_way_and_accurate(ends: Ends, latency_s: float) -> None:
    ends.board.shape("east", latency_s=latency_s)
    client, server = ends.pair()
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        client.sendall(b"ping")
        server.sendall(server.recv(10))
        client.recv(10)
        rounds.append(time.perf_counter() - began)
    assert 2 * latency_s <= min(rounds) < 2 * latency_s + 0.012


def test_bandwidth_narrows_a_link(ends: Ends) -> None:
    ends.board.shape("east", bandwidth_bps=800_000)
    client, server = ends.pair()
    began = time.perf_counter()
    client.sendall(bytes(50_000))
    got = 0
    while got < 50_000:
        got += len(server.recv(1 << 16))
    assert 0.4 < time.perf_counter() - began < 0.8


def test_new_connections_take_turns_between_targets(ends: Ends) -> None:
    with closing(socket.create_server(OTHER)) as other:
        other.settimeout(SOON_S)
        ends.board.retarget("east", [TARGET, OTHER])
        ends.connect()
        ends.connect()
        ends.accept()
        other.accept()[0].close()


def test_a_link_without_a_target_resets(ends: Ends) -> None:
    ends.board.retarget("east", [])
    with pytest.raises(ConnectionResetError):
        ends.connect().recv(1)


@pytest.mark.parametrize(("targets", "answer"), [([], b"HTTP/1.1 503"), ([OTHER], b"HTTP/1.1 502")])
def test_a_balancer_without_a_living_target_says_so(
    board: LinkBoard, targets: list[tuple[str, int]], answer: bytes
) -> None:
    board.open("web", LISTEN, targets, PATH, http=True)
    with closing(socket.create_connection(LISTEN, SOON_S)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        said = b"".join(iter(lambda: client.recv(4096), b""))
    assert said.startswith(answer)
    assert b"not-applied" not in said


@pytest.fixture
def web(board: LinkBoard) -> Iterator[Ends]:
    """A link that speaks HTTP."""
    board.open("web", LISTEN, [TARGET], PATH, http=True)
    with ExitStack() as stack:
        yield Ends(board, stack)


def http(status: int, body: bytes = b"ok") -> bytes:
    return b"HTTP/1.1 %d Said\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def passed(server: socket.socket, client: socket.socket, *answers: bytes) -> None:
    """Send pieces back, each after the one before has arrived whole."""
    for answer in answers:
        server.sendall(answer)
        got = b""
        while len(got) < len(answer):
            got += client.recv(len(answer) - len(got))
        assert got == answer


def test_answers_of_a_kept_alive_connection_are_counted_each(web: Ends) -> None:
    client, server = web.pair()
    passed(server, client, http(200), http(500), http(404), http(503), http(200))
    assert state(web.board, "web").answers == HttpAnswers(total=5, target_5xx=2)


def test_answers_of_all_connections_add_up(web: Ends) -> None:
    for _ in range(3):
        client, server = web.pair()
        passed(server, client, http(200), http(502))
    assert state(web.board, "web").answers == HttpAnswers(total=6, target_5xx=3)


def test_an_answer_in_pieces_is_one_answer(web: Ends) -> None:
    client, server = web.pair()
    head = b"HTTP/1.1 500 Said\r\nTransfer-Encoding: chunked\r\n\r\n"
    passed(server, client, head[:10], head[10:], b"15\r\nHTTP/1.1 200 Said\r\n\r\n\r\n", b"0\r\n\r\n", http(200))
    assert state(web.board, "web").answers == HttpAnswers(total=2, target_5xx=1)


def test_several_answers_in_one_piece_are_several(web: Ends) -> None:
    client, server = web.pair()
    passed(server, client, http(200) + http(500) + http(200))
    assert state(web.board, "web").answers == HttpAnswers(total=3, target_5xx=1)


def test_an_interim_answer_is_none(web: Ends) -> None:
    client, server = web.pair()
    passed(server, client, b"HTTP/1.1 100 Continue\r\n\r\n", http(201))
    assert state(web.board, "web").answers == HttpAnswers(total=1)


def test_a_target_that_does_not_speak_http_is_carried_and_not_counted(web: Ends) -> None:
    client, server = web.pair()
    passed(server, client, b"220 mail.example ESMTP\r\n", http(500))
    client.sendall(b"EHLO\r\n")
    assert server.recv(10) == b"EHLO\r\n"
    assert state(web.board, "web").answers == HttpAnswers()


def test_after_an_upgrade_nothing_more_is_counted(web: Ends) -> None:
    client, server = web.pair()
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    passed(server, client, http(200), upgrade, b"\x81\x02hi", http(500))
    assert state(web.board, "web").answers == HttpAnswers(total=1)


@pytest.mark.parametrize(("targets", "untargeted"), [([], 1), ([OTHER], 0)])
def test_the_balancers_own_answers_are_told_apart(
    board: LinkBoard, targets: list[tuple[str, int]], untargeted: int
) -> None:
    board.open("web", LISTEN, targets, PATH, http=True)
    with closing(socket.create_connection(LISTEN, SOON_S)) as client:
        assert state(board, "web").answers == HttpAnswers()  # nobody asked anything yet
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"".join(iter(lambda: client.recv(4096), b""))
    assert state(board, "web").answers == HttpAnswers(total=1, own_5xx=1, untargeted=untargeted)


def test_a_link_that_carries_bytes_counts_no_answers(ends: Ends) -> None:
    client, server = ends.pair()
    passed(server, client, http(500))
    assert state(ends.board).answers == HttpAnswers()


def test_a_taken_address_is_named(ends: Ends) -> None:
    with pytest.raises(PortsTaken, match=r"127\.202\.1\.10:24703"):
        ends.board.open("west", TARGET, [], PATH)


def test_an_unknown_link_is_named(board: LinkBoard) -> None:
    with pytest.raises(LabError, match="west"):
        board.cut("west", True)


def test_the_process_ends_with_its_owner() -> None:
    board = LinkBoard.launch(spawn)
    who = identify(board.process.pid)
    assert who is not None
    board.stop()
    assert board.process.returncode == 0
    with pytest.raises(LabError, match="stopped"):
        board.links()


def test_an_answer_that_came_too_late_is_not_taken_for_the_next_ones() -> None:
    board = LinkBoard.launch(spawn)
    try:
        board.answer_within_s = 0.1
        os.kill(board.process.pid, signal.SIGSTOP)
        with pytest.raises(LabError, match=r"within 0\.1 s; saw none"):
            board.open("east", LISTEN, [TARGET], PATH)
        os.kill(board.process.pid, signal.SIGCONT)
        board.answer_within_s = SOON_S
        assert [link.name for link in board.links()] == ["east"]
        with pytest.raises(LabError, match="a link called west"):
            board.cut("west", True)
    finally:
        os.kill(board.process.pid, signal.SIGCONT)
        board.stop()
