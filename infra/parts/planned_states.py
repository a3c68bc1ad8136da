"""The planned failover's own states: a switch that may lose nothing, and can be taken back until it promotes.

Check → drain → see that the replica has everything → (latch DNS → promote → … as ever). Whatever fails before the
promotion is asked for is taken back: the primary gets its tasks, and the name leads to it. Never is a replica promoted
that did not show the mark.

**The drain** happens in the primary's region, and an SDK task acts in its own. So the machine puts an event on its own
bus, with a task token in it, and waits; a rule takes the event to the primary region's bus, a rule there starts the
machine of ``infra.parts.drain_states``, and its answer comes back the same way. Nothing here is a Lambda, and nothing
leans on the primary region once it has answered.

**The lag** is not read off CloudWatch: RDS takes ``now() - pg_last_xact_replay_timestamp()`` for ReplicaLag (RDS user
guide, "Monitoring and tuning the replication process"), which *grows* on a drained, idle source, and a 0 in it, once a
minute, says nothing of the last second. Instead the drain's last act, when no task is left, is to write one row, the
mark, into the primary; a task of the service's image then waits until the replica shows that row. WAL is replayed in
order, so a replica that has the mark has every commit before it: the lag is 0, and it is proved. What it does not prove
is that nobody but the service wrote: a person with a client of his own is not drained.
"""

from infra.parts.asl import AGAIN, ONCE_MORE, State, caught, choice, error, noted, task
from infra.parts.drain_states import ANSWER_WITHIN_S, MARK_MODULE, SCALE, SOURCE_FAILOVER
from infra.parts.failover_calls import (
    FailoverNames,
    describe,
    has_status,
    in_the_standby,
    is_replica,
    point_primary_record,
    publish,
)
from infra.parts.turn_states import PLANNED
from infra.settings import TASKS_PRIMARY

UNANSWERED = {"ErrorEquals": ["States.Timeout", "DrainFailed"], "MaxAttempts": 0}  # it was asked: do not ask again
NOT_CHANGED = "Nothing was changed."


def planned(names: FailoverNames) -> dict[str, State]:
    """From a primary whose health was read to the latch, which both modes share; and all the way back."""
    return _check(names) | _drain(names) | _take_back(names)


def _check(names: FailoverNames) -> dict[str, State]:
    """A planned failover is for two healthy sides: anything else is refused before the first change."""
    reports = "$.health.Reports"
    return {
        "PrimaryHealthy?": choice(
            {"Variable": reports, "StringMatches": "*Failure*", "Next": "PrimaryNotHealthy"},
            {"Variable": reports, "StringMatches": "*Success*", "Next": "CheckReplica"},
            otherwise="NoEvidence",
        ),
        "PrimaryNotHealthy": error(
            "PrimaryNotHealthy", f"A planned failover needs a primary that answers every health checker. {NOT_CHANGED}"
        ),
        "CheckReplica": describe(names, "ReplicaFit?", {}, caught("NotifyFailure")),
        "ReplicaFit?": choice(
            {"And": [has_status("available"), is_replica()], "Next": "DrainPrimary"}, otherwise="ReplicaNotFit"
        ),
        "ReplicaNotFit": error("ReplicaNotFit", f"There is no available replica that could take over. {NOT_CHANGED}"),
    }


def _drain(names: FailoverNames) -> dict[str, State]:
    """Clients are refused from here until the standby is promoted."""
    return {
        "DrainPrimary": _scale_primary(0, "AwaitMark", Catch=caught("RefillPrimary"), **noted("drain")),
        "AwaitMark": task(
            "ecs:runTask.sync",
            in_the_standby(names, [MARK_MODULE, "await"], {"GAMEDAY_MARK": "$$.Execution.Name"}),
            "LatchDns",
            **noted("mark"),
            TimeoutSeconds=ANSWER_WITHIN_S,
            Retry=ONCE_MORE,
            Catch=caught("RefillPrimary"),
        ),
    }


def _scale_primary(tasks: int, then: str, **more: object) -> State:
    """Have the primary's service run so many tasks, and wait for the answer that it does."""
    detail = {"Token.$": "$$.Task.Token", "Tasks": tasks, "Mark.$": "$$.Execution.Name"}
    return task(
        "events:putEvents.waitForTaskToken",
        {"Entries": [{"Source": SOURCE_FAILOVER, "DetailType": SCALE, "Detail": detail}]},
        then,
        **{"TimeoutSeconds": ANSWER_WITHIN_S, "Retry": [UNANSWERED, *AGAIN], **more},
    )


def _take_back(names: FailoverNames) -> dict[str, State]:
    """Nothing was promoted, so the primary goes on: its tasks first, then its name."""
    stranded = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.undo", "Next": "NotifyStranded"}]
    failed = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.untold", "Next": "Failed"}]
    why = {"Error.$": "$.error.Error", "Cause.$": "$.error.Cause"}
    both = why | {"UndoError.$": "$.undo.Error", "UndoCause.$": "$.undo.Cause"}
    back = point_primary_record(names, names.primary_name, "gameday: a planned failover was taken back")
    return {
        "WasPlanned?": choice({**PLANNED, "Next": "RefillPrimary"}, otherwise="NotifyFailure"),
        "RefillPrimary": _scale_primary(TASKS_PRIMARY, "UnlatchDns", Catch=stranded, **noted("refill")),
        "UnlatchDns": task(
            "aws-sdk:route53:changeResourceRecordSets", back, "NotifyUndone", Catch=stranded, **noted("unlatch")
        ),
        "NotifyUndone": publish(
            names,
            "gameday: PLANNED FAILOVER TAKEN BACK",
            "Nothing was promoted; the primary has its tasks and its name again.",
            catch=failed,
            then="Failed",
            more=why,
        ),
        "NotifyStranded": publish(
            names,
            "gameday: PLANNED FAILOVER FAILED, AND NOT TAKEN BACK",
            "Nothing was promoted. Scale the primary up and point the PRIMARY record at it by hand, or fail over.",
            catch=failed,
            then="Failed",
            more=both,
        ),
    }
