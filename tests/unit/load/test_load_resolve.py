"""A resolver's answers live their TTL, and no longer."""

import asyncio
import socket

import pytest
from load_stage import ADDRESS, OTHER_ADDRESS, FakeDns

from gameday.clock import eventually
from gameday.errors import InputError
from gameday.load.resolve import TtlResolver, server_of
from gameday.load.resolve_aio import AioTtlResolver

NAME = "app.gameday.example"


def test_an_answer_is_kept_for_its_ttl_and_asked_again_after_it(name_server: FakeDns) -> None:
    resolver = TtlResolver(name_server.resolver)
    assert [resolver.addresses(NAME) for _ in range(3)] == [[ADDRESS]] * 3
    assert name_server.questions == 1
    name_server.address = OTHER_ADDRESS
    assert resolver.addresses(NAME) == [ADDRESS]
    eventually(lambda: resolver.addresses(NAME), [OTHER_ADDRESS], what=NAME, within_s=3)


def test_a_hundred_lookups_at_once_are_one_question(name_server: FakeDns) -> None:
    async def lookups() -> set[str]:
        resolver = AioTtlResolver(name_server.resolver)
        answers = await asyncio.gather(*(resolver.resolve(NAME, 80) for _ in range(100)))
        return {answer[0]["host"] for answer in answers}

    assert asyncio.run(lookups()) == {ADDRESS}
    assert name_server.questions == 1


def test_a_silent_server_is_an_error_that_clients_understand(name_server: FakeDns) -> None:
    name_server.silent = True
    with pytest.raises(socket.gaierror, match=NAME):
        TtlResolver(name_server.resolver).addresses(NAME)


def test_an_address_needs_no_lookup(name_server: FakeDns) -> None:
    assert TtlResolver(name_server.resolver).addresses("127.0.0.1") == ["127.0.0.1"]
    assert name_server.questions == 0


def test_the_system_knows_this_machine() -> None:
    assert "127.0.0.1" in TtlResolver("system").addresses("localhost")


@pytest.mark.parametrize("where", ["", "somewhere", "127.0.0.1", "127.0.0.1:0", "host:53", "127.0.0.1:99999"])
def test_a_resolver_that_cannot_be_is_refused(where: str) -> None:
    with pytest.raises(InputError, match="a resolver"):
        server_of(where)
