"""Making one resource: what it is told, the calls it may make, and what it is afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from botocore import xform_name

from gameday.aws import Aws
from gameday.lab.local.deployer.fitting import fit


@dataclass(frozen=True, slots=True)
class Made:
    """What a resource is to the rest of its template: its ``Ref``, and what ``Fn::GetAtt`` can read.

    ``afterwards`` are calls that need the whole stack to stand, such as logging into a bucket that a policy opens.
    """

    ref: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    afterwards: tuple[Callable[[], Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Maker:
    """One resource about to be made. ``name`` is the logical id; names that AWS would generate come from it."""

    aws: Aws
    stack: str
    region: str
    account: str
    name: str

    def call(self, service: str, operation: str, parameters: Mapping[str, Any], region: str | None = None) -> Any:
        """Call ``operation`` (``CreateSubnet``) with fitted properties; raises Misfit, and boto3's own errors."""
        client = self.aws.client(service, region or self.region)
        shape = client.meta.service_model.operation_model(operation).input_shape
        return getattr(client, xform_name(operation))(**fit(dict(parameters), shape))

    def generated(self, at_most: int = 63) -> str:
        """A name for what the template leaves unnamed; cut to length, and one of its kind in the account."""
        name = f"{self.stack}-{self.name}"
        return f"{name[: at_most - 9]}-{sha256((self.region + name).encode()).hexdigest()[:8]}"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


type Make = Callable[[Maker, dict[str, Any]], Made]


@dataclass(frozen=True, slots=True)
class Simple:
    """A resource that is one call. ``ref`` and ``attributes`` are paths into the answer, or ``=Property``.

    ``named`` is the property that gets a generated name, ``tagged`` an EC2 resource type (its tags travel by
    TagSpecifications), ``renamed`` property → parameter, ``listed`` properties that the call wants as lists.
    """

    service: str
    operation: str
    ref: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    named: str | None = None
    tagged: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    listed: tuple[str, ...] = ()

    def __call__(self, maker: Maker, properties: dict[str, Any]) -> Made:
        if self.named:
            properties.setdefault(self.named, maker.generated())
        given = {self.renamed.get(key, key): value for key, value in properties.items()}
        given |= {key: [given[key]] for key in self.listed if key in given}
        if self.tagged:
            given = with_ec2_tags(given, self.tagged)
        answer = maker.call(self.service, self.operation, given)
        return Made(
            str(_read(self.ref, answer, properties)),
            {name: _read(path, answer, properties) for name, path in self.attributes.items()},
        )


def with_ec2_tags(properties: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """EC2 takes tags by resource type."""
    rest = {key: value for key, value in properties.items() if key != "Tags"}
    tags = properties.get("Tags")
    return {**rest, "TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else rest


def split(properties: dict[str, Any], *later: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the first call takes, and what later ones do."""
    first = {key: value for key, value in properties.items() if key not in later}
    return first, {key: value for key, value in properties.items() if key in later}


def _read(path: str, answer: Any, properties: Mapping[str, Any]) -> Any:
    if path.startswith("="):
        return properties[path[1:]]
    for step in path.split("."):
        answer = answer[int(step)] if step.isdigit() else answer[step]
    return answer
