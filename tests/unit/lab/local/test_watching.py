"""Beats and looks: a fixed schedule, and what goes wrong in a thread is raised where it is asked for."""

import socket
from collections.abc import Iterator

import pytest
from compute_stage import SLOT, answering, free_ports

from gameday.clock import eventually
from gameday.lab.local.watching import Beat, Look, http_look

ADDRESS = f"127.{SLOT}.0.1"


@pytest.fixture
def port() -> Iterator[int]:
    yield free_ports()


def look(port: int) -> Look:
    return http_look(ADDRESS, port, "/healthz", host="south", connect_s=2, answer_s=0.2)


def test_a_look_gives_the_status(port: int) -> None:
    with answering(ADDRESS, port, lambda: 204):
        assert look(port) == Look(204, "No Content")


def test_a_look_at_nobody_says_why(port: int) -> None:
    assert look(port).status is None
    assert "refused" in look(port).why


def test_a_look_at_somebody_who_never_answers_ends(port: int) -> None:
    with socket.create_server((ADDRESS, port)):
        assert look(port) == Look(None, "the connection or its answer timed out")


def test_a_look_at_somebody_who_speaks_no_http_says_so(port: int) -> None:
    import threading

    with socket.create_server((ADDRESS, port)) as server:

        def babble() -> None:
            with server.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(b"who goes there\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        seen = look(port)
        thread.join()
    assert (seen.status, bool(seen.why)) == (None, True)


def test_a_beat_goes_on_after_a_failure_and_raises_it_once() -> None:
    looks: list[int] = []

    def trip() -> None:
        looks.append(len(looks))
        if len(looks) == 2:
            raise LookupError("tripped")

    beat = Beat("trips", trip, 0.01)
    try:
        eventually(lambda: len(looks), lambda seen: seen > 5, what="looks", within_s=5)
        with pytest.raises(LookupError, match="tripped"):
            beat.check()
        beat.check()
    finally:
        beat.stop(wait_s=1)
