"""Cutting subnets off with a network ACL that denies everything: what an outage and an isolated database share.

A network ACL without a single rule denies all, in both directions, without an answer, established connections included
(ACLs are stateless). It does not filter within a subnet, nor DNS, instance metadata or AWS's own APIs.
"""

from collections.abc import Mapping
from typing import Any

from gameday.errors import FaultError
from gameday.facts import SILENT_HEALTH_PATH, Kind
from gameday.faults.guard import may_break
from gameday.faults.replay import Verb
from gameday.lab import status
from gameday.lab.fence import database_groups
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

DRILL_TAG = "gameday:drill"
TIER_TAG, DATABASE_TIER = "gameday:tier", "database"


def subnet_acl(region: str, subnet: str, acl: str) -> UndoStep:
    """The subnet has this network ACL again."""
    return UndoStep("subnet_acl", region, {"subnet": subnet, "acl": acl})


def acl_gone(region: str, vpc: str, drill: str) -> UndoStep:
    """No network ACL of the VPC carries this drill's tag."""
    return UndoStep("acl_gone", region, {"vpc": vpc, "drill": drill})


def breakable_subnets(lab: Lab, region: str, tier: str | None = None) -> list[dict[str, Any]]:
    """The region's subnets, of one tier or all; raises :class:`GuardError` unless they, and what fencing the region
    would change (the database's security groups, the ECS service), may be broken."""
    vpc = lab.of(region, "VpcId")
    found = lab.client("ec2", region).describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    subnets = [subnet for subnet in found if tier in (None, tier_of(subnet))]
    may_break(lab, region, subnets, "subnets")
    breakable_service(lab, region)
    return subnets


def breakable_service(lab: Lab, region: str) -> None:
    """Raise :class:`GuardError` unless what fencing the region would change may be broken: service and database."""
    may_break(lab, region, database_groups(lab, region), "security groups of the database")
    may_break(lab, region, [_tagged(status.service_of(lab, region))], "ECS services")


def cut_off(
    lab: Lab,
    region: str,
    subnets: list[dict[str, Any]],
    undo: UndoJournal,
    timeline: Timeline,
    fault: str,
    *,
    only_from: tuple[str, ...] = (),
    silences_health_path: bool = False,
) -> None:
    """Associate every one of ``subnets`` with an ACL that denies all, each undo step on the disk first.

    With ``only_from`` it denies what goes to or comes from these blocks (CIDR), and allows the rest. The FAULT event
    tells the judgement whether the health check is left without any answer.

    The databases' subnets go first: their commits and their replication then end together. A region that is lost is
    lost at once; were clients cut off first, the replica would catch up before replication is cut, and the loss would
    be understated. Where another fault has cut a subnet off already, what is given back is the ACL before both;
    what the drill made is taken away after every subnet has its own again.
    """
    vpc, ec2 = lab.of(region, "VpcId"), lab.client("ec2", region)
    before = associations(ec2, vpc)
    own = acls_before(before, region, undo)
    ordered = sorted((subnet for subnet in subnets), key=lambda subnet: tier_of(subnet) != DATABASE_TIER)
    undo.before(acl_gone(region, vpc, timeline.drill))
    denying = _denying_acl(ec2, vpc, timeline.drill, only_from)
    for subnet in ordered:
        undo.before(subnet_acl(region, subnet["SubnetId"], own[subnet["SubnetId"]]))
    told = {SILENT_HEALTH_PATH: True} if silences_health_path else {}
    timeline.add(Kind.FAULT, fault, region=region, subnets=sorted(subnet["SubnetId"] for subnet in ordered), **told)
    for subnet in ordered:
        association = before[subnet["SubnetId"]]["NetworkAclAssociationId"]
        ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=denying)


