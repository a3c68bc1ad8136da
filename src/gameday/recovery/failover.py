"""The failover by hand: for a loss that no health check sees, and on purpose."""

import json
import uuid

from gameday.errors import InputError
from gameday.facts import APPROVED, Kind
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline

BY_HAND = "gameday-by-hand"
PLANNED, UNPLANNED = "planned", "unplanned"


def check_mode(mode: str) -> str:
    """A mode of the failover; :class:`InputError` names both."""
    if mode not in (PLANNED, UNPLANNED):
        raise InputError(f"a mode of the failover ({PLANNED} or {UNPLANNED})", repr(mode), "correct it")
    return mode


def start_unplanned_failover(lab: Lab, timeline: Timeline) -> str:
    """Approve the failover, and start the state machine with ``force``, since the health check may well say healthy.

    The approval is stamped first: from there on the recovery is the deployment's own. Returns the execution's ARN.
    """
    name = f"{BY_HAND}-{uuid.uuid4()}"
    timeline.add(Kind.NOTE, APPROVED, region=lab.secondary, execution=name)
    return _start(lab, name, {"mode": UNPLANNED, "force": True})


def start_planned_failover(lab: Lab, timeline: Timeline) -> str:
    """Start the state machine in its planned mode: it drains the primary, loses nothing, or takes everything back.

    The switch is stamped first: the interruption that clients see counts from the decision. Returns the execution's
    ARN. It ends by itself either way, so there is no undo: whoever started it may go.
    """
    name = f"{BY_HAND}-{uuid.uuid4()}"
    timeline.add(Kind.SWITCH, "planned failover", region=lab.primary, execution=name)
    return _start(lab, name, {"mode": PLANNED})


def _start(lab: Lab, name: str, given: dict[str, object]) -> str:
    started = lab.client("stepfunctions", lab.secondary).start_execution(
        stateMachineArn=lab.shared("StateMachineArn"), name=name, input=json.dumps(given)
    )
    return str(started["executionArn"])
