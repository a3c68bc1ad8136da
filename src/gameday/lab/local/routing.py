"""Route 53 of the local lab: health checks that really look, and the DNS server that answers by what they saw."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gameday.clock import SYSTEM, Clock
from gameday.errors import LabError
from gameday.lab.local.dns import Answer, DnsServer, Zones, zones_of_moto
from gameday.lab.local.ground import ACCOUNT, PRIMARY, SECONDARY, Ground
from gameday.lab.local.metrics import MetricStore
from gameday.lab.local.watching import Beat, Look, Strikes, http_look
from gameday.lab.model import GLOBAL_REGION
from gameday.lab.timers import HEALTH_CHECK_TIMEOUT_S

ANSWER_TIMEOUT_MIN_S = 1.0  # a busy machine's answer takes its own time, at any scale; a cut is seen when connecting
ANSWER_TIMEOUT_S = 2.0  # after connecting (Route 53 developer guide, "How Route 53 determines whether … is healthy")
NOT_LOOKED = Look(None, "not looked yet")


@dataclass
class Watched:
    """One health check of moto's and what its looks found. A new one is healthy until they say otherwise."""

    check: Any
    strikes: Strikes
    last: Look = NOT_LOOKED
    beat: Beat | None = None
    signature: tuple[object, ...] = ()

    @property
    def healthy(self) -> bool:
        """A disabled check counts as healthy, an inverted one is turned round; both together are unhealthy."""
        return bool((True if self.check.disabled else self.strikes.healthy) != bool(self.check.inverted))

    def told(self) -> str:
        """The status in Route 53's words: whether the check counts as healthy, and what its last look found.

        On AWS each of many checkers tells its own last look, and the decision counts them. Here one checker stands for
        all, so its word is the decision's: what this tells, DNS and ``HealthCheckStatus`` never disagree.
        """
        return f"{'Success' if self.healthy else 'Failure'}: {self._found()}{self._unlike_the_look()}"

    def _found(self) -> str:
        if self.check.disabled:
            return "the health check is disabled"
        return self.last.why if self.last.status is None else f"HTTP Status Code {self.last.status}, {self.last.why}"

    def _unlike_the_look(self) -> str:
        """Why the word may be another than the look's own."""
        strikes, reasons = self.strikes, []
        if strikes.streak and not self.check.disabled:
            needed = strikes.to_fail if strikes.healthy else strikes.to_recover
            reasons.append(f"{strikes.streak} of the {needed} in a row that turn it")
        if self.check.inverted:
            reasons.append("inverted")
        return f" ({', '.join(reasons)})" if reasons else ""


def is_good(look: Look) -> bool:
    """Route 53 takes any 2xx or 3xx for healthy."""
    return look.status is not None and 200 <= look.status < 400


