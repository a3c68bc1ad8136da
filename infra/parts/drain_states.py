"""The small machine of the primary region that scales its service to 0 (or back), and the one that takes its answer.

``gameday-drain`` is started by an event with a task token, scales the primary's ECS service to the asked number of
tasks, waits until exactly so many run, and answers by an event. Drained means that no task is left in any state but
STOPPED: a task that ECS is stopping still serves (its ``runningCount`` does not count it). Then, when nothing of the
service can write any more, it writes the mark (``gameday.service.mark``), the last row of this primary.

``gameday-drain-answer``, in the failover's own region, gives that answer to the waiting execution by its task token: no
rule can do that by itself.
"""

from dataclasses import dataclass
from typing import Any

from infra.parts.asl import ONCE_MORE, State, caught, choice, noted, present, run_task, task, wait

SOURCE_FAILOVER, SOURCE_DRAIN = "gameday.failover", "gameday.drain"
SCALE, SCALED = "Scale the primary", "Primary scaled"
ANSWER_WITHIN_S = 300  # ECS: 30 s of deregistration, 30 s to stop, and the mark's task to start
DRAIN_TIMEOUT_S = 280
ANSWER_TIMEOUT_S = 120
MARK_MODULE = "gameday.service.mark"


def asked() -> dict[str, Any]:
    """The failover's request, as rules in both regions wait for it."""
    return {"source": [SOURCE_FAILOVER], "detail-type": [SCALE]}


def answered() -> dict[str, Any]:
    """The drain's answer."""
    return {"source": [SOURCE_DRAIN], "detail-type": [SCALED]}


@dataclass(frozen=True, slots=True)
class DrainNames:
    """What the drain touches in the primary's region."""

    cluster: str
    service: str
    task_family: str
    container: str
    subnet_ids: list[str]
    group_id: str


def drain(names: DrainNames) -> dict[str, Any]:
    """Scale, wait, mark, answer; the input is the event."""
    return {
        "Comment": "Scale the primary's service as the failover asks, and answer.",
        "StartAt": "ScalePrimary",
        "TimeoutSeconds": DRAIN_TIMEOUT_S,
        "States": _scale(names) | _look_for_the_stopping(names) | _answer(names),
    }


def _scale(names: DrainNames) -> dict[str, State]:
    of = {"Cluster": names.cluster, "Service": names.service}
    as_many = {"Variable": "$.service.RunningCount", "NumericEqualsPath": "$.detail.Tasks"}
    settled = {"Variable": "$.service.PendingCount", "NumericEquals": 0}
    none = {"Variable": "$.detail.Tasks", "NumericEquals": 0}
    return {
        "ScalePrimary": _task(
            "aws-sdk:ecs:updateService",
            {**of, "DesiredCount.$": "$.detail.Tasks"},
            "WaitForPrimary",
            **noted("scaling"),
        ),
        "WaitForPrimary": wait("DescribePrimary"),
        "DescribePrimary": _task(
            "aws-sdk:ecs:describeServices",
            {"Cluster": names.cluster, "Services": [names.service]},
            "AsAsked?",
            ResultSelector={
                "RunningCount.$": "$.Services[0].RunningCount",
                "PendingCount.$": "$.Services[0].PendingCount",
            },
            ResultPath="$.service",
        ),
        "AsAsked?": choice(
            {"And": [as_many, settled, none], "Next": "ListStopping"},
            {"And": [as_many, settled], "Next": "Answer"},
            otherwise="WaitForPrimary",
        ),
    }


def _look_for_the_stopping(names: DrainNames) -> dict[str, State]:
    """Every state of a task before STOPPED ends in ING (ECS developer guide, "Amazon ECS task lifecycle")."""
    alive = {"Variable": "$.stopping.Statuses", "StringMatches": '*ING"*'}
    return {
        "ListStopping": _task(
            "aws-sdk:ecs:listTasks",
            {"Cluster": names.cluster, "ServiceName": names.service, "DesiredStatus": "STOPPED"},
            "AnyStopping?",
            ResultSelector={"Arns.$": "$.TaskArns"},
            ResultPath="$.listed",
        ),
        "AnyStopping?": choice({**present("$.listed.Arns[0]"), "Next": "DescribeStopping"}, otherwise="WriteMark"),
        "DescribeStopping": _task(
            "aws-sdk:ecs:describeTasks",
            {"Cluster": names.cluster, "Tasks.$": "$.listed.Arns"},
            "AllStopped?",
            ResultSelector={"Statuses.$": "States.JsonToString($.Tasks[*].LastStatus)"},
            ResultPath="$.stopping",
        ),
        "AllStopped?": choice({**alive, "Next": "WaitForPrimary"}, otherwise="WriteMark"),
        "WriteMark": _task(
            "ecs:runTask.sync",
            run_task(
                cluster=names.cluster,
                family=names.task_family,
                container=names.container,
                subnet_ids=names.subnet_ids,
                group_id=names.group_id,
                module=[MARK_MODULE, "write"],
                environment={"GAMEDAY_MARK": "$.detail.Mark"},
            ),
            "Answer",
            **noted("mark"),
            TimeoutSeconds=ANSWER_TIMEOUT_S,
            Retry=ONCE_MORE,
        ),
    }


def _answer(names: DrainNames) -> dict[str, State]:
    told = {"Token.$": "$.detail.Token", "Outcome": "done"}
    untold = {"Token.$": "$.detail.Token", "Outcome": "failed", "Why.$": "States.JsonToString($.error)"}
    return {
        "Answer": _put(told, "Done", catch="Failed"),
        "Done": {"Type": "Succeed"},
        "AnswerFailed": _put(untold, "Failed", catch="Failed"),
        "Failed": {"Type": "Fail", "Error": "DrainFailed", "Cause": "See this execution's history."},
    }


def _put(detail: dict[str, Any], then: str, catch: str) -> State:
    entry = {"Source": SOURCE_DRAIN, "DetailType": SCALED, "Detail": detail}
    return _task("events:putEvents", {"Entries": [entry]}, then, Catch=caught(catch), **noted("answer"))


def _task(resource: str, parameters: dict[str, Any], then: str, **more: Any) -> State:
    return task(resource, parameters, then, **{"Catch": caught("AnswerFailed"), **more})


def answer() -> dict[str, Any]:
    """Hand the answer to the execution that waits for it; one that no longer waits does not mind."""
    token = {"TaskToken.$": "$.detail.Token"}
    late = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "TooLate"}]
    return {
        "Comment": "Give the drain's answer to the failover that waits for it.",
        "StartAt": "Drained?",
        "TimeoutSeconds": ANSWER_TIMEOUT_S,
        "States": {
            "Drained?": choice(
                {"Variable": "$.detail.Outcome", "StringEquals": "done", "Next": "TellSuccess"}, otherwise="TellFailure"
            ),
            "TellSuccess": task(
                "aws-sdk:sfn:sendTaskSuccess", {**token, "Output": "{}"}, "Told", Catch=late, **noted("told")
            ),
            "TellFailure": task(
                "aws-sdk:sfn:sendTaskFailure",
                {**token, "Error": "DrainFailed", "Cause.$": "$.detail.Why"},
                "Told",
                Catch=late,
                **noted("told"),
            ),
            "Told": {"Type": "Succeed"},
            "TooLate": {"Type": "Fail", "Error": "TooLate", "Cause": "Nobody waits for this answer any more."},
        },
    }
