"""Walks a state machine with scripted answers: enough of the States Language to see which state follows which."""

import fnmatch
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import jsonata

Answers = Mapping[str, list[Any]]


class Refused(Exception):
    """A scripted answer that is an error of AWS, by its name in Step Functions."""


def walk(
    machine: Mapping[str, Any], answers: Answers, given: dict[str, Any] | None = None, *, at_most: int = 60
) -> tuple[list[str], dict]:
    """The names of the states entered, and each task's parameters by its name; a task's last answer repeats itself."""
    left = {name: list(replies) for name, replies in answers.items()}
    name, data, entered, asked = machine["StartAt"], dict(given or {}), [], {}
    while name:
        assert len(entered) < at_most, f"it goes round in circles: {entered[-12:]}"
        entered.append(name)
        state = machine["States"][name]
        if state["Type"] == "Task":
            asked[name] = _filled(state["Parameters"], data)
        name = _STEPS[state["Type"]](state, data, left.get(name, [{}]))
    return entered, asked


def _task(state: Mapping[str, Any], data: dict[str, Any], replies: list[Any]) -> str | None:
    reply = replies.pop(0) if len(replies) > 1 else replies[0]
    if isinstance(reply, Refused):
        error, handler = str(reply), _handler(state["Catch"], str(reply))
        data[handler["ResultPath"][2:]] = {"Error": error, "Cause": "scripted"}
        return handler["Next"]
    data[state["ResultPath"][2:]] = _filled(state["ResultSelector"], reply)
    return state["Next"]


def _handler(handlers: list[dict[str, Any]], error: str) -> dict[str, Any]:
    return next(one for one in handlers if {error, "States.ALL"} & set(one["ErrorEquals"]))


def _choice(state: Mapping[str, Any], data: dict[str, Any], _: list[Any]) -> str:
    return next((rule["Next"] for rule in state["Choices"] if _holds(rule, data)), state["Default"])


def _pass(state: Mapping[str, Any], data: dict[str, Any], _: list[Any]) -> str:
    if state.get("QueryLanguage") == "JSONata":
        made = _jsonata(state["Output"], data)
        data.clear()
        data.update(made)
        return state["Next"]
    made = state["Result"] if "Result" in state else _filled(state["Parameters"], data)
    path = state["ResultPath"][2:]
    into = data
    for step in path.split(".")[:-1]:
        into = into[step]
    into[path.split(".")[-1]] = made
    return state["Next"]


def _jsonata(text: str, data: dict[str, Any]) -> dict[str, Any]:
    """What the local lab's interpreter evaluates it with; Step Functions has the same language."""
    expression = jsonata.Jsonata(text.removeprefix("{%").removesuffix("%}"))
    return json.loads(json.dumps(expression.evaluate(None, {"states": {"input": data}})))


def _wait(state: Mapping[str, Any], *_: Any) -> str:
    return state["Next"]


def _end(*_: Any) -> None:
    return None


_STEPS: dict[str, Callable[..., str | None]] = {
    "Task": _task, "Choice": _choice, "Pass": _pass, "Wait": _wait, "Succeed": _end, "Fail": _end,
}  # fmt: skip


def _holds(rule: Mapping[str, Any], data: dict[str, Any]) -> bool:
    if "And" in rule:
        return all(_holds(one, data) for one in rule["And"])
    if "Or" in rule:
        return any(_holds(one, data) for one in rule["Or"])
    if "Not" in rule:
        return not _holds(rule["Not"], data)
    (test, wanted), value = _test(rule), _at(rule["Variable"], data)
    if test == "IsPresent":
        return (value is not None) == wanted
    assert value is not None, f"{rule['Variable']} is not there: Step Functions would fail here"
    return _COMPARE[test](value, _value(wanted, data) if test.endswith("Path") else wanted)


def _test(rule: Mapping[str, Any]) -> tuple[str, Any]:
    ((test, wanted),) = [(key, value) for key, value in rule.items() if key not in ("Variable", "Next")]
    return test, wanted


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "BooleanEquals": lambda value, wanted: value is wanted,
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsPath": lambda value, wanted: value == wanted,
    "StringMatches": fnmatch.fnmatchcase,
    "NumericEqualsPath": lambda value, wanted: value == wanted,
    "NumericEquals": lambda value, wanted: value == wanted,
    "NumericGreaterThanEquals": lambda value, wanted: value >= wanted,
}


def _filled(template: Any, data: Any) -> Any:
    """A payload template: keys that end in ``.$`` are paths or intrinsics."""
    if isinstance(template, list):
        return [_filled(one, data) for one in template]
    if not isinstance(template, dict):
        return template
    dynamic = {key[:-2]: _value(path, data) for key, path in template.items() if key.endswith(".$")}
    return {key: _filled(value, data) for key, value in template.items() if not key.endswith(".$")} | dynamic


def _value(path: str, data: Any) -> Any:
    if path.startswith("$$."):
        return f"<{path}>"
    if path.startswith("States."):
        return _intrinsic(path, data)
    value = _at(path, data)
    assert value is not None, f"{path} is not there: Step Functions would fail here"
    return value


def _intrinsic(text: str, data: Any) -> Any:
    """The first form that fits; what a form's first group names is evaluated first."""
    text = text.replace("States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0)", "<uuid>")
    if call := re.fullmatch(r"States\.Format\('([\w-]+)\{\}', <uuid>\)", text):
        return f"{call[1]}11111111"
    for form, made in _INTRINSICS.items():
        if call := re.fullmatch(form, text):
            return made(_value(call["of"], data), call)
    raise AssertionError(f"{text}: teach it to this walk")


_INTRINSICS: dict[str, Callable[[Any, re.Match[str]], Any]] = {
    r"States\.Format\('(?P<prefix>[\w-]+)\{\}', States\.ArrayGetItem\(States\.StringSplit\((?P<of>.*), ':'\), 1\)\)": (
        lambda value, call: call["prefix"] + value.split(":")[1]
    ),
    r"States\.MathAdd\((?P<of>.*), (?P<more>\d+)\)": lambda value, call: value + int(call["more"]),
    r"States\.Array\((?P<of>.*)\)": lambda value, _: [value],
    r"States\.JsonToString\((?P<of>.*)\)": lambda value, _: json.dumps(value),
    r"States\.StringToJson\((?P<of>.*)\)": lambda value, _: json.loads(value),
}


def _at(path: str, data: Any) -> Any:
    steps = re.findall(r"\w+|\[\*\]|\[-?\d+:?\]", path[1:])
    for number, step in enumerate(steps):
        if step == "[*]" or step.endswith(":]"):
            some = data if step == "[*]" else data[int(step[1:-2]) :]
            return [_at("$." + ".".join(steps[number + 1 :]), one) for one in some]
        if step.startswith("["):
            if int(step[1:-1]) >= len(data):
                return None
            data = data[int(step[1:-1])]
        elif not isinstance(data, dict) or step not in data:
            return None
        else:
            data = data[step]
    return data
