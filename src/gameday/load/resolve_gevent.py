"""The TTL-living resolver for gevent, and with it for Locust's fast users."""

import socket
from typing import Any

import gevent
from gevent.resolver.thread import Resolver

from gameday.load.resolve import TtlResolver, is_address


class GeventTtlResolver(Resolver):  # type: ignore[misc]
    """gevent's own resolver, except that names with an IPv4 address are looked up with their TTL."""

    def __init__(self, where: str = "system") -> None:
        super().__init__()
        self._names = TtlResolver(where, self._of_the_machine)

    def getaddrinfo(self, host: Any, port: Any, family: int = 0, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if not name or is_address(name):
            return super().getaddrinfo(host, port, family, *args, **kwargs)
        found: list[Any] = []
        for address in self._names.addresses(name):
            found += super().getaddrinfo(address, port, family, *args, **kwargs)
        return found

    def gethostbyname(self, *args: Any) -> Any:
        return self._names.addresses(args[0])[0]

    def _of_the_machine(self, name: str) -> list[str]:
        found = super().getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
        return [str(address[0]) for *_, address in found]


def use(where: str) -> None:
    """Every lookup of this process's greenlets goes through a TTL-living cache from now on."""
    gevent.get_hub().resolver = GeventTtlResolver(where)
