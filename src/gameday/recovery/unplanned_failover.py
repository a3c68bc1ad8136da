"""The unplanned failover, step by step by hand: for when the state machine itself cannot, or must not, do it."""

from gameday.lab import status
from gameday.recovery.runbook import Check, Option, Runbook, Scene, Step
from gameday.recovery.taking_over import (
    LATCH,
    POST_CHECK,
    REWRITE,
    SCALE,
    TASKS,
    TELL,
    no_failover_runs,
    promote,
    replica_is,
)

FORCE = Option("force", "yes: fail over although the health check still says healthy (a loss that it cannot see)", "no")


def _primary_is_down(scene: Scene) -> str:
    seen = status.health_check(scene.lab)
    return "healthy, and forced" if seen == "healthy" and scene.options["force"] == "yes" else seen


LOOK = Step(
    "look-around",
    "See that the primary is down, and that nobody fails over already. One health checker that still gets an answer "
    "leaves the decision to you: a promotion cannot be taken back. Say force=yes where the health check cannot see the "
    "loss, as of a database that died behind tasks that live.",
    "nothing to take back",
    before=(
        no_failover_runs(),
        Check(
            "the primary's health check is unhealthy, or it is forced",
            _primary_is_down,
            lambda seen: bool(seen != "healthy"),
            next_step="say force=yes if it is lost all the same, or leave it alone",
        ),
        replica_is("replica", "primary"),
    ),
    changes=False,
)

RUNBOOK = Runbook(
    "unplanned-failover",
    "Fail over to the standby region",
    "the primary region, or its database, is lost, and the state machine gameday-failover does not do it by itself. It "
    "makes the same calls in the same order: aws stepfunctions start-execution with "
    '{"mode": "unplanned", "force": true} is the short form. Fence the old primary before its region is healed',
    (
        LOOK,
        LATCH,
        promote(
            from_role=("replica", "primary"),
            why="Promote the standby's replica. What it has not received yet is lost; its lag says how much.",
        ),
        REWRITE,
        SCALE,
        POST_CHECK,
        TELL,
    ),
    (TASKS, FORCE),
)
