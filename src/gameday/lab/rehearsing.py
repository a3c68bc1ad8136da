"""AWS for a rehearsal: what reads is asked for real, and what would change anything is noted and never sent.

The seam is botocore's own: its event ``before-call`` may answer a call in the place of the service. An operation counts
as one that reads by the beginning of its name; any other is taken for one that changes something.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gameday.aws import ATTEMPTS, Aws

READS = ("Describe", "Get", "Head", "List")
LOCAL_LAB = "local lab"  # the "service" of what only the local lab can do, beside AWS's API
NUMBERS = ("integer", "long", "float", "double")
DEEPEST = 6  # some answers contain themselves


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call that would change something: boto3's names of service and operation, the region, the arguments.

    ``more`` is what is done with it that the arguments do not show.
    """

    service: str
    operation: str
    region: str
    arguments: Mapping[str, Any]
    more: str = ""


@dataclass
class Rehearsing(Aws):
    """Clients whose changing calls go to ``note`` and are answered with placeholders: ``<NetworkAclId>``."""

    note: Callable[[PlannedCall], None] = field(kw_only=True)

    @classmethod
    def of(cls, aws: Aws, note: Callable[[PlannedCall], None]) -> "Rehearsing":
        """The same account or lab."""
        return cls(aws.endpoint_url, _session=aws._session, note=note)

    def _new(self, service: str, region: str, attempts: int = ATTEMPTS) -> Any:
        client = super()._new(service, region, attempts)
        client.meta.events.register_first("before-parameter-build", _keep_arguments)
        client.meta.events.register_first("before-call", partial(self._answer, service, region))
        return client

    def _answer(self, service: str, region: str, model: Any, context: dict[str, Any], **_: Any) -> Any:
        """None lets botocore send the call; an answer keeps it from doing so."""
        if model.name.startswith(READS):
            return None
        from botocore import xform_name
        from botocore.awsrequest import AWSResponse

        self.note(PlannedCall(service, xform_name(model.name), region, context["gameday"]))
        return AWSResponse("", 200, {}, None), placeholder(model.output_shape, "answer")


def _keep_arguments(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    """As they were given, before botocore makes a request of them."""
    context["gameday"] = dict(params)


def placeholder(shape: Any, name: str, depth: int = 0) -> Any:
    """What a call that was not made would have answered: each text is its member's name in angle brackets."""
    if shape is None or (shape.type_name == "structure" and depth > DEEPEST):
        return {}
    if shape.type_name == "structure":
        return {member: placeholder(inner, member, depth + 1) for member, inner in shape.members.items()}
    plain: dict[str, Any] = {"list": [], "map": {}, "boolean": False, **dict.fromkeys(NUMBERS, 0)}
    return plain.get(shape.type_name, f"<{name}>")
