"""Control-plane trouble: a region's AWS APIs err, throttle, take their time, or do not answer at all."""

from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic

from gameday.errors import FaultError, InputError, LabError
from gameday.facts import Kind
from gameday.faults import effects
from gameday.faults.acls import breakable_service
from gameday.faults.guard import only_in_the_local_lab
from gameday.faults.replay import Verb, take_back
from gameday.lab.local import extras
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

EVERY_SERVICE = "*"
USUAL = "ecs"  # asked when every service is in trouble
READS = {  # a call of each service that changes nothing
    "ecs": "list_clusters",
    "rds": "describe_db_instances",
    "ec2": "describe_vpcs",
    "s3": "list_buckets",
    "secretsmanager": "list_secrets",
    "cloudwatch": "list_dashboards",
    "stepfunctions": "list_state_machines",
    "elbv2": "describe_load_balancers",
    "sns": "list_topics",
    "events": "list_rules",
}


class Trouble(StrEnum):
    """What becomes of the calls."""

    ERRORS = "errors"
    THROTTLING = "throttling"
    LATENCY = "latency"
    BLACKOUT = "blackout"


def control_plane_calm(region: str, service: str) -> UndoStep:
    """Calls of this service (``*`` is every one) in this region are answered as ever."""
    return UndoStep("control_plane_calm", region, {"service": service})


@dataclass(frozen=True, slots=True)
class ControlPlaneTrouble:
    """Calls of one AWS service, or of all, in ``region`` are answered with errors, throttled, late, or not at all.

    ``errors``: a ``share`` of them, evenly spread. ``throttling``: what exceeds ``calls_per_s``. ``latency``:
    ``latency_s`` more for each. ``blackout``: the connection ends without an answer.

    In the local lab the control plane's door does it, to every caller: the service, its failover, and this drill too.
    Refused in AWS: Fault Injection Service has such actions for the APIs of EC2 and Kinesis alone (FIS user guide,
    "AWS FIS Actions reference"), and none of those carry a failover.
    """

    region: str
    how: str = Trouble.ERRORS
    service: str = EVERY_SERVICE
    share: float = 1.0
    latency_s: float = 2.0
    calls_per_s: float = 1.0
    effect_within_s: float = field(default=effects.WITHIN_S, repr=False)

    def __post_init__(self) -> None:
        if self.how not in tuple(Trouble):
            raise InputError(f"a trouble of {', '.join(Trouble)}", repr(self.how), "correct `how`")
        if self.service != EVERY_SERVICE and self.service not in READS:
            raise InputError(f"a service of {', '.join(READS)}, or *", repr(self.service), "correct `service`")
        if not 0 < self.share <= 1:
            raise InputError("a share of the calls above 0 and up to 1", repr(self.share), "1 is all of them")
        if self.latency_s <= 0 or self.calls_per_s <= 0:
            seen = f"latency_s {self.latency_s:g}, calls_per_s {self.calls_per_s:g}"
            raise InputError("a latency and a rate above 0", seen, "correct them")

    @property
    def stays_reachable(self) -> tuple[str, ...]:
        """What runs goes on running: only who asks AWS for something is troubled."""
        return ("the region's balancer, tasks and database, for their clients", "the AWS APIs of the other region")

    @property
    def alarms(self) -> tuple[str, ...]:
        """None: clients are served on."""
        return ()

    def inject(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """Begin it, and see it in a call of ours; raises :class:`FaultError` when no call shows it in time."""
        but = "which lets nobody trouble the APIs that a failover needs"
        only_in_the_local_lab(lab, "whose control plane is ours", but, "drill this in the local lab")
        breakable_service(lab, self.region)
        undo.before(control_plane_calm(self.region, self.service))
        timeline.add(Kind.FAULT, repr(self), region=self.region)
        extras.trouble_control_plane(lab, self.region, self.service, self._rule())
        looks: effects.Looks = {f"a call shows {self.how}": lambda: self._is_felt(lab)}
        effects.verify(looks, undo, timeline, repr(self), self.region, within_s=self.effect_within_s)

    def heal(self, lab: Lab, undo: UndoJournal, timeline: Timeline) -> None:
        """End it; the region is fenced first, should the other one have been promoted."""
        take_back(self, lab, undo, timeline)

    def _rule(self) -> dict[str, float]:
        return {
            Trouble.ERRORS: {"error_share": self.share},
            Trouble.THROTTLING: {"calls_per_s": self.calls_per_s},
            Trouble.LATENCY: {"latency_s": self.latency_s},
            Trouble.BLACKOUT: {"blackout": 1.0},
        }[Trouble(self.how)]

    def _is_felt(self, lab: Lab) -> bool:
        """A call that our client does not repeat: an error, or an answer that took its time."""
        from botocore.exceptions import BotoCoreError, ClientError

        service = USUAL if self.service == EVERY_SERVICE else self.service
        client, began_s = lab.aws.client(service, self.region, attempts=1), monotonic()
        try:
            getattr(client, READS[service])()
        except (BotoCoreError, ClientError):
            return self.how != Trouble.LATENCY
        return self.how == Trouble.LATENCY and monotonic() - began_s >= self.latency_s


def _calm(lab: Lab, step: UndoStep) -> None:
    try:
        extras.calm_control_plane(lab, step.region, step.args["service"])
    except LabError as cause:
        next_step = "see that the lab runs (gameday lab status), then gameday undo RECORD"
        raise FaultError(f"the control plane of {step.region} calm", str(cause), next_step) from cause


TAKES_BACK: dict[str, Verb] = {"control_plane_calm": _calm}
