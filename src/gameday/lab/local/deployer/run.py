"""All stacks of ``stacks.json``, in its order: parameters filled from outputs, each stack known to CloudFormation."""

import contextlib
import gc
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gameday.aws import Aws
from gameday.errors import DeployError
from gameday.lab.local.deployer.stack import Outputs, make_stack
from gameday.lab.local.deployer.values import Scope
from gameday.lab.local.ground import ACCOUNT

PACKAGED = Path(__file__).parents[2] / "templates"


@dataclass
class _Deployment:
    aws: Aws
    overrides: Mapping[str, str]
    outputs: dict[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)  # (stack, region) -> outputs
    exports: dict[tuple[str, str], str] = field(default_factory=dict)  # (region, name) -> value


def deploy(aws: Aws, parameters: Mapping[str, str], templates: Path = PACKAGED) -> None:
    """Deploy every stack of ``templates`` to the control plane that ``aws`` reaches; raises :class:`DeployError`.

    ``parameters`` override those of their name in every template that has them; one that no template has is an error.
    Nothing is taken back when a stack fails: the lab that wanted it goes down as a whole.
    """
    stacks = [(stack, _read(templates / stack["template"])) for stack in _read(templates / "stacks.json")["stacks"]]
    known = {name for _, template in stacks for name in template.get("Parameters", {})}
    if strangers := set(parameters) - known:
        raise DeployError(
            f"parameters of the templates ({', '.join(sorted(known))})",
            ", ".join(sorted(strangers)),
            "correct the parameter's name",
        )
    deployment = _Deployment(aws, parameters)
    with _no_collection():
        for stack, template in stacks:
            _deploy(deployment, stack, template)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """API models are large and none is garbage: looking through all of moto for some takes 1.4 of 6.2 s."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _deploy(deployment: _Deployment, stack: Mapping[str, Any], template: Mapping[str, Any]) -> None:
    name, region = stack["name"], stack["region"]
    secrets = deployment.aws.client("secretsmanager", region)
    scope = Scope(
        stack=name,
        region=region,
        account=ACCOUNT,
        template=template,
        parameters=_parameters(deployment, stack, template),
        exports=deployment.exports,
        secret=lambda secret_id: str(secrets.get_secret_value(SecretId=secret_id)["SecretString"]),
    )
    outputs = make_stack(deployment.aws, scope)
    deployment.outputs[name, region] = outputs.values
    for key, export in outputs.exports.items():
        deployment.exports[region, export] = outputs.values[key]
    _register(deployment.aws, name, region, outputs)


def _parameters(deployment: _Deployment, stack: Mapping[str, Any], template: Mapping[str, Any]) -> dict[str, str]:
    """Each parameter's value: from another stack's output, else overridden, else its default."""
    values: dict[str, str] = {}
    for name, told in template.get("Parameters", {}).items():
        if name in stack["parameters"]:
            values[name] = _output(deployment, stack, stack["parameters"][name])
        elif name in deployment.overrides:
            values[name] = deployment.overrides[name]
        elif "Default" in told:
            values[name] = str(told["Default"])
        else:
            raise DeployError(
                f"a value for parameter {name} of {stack['name']} in {stack['region']}",
                "no source in stacks.json, no override and no default",
                "name the output it comes from in stacks.json",
            )
    return values


def _output(deployment: _Deployment, stack: Mapping[str, Any], source: Mapping[str, str]) -> str:
    found = deployment.outputs.get((source["stack"], source["region"]), {}).get(source["output"])
    if found is None:
        raise DeployError(
            f"output {source['output']} of {source['stack']} in {source['region']}, which {stack['name']} needs",
            "none deployed so far has it",
            "correct stacks.json: its order, or the output's name",
        )
    return found


def _register(aws: Aws, name: str, region: str, outputs: Outputs) -> None:
    """Let CloudFormation know the stack by its outputs, which is how labs are read; its resources are made already."""
    told: dict[str, Any] = {key: {"Value": value} for key, value in outputs.values.items()}
    for key, export in outputs.exports.items():
        told[key]["Export"] = {"Name": export}
    body = json.dumps({"Resources": {}, "Outputs": told})
    aws.client("cloudformation", region).create_stack(StackName=name, TemplateBody=body)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as cause:
        raise DeployError(f"to read {path.name}", str(cause), "synthesise the templates again: make golden") from cause
