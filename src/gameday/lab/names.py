"""Asking a lab's resolver for a name, without any cache: what it answers now."""

import dns.exception
import dns.resolver

SYSTEM = "system"


def resolve(name: str, resolver: str, *, within_s: float = 1.0) -> tuple[str, ...]:
    """The IPv4 addresses of ``name`` by ``resolver`` (``system`` or ``host:port``), sorted; empty without an answer."""
    try:
        answer = resolver_for(resolver).resolve(name, "A", lifetime=within_s, raise_on_no_answer=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoNameservers, dns.exception.Timeout):
        return ()
    return tuple(sorted(row.address for row in answer)) if answer.rrset is not None else ()


def resolver_for(resolver: str) -> dns.resolver.Resolver:
    """A dnspython resolver without a cache for ``system`` or ``host:port``."""
    if resolver == SYSTEM:
        return dns.resolver.Resolver()
    host, _, port = resolver.rpartition(":")
    asked = dns.resolver.Resolver(configure=False)
    asked.nameservers, asked.port = [host], int(port)
    return asked
