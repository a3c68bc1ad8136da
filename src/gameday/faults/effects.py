"""Seeing that a fault took effect: each effect is looked for until its time is over, and what was seen is written."""

import contextlib
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from gameday.clock import eventually
from gameday.errors import DeadlineError, FaultError, GamedayError
from gameday.facts import INFERRED, Kind
from gameday.faults.acls import deny_everything
from gameday.lab import status
from gameday.lab.local import extras
from gameday.lab.model import Lab
from gameday.lab.names import resolve
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal

type Looks = Mapping[str, Callable[[], bool]]

WITHIN_S = 10.0
EVERY_S = 0.05
CONNECT_TIMEOUT_S = 1.0
DARK = "the health path is dark"
NO_DATABASE = "tasks cannot reach the database"
NO_REPLICATION = "replication has stopped"


def verify(
    effects: Looks,
    undo: UndoJournal,
    timeline: Timeline,
    fault: str,
    region: str,
    *,
    inferred: tuple[str, ...] = (),
    inferred_from: str = "the network ACLs",
    within_s: float = WITHIN_S,
    every_s: float = EVERY_S,
    looks_change: bool = False,
) -> None:
    """Note in ``undo`` that all was answered, and stamp ``FAULT_VERIFIED`` with every effect seen; those named
    ``inferred`` were concluded from configuration, which ``inferred_from`` names.

    Where ``looks_change`` something that an undo step takes back, all was answered only when each effect was seen.

    Raises :class:`FaultError`, with ``FAULT_FAILED`` on the timeline, for the first one that does not come about. In a
    rehearsal each is looked for once, since a look may call something too, and none need be there.
    """
    if timeline.is_rehearsal:
        _look_once(effects)
        return
    if not looks_change:
        undo.answered()
    seen: dict[str, str] = {}
    for effect, look in effects.items():
        try:
            eventually(look, True, what=effect, within_s=within_s, every_s=every_s)
        except DeadlineError as cause:
            timeline.add(Kind.FAULT_FAILED, effect, region=region, seen=str(cause))
            raise FaultError(f"{effect} after {fault}", cause.seen, "heal: it proves nothing") from cause
        seen[effect] = f"{INFERRED} from {inferred_from}" if effect in inferred else "seen"
    undo.answered()
    timeline.add(Kind.FAULT_VERIFIED, fault, region=region, **seen)


def _look_once(effects: Looks) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    for look in effects.values():
        with contextlib.suppress(BotoCoreError, ClientError, GamedayError):  # of what was not broken
            look()


def is_dark(lab: Lab, region: str) -> bool:
    """Whether nobody answers at the region's own balancer: its name resolves, and no address of it connects in 1 s."""
    url = urlsplit(lab.shared("ServiceUrl"))
    port = url.port or (443 if url.scheme == "https" else 80)
    addresses = resolve(f"{region}.{lab.shared('ServiceName')}", lab.shared("Resolver"))
    return bool(addresses) and not any(_connects(address, port) for address in addresses)


def inferred_in(lab: Lab) -> tuple[str, ...]:
    """The effects that nothing but the configuration tells: in AWS nobody sees RDS's own connections."""
    return () if lab.is_local else (NO_DATABASE, NO_REPLICATION)


def cut_from_the_database(lab: Lab, region: str, subnets: list[dict[str, Any]]) -> Looks:
    """Whether ``region``'s tasks and the replica are cut from its database: the lab's real links, or the ACLs in force
    on ``subnets``."""
    if lab.is_local:
        links = {NO_DATABASE: ("db/", region), NO_REPLICATION: ("replication/", lab.secondary)}
        return {effect: partial(link_is_cut, lab, *link) for effect, link in links.items()}
    return dict.fromkeys((NO_DATABASE, NO_REPLICATION), partial(deny_everything, lab, region, subnets))


def network_of(lab: Lab, region: str) -> tuple[str, ...]:
    """The blocks (CIDR) of the region's network."""
    vpc = lab.client("ec2", region).describe_vpcs(VpcIds=[lab.of(region, "VpcId")])["Vpcs"][0]
    more = [each["CidrBlock"] for each in vpc.get("CidrBlockAssociationSet", [])]
    return tuple(dict.fromkeys((vpc["CidrBlock"], *more)))


def link_is_cut(lab: Lab, prefix: str, region: str) -> bool:
    """In the local lab: whether the real link (``db/`` or ``replication/``) of the region's database is cut."""
    name = prefix + status.database(lab, region).id
    found = [link.is_cut for link in extras.links(lab) if link.name == name]
    return bool(found) and all(found)


def _connects(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True
