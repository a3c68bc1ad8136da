"""Deploy to a real account, stack by stack: ``python -m infra.deploy --account 111122223333 -c gameday:domain=…``.

Whatever a stack needs of another one, also of another region, is filled in from that one's outputs. Running it again
updates what changed. ``infra/README.md`` tells the whole story.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.synth import synthesise

Outputs = dict[str, str]
Clients = Callable[[str], Any]  # region -> a CloudFormation client


class DeployError(RuntimeError):
    """A stack cannot be deployed; says what was expected, what was seen and what to do."""


def deploy(
    files: Mapping[str, str],
    clients: Clients,
    *,
    given: Mapping[str, str],
    instead: Mapping[str, Outputs],
    until: str | None,
) -> Iterator[str]:
    """Deploy in order, one sentence a stack. ``instead`` holds the outputs of stacks that are not deployed, by name."""
    order = json.loads(files["stacks.json"])["stacks"]
    if until and until not in {stack["name"] for stack in order}:
        raise DeployError(f"expected --until to name a stack; saw {until}. Next: choose one of stacks.json")
    known: dict[tuple[str, str], Outputs] = {}
    last = max((number for number, stack in enumerate(order) if stack["name"] == until), default=len(order))
    for stack in order[: last + 1]:
        name, region = stack["name"], stack["region"]
        if name in instead:
            known[name, region] = instead[name]
            yield f"{name} in {region}: taken as given"
            continue
        parameters = _parameters(stack, json.loads(files[stack["template"]]), known, given)
        client = clients(region)
        done = _put(client, name, files[stack["template"]], parameters)
        known[name, region] = _outputs(client, name)
        yield f"{name} in {region}: {done}"


def _parameters(
    stack: Mapping[str, Any],
    template: Mapping[str, Any],
    known: Mapping[tuple[str, str], Outputs],
    given: Mapping[str, str],
) -> dict[str, str]:
    own = {name: value for name, value in given.items() if name in template.get("Parameters", {})}
    return own | {
        name: _output(known[feed["stack"], feed["region"]], feed) for name, feed in stack["parameters"].items()
    }


def _output(outputs: Outputs, feed: Mapping[str, str]) -> str:
    if feed["output"] in outputs:
        return outputs[feed["output"]]
    seen = ", ".join(outputs) or "none"
    raise DeployError(
        f"expected an output {feed['output']} of {feed['stack']} in {feed['region']}; saw {seen}. "
        "Next: deploy that stack again, or give the output with --instead"
    )


def _put(client: Any, name: str, template: str, parameters: Mapping[str, str]) -> str:
    """Create or update, and wait; the template goes without its indentation (CloudFormation takes 51,200 bytes)."""
    asked = {
        "StackName": name,
        "TemplateBody": json.dumps(json.loads(template), separators=(",", ":")),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM"],
    }
    if not _exists(client, name):
        client.create_stack(**asked, OnFailure="DELETE")
        client.get_waiter("stack_create_complete").wait(StackName=name)
        return "created"
    try:
        client.update_stack(**asked)
    except client.exceptions.ClientError as refused:
        if "No updates are to be performed" in str(refused):
            return "unchanged"
        raise
    client.get_waiter("stack_update_complete").wait(StackName=name)
    return "updated"


def _exists(client: Any, name: str) -> bool:
    try:
        client.describe_stacks(StackName=name)
    except client.exceptions.ClientError as refused:
        if "does not exist" in str(refused):
            return False
        raise
    return True


def _outputs(client: Any, name: str) -> Outputs:
    (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def check_account(seen: str, expected: str) -> None:
    """Raise unless the credentials in use belong to the account that was named: nothing is deployed by accident."""
    if seen != expected:
        raise DeployError(f"expected credentials of account {expected}; saw {seen}. Next: choose the right profile")


def _pairs(texts: list[str]) -> dict[str, str]:
    return dict(text.split("=", 1) for text in texts)


def _instead(texts: list[str]) -> dict[str, Outputs]:
    """``gameday-zone:HostedZoneId=Z123`` is an output of a stack that is not deployed."""
    found: dict[str, Outputs] = {}
    for key, value in _pairs(texts).items():
        stack, output = key.split(":", 1)
        found.setdefault(stack, {})[output] = value
    return found


def main(arguments: list[str] | None = None) -> int:
    """0 when every stack stands as its template says."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description=__doc__)
    parser.add_argument("--account", required=True, help="the account's id; credentials of another one are refused")
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE", help="as cdk's own")
    parser.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="e.g. ImageTag=1.2"
    )
    parser.add_argument(
        "--instead", action="append", default=[], metavar="STACK:OUTPUT=VALUE", help="not deployed: given"
    )
    parser.add_argument("--until", metavar="STACK", help="stop after it, e.g. gameday-storage, to push the image")
    asked = parser.parse_args(arguments)
    import boto3

    session = boto3.session.Session()
    check_account(session.client("sts").get_caller_identity()["Account"], asked.account)
    told = deploy(
        synthesise(_pairs(asked.context)),
        lambda region: session.client("cloudformation", region_name=region),
        given=_pairs(asked.parameter),
        instead=_instead(asked.instead),
        until=asked.until,
    )
    for sentence in told:
        sys.stdout.write(sentence + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
