"""Failback: the primary region takes its place again, nothing is lost, and both regions protect each other again."""

from collections.abc import Sequence

from gameday.facts import FAILBACK, FAILBACK_PROTECTED, FAILBACK_REBUILDS
from gameday.lab import fence, status
from gameday.recovery import replica, sight
from gameday.recovery.pair import in_service, primary, scale, standby, writes
from gameday.recovery.replica import CallsOf, RegionOf
from gameday.recovery.runbook import Call, Check, Option, Runbook, Scene, Step, no_calls
from gameday.recovery.sight import NO_HTTP, Sight, check, whole
from gameday.recovery.switch_back import HEALTHY_WITHIN_S, SWITCH

TASKS_WITHIN_S = 1200.0
TASKS = "[1-9][0-9]?"
HEALED = "heal the region first: while it is down the standby serves, and there is nothing to go back to"


# ---- 1: look around


def _primary_answers(scene: Scene) -> Sight:
    """Any answer will do: a fenced region has no task, and its balancer says so (503)."""
    return sight.answers(scene.lab, primary(scene), "/healthz", lambda told: not told.startswith(NO_HTTP))


def _standby_serves(scene: Scene) -> Sight:
    database = sight.database_is(scene.lab, standby(scene), "primary")
    answer = writes(standby(scene), scene)
    return Sight(database.is_good and answer.is_good, f"{database.told}; /dbcheck answers {answer.told}")


LOOK = Step(
    "look-around",
    "See that the outage is over and that the failover holds. The primary region answers again, and nobody can write "
    "into its database, whose writes since the failover nobody has. The standby region serves, and the service's name "
    "leads to it. No failover runs or is about to: it would promote and scale beside you.",
    "nothing to take back",
    before=(
        check("the primary region answers", _primary_answers, within_s=60, next_step=HEALED),
        check(
            "its database runs, and is not a replica",
            lambda scene: sight.database_is(scene.lab, primary(scene), "primary"),
            within_s=60,
            next_step=HEALED,
        ),
        check(
            "it is fenced: no task, and its database closed",
            lambda scene: sight.is_fenced(scene.lab, primary(scene)),
            next_step="fence it before it is healed: `gameday undo RECORD` of the drill does, or scale its service to "
            "0 and take every ingress rule from its database's security group",
        ),
        check("the standby region serves", _standby_serves, within_s=60, next_step="mend what serves before all else",
              writes=True),
        check(
            "the PRIMARY record is latched to the standby region",
            lambda scene: sight.points_at(scene.lab, standby(scene)),
            next_step="latch it, as the state LatchDns of the failover does",
        ),
        check("no failover runs, and none will start", lambda scene: sight.no_failover_comes(scene.lab), within_s=900),
    ),
    changes=False,
)  # fmt: skip

# ---- 2 and 3: rebuild the primary as a replica


def _rebuild(name: str, text: str, undo: str, region_of: RegionOf, beside: CallsOf = no_calls) -> Step:
    """Create the region's database anew as a replica, and call ``beside`` without waiting for it in between."""
    build = replica.build(region_of)
    return Step(
        name,
        text,
        undo,
        lambda scene: (*build(scene), *beside(scene)),
        before=(replica.source(region_of),),
        after=replica.built(region_of),
    )


DELETE = Step(
    "delete-the-old-primary",
    "Delete the primary region's database. It parted from the truth when the standby was promoted, and cannot be led "
    "back: RDS makes no replica of an instance that is there. Its final snapshot is the evidence of what it held; "
    "keep it until the loss is accounted for.",
    "it cannot be taken back; restore the final snapshot beside the others to look into it. The standby region serves "
    "on",
    replica.delete(primary),
    before=(
        check("it is fenced", lambda scene: sight.is_fenced(scene.lab, primary(scene)), next_step="fence it first"),
        replica.remembered(primary),
    ),
    after=replica.deleted(primary),
)  # fmt: skip

REBUILD = _rebuild(
    FAILBACK_REBUILDS,
    "Create it anew, under its own identifier and so under its own endpoint, as a replica of the database that "
    "serves. When it has caught up the service is protected again, the other way round: you may stop here for as long "
    "as you like. Parameter groups, monitoring and other settings of your own are not copied: set them now.",
    "delete the replica; the standby region serves on, unprotected",
    primary,
)

# ---- 4 to 6: make the primary region ready, while the standby serves


def _own_rules(scene: Scene) -> Sight:
    """Who may reach the database: the service's tasks, by the standby region's example; noted for the call."""
    lab, region = scene.lab, primary(scene)
    groups = {one: _task_groups(scene, one) for one in lab.regions}
    scene.found[f"group of the tasks in {region}"] = groups[region][0] if groups[region] else ""
    scene.found[f"group of the database in {region}"] = fence.database_groups(lab, region)[0]["GroupId"]
    rules = [rule for group in fence.database_groups(lab, standby(scene)) for rule in group["IpPermissions"]]
    admits = [pair["GroupId"] for rule in rules for pair in rule.get("UserIdGroupPairs", [])]
    like_this = bool(groups[region]) and set(admits) & set(groups[standby(scene)])
    return Sight(bool(like_this), f"{standby(scene)} admits {', '.join(admits) or 'nobody'}")


def _task_groups(scene: Scene, region: str) -> list[str]:
    network = status.service_of(scene.lab, region).get("networkConfiguration", {})
    return list(network.get("awsvpcConfiguration", {}).get("securityGroups", []))


