"""EventBridge: an event on a bus, the rules that match it, and their targets in this region and in others."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gameday.aws import Aws
from gameday.errors import LabError
from gameday.lab.local.errands import Errands
from gameday.lab.local.ground import ACCOUNT, Ground

HOPS_MAX = 5  # from bus to bus: a circle of rules ends
EXECUTION_NAME_MAX = 80


@dataclass(frozen=True, slots=True)
class Arn:
    """The parts of an ARN that say where a target is."""

    text: str

    @property
    def service(self) -> str:
        return self.text.split(":")[2]

    @property
    def region(self) -> str:
        return self.text.split(":")[3]

    @property
    def name(self) -> str:
        """What follows the last colon and the resource type: ``event-bus/default`` is ``default``."""
        return self.text.split(":", 5)[5].split("/", 1)[-1].split(":")[-1]


@dataclass
class EventDelivery:
    """Matches events with moto's rules and reaches their targets from a thread of its own.

    Targets: event buses (of any region), state machines, topics. An execution's name is made of the rule's and the
    event's, so a second delivery of the same event starts nothing. A failure is said in the lab's log and counted; it
    is not tried again beyond boto3's own retries (EventBridge itself retries for 24 hours).
    """

    ground: Ground
    aws: Aws | None = None
    name: str = field(default="events", init=False)

    def __post_init__(self) -> None:
        self._aws = self.aws or Aws(self.ground.endpoint_url)
        self._errands = Errands("events", self.ground.said)

    @property
    def failures(self) -> int:
        return self._errands.failures

    def deliver(self, region: str, bus: str, event: Mapping[str, Any]) -> None:
        """Give an event to the rules of a region's bus; returns at once."""
        self._send(region, bus, event, hops=0)

    def reconcile(self) -> None:
        """Nothing to keep true: events are delivered as they come."""

    def close(self) -> None:
        """Deliver nothing more. Safe twice."""
        self._errands.close()

    def _send(self, region: str, bus: str, event: Mapping[str, Any], *, hops: int) -> None:
        what = f"event {event['id']} on bus {bus} of {region}"
        self._errands.send(what, lambda: self._match(region, bus, event, hops))

    def _match(self, region: str, bus: str, event: Mapping[str, Any], hops: int) -> None:
        from moto.events.models import events_backends

        found = events_backends[ACCOUNT][region].event_buses.get(bus)
        if found is None:
            raise LabError(f"an event bus {bus!r} in {region}", "none of that name", "correct the target's ARN")
        for rule in list(found.rules.values()):
            if rule.state == "ENABLED" and rule.event_pattern.get_pattern() and rule.event_pattern.matches_event(event):
                for target in list(rule.targets):
                    what = f"rule {rule.name} of {region} to {target['Arn']}"
                    self._errands.send(what, self._errand(rule.name, target, event, hops))

    def _errand(self, rule: str, target: Mapping[str, Any], event: Mapping[str, Any], hops: int) -> Any:
        return lambda: self._reach(rule, target, event, hops)

    def _reach(self, rule: str, target: Mapping[str, Any], event: Mapping[str, Any], hops: int) -> None:
        arn = Arn(target["Arn"])
        if arn.service == "events":
            if hops >= HOPS_MAX:
                raise LabError(f"an event to end after {HOPS_MAX} buses", "it goes on", "look for a circle of rules")
            self._send(arn.region, arn.name, event, hops=hops + 1)
        elif arn.service == "states":
            self._start_execution(arn, execution_name(rule, event["id"]), input_of(target, event))
        elif arn.service == "sns":
            self._aws.client("sns", arn.region).publish(TopicArn=arn.text, Message=input_of(target, event))
        else:
            raise LabError("a target that is an event bus, a state machine or a topic", arn.text, "change the rule")

    def _start_execution(self, arn: Arn, name: str, text: str) -> None:
        states = self._aws.client("stepfunctions", arn.region)
        try:
            states.start_execution(stateMachineArn=arn.text, name=name, input=text)
        except states.exceptions.ExecutionAlreadyExists:
            self.ground.said(f"events: execution {name} had been started already")


def execution_name(rule: str, event_id: str) -> str:
    """The same for the same rule and event, and within the 80 characters of Step Functions."""
    return f"{rule[: EXECUTION_NAME_MAX - len(event_id) - 1]}-{event_id}"


def input_of(target: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    """What a target is given: its own Input, the part at InputPath, what InputTransformer makes, or the whole event."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(_at(target["InputPath"], event))
    if "InputTransformer" in target:
        return json.dumps(_transformed(target["InputTransformer"], event))
    return json.dumps(event)


def _at(path: str, event: Mapping[str, Any]) -> Any:
    """The value at a JSON path of names only: ``$.detail.state``."""
    found: Any = event
    for name in path.removeprefix("$").split("."):
        if name:
            found = found[name]
    return found


def _transformed(transformer: Mapping[str, Any], event: Mapping[str, Any]) -> Any:
    from moto.events.utils import EventTemplateParser

    asked = {"ingestion-time": event.get("time"), **event}
    return EventTemplateParser.parse(transformer["InputTemplate"], transformer.get("InputPathsMap", {}), asked)
