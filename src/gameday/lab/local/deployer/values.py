"""A template's values: intrinsic functions, pseudo parameters and dynamic references, resolved to plain data."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gameday.errors import DeployError

ZONES = "abc"
_IN_TEXT = re.compile(r"\$\{([^!}]+)\}")
_SECRET = re.compile(r"\{\{resolve:secretsmanager:(.+?):SecretString:([^:}]*)[^}]*\}\}")


class _NoValue:
    """``AWS::NoValue``: the property is left out."""


NO_VALUE = _NoValue()


@dataclass
class Scope:
    """What a stack's references mean: its parameters, what was made so far, other stacks' exports, secrets."""

    stack: str
    region: str
    account: str
    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    exports: Mapping[tuple[str, str], str]  # (region, export name) -> value
    secret: Callable[[str], str]  # secret's id -> its text
    references: dict[str, str] = field(default_factory=dict)  # logical id -> Ref
    attributes: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # logical id -> GetAtt

    def resolve(self, value: Any) -> Any:
        """``value`` as plain data; raises :class:`DeployError` for what has no meaning here."""
        if isinstance(value, str):
            return self._dynamic(value)
        if isinstance(value, list):
            return [one for one in map(self.resolve, value) if one is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument)
        resolved = {key: self.resolve(inner) for key, inner in value.items()}
        return {key: inner for key, inner in resolved.items() if inner is not NO_VALUE}

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template's ``Conditions`` holds."""
        return self._truth(self._known(self.template.get("Conditions", {}), condition, "condition"))

    def _call(self, name: str, argument: Any) -> Any:
        function = _FUNCTIONS.get(name)
        if function is None:
            raise self._lost("one of " + ", ".join(_FUNCTIONS), name)
        return function(self, argument)

    def _ref(self, name: str) -> Any:
        pseudo = {
            "AWS::Region": self.region,
            "AWS::AccountId": self.account,
            "AWS::Partition": "aws",
            "AWS::StackName": self.stack,
            "AWS::StackId": f"arn:aws:cloudformation:{self.region}:{self.account}:stack/{self.stack}/local",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": NO_VALUE,
        }
        for known in (pseudo, self.parameters, self.references):
            if name in known:
                return known[name]
        raise self._lost("a parameter or a resource that was made", name)

    def _attribute(self, argument: Any) -> Any:
        logical, _, name = argument.partition(".") if isinstance(argument, str) else (argument[0], "", argument[1])
        return self._known(self._known(self.attributes, logical, "resource"), str(name), f"attribute of {logical}")

    def _join(self, argument: Any) -> str:
        return self._dynamic(argument[0].join(str(one) for one in self.resolve(argument[1])))

    def _sub(self, argument: Any) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else (argument[0], self.resolve(argument[1]))

        def meaning(found: re.Match[str]) -> str:
            name = found[1].strip()
            if name in given:
                return str(given[name])
            return str(self._attribute(name) if "." in name else self._ref(name))

        return self._dynamic(_IN_TEXT.sub(meaning, text).replace("${!", "${"))

    def _import(self, argument: Any) -> str:
        name = self.resolve(argument)
        found = self.exports.get((self.region, name))
        if found is None:
            raise self._lost("an export of a stack that was deployed before", name)
        return found

    def _if(self, argument: Any) -> Any:
        condition, then, otherwise = argument
        return self.resolve(then if self.holds(condition) else otherwise)

    def _truth(self, condition: Any) -> bool:
        [(name, argument)] = condition.items()
        match name:
            case "Condition":
                return self.holds(argument)
            case "Fn::Equals":
                left, right = (str(self.resolve(side)) for side in argument)
                return left == right
            case "Fn::Not":
                return not self._truth(argument[0])
            case "Fn::And":
                return all(self._truth(one) for one in argument)
            case "Fn::Or":
                return any(self._truth(one) for one in argument)
        raise self._lost("Condition, Fn::Equals, Fn::Not, Fn::And or Fn::Or", name)

    def _dynamic(self, text: str) -> str:
        """``{{resolve:secretsmanager:ID:SecretString:KEY}}`` anywhere in a text; the value stays in memory."""

        def read(found: re.Match[str]) -> str:
            whole = self.secret(found[1])
            return str(json.loads(whole)[found[2]]) if found[2] else whole

        return _SECRET.sub(read, text)

    def _known(self, table: Mapping[str, Any], key: str, what: str) -> Any:
        if key not in table:
            raise self._lost(f"a known {what} ({', '.join(sorted(table)) or 'there is none'})", key)
        return table[key]

    def _lost(self, expected: str, seen: Any) -> DeployError:
        return DeployError(f"{expected}, in {self.stack} of {self.region}", repr(seen), "correct the template")


def _select(scope: Scope, argument: Any) -> Any:
    return scope.resolve(argument[1])[int(scope.resolve(argument[0]))]


def _split(scope: Scope, argument: Any) -> list[str]:
    return str(scope.resolve(argument[1])).split(argument[0])


def _zones(scope: Scope, argument: Any) -> list[str]:
    return [f"{scope.resolve(argument) or scope.region}{letter}" for letter in ZONES]


def _in_map(scope: Scope, argument: Any) -> Any:
    name, first, second = (scope.resolve(one) for one in argument)
    return scope.template["Mappings"][name][first][second]


_FUNCTIONS: Mapping[str, Callable[[Scope, Any], Any]] = {
    "Ref": Scope._ref,
    "Fn::GetAtt": Scope._attribute,
    "Fn::Join": Scope._join,
    "Fn::Sub": Scope._sub,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::GetAZs": _zones,
    "Fn::ImportValue": Scope._import,
    "Fn::If": Scope._if,
    "Fn::FindInMap": _in_map,
}


def mentioned(value: Any) -> Iterator[str]:
    """The logical ids that a value refers to (parameters and pseudo parameters among them)."""
    if isinstance(value, list):
        for one in value:
            yield from mentioned(one)
    elif isinstance(value, dict):
        for name, argument in value.items():
            if name == "Ref":
                yield argument
            elif name == "Fn::GetAtt":
                yield argument.partition(".")[0] if isinstance(argument, str) else argument[0]
            elif name == "Fn::Sub":
                text = argument if isinstance(argument, str) else argument[0]
                yield from (found.partition(".")[0].strip() for found in _IN_TEXT.findall(text))
            yield from mentioned(argument)
