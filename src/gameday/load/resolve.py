"""Names to addresses through a cache whose answers live their TTL, and no longer: how a client follows DNS.

``system`` asks the name servers of this machine (and falls back to the machine's own lookup, which knows /etc/hosts
but tells no TTL and is therefore not cached); ``host:port`` asks that server and nobody else.
"""

import ipaddress
import socket
from collections.abc import Callable

import dns.asyncresolver
import dns.exception
import dns.resolver

from gameday.errors import InputError

QUERY_TIMEOUT_S, LOOKUP_TIMEOUT_S = 0.5, 1.0  # a lost datagram costs one retry, not the whole probe

type Lookup = Callable[[str], list[str]]


def server_of(where: str) -> tuple[str, int] | None:
    """``host:port`` as a pair, None for ``system``; raises :class:`InputError` for anything else."""
    if where == "system":
        return None
    host, _, port = where.rpartition(":")
    if is_address(host) and port.isdecimal() and 0 < int(port) < 65_536:
        return host, int(port)
    raise InputError("a resolver: system, or address:port", repr(where), "correct the output Resolver")


def is_address(name: str) -> bool:
    """Whether a name is an address already."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def system_lookup(name: str) -> list[str]:
    """The machine's own answer, IPv4; raises ``socket.gaierror``."""
    found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class TtlResolver:
    """Blocking lookups. ``fallback`` is asked last for ``system``."""

    def __init__(self, where: str = "system", fallback: Lookup = system_lookup) -> None:
        self._fallback = None if server_of(where) else fallback
        self._resolver = _bounded(dns.resolver.Resolver, where)

    def addresses(self, name: str) -> list[str]:
        """The IPv4 addresses of a name now; raises ``socket.gaierror`` when there is none, or no answer."""
        if is_address(name):
            return [name]
        try:
            return [str(record) for record in self._resolver.resolve(name, "A")]
        except dns.exception.DNSException as cause:
            if self._fallback:
                return self._fallback(name)
            raise no_address(name, cause) from cause


def async_resolver(where: str) -> dns.asyncresolver.Resolver:
    """dnspython's asyncio resolver with the same bounds and the same cache."""
    return _bounded(dns.asyncresolver.Resolver, where)


def no_address(name: str, cause: Exception) -> socket.gaierror:
    """The error that every HTTP client understands as: the name did not resolve."""
    return socket.gaierror(socket.EAI_NONAME, f"{name} did not resolve: {cause}")


def _bounded[R: dns.resolver.BaseResolver](kind: type[R], where: str) -> R:
    server = server_of(where)
    try:
        resolver = kind(configure=server is None)
    except dns.resolver.NoResolverConfiguration:
        resolver = kind(configure=False)  # no server at all: every lookup falls back
    if server:
        resolver.nameservers, resolver.port = [server[0]], server[1]
        resolver.search = []
    resolver.cache = dns.resolver.Cache()
    resolver.timeout, resolver.lifetime = QUERY_TIMEOUT_S, LOOKUP_TIMEOUT_S
    return resolver
