"""The failover by hand: what the on-call engineer does when an alarm tells of a loss that no health check sees."""

import json
import uuid

from gameday.facts import APPROVED, Kind
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline

BY_HAND = "gameday-by-hand"


def start_unplanned_failover(lab: Lab, timeline: Timeline) -> str:
    """Approve the failover, and start the state machine with ``force``, since the health check may well say healthy.

    The approval is stamped first: from there on the recovery is the deployment's own. Returns the execution's ARN.
    """
    name = f"{BY_HAND}-{uuid.uuid4()}"
    timeline.add(Kind.NOTE, APPROVED, region=lab.secondary, execution=name)
    started = lab.client("stepfunctions", lab.secondary).start_execution(
        stateMachineArn=lab.shared("StateMachineArn"), name=name, input=json.dumps({"force": True})
    )
    return str(started["executionArn"])
