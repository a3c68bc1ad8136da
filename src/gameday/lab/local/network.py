"""The network controller: what EC2's network ACLs and security groups say is what the links do."""

from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network
from itertools import pairwise
from typing import Any

from gameday.lab.local.ground import ACCOUNT, PRIMARY, SECONDARY, Ground
from gameday.lab.local.links import LinkState, Place
from gameday.lab.local.packets import Ingress, Rule, Subnet, flows
from gameday.lab.local.rds_state import instances

TIER_TAG = "gameday:tier"
DATABASE_LINKS = "db/"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the ACLs and groups of one region say, read once a round: tier -> subnets, tier -> groups, group -> rules,
    database -> its groups."""

    subnets: dict[str, tuple[Subnet, ...]]
    group_ids: dict[str, tuple[str, ...]]
    ingress: dict[str, tuple[Ingress, ...]]
    database_groups: dict[str, tuple[str, ...]]


@dataclass
class NetworkController:
    """Derives for each link whether it is cut, and for each database's link whether it admits new connections.

    A link is cut when, on any hop of its path, no subnet of one tier can speak with any subnet of the next: ACLs are
    stateless, so an established connection falls silent too. Not as on AWS: a link stands for all subnets of a tier, so
    an outage of one zone alone is not seen. A closed security group keeps new connections out and leaves established
    ones (AWS tracks connections); only the database instance's own groups are looked at.
    """

    ground: Ground
    name: str = field(default="network", init=False)
    _known: dict[str, Rules] = field(default_factory=dict, init=False)
    _passing: dict[tuple[Place, ...], bool] = field(default_factory=dict, init=False)  # by path, under the rules known

    def reconcile(self) -> None:
        """Read the rules once, and tell the board what changed."""
        regions = {region: _read(region) for region in (PRIMARY, SECONDARY)}
        if not all(read.subnets for read in regions.values()):
            return  # the networks are still being deployed
        if regions != self._known:
            self._known, self._passing = regions, {}
        for link in self.ground.board.links():
            self._admit(link, regions)  # before the cut is lifted: who waited at a closed door stays out
            is_cut = not self._passes(link, regions)
            if is_cut != link.is_cut:
                self.ground.board.cut(link.name, is_cut)
                self.ground.said(f"network: {link.name} {'cut' if is_cut else 'whole again'}")

    def close(self) -> None:
        """Nothing is held open."""

    def _passes(self, link: LinkState, regions: "dict[str, Rules]") -> bool:
        if link.path not in self._passing:
            hops = zip(link.path, link.path[1:], strict=False)
            self._passing[link.path] = all(self._hop_passes(near, far, regions) for near, far in hops)
        return self._passing[link.path]

    def _hop_passes(self, near: Place, far: Place, regions: "dict[str, Rules]") -> bool:
        port = self._port(far)
        return any(
            flows(source, target, port) for source in _subnets(near, regions) for target in _subnets(far, regions)
        )

    def _admit(self, link: LinkState, regions: "dict[str, Rules]") -> None:
        if not link.name.startswith(DATABASE_LINKS):
            return
        source, target = link.path[-2], link.path[-1]
        admits = self._admits(link.name.removeprefix(DATABASE_LINKS), source, target, regions)
        if admits != link.admits:
            self.ground.board.admit(link.name, admits)
            self.ground.said(f"network: {link.name} {'open' if admits else 'closed'} to new connections")

    def _admits(self, db_id: str, source: Place, target: Place, regions: "dict[str, Rules]") -> bool:
        near = regions[source.region]
        cidrs = [subnet.cidr for subnet in near.subnets.get(source.tier, ())]
        groups = near.group_ids.get(source.tier, ())
        far = regions[target.region]
        own = far.database_groups.get(db_id, far.group_ids.get(target.tier, ()))
        rules = [rule for group in own for rule in far.ingress.get(group, ())]
        return any(rule.admits(self._port(target), cidrs=cidrs, groups=groups) for rule in rules)

    def _port(self, place: Place) -> int:
        ports = self.ground.ports
        return {"balancer": ports.http, "tasks": ports.task, "database": ports.database}[place.tier]


def passes(ground: Ground, path: tuple[Place, ...]) -> bool:
    """Whether the ACLs let a connection through along ``path`` now; so they do where no network is deployed yet."""
    regions = {region: _read(region) for region in (PRIMARY, SECONDARY)}
    if not all(read.subnets for read in regions.values()):
        return True
    return all(NetworkController(ground)._hop_passes(near, far, regions) for near, far in pairwise(path))


def _subnets(place: Place, regions: "dict[str, Rules]") -> tuple[Subnet | None, ...]:
    return (None,) if place.tier == "client" else regions[place.region].subnets.get(place.tier, ())


def _read(region: str) -> Rules:
    backend = _backend(region)
    acl_of = {
        association.subnet_id: acl
        for acl in list(backend.network_acls.values())
        for association in list(acl.associations)
    }
    subnets: dict[str, list[Subnet]] = {}
    for found in [subnet for zone in list(backend.subnets.values()) for subnet in list(zone.values())]:
        tier = _tier(backend, found.id)
        if tier and found.id in acl_of:
            subnets.setdefault(tier, []).append(_subnet(found, acl_of[found.id]))
    groups: dict[str, list[Any]] = {}
    known = [one for named in list(backend.groups.values()) for one in list(named.values())]
    for group in known:
        tier = _tier(backend, group.id)
        if tier:
            groups.setdefault(tier, []).append(group)
    return Rules(
        {tier: tuple(found) for tier, found in subnets.items()},
        {tier: tuple(group.id for group in found) for tier, found in groups.items()},
        {group.id: tuple(_ingress(rule) for rule in list(group.ingress_rules)) for group in known},
        {db.db_instance_identifier: tuple(db.vpc_security_group_ids) for db in instances(region)},
    )


def _backend(region: str) -> Any:
    from moto.ec2.models import ec2_backends

    return ec2_backends[ACCOUNT][region]


def _tier(backend: Any, resource: str) -> str | None:
    tags: dict[str, str] = backend.tags.get(resource, {})
    return tags.get(TIER_TAG)


def _subnet(found: Any, acl: Any) -> Subnet:
    return Subnet(_block(found.cidr_block), tuple(_rule(entry) for entry in acl.network_acl_entries))


def _rule(entry: Any) -> Rule:
    ports = _ports(entry.port_range_from, entry.port_range_to)
    is_egress = str(entry.egress).lower() == "true"
    cidr = _block(entry.cidr_block or "0.0.0.0/32")
    return Rule(int(entry.rule_number), entry.rule_action == "allow", is_egress, str(entry.protocol), cidr, ports)


def _ingress(rule: Any) -> Ingress:
    cidrs = (_block(rule.cidr_ipv4),) if rule.cidr_ipv4 else ()
    groups = (rule.source_group["GroupId"],) if rule.source_group else ()
    return Ingress(str(rule.ip_protocol), _ports(rule.from_port, rule.to_port), cidrs, groups)


@lru_cache(maxsize=256)
def _block(cidr: str) -> IPv4Network:
    """The same few blocks are read at every tick: half of what an idle lab's ticks cost."""
    return IPv4Network(cidr)


def _ports(low: Any, high: Any) -> tuple[int, int] | None:
    return None if low is None or high is None else (int(low), int(high))
