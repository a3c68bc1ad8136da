"""A lab as a drill sees it: an AWS endpoint, and the names of its resources, read from stack outputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gameday.aws import Aws
from gameday.errors import LabError

GLOBAL_REGION = "us-east-1"  # Route 53's metrics, and with them the health check's alarm, exist only there
SHARED_OUTPUTS = (
    "ServiceUrl",
    "ServiceName",
    "Resolver",
    "HostedZoneId",
    "HealthCheckId",
    "StateMachineArn",
    "TopicArn",
)
REGION_OUTPUTS = ("DatabaseId", "ClusterName", "EcsServiceName", "VpcId", "BucketName", "EndpointSecret")
OPTIONAL_OUTPUTS = (
    "PauseRoleArn",  # of a region out of which objects are replicated: FIS's role to pause that
    *("TakeBackMachineArn", "TakeBackRoleArn"),  # of one that takes a fault back when the drill's machine has died
)


@dataclass(frozen=True, slots=True)
class Outputs:
    """The lab's outputs (DESIGN §4): ``shared["ServiceUrl"]``, and by region ``regions[r]["DatabaseId"]``."""

    shared: Mapping[str, str]
    regions: Mapping[str, Mapping[str, str]]
    alarm_names: tuple[tuple[str, str], ...]  # (region, alarm name)

    def flat(self) -> dict[str, str]:
        """One table for ``plan.json``: ``DatabaseId.us-west-2`` and so on."""
        by_region = {f"{key}.{region}": value for region, named in self.regions.items() for key, value in named.items()}
        return {**self.shared, **by_region, "AlarmNames": ",".join(name for _, name in self.alarm_names)}


@dataclass(frozen=True, slots=True)
class Lab:
    """Two regions and how to reach them. ``deployment`` prefixes every stack's name."""

    name: str
    aws: Aws = field(repr=False)
    primary: str
    secondary: str
    outputs: Outputs = field(repr=False)
    timer_scale: float = 1.0
    deployment: str = "gameday"
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the local lab's own: link latency, delays …
    allowed_accounts: frozenset[str] = frozenset()  # outside the local lab: where a drill may break anything at all
    live: frozenset[str] = frozenset()  # "ACCOUNT:REGION" that the person said aloud in the configuration

    @property
    def is_local(self) -> bool:
        return self.aws.is_local

    @property
    def regions(self) -> tuple[str, str]:
        return (self.primary, self.secondary)

    def client(self, service: str, region: str) -> Any:
        return self.aws.client(service, region)

    def of(self, region: str, output: str) -> str:
        """A region's output, like ``lab.of("us-west-2", "DatabaseId")``; :class:`LabError` when it is missing."""
        if region not in self.outputs.regions:
            known = ", ".join(self.outputs.regions)
            raise LabError(f"a region of the lab ({known})", repr(region), "correct the region's name")
        return _named(self.outputs.regions[region], output, f"{region}'s stacks")

    def shared(self, output: str) -> str:
        """An output of the whole lab, e.g. ``lab.shared("ServiceUrl")``."""
        return _named(self.outputs.shared, output, "the lab's stacks")

    def other(self, region: str) -> str:
        """The other region of the pair."""
        return self.secondary if region == self.primary else self.primary


def read_outputs(aws: Aws, deployment: str, primary: str, secondary: str) -> Outputs:
    """Every output of ``deployment`` in both regions and us-east-1; :class:`LabError` names those that are missing."""
    shared: dict[str, str] = {}
    regions: dict[str, dict[str, str]] = {primary: {}, secondary: {}}
    alarms: list[tuple[str, str]] = []
    for region in dict.fromkeys((primary, secondary, GLOBAL_REGION)):
        for key, value in _stack_outputs(aws, deployment, region):
            if key == "AlarmNames":
                alarms += [(region, name) for name in value.split(",") if name]
            elif key in (*REGION_OUTPUTS, *OPTIONAL_OUTPUTS):
                regions.setdefault(region, {})[key] = value
            elif key in SHARED_OUTPUTS:
                shared[key] = value
    outputs = Outputs(shared, regions, tuple(alarms))
    missing = [name for name in SHARED_OUTPUTS if name not in shared]
    missing += [
        f"{name}.{region}" for region in (primary, secondary) for name in REGION_OUTPUTS if name not in regions[region]
    ]
    if missing:
        raise LabError(
            f"stacks {deployment}-* with all outputs",
            f"none called {', '.join(missing)}",
            "deploy the stacks of infra/ first",
        )
    return outputs


def _stack_outputs(aws: Aws, deployment: str, region: str) -> list[tuple[str, str]]:
    pages = aws.client("cloudformation", region).get_paginator("describe_stacks").paginate()
    stacks = [stack for page in pages for stack in page["Stacks"] if stack["StackName"].startswith(f"{deployment}-")]
    return [(output["OutputKey"], output["OutputValue"]) for stack in stacks for output in stack.get("Outputs", [])]


def _named(outputs: Mapping[str, str], key: str, where: str) -> str:
    if key not in outputs:
        raise LabError(
            f"an output {key} of {where}", f"only {', '.join(sorted(outputs)) or 'nothing'}", "deploy infra/ again"
        )
    return outputs[key]
