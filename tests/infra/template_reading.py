"""A CloudFormation template, as tests ask about it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Template:
    body: dict[str, Any]

    def all(self, kind: str) -> list[dict[str, Any]]:
        """The properties of every resource of a type."""
        return [found.get("Properties", {}) for found in self.body["Resources"].values() if found["Type"] == kind]

    def one(self, kind: str, **with_values: Any) -> dict[str, Any]:
        """The properties of the only resource of a type, or of the only one with these values."""
        found = [one for one in self.all(kind) if all(one.get(key) == value for key, value in with_values.items())]
        assert len(found) == 1, f"expected one {kind} with {with_values}, saw {len(found)}"
        return found[0]

    def output(self, key: str) -> str:
        return text(self.body["Outputs"][key]["Value"])

    def statements(self) -> list[dict[str, Any]]:
        """Every statement of every role, user-made or CDK's."""
        inline = [policy for role in self.all("AWS::IAM::Role") for policy in role.get("Policies", [])]
        documents = [policy["PolicyDocument"] for policy in inline + self.all("AWS::IAM::Policy")]
        return [statement for document in documents for statement in document["Statement"]]


def text(value: Any) -> str:
    """A value as text, with ``<Name>`` where CloudFormation fills in."""
    if not isinstance(value, dict):
        return str(value)
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        return argument[0].join(text(part) for part in argument[1])
    if function == "Ref":
        return f"<{argument}>"
    if function == "Fn::GetAtt":
        return f"<{'.'.join(argument)}>"
    if function == "Fn::ImportValue":
        return f"<{argument.split(':')[0]}>"
    return f"<{function}>"


def listed(value: Any) -> list[Any]:
    """A policy's one-or-many as many."""
    return value if isinstance(value, list) else [value]


def tags(properties: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags", properties.get("HealthCheckTags", []))}
