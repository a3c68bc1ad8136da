"""The load balancers: one edge link a region, whose targets are the service's tasks that pass their health check."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gameday.clock import NS, SYSTEM, Clock
from gameday.errors import LabError
from gameday.lab.local import ecs_tasks
from gameday.lab.local.ground import ACCOUNT, PRIMARY, SECONDARY, Ground
from gameday.lab.local.links import Address, HttpAnswers, Place
from gameday.lab.local.metrics import MetricStore
from gameday.lab.local.watching import Beat, Look, Strikes, http_look

REGIONS = (PRIMARY, SECONDARY)
TIMEOUT_MIN_S = 0.5  # a scaled lab still gives a busy machine time to answer
METRIC_PERIOD_S = 15.0
NAMESPACE = "AWS/ApplicationELB"

Health = tuple[str, str | None, str | None]  # state, reason, description, as DescribeTargetHealth says them


def edge_name(region: str) -> str:
    """The name of the link from clients through a region's balancer to its tasks."""
    return f"edge/{region}"


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A target group's health check, at the lab's scale."""

    path: str
    interval_s: float
    timeout_s: float
    to_recover: int
    to_fail: int
    codes: str

    def passes(self, look: Look) -> bool:
        """Whether the status is among the matcher's codes: ``200``, ``200,202`` or ``200-299``."""
        return look.status is not None and any(_within(look.status, part) for part in self.codes.split(","))


def _within(status: int, part: str) -> bool:
    low, _, high = part.partition("-")
    return int(low) <= status <= int(high or low)


@dataclass
class Target:
    """One registered target and what its looks found. It is ``initial`` until a first look passed, or enough failed."""

    id: str
    port: int
    check: HealthCheck
    strikes: Strikes | None = None
    failed: int = 0
    last: Look | None = None
    beat: Beat | None = None

    def saw(self, look: Look) -> None:
        """Count a look. A new target must pass one check to be healthy (ELB user guide, target group health checks)."""
        good, self.last = self.check.passes(look), look
        if self.strikes:
            self.strikes.saw(good)
            return
        self.failed += not good
        if good or self.failed >= self.check.to_fail:
            self.strikes = Strikes(good, self.check.to_fail, self.check.to_recover)

    @property
    def state(self) -> str:
        if self.strikes is None:
            return "initial"
        return "healthy" if self.strikes.healthy else "unhealthy"

    @property
    def health(self) -> Health:
        """As ``DescribeTargetHealth`` says it."""
        if self.state == "healthy":
            return ("healthy", None, None)
        if self.state == "initial":
            return ("initial", "Elb.InitialHealthChecks", "Initial health checks in progress")
        if self.last is None or self.last.status is None:
            return ("unhealthy", "Target.Timeout", f"Request failed: {self.last.why if self.last else 'not sent'}")
        told = f"Health checks failed with these codes: [{self.last.status}]"
        return ("unhealthy", "Target.ResponseCodeMismatch", told)


def serving(targets: Iterable[Target]) -> tuple[Address, ...]:
    """Where requests go: to the healthy; to all when every one is unhealthy, because a balancer then fails open."""
    targets = tuple(targets)
    healthy = [target for target in targets if target.state == "healthy"]
    all_unhealthy = all(target.state == "unhealthy" for target in targets)
    return tuple((target.id, target.port) for target in (targets if all_unhealthy else healthy))


