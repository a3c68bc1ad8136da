"""One failover at a time: who comes second waits for the first to end, and then looks whether anything is left to do.

A planned failover drains the primary, so its health check fails, and its alarm starts an unplanned execution beside it:
that one must neither promote over a lag that the planned one is waiting for, nor simply end, because nobody would be
left if the primary really died meanwhile. It waits; after a first one that succeeded nothing is needed, after one that
failed it decides by the primary's health like any other. A planned one that comes second stops: nothing was changed.

``ListExecutions`` tells the newest first, so its last is the oldest; it is eventually consistent (Step Functions API
reference), which matters only to executions that begin within the same moments: those go on side by side as far as an
unplanned failover is idempotent, and a planned one's own check still has to find a healthy primary.
"""

from infra.parts.asl import State, caught, choice, error, present, task, wait

PLANNED = {"And": [present("$.mode"), {"Variable": "$.mode", "StringEquals": "planned"}]}
UNPLANNED = {"Or": [{"Variable": "$.mode", "IsPresent": False}, {"Variable": "$.mode", "StringEquals": "unplanned"}]}

FORCED = {"And": [present("$.force"), {"Variable": "$.force", "BooleanEquals": True}]}


def take_turns(then: str) -> dict[str, State]:
    """From the start to ``then``, for whoever is first, or for whom the first one left something to do."""
    oldest, own = "$.running.Oldest[0]", "$.running.Own"
    is_second = {"And": [present(oldest), {"Not": {"Variable": oldest, "StringEqualsPath": own}}]}
    return {
        "KnownMode?": choice({"Or": [PLANNED, UNPLANNED], "Next": "ListRunning"}, otherwise="UnknownMode"),
        "UnknownMode": error("UnknownMode", "The mode is planned or unplanned. Nothing was changed."),
        "ListRunning": task(
            "aws-sdk:sfn:listExecutions",
            {"StateMachineArn.$": "$$.StateMachine.Id", "StatusFilter": "RUNNING"},
            "First?",
            ResultSelector={"Oldest.$": "$.Executions[-1:].ExecutionArn", "Own.$": "$$.Execution.Id"},
            ResultPath="$.running",
            Catch=caught("First?"),
        ),
        "First?": choice(  # an unplanned one that cannot look around goes on
            {"And": [present("$.error"), PLANNED], "Next": "NotifyFailure"},
            {"And": [is_second, PLANNED], "Next": "AnotherRuns"},
            {**is_second, "Next": "WaitForTheOther"},
            otherwise=then,
        ),
        "AnotherRuns": error("AnotherRuns", "A failover is running already. Nothing was changed by this one."),
        "WaitForTheOther": wait("DescribeTheOther"),
        "DescribeTheOther": task(
            "aws-sdk:sfn:describeExecution",
            {"ExecutionArn.$": oldest},
            "TheOtherEnded?",
            ResultSelector={"Status.$": "$.Status"},
            ResultPath="$.other",
        ),
        "TheOtherEnded?": choice(
            {"Variable": "$.other.Status", "StringEquals": "RUNNING", "Next": "WaitForTheOther"},
            {**FORCED, "Next": then},
            {"Variable": "$.other.Status", "StringEquals": "SUCCEEDED", "Next": "AlreadyDone"},
            otherwise=then,
        ),
    }
