"""Region outage: nothing enters or leaves a region's network."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from gameday.clock import eventually
from gameday.errors import DeadlineError, FaultError
from gameday.facts import INFERRED, Kind
from gameday.faults.guard import may_break
from gameday.faults.replay import DRILL_TAG, acl_gone, fence_and_replay, subnet_acl
from gameday.lab import status
from gameday.lab.fence import database_groups
from gameday.lab.local import extras
from gameday.lab.model import Lab
from gameday.lab.names import resolve
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal

TIER_TAG, DATABASE_TIER = "gameday:tier", "database"
EFFECT_WITHIN_S = 10.0
CONNECT_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class RegionOutage:
    """Every subnet of the region's VPC denies every packet.

    In AWS: a network ACL without a single rule denies all, in both directions, without an answer, established
    connections included (ACLs are stateless). All subnets of the VPC are associated with one made for the drill.
    In the local lab: the same calls; the network controller then cuts every link with an end in the region, silently.
    """

    region: str
    effect_within_s: float = field(default=EFFECT_WITHIN_S, repr=False)  # until each of its effects must be seen

    @property
    def stays_reachable(self) -> tuple[str, ...]:
        """What network ACLs do not filter (AWS VPC user guide, "Network ACLs")."""
        return (
            "traffic between hosts of one subnet",
            "DNS of the VPC and the instance metadata service",
            "the region's AWS APIs (RDS, ECS, S3, Secrets Manager …), and RDS's own management of the database",
        )

    def inject(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Associate every subnet with a deny-all ACL and verify three effects: the health path is dark, tasks cannot
        reach the database, replication has stopped. Raises :class:`FaultError` when one was not seen in 10 s."""
        vpc = lab.of(self.region, "VpcId")
        ec2 = lab.client("ec2", self.region)
        subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
        may_break(lab, self.region, subnets, "subnets")
        may_break(lab, self.region, database_groups(lab, self.region), "security groups of the database")
        may_break(lab, self.region, [_tagged(status.service_of(lab, self.region))], "ECS services")
        before = _databases_first(_associations(ec2, vpc), subnets)
        drill = timeline.drill
        undo.before(acl_gone(self.region, vpc, drill))
        deny_all = _deny_all_acl(ec2, vpc, drill)
        for subnet, association in before.items():
            undo.before(subnet_acl(self.region, subnet, association["NetworkAclId"]))
        timeline.add(Kind.FAULT, repr(self), region=self.region, subnets=sorted(before))
        for association in before.values():
            ec2.replace_network_acl_association(
                AssociationId=association["NetworkAclAssociationId"], NetworkAclId=deny_all
            )
        self._verify(lab, timeline)

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Fence the region if the other one was promoted, then give every subnet its ACL back."""
        if not undo.open_steps():
            return
        with timeline.healing_first():
            timeline.add(Kind.HEAL, repr(self), region=self.region)
            fence_and_replay(undo, lab, timeline)
            timeline.add(Kind.HEALED, repr(self), region=self.region)

    def _verify(self, lab: Lab, timeline: Timeline) -> None:
        effects: dict[str, Callable[[], bool]] = {
            "the health path is dark": lambda: _is_dark(lab, self.region),
            "tasks cannot reach the database": lambda: _link_is_cut(lab, self.region, "db/", self.region),
            "replication has stopped": lambda: _link_is_cut(lab, self.region, "replication/", lab.secondary),
        }
        seen: dict[str, str] = {}
        for effect, look in effects.items():
            try:
                eventually(look, True, what=effect, within_s=self.effect_within_s)
                seen[effect] = "seen" if lab.is_local or "path" in effect else f"{INFERRED} from the network ACLs"
            except DeadlineError as cause:
                timeline.add(Kind.FAULT_FAILED, effect, region=self.region, seen=str(cause))
                raise FaultError(
                    f"{effect} once {self.region} is cut off", cause.seen, "heal: it proves nothing"
                ) from cause
        timeline.add(Kind.FAULT_VERIFIED, repr(self), region=self.region, **seen)


def _tagged(service: dict[str, Any]) -> dict[str, Any]:
    """ECS spells tags in lower case; fencing will scale this service to 0, so it must be a target too."""
    return {"Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in service.get("tags", [])]}


def _associations(ec2: Any, vpc: str) -> dict[str, dict[str, Any]]:
    """Subnet -> its current association (``NetworkAclAssociationId``, ``NetworkAclId``)."""
    acls = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    return {one["SubnetId"]: one for acl in acls for one in acl["Associations"]}


def _databases_first(by_subnet: dict[str, dict[str, Any]], subnets: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The databases' subnets first: their commits and their replication then end together.

    A region that is lost is lost at once; were clients cut off first, the replica would catch up before replication
    is cut, and the loss would be understated.
    """
    tiers = {
        subnet["SubnetId"]: tag["Value"]
        for subnet in subnets
        for tag in subnet.get("Tags", [])
        if tag["Key"] == TIER_TAG
    }
    return dict(sorted(by_subnet.items(), key=lambda item: tiers.get(item[0]) != DATABASE_TIER))


def _deny_all_acl(ec2: Any, vpc: str, drill: str) -> str:
    tags = [{"Key": DRILL_TAG, "Value": drill}, {"Key": "Name", "Value": "gameday: region outage"}]
    made = ec2.create_network_acl(VpcId=vpc, TagSpecifications=[{"ResourceType": "network-acl", "Tags": tags}])
    return str(made["NetworkAcl"]["NetworkAclId"])


def _is_dark(lab: Lab, region: str) -> bool:
    """Whether nobody answers at the region's own balancer: its name resolves, and no address of it connects in 1 s."""
    url = urlsplit(lab.shared("ServiceUrl"))
    port = url.port or (443 if url.scheme == "https" else 80)
    addresses = resolve(f"{region}.{lab.shared('ServiceName')}", lab.shared("Resolver"))
    return bool(addresses) and not any(_connects(address, port) for address in addresses)


def _connects(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _link_is_cut(lab: Lab, lost: str, prefix: str, region: str) -> bool:
    """In the local lab: the real link to ``region``'s database is cut. In AWS: ``lost``'s subnets deny everything."""
    if lab.is_local:
        name = prefix + status.database(lab, region).id
        found = [link.is_cut for link in extras.links(lab) if link.name == name]
        return bool(found) and all(found)
    ec2, vpc = lab.client("ec2", lost), lab.of(lost, "VpcId")
    acls = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    in_force = [acl for acl in acls if acl["Associations"]]
    return bool(in_force) and not any(_allows(acl) for acl in in_force)


def _allows(acl: dict[str, Any]) -> bool:
    return any(entry["RuleAction"] == "allow" for entry in acl["Entries"])