@dataclass
class BalancerController:
    """Registers the services' running tasks, looks at every target's health, and keeps each region's edge link true.

    Looks go straight to the target, not through the edge link; while that link is cut, balancer and tasks are taken to
    be cut from each other too, and every look fails. Not as on AWS: one balancer, one listener and one target group
    a region; a deregistered target's connections go on until they end, and each keeps the target it got, however many
    requests it carries. Requests are counted by their answers, so one that its target left without any (a 502 on AWS)
    is in no count; other statuses and response times are not published.
    """

    ground: Ground
    clock: Clock = SYSTEM
    look: Callable[[Target], Look] | None = None
    name: str = field(default="balancer", init=False)

    def __post_init__(self) -> None:
        self._targets: dict[tuple[str, str], Target] = {}  # (target group's ARN, target id)
        self._registered: set[tuple[str, str]] = set()  # by us, so it is ours to take out again
        self._serving: dict[str, tuple[Address, ...]] = {}  # region -> what its edge link was told last
        self._counted: dict[str, HttpAnswers] = {}  # region -> what its edge link had counted when metrics were told
        self._metrics = MetricStore(self.clock)
        self._told_ns = 0

    def reconcile(self) -> None:
        groups = {region: _target_group(region) for region in REGIONS}
        for region, group in groups.items():
            if group is not None:
                self._register(region, group)
        self._watch([group for group in groups.values() if group is not None])
        for region, group in groups.items():
            self._aim(region, group)
        for target in list(self._targets.values()):
            if target.beat:
                target.beat.check()
        self._tell_metrics(groups)

    def close(self) -> None:
        """Stop looking, and close the edge links. Safe twice."""
        beats = [target.beat for target in self._targets.values() if target.beat]
        for key in list(self._targets):
            self._drop(key)
        for beat in beats:
            beat.stop(wait_s=1.0)
        for region in list(self._serving):
            self.ground.board.close(edge_name(region))
            del self._serving[region]

    def target_health(self, arn: str, target_id: str) -> Health:
        """The health of one target of the target group ``arn``."""
        target = self._targets.get((arn, target_id))
        return (
            target.health if target else ("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
        )

    # -- targets -------------------------------------------------------------------------------------------------

    def _register(self, region: str, group: Any) -> None:
        """The running tasks of the services behind this target group are its targets."""
        wanted = {address for service in _services(region, group.arn) for address in _addresses(region, service)}
        for address in sorted(wanted - set(group.targets)):
            group.register([{"Id": address, "Port": self.ground.ports.task}])
            self._registered.add((group.arn, address))
        for arn, address in list(self._registered):
            if arn == group.arn and address not in wanted:
                self._registered.discard((arn, address))
                if address in group.targets:
                    group.deregister([{"Id": address}])

    def _watch(self, groups: Sequence[Any]) -> None:
        there = {(group.arn, told["Id"]): (group, told) for group in groups for told in list(group.targets.values())}
        for gone in set(self._targets) - set(there):
            self._drop(gone)
        for key, (group, told) in there.items():
            check = self._check_of(group)
            known = self._targets.get(key)
            if known is None or known.check != check:
                self._drop(key)
                self._targets[key] = self._begin(Target(told["Id"], int(told["Port"]), check), group.region_name)

    def _check_of(self, group: Any) -> HealthCheck:
        scale = self.ground.scale
        return HealthCheck(
            path=group.health_check_path or "/",
            interval_s=int(group.health_check_interval_seconds) * scale,
            timeout_s=max(TIMEOUT_MIN_S, int(group.health_check_timeout_seconds) * scale),
            to_recover=int(group.healthy_threshold_count),
            to_fail=int(group.unhealthy_threshold_count),
            codes=(group.matcher or {}).get("HttpCode", "200"),
        )

    def _begin(self, target: Target, region: str) -> Target:
        def once() -> None:
            target.saw(Look(None, "the region is cut off") if self._is_cut(region) else (self.look or _http)(target))

        target.beat = Beat(f"target {target.id}", once, target.check.interval_s)
        return target

    def _is_cut(self, region: str) -> bool:
        return any(link.name == edge_name(region) and link.is_cut for link in self.ground.board.links())

    def _drop(self, key: tuple[str, str]) -> None:
        target = self._targets.pop(key, None)
        if target and target.beat:
            target.beat.stop()

    # -- the edge link -------------------------------------------------------------------------------------------

    def _aim(self, region: str, group: Any | None) -> None:
        """Open, aim or close a region's edge link; nothing is told twice."""
        name = edge_name(region)
        if group is None:
            if self._serving.pop(region, None) is not None:
                self.ground.board.close(name)
            return
        targets = serving(target for (arn, _), target in sorted(self._targets.items()) if arn == group.arn)
        if region not in self._serving:
            listen = (self.ground.addresses.balancer(region), self.ground.ports.http)
            path = (Place("", "client"), Place(region, "balancer"), Place(region, "tasks"))
            self.ground.board.open(name, listen, targets, path, http=True)
            self._counted[region] = HttpAnswers()
        elif targets != self._serving[region]:
            self.ground.board.retarget(name, targets)
        self._serving[region] = targets

    def _tell_metrics(self, groups: Mapping[str, Any | None]) -> None:
        now_ns = self.clock.mono_ns()
        if now_ns - self._told_ns < METRIC_PERIOD_S * self.ground.scale * NS:
            return
        self._told_ns = now_ns
        answers = {link.name: link.answers for link in self.ground.board.links()}
        for region, group in groups.items():
            if group is not None:
                self._tell_hosts(region, group)
                self._tell_requests(region, group, answers[edge_name(region)])

    def _tell_hosts(self, region: str, group: Any) -> None:
        states = [target.state for (arn, _), target in list(self._targets.items()) if arn == group.arn]
        where = {"TargetGroup": group.arn.split(":")[-1], "LoadBalancer": _balancer_name(group)}
        for metric, state in (("HealthyHostCount", "healthy"), ("UnHealthyHostCount", "unhealthy")):
            self._metrics.put(region, NAMESPACE, metric, where, states.count(state))

    def _tell_requests(self, region: str, group: Any, answers: HttpAnswers) -> None:
        """What was counted since the last time; a count of nothing is not reported."""
        fresh, self._counted[region] = answers - self._counted[region], answers
        for metric, value in counts_of(fresh).items():
            if value:
                self._metrics.put(region, NAMESPACE, metric, {"LoadBalancer": _balancer_name(group)}, value)


def counts_of(answers: HttpAnswers) -> dict[str, int]:
    """A balancer's metrics; only a request for which a target was chosen is counted as one (ELB user guide)."""
    return {
        "RequestCount": answers.total - answers.untargeted,
        "HTTPCode_Target_5XX_Count": answers.target_5xx,
        "HTTPCode_ELB_5XX_Count": answers.own_5xx,
    }


def _http(target: Target) -> Look:
    limit_s = target.check.timeout_s
    return http_look(target.id, target.port, target.check.path, host=target.id, connect_s=limit_s, answer_s=limit_s)


def _target_group(region: str) -> Any | None:
    """The target group that the region's one balancer forwards to, or None while there is none."""
    from moto.elbv2.models import elbv2_backends

    backend = elbv2_backends[ACCOUNT][region]
    balancers = [each for each in list(backend.load_balancers.values()) if each.type == "application"]
    if len(balancers) > 1:
        names = ", ".join(each.name for each in balancers)
        raise LabError(
            f"one load balancer in {region}", names, "the local lab has one address for it: delete the others"
        )
    listeners = [listener for balancer in balancers for listener in list(balancer.listeners.values())]
    arns = [arn for listener in listeners for action in listener.default_actions for arn in _forwards_to(action.data)]
    return backend.target_groups.get(arns[0]) if arns else None


def _forwards_to(action: Mapping[str, Any]) -> list[str]:
    """The target groups of a listener's action, in either way of writing it."""
    groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
    return [each["TargetGroupArn"] for each in (action, *groups) if "TargetGroupArn" in each]


def _balancer_name(group: Any) -> str:
    return group.load_balancer_arns[0].split(":loadbalancer/")[-1] if group.load_balancer_arns else ""


def _services(region: str, target_group_arn: str) -> list[Any]:
    services = list(ecs_tasks.backend_of(region).services.values())
    return [each for each in services if target_group_arn in [b.get("targetGroupArn") for b in each.load_balancers]]


def _addresses(region: str, service: Any) -> Iterator[str]:
    for task in ecs_tasks.tasks_of(region, service):
        address = ecs_tasks.address_of(task)
        if address and task.desired_status == task.last_status == "RUNNING":
            yield address