def _open(scene: Scene) -> Sequence[Call]:
    region = primary(scene)
    port = whole(scene.found[f"port in {region}"])
    pairs = [{"GroupId": scene.found[f"group of the tasks in {region}"], "Description": "tasks"}]
    rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "UserIdGroupPairs": pairs}
    arguments = {"GroupId": scene.found[f"group of the database in {region}"], "IpPermissions": [rule]}
    already = ("InvalidPermission.Duplicate",)
    return (Call("ec2", "authorize_security_group_ingress", region, arguments, already=already),)


def _is_open(scene: Scene) -> Sight:
    rules = fence.seen(scene.lab, primary(scene)).database_open_to
    return Sight(rules == 1, f"{rules} rules")


OPEN = Step(
    "open-the-primarys-database",
    "Give the primary region's tasks their way to the database again: the one rule that fencing took. It is a replica "
    "now, so nobody can write into it.",
    "revoke the same rule",
    _open,
    before=(
        check(
            "it is a replica",
            lambda scene: sight.database_is(scene.lab, primary(scene), "replica"),
            next_step="do not open it: what it holds is not the truth. Rebuild it first",
        ),
        check(
            "in the standby region the database admits the service's tasks",
            _own_rules,
            next_step="compare the security groups with infra/parts/tiers.py",
        ),
    ),
    after=(check("the database admits one rule", _is_open, within_s=60),),
)  # fmt: skip

ENDPOINT = Step(
    "rewrite-the-primarys-endpoint",
    "Tell the primary region's tasks where their database is, if that has changed. Under the same identifier it has "
    "not.",
    "write the former value again: Secrets Manager keeps it as AWSPREVIOUS",
    replica.rewrite_endpoint(primary),
    before=(replica.endpoint(primary),),
)


START = Step(
    "start-the-primarys-tasks",
    "Start the primary region's tasks while the standby still serves, so that clients need not wait for them later. No "
    "client comes to them yet, and their database takes no write: the name is latched.",
    "scale the service to 0 again",
    lambda scene: scale(primary(scene), scene.options["tasks"], scene),
    before=(
        check("its database is a replica", lambda scene: sight.database_is(scene.lab, primary(scene), "replica")),
        check(
            "the name is latched to the standby region", lambda scene: sight.points_at(scene.lab, standby(scene))
        ),
    ),
    after=(
        check(
            "its tasks are in service",
            lambda scene: in_service(primary(scene), scene.options["tasks"], scene),
            within_s=TASKS_WITHIN_S,
        ),
        check(
            "the primary's health check is healthy",
            lambda scene: sight.health_check_is(scene.lab, "healthy"),
            within_s=HEALTHY_WITHIN_S,
        ),
    ),
)  # fmt: skip

# ---- 10 to 12: protect the primary again


def _primary_serves() -> tuple[Check, ...]:
    return (
        check("the name leads to the primary region", lambda scene: sight.name_leads_to(scene.lab, primary(scene)),
              next_step="do not touch the standby's database yet"),
        check("its service writes and reads (/dbcheck)",
              lambda scene: writes(primary(scene), scene), within_s=60, writes=True),
        check("the standby region has no task", lambda scene: sight.tasks_are_gone(scene.lab, standby(scene))),
    )  # fmt: skip


DELETE_STANDBY = Step(
    "delete-the-standbys-database",
    "Delete the standby region's database, which is a primary without clients. Its final snapshot holds everything up "
    "to the switch.",
    "it cannot be taken back; the final snapshot can be restored",
    replica.delete(standby),
    before=(*_primary_serves(), replica.remembered(standby)),
    after=replica.deleted(standby),
)

REBUILD_STANDBY = _rebuild(
    "rebuild-the-standby-as-a-replica",
    "Create its database anew, under its own identifier, as a replica of the primary, and start the region's task "
    "beside it: neither needs the other to start. No client is led to that task, and it never meets a database that "
    "takes its write: the old one is gone, and the new one is a replica.",
    "scale the standby's service to 0 and delete the replica; the primary serves on, unprotected",
    standby,
    lambda scene: scale(standby(scene), scene.options["standby_tasks"], scene),
)

ENDPOINT_STANDBY = Step(
    "rewrite-the-standbys-endpoint",
    "Tell the standby region's tasks where their database is, if that has changed.",
    "write the former value again: Secrets Manager keeps it as AWSPREVIOUS",
    replica.rewrite_endpoint(standby),
    before=(replica.endpoint(standby),),
)

PROTECT = Step(
    FAILBACK_PROTECTED,
    "See that the standby region is warm again, and that the next failover has somewhere to go: both regions are as "
    "they were before the outage.",
    "nothing to take back",
    before=(
        check(
            "its tasks are in service",
            lambda scene: in_service(standby(scene), scene.options["standby_tasks"], scene),
            within_s=TASKS_WITHIN_S,
        ),
        *replica.built(standby),
        check(
            "the primary's health check is healthy",
            lambda scene: sight.health_check_is(scene.lab, "healthy"),
            within_s=HEALTHY_WITHIN_S,
        ),
    ),
    changes=False,
)  # fmt: skip

RUNBOOK = Runbook(
    FAILBACK,
    "Fail back to the primary region",
    "an outage of the primary region is over, it was healed behind a fence, and the standby region serves",
    (
        LOOK, DELETE, REBUILD, OPEN, ENDPOINT, START, *SWITCH, DELETE_STANDBY, REBUILD_STANDBY, ENDPOINT_STANDBY,
        PROTECT,
    ),
    (
        Option("tasks", "how many tasks the primary region runs", "2", TASKS),
        Option("standby_tasks", "how many tasks the standby region runs", "1", TASKS),
    ),
)  # fmt: skip
