"""The words of the Amazon States Language that our machines are written in. Pure: names in, dictionaries out."""

from typing import Any

State = dict[str, Any]

POLL_S = 10
TASK_TIMEOUT_S = 60
AGAIN = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 4}]
ONCE_MORE = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "BackoffRate": 1, "MaxAttempts": 1}]


def caught(then: str) -> list[State]:
    """Whatever was tried and failed leads on to ``then``, with the error kept in ``$.error``."""
    return [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": then}]


def task(resource: str, parameters: dict[str, Any], then: str, **more: Any) -> State:
    """A task with its bounds: a timeout, retries, and a way out that tells."""
    base = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters}
    bounds = {"TimeoutSeconds": TASK_TIMEOUT_S, "Retry": AGAIN, "Catch": caught("NotifyFailure")}
    return base | bounds | more | {"Next": then}


def choice(*rules: State, otherwise: str) -> State:
    """The first rule that holds says where to go."""
    return {"Type": "Choice", "Choices": list(rules), "Default": otherwise}


def noted(name: str) -> dict[str, Any]:
    """Keep the input and note only that the call was accepted: its whole answer is in the history."""
    return {"ResultSelector": {"Accepted": True}, "ResultPath": f"$.{name}"}


def wait(then: str) -> State:
    return {"Type": "Wait", "Seconds": POLL_S, "Next": then}


def error(name: str, cause: str, then: str = "NotifyFailure") -> State:
    """A Pass state that puts our own error where a caught one would be."""
    return {"Type": "Pass", "Result": {"Error": name, "Cause": cause}, "ResultPath": "$.error", "Next": then}


def present(variable: str) -> State:
    return {"Variable": variable, "IsPresent": True}


def is_text(variable: str, *texts: str) -> State:
    """The variable is there, and is one of these texts."""
    wanted = [{"Variable": variable, "StringEquals": text} for text in texts]
    return {"And": [present(variable), *(wanted if len(wanted) == 1 else [{"Or": wanted}])]}


def run_task(
    *,
    cluster: str,
    family: str,
    container: str,
    subnet_ids: list[str],
    group_id: str,
    module: list[str],
    environment: dict[str, str],
) -> dict[str, Any]:
    """The parameters of a task of the service's own image that runs one of its modules; it has no HTTP task here, and
    no Lambda. An environment value that begins with ``$`` is a path."""
    variables = [
        {"Name": name, ("Value.$" if value.startswith("$") else "Value"): value} for name, value in environment.items()
    ]
    override = {"Name": container, "Command": ["python", "-m", *module], "Environment": variables}
    network = {"Subnets": subnet_ids, "SecurityGroups": [group_id], "AssignPublicIp": "DISABLED"}
    return {
        "Cluster": cluster,
        "TaskDefinition": family,
        "LaunchType": "FARGATE",
        "NetworkConfiguration": {"AwsvpcConfiguration": network},
        "Overrides": {"ContainerOverrides": [override]},
    }