@dataclass
class RoutingController:
    """Looks at every health check of moto's on a fixed schedule, and answers DNS at ``ground.resolver``.

    One checker stands for Route 53's many, which agree by majority. Each look resolves the check's name anew through
    the zones, connects as a client would (so through the balancer's edge link), and publishes ``HealthCheckStatus``
    of ``AWS/Route53`` in us-east-1. Type HTTP only; another type is an error that ``reconcile`` raises.

    While ``looking`` is False a check keeps its state, as new ones do, which count as healthy: a lab that comes up says
    so until its services are in service, because CloudFormation, too, makes the check only after they are stable.
    Without that, a slow start would be an outage, and start a failover.
    """

    ground: Ground
    clock: Clock = SYSTEM
    look: Callable[[Any, str], Look] | None = None  # of a check, at an address
    name: str = field(default="routing", init=False)
    looking: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        self._watched: dict[str, Watched] = {}
        self._metrics = MetricStore(self.clock)
        self.zones = Zones(zones_of_moto, self.healthy, self._balancer, self.ground.scale)
        self._server = DnsServer(self.zones.answer, self.ground.addresses.dns, self.ground.ports.dns)

    def reconcile(self) -> None:
        checks = {check.id: check for check in list(_backend().health_checks.values())}
        for gone in set(self._watched) - set(checks):
            self._drop(gone)
        for check_id, check in checks.items():
            watched = self._watched.get(check_id)
            if watched is None or watched.signature != _signature(check):
                self._drop(check_id)
                self._watched[check_id] = self._watch(check, watched)
        for watched in list(self._watched.values()):
            if watched.beat:
                watched.beat.check()

    def close(self) -> None:
        """Stop looking and answering. Safe twice."""
        beats = [watched.beat for watched in self._watched.values() if watched.beat]
        for check_id in list(self._watched):
            self._drop(check_id)
        for beat in beats:
            beat.stop(wait_s=1.0)
        self._server.close()

    def healthy(self, health_check_id: str) -> bool:
        """Whether DNS treats the check as healthy now; one never heard of counts as healthy."""
        watched = self._watched.get(health_check_id)
        return watched is None or watched.healthy

    def status(self, health_check_id: str) -> tuple[bool, str]:
        """``GetHealthCheckStatus``: whether it counts as healthy, and the same in Route 53's words."""
        watched = self._watched.get(health_check_id)
        return (watched.healthy, watched.told()) if watched else (True, f"Success: {NOT_LOOKED.why}")

    def answer(self, name: str, kind: str = "A") -> Answer:
        return self.zones.answer(name, kind)

    def current_answer(self, name: str) -> tuple[str, ...]:
        """The addresses that DNS answers for ``name`` now."""
        return self.zones.answer(name).addresses

    # -- one check -----------------------------------------------------------------------------------------------

    def _watch(self, check: Any, before: Watched | None) -> Watched:
        """A changed check keeps what is known of it."""
        threshold = int(check.failure_threshold)
        strikes = Strikes(before.strikes.healthy if before else True, threshold, threshold)
        watched = Watched(check, strikes, before.last if before else NOT_LOOKED)
        watched.signature = _signature(check)
        if check.type_ != "HTTP":
            self._watched[check.id] = watched
            raise LabError(
                "a health check of type HTTP", f"{check.id} of type {check.type_}", "the local lab has only that"
            )
        every_s = int(check.request_interval) * self.ground.scale
        watched.beat = Beat(f"health check {check.id}", lambda: self._look_once(watched), every_s)
        return watched

    def _drop(self, check_id: str) -> None:
        watched = self._watched.pop(check_id, None)
        if watched and watched.beat:
            watched.beat.stop()

    def _look_once(self, watched: Watched) -> None:
        check = watched.check
        if self.looking and not check.disabled:
            watched.last = self._seen(check)
            if watched.strikes.saw(is_good(watched.last)):
                turned = "healthy" if watched.healthy else "unhealthy"
                self.ground.said(f"health check {check.id} turned {turned}: {watched.told()}")
        dimensions = {"HealthCheckId": check.id}
        self._metrics.put(GLOBAL_REGION, "AWS/Route53", "HealthCheckStatus", dimensions, float(watched.healthy))

    def _seen(self, check: Any) -> Look:
        addresses = (check.ip_address,) if check.ip_address else self.current_answer(check.fqdn)
        if not addresses:
            return Look(None, f"no address for {check.fqdn}")
        return (self.look or self._http)(check, addresses[0])

    def _http(self, check: Any, address: str) -> Look:
        scale = self.ground.scale
        return http_look(
            address,
            int(check.port),
            check.resource_path or "/",
            host=check.fqdn or address,
            connect_s=HEALTH_CHECK_TIMEOUT_S * scale,
            answer_s=max(ANSWER_TIMEOUT_S * scale, ANSWER_TIMEOUT_MIN_S),
        )

    def _balancer(self, dns_name: str) -> str | None:
        from moto.elbv2.models import elbv2_backends

        for region in (PRIMARY, SECONDARY):
            balancers = list(elbv2_backends[ACCOUNT][region].load_balancers.values())
            if any(balancer.dns_name.lower() == dns_name for balancer in balancers):
                return self.ground.addresses.balancer(region)
        return None


def _backend() -> Any:
    from moto.route53.models import route53_backends

    return route53_backends[ACCOUNT]["aws"]


def _signature(check: Any) -> tuple[object, ...]:
    """What a changed check is recognised by; moto changes it in place."""
    where = (check.type_, check.fqdn, check.ip_address, check.port, check.resource_path)
    return (*where, check.request_interval, check.failure_threshold)
