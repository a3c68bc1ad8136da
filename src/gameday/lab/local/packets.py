"""What network ACLs and security groups let through, as pure functions (AWS VPC user guide, "Network ACLs")."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network

ANY_PROTOCOL, TCP = "-1", ("-1", "6", "tcp")
EPHEMERAL_PORT = 40000  # where a client's answers arrive; ACLs are stateless, so these must be let through too
A_CLIENT = IPv4Network("203.0.113.7/32")  # somebody outside, from the block reserved for documentation (RFC 5737)


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of a network ACL. ``ports`` is None for all."""

    number: int
    allow: bool
    egress: bool
    protocol: str
    cidr: IPv4Network
    ports: tuple[int, int] | None = None

    def covers(self, egress: bool, peer: IPv4Network, port: int) -> bool:
        """Whether this rule decides about TCP packets to or from ``peer`` on ``port``."""
        in_ports = self.protocol == ANY_PROTOCOL or self.ports is None or self.ports[0] <= port <= self.ports[1]
        return self.egress == egress and self.protocol in TCP and peer.subnet_of(self.cidr) and in_ports


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet's block and the entries of the ACL that it is associated with."""

    cidr: IPv4Network
    rules: tuple[Rule, ...]


def allowed(rules: Iterable[Rule], *, egress: bool, peer: IPv4Network, port: int) -> bool:
    """The lowest-numbered rule that covers the packet decides; without one it is denied."""
    deciding = min(
        (rule for rule in rules if rule.covers(egress, peer, port)), key=lambda rule: rule.number, default=None
    )
    return deciding is not None and deciding.allow


def flows(source: Subnet | None, target: Subnet | None, port: int) -> bool:
    """Whether a TCP connection from ``source`` to ``target:port`` lives: all four directions of two stateless filters.

    None is a place without an ACL (a client outside). Within one subnet nothing is filtered.
    """
    if source is not None and source == target:
        return True
    return _passes(source, target, going_out=port, coming_in=EPHEMERAL_PORT) and _passes(
        target, source, going_out=EPHEMERAL_PORT, coming_in=port
    )


def _passes(near: Subnet | None, far: Subnet | None, *, going_out: int, coming_in: int) -> bool:
    if near is None:
        return True
    peer = far.cidr if far else A_CLIENT
    return allowed(near.rules, egress=True, peer=peer, port=going_out) and allowed(
        near.rules, egress=False, peer=peer, port=coming_in
    )


@dataclass(frozen=True, slots=True)
class Ingress:
    """One ingress rule of a security group; ``ports`` is None for all."""

    protocol: str
    ports: tuple[int, int] | None
    cidrs: tuple[IPv4Network, ...] = ()
    groups: tuple[str, ...] = ()

    def admits(self, port: int, *, cidrs: Iterable[IPv4Network], groups: Iterable[str]) -> bool:
        """Whether it lets a new connection in from any of ``groups``, or from any of ``cidrs``."""
        in_ports = self.protocol == ANY_PROTOCOL or self.ports is None or self.ports[0] <= port <= self.ports[1]
        by_group = bool(set(groups) & set(self.groups))
        by_cidr = any(peer.subnet_of(own) for peer in cidrs for own in self.cidrs)
        return self.protocol in TCP and in_ports and (by_group or by_cidr)
