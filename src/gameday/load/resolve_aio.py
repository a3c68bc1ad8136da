"""The TTL-living resolver for aiohttp."""

import asyncio
import socket

import dns.exception
from aiohttp.abc import AbstractResolver, ResolveResult

from gameday.load.resolve import async_resolver, is_address, no_address, server_of, system_lookup


class AioTtlResolver(AbstractResolver):
    """Lookups of aiohttp's connector; give that ``use_dns_cache=False``, since the cache is here."""

    def __init__(self, where: str = "system") -> None:
        self._resolver = async_resolver(where)
        self._is_system = server_of(where) is None
        self._one_at_a_time = asyncio.Lock()  # forty probes a second must not all ask when an answer runs out

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """aiohttp's own form of an answer; raises ``OSError`` when there is none."""
        found = [host] if is_address(host) else await self._addresses(host)
        return [
            ResolveResult(hostname=host, host=each, port=port, family=socket.AF_INET, proto=0, flags=0)
            for each in found
        ]

    async def close(self) -> None:
        """Nothing stays open between two lookups."""

    async def _addresses(self, host: str) -> list[str]:
        try:
            async with self._one_at_a_time:
                return [str(record) for record in await self._resolver.resolve(host, "A")]
        except dns.exception.DNSException as cause:
            if self._is_system:
                return await asyncio.to_thread(system_lookup, host)
            raise no_address(host, cause) from cause
