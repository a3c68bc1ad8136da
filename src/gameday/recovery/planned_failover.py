"""The planned failover, step by step by hand: nothing is lost, and until the promotion everything can be taken back."""

import json
from collections.abc import Callable, Sequence

from gameday.lab import fence, status
from gameday.lab.fence import database_groups
from gameday.recovery import one_task
from gameday.recovery.runbook import Call, Check, Runbook, Scene, Step
from gameday.recovery.taking_over import (
    LATCH,
    POST_CHECK,
    REWRITE,
    SCALE,
    TASKS,
    TELL,
    no_failover_runs,
    primary,
    promote,
    replica_is,
    scale,
    standby,
)

ALARM_RULE = "gameday-primary-down"  # of infra/stacks/orchestration.py: the primary's health alarm starts the machine
DRAINED_WITHIN_S = 300.0
MARK = "gameday.service.mark"
TAKE_BACK = (
    "scale the primary's service to its former number of tasks, point the PRIMARY record at the primary if it was "
    f"latched, and enable the rule {ALARM_RULE}: clients are served again, and nothing is lost"
)
RULES_OF = "rules that open the database of the old primary"

LOOK = Step(
    "look-around",
    "See that both sides are well. A planned failover is for a primary that answers every health checker and a replica "
    "that is available; anything else is refused before the first change.",
    "nothing to take back",
    before=(
        no_failover_runs(),
        Check(
            "the primary's health check is healthy",
            lambda scene: status.health_check(scene.lab),
            lambda seen: bool(seen == "healthy"),
            next_step="if the primary is lost, walk unplanned-failover instead",
        ),
        replica_is("replica"),
    ),
    changes=False,
)


def _rule(what: str) -> Callable[[Scene], Sequence[Call]]:
    return lambda scene: (Call("events", what, standby(scene), {"Name": ALARM_RULE}),)


def _rule_is(state: str) -> Check:
    def look(scene: Scene) -> str:
        return str(scene.lab.client("events", standby(scene)).describe_rule(Name=ALARM_RULE)["State"])

    return Check(f"the rule {ALARM_RULE} is {state}", look, lambda seen: bool(seen == state), 60.0)


HOLD = Step(
    "hold-the-automatic-failover",
    "A drained primary fails its health check, and its alarm would start an unplanned failover beside you. The machine "
    "needs no such step: its executions take turns.",
    f"enable the rule {ALARM_RULE}",
    _rule("disable_rule"),
    after=(_rule_is("DISABLED"),),
)

DRAIN = Step(
    "drain-the-primary",
    "Stop the primary region's tasks. **From here on clients are refused**, until the standby is promoted. With no "
    "task left, nothing of the service writes any more; a person with a client of his own is not drained.",
    TAKE_BACK,
    lambda scene: (scale(scene.lab, primary(scene), 0),),
    before=(one_task.placed(primary),),
    after=(
        Check(
            "no task of the primary region runs or is stopping",
            lambda scene: fence.seen(scene.lab, primary(scene)).tasks_running,
            lambda seen: bool(seen == 0),
            DRAINED_WITHIN_S,
            TAKE_BACK,
        ),
    ),
)


def _mark(scene: Scene) -> dict[str, str]:
    return {"GAMEDAY_MARK": scene.found[one_task.RUNS]}


WRITE_MARK = Step(
    "write-the-mark",
    "Write one last row, the mark, into the primary's database, by a task of the service's own image.",
    TAKE_BACK,
    lambda scene: one_task.run(scene, primary(scene), [MARK, "write"], _mark(scene), "write"),
    after=(one_task.ended_well("the mark is written", primary, "write", TAKE_BACK),),
)

AWAIT_MARK = Step(
    "await-the-mark",
    "Wait until the replica shows the mark. WAL is replayed in order, so a replica that has the last row has every "
    "row: the lag is 0. CloudWatch's ReplicaLag does not tell: it grows while the source is idle. Never promote "
    "without.",
    TAKE_BACK,
    lambda scene: one_task.run(scene, standby(scene), [MARK, "await"], _mark(scene), "await"),
    before=(one_task.placed(standby),),
    after=(one_task.ended_well("the replica shows the mark", standby, "await", TAKE_BACK),),
)


def _open_rules(scene: Scene) -> int:
    groups = database_groups(scene.lab, primary(scene))
    rules = {group["GroupId"]: group["IpPermissions"] for group in groups if group["IpPermissions"]}
    scene.found[RULES_OF] = json.dumps(rules)
    return len(rules)


def _close(scene: Scene) -> Sequence[Call]:
    text = scene.found[RULES_OF]
    rules = json.loads(text) if text.startswith("{") else {"<group>": text}
    return [
        Call("ec2", "revoke_security_group_ingress", primary(scene), {"GroupId": group, "IpPermissions": permissions})
        for group, permissions in rules.items()
    ]


FENCE = Step(
    "fence-the-old-primary",
    "Close the old primary's database: nobody may write into it any more, not even a service that somebody scales up. "
    "The machine leaves this to you.",
    "let its tasks' security group in again; the truth stays in the standby region",
    _close,
    before=(Check("what opens its database is known", _open_rules, lambda seen: bool(seen >= 0)),),
    after=(
        Check(
            "the old primary is fenced",
            lambda scene: fence.seen(scene.lab, primary(scene)),
            fence.is_fenced,
            60.0,
        ),
    ),
)

RESUME = Step(
    "let-the-alarm-act-again",
    "Enable the rule again. It starts nothing now: the alarm has gone off already.",
    f"disable the rule {ALARM_RULE}",
    _rule("enable_rule"),
    after=(_rule_is("ENABLED"),),
)

RUNBOOK = Runbook(
    "planned-failover",
    "Switch to the standby region on purpose",
    "both regions are well, and the other one shall serve: before maintenance, or to prove that it can. The state "
    'machine does the same by itself: aws stepfunctions start-execution with {"mode": "planned"}',
    (
        LOOK,
        HOLD,
        DRAIN,
        WRITE_MARK,
        AWAIT_MARK,
        LATCH,
        promote(from_role=("replica",), why="Promote the standby's replica, which has everything."),
        REWRITE,
        SCALE,
        POST_CHECK,
        TELL,
        FENCE,
        RESUME,
    ),
    (TASKS,),
)
