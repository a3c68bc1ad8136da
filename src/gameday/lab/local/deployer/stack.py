"""One stack: its resources in the order of their dependencies, its outputs, its exports."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gameday.aws import Aws
from gameday.errors import DeployError
from gameday.lab.local.deployer import compute, network, operations, storage
from gameday.lab.local.deployer.fitting import Misfit
from gameday.lab.local.deployer.making import Made, Make, Maker
from gameday.lab.local.deployer.values import Scope, mentioned

KINDS: Mapping[str, Make] = {**network.KINDS, **compute.KINDS, **storage.KINDS, **operations.KINDS}
WITHOUT_EFFECT = {  # type -> why nothing need be made of it here; every other unknown type is an error
    "AWS::CDK::Metadata": "the CDK's own statistics of use",
}


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a stack says of itself: its outputs by key, and which of them are exported, under which name."""

    values: Mapping[str, str]
    exports: Mapping[str, str]  # output key -> export name


def make_stack(aws: Aws, scope: Scope) -> Outputs:
    """Make every resource of the scope's template; raises :class:`DeployError` that names the one that failed."""
    resources: Mapping[str, Any] = scope.template["Resources"]
    afterwards: list[tuple[str, Callable[[], Any]]] = []
    for logical in in_order(scope.stack, resources):
        resource = resources[logical]
        if "Condition" in resource and not scope.holds(resource["Condition"]):
            continue
        made = _make(aws, scope, logical, resource)
        scope.references[logical], scope.attributes[logical] = made.ref, made.attributes
        afterwards += [(_named(scope, logical, resource), step) for step in made.afterwards]
    for named, step in afterwards:
        with _told(named):
            step()
    return _outputs(scope)


def in_order(stack: str, resources: Mapping[str, Any]) -> Iterator[str]:
    """Each logical id after those it needs; raises :class:`DeployError` when they need each other."""
    waiting = {logical: _needs(resource) & set(resources) - {logical} for logical, resource in resources.items()}
    done: set[str] = set()
    while waiting:
        ready = [logical for logical, needs in waiting.items() if needs <= done]
        if not ready:
            raise DeployError(f"{stack}'s resources to have an order", f"a circle of {', '.join(sorted(waiting))}")
        for logical in ready:
            del waiting[logical]
            yield logical
        done |= set(ready)


def _needs(resource: Mapping[str, Any]) -> set[str]:
    depends = resource.get("DependsOn", [])
    return set(mentioned(resource.get("Properties", {}))) | ({depends} if isinstance(depends, str) else set(depends))


def _make(aws: Aws, scope: Scope, logical: str, resource: Mapping[str, Any]) -> Made:
    kind = resource["Type"]
    if kind in WITHOUT_EFFECT:
        return Made(logical)
    make, named = KINDS.get(kind), _named(scope, logical, resource)
    if make is None:
        raise DeployError(
            f"{named} to be of a type that the local lab makes", kind, "teach gameday.lab.local.deployer this type"
        )
    maker = Maker(aws, scope.stack, scope.region, scope.account, logical)
    properties = scope.resolve(resource.get("Properties", {}))
    with _told(named):
        return make(maker, properties)


def _named(scope: Scope, logical: str, resource: Mapping[str, Any]) -> str:
    return f"{logical} ({resource['Type']}) of {scope.stack} in {scope.region}"


@contextlib.contextmanager
def _told(named: str) -> Iterator[None]:
    """What goes wrong with a resource is told with its name."""
    try:
        yield
    except Misfit as misfit:
        raise DeployError(
            f"{named} to have properties that its call knows", str(misfit), "teach the deployer this property"
        ) from misfit
    except (ClientError, BotoCoreError, KeyError, TypeError, ValueError) as cause:
        raise DeployError(f"{named} to be made", repr(cause), "look at the lab's log and its audit.ndjson") from cause


def _outputs(scope: Scope) -> Outputs:
    told = scope.template.get("Outputs", {})
    kept = {key: one for key, one in told.items() if "Condition" not in one or scope.holds(one["Condition"])}
    return Outputs(
        {key: str(scope.resolve(one["Value"])) for key, one in kept.items()},
        {key: str(scope.resolve(one["Export"]["Name"])) for key, one in kept.items() if "Export" in one},
    )