def deny_everything(lab: Lab, region: str, subnets: list[dict[str, Any]]) -> bool:
    """Whether the ACLs in force on ``subnets`` allow nothing at all."""
    wanted = [subnet["SubnetId"] for subnet in subnets]
    found = lab.client("ec2", region).describe_network_acls(
        Filters=[{"Name": "association.subnet-id", "Values": wanted}]
    )["NetworkAcls"]
    return bool(found) and not any(entry["RuleAction"] == "allow" for acl in found for entry in acl["Entries"])


def tier_of(subnet: dict[str, Any]) -> str | None:
    """``balancer``, ``tasks`` or ``database``, by the subnet's tag."""
    return next((tag["Value"] for tag in subnet.get("Tags", []) if tag["Key"] == TIER_TAG), None)


def _tagged(service: dict[str, Any]) -> dict[str, Any]:
    """ECS spells tags in lower case; fencing will scale this service to 0, so it must be a target too."""
    return {"Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in service.get("tags", [])]}


def associations(ec2: Any, vpc: str) -> dict[str, dict[str, Any]]:
    """Subnet -> its current association (``NetworkAclAssociationId``, ``NetworkAclId``)."""
    acls = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    return {one["SubnetId"]: one for acl in acls for one in acl["Associations"]}


def acls_before(now: Mapping[str, Mapping[str, Any]], region: str, undo: UndoJournal) -> dict[str, str]:
    """Subnet -> the network ACL that it had before the drill: of its oldest open step; else of ``now``, as
    :func:`associations` tells it."""
    steps = [step for _, step in undo.open_steps() if step.intent == "subnet_acl" and step.region == region]
    oldest = {step.args["subnet"]: step.args["acl"] for step in steps}  # newest first, so the oldest is set last
    return {subnet: oldest.get(subnet, one["NetworkAclId"]) for subnet, one in now.items()}


def _denying_acl(ec2: Any, vpc: str, drill: str, only_from: tuple[str, ...]) -> str:
    tags = [{"Key": DRILL_TAG, "Value": drill}, {"Key": "Name", "Value": "gameday: cut off"}]
    made = ec2.create_network_acl(VpcId=vpc, TagSpecifications=[{"ResourceType": "network-acl", "Tags": tags}])
    acl = str(made["NetworkAcl"]["NetworkAclId"])
    rules = [*((block, "deny") for block in only_from), ("0.0.0.0/0", "allow")] if only_from else []
    for number, (block, action) in enumerate(rules, start=1):
        for is_egress in (False, True):
            ec2.create_network_acl_entry(
                NetworkAclId=acl, RuleNumber=10 * number, Protocol="-1", RuleAction=action, Egress=is_egress,
                CidrBlock=block,
            )  # fmt: skip
    return acl


def _subnet_has_acl_again(lab: Lab, step: UndoStep) -> None:
    """Replacing an association issues a new id each time, so the current one is looked up."""
    subnet, acl, ec2 = step.args["subnet"], step.args["acl"], lab.client("ec2", step.region)
    found = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["NetworkAcls"]
    current = [one for item in found for one in item["Associations"] if one["SubnetId"] == subnet]
    if not current:
        raise FaultError(f"an ACL association of {subnet}", "none", "is the subnet gone? then this step needs nothing")
    if current[0]["NetworkAclId"] != acl:
        ec2.replace_network_acl_association(AssociationId=current[0]["NetworkAclAssociationId"], NetworkAclId=acl)


def _delete_acls_of_drill(lab: Lab, step: UndoStep) -> None:
    ec2 = lab.client("ec2", step.region)
    made = [
        {"Name": f"tag:{DRILL_TAG}", "Values": [step.args["drill"]]},
        {"Name": "vpc-id", "Values": [step.args["vpc"]]},
    ]
    for acl in ec2.describe_network_acls(Filters=made)["NetworkAcls"]:
        ec2.delete_network_acl(NetworkAclId=acl["NetworkAclId"])


TAKES_BACK: dict[str, Verb] = {"subnet_acl": _subnet_has_acl_again, "acl_gone": _delete_acls_of_drill}
