"""Health checks that really look, and the answers that follow from them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from compute_stage import SOUTH, answering, control_plane, ground_in, network

from gameday.clock import SYSTEM, eventually
from gameday.errors import LabError
from gameday.lab.local.metrics import MetricStore, now, series_key
from gameday.lab.local.routing import RoutingController, Watched, is_good
from gameday.lab.local.watching import Look, Strikes


@dataclass
class Stage:
    client: Callable[[str, str], Any]
    routing: RoutingController
    said: list[str]

    @property
    def route53(self) -> Any:
        return self.client("route53", "us-east-1")

    def check(self, **more: Any) -> str:
        """A health check of the south's regional name, at the port where a test's server answers."""
        config = {
            "Type": "HTTP", "FullyQualifiedDomainName": "south.app.gameday.example", "ResourcePath": "/healthz",
            "Port": self.routing.ground.ports.http, "RequestInterval": 10, "FailureThreshold": 3, **more,
        }  # fmt: skip
        made = self.route53.create_health_check(CallerReference=str(more), HealthCheckConfig=config)
        return str(made["HealthCheck"]["Id"])

    def records(self, check: str) -> None:
        _, subnets, group = network(self.client, SOUTH)
        balancer = self.client("elbv2", SOUTH).create_load_balancer(
            Name="gameday", Subnets=subnets, SecurityGroups=[group]
        )
        alias = {"HostedZoneId": "Z1", "DNSName": f"dualstack.{balancer['LoadBalancers'][0]['DNSName']}"}
        sets = [
            _cname(
                "app", "south.app.gameday.example", SetIdentifier="primary", Failover="PRIMARY", HealthCheckId=check
            ),
            _cname("app", "standby.gameday.example", SetIdentifier="secondary", Failover="SECONDARY"),
            {"Name": "south.app.gameday.example", "Type": "A", "AliasTarget": alias | {"EvaluateTargetHealth": False}},
            {"Name": "standby.gameday.example", "Type": "A", "TTL": 30, "ResourceRecords": [{"Value": "127.203.2.1"}]},
        ]
        zone = self.route53.create_hosted_zone(Name="gameday.example", CallerReference="z")["HostedZone"]["Id"]
        changes = [{"Action": "UPSERT", "ResourceRecordSet": each} for each in sets]
        self.route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    def until(self, check: str, healthy: bool) -> str:
        def reconciled() -> tuple[bool, str]:
            self.routing.reconcile()
            return self.routing.status(check)

        return eventually(reconciled, lambda told: told[0] is healthy, what="the check", within_s=15)[1]


def _cname(name: str, to: str, **more: Any) -> dict[str, Any]:
    record = {"Name": f"{name}.gameday.example", "Type": "CNAME", "TTL": 30, "ResourceRecords": [{"Value": to}]}
    return record | more


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with control_plane() as client:
        ground, said = ground_in(tmp_path, scale=0.01)
        routing = RoutingController(ground)
        try:
            yield Stage(client, routing, said)
        finally:
            routing.close()


def test_a_verdict_turns_only_after_the_threshold_in_a_row() -> None:
    strikes = Strikes(True, to_fail=3, to_recover=3)
    assert [strikes.saw(False), strikes.saw(False), strikes.saw(True)] == [False, False, False]
    assert [strikes.saw(False), strikes.saw(False), strikes.saw(False)] == [False, False, True]
    assert [strikes.saw(True), strikes.saw(True), strikes.saw(True), strikes.healthy] == [False, False, True, True]


def told_of(looks: list[Look], **check: bool) -> list[tuple[bool, str]]:
    """After each look, whether the check counts as healthy and what it tells."""
    watched = Watched(SimpleNamespace(**{"disabled": False, "inverted": False} | check), Strikes(True, 2, 2))
    told = []
    for look in looks:
        watched.last = look
        watched.strikes.saw(is_good(look))
        told.append((watched.healthy, watched.told()))
    return told


GOOD, BAD, NONE = Look(200, "OK"), Look(503, "Service Unavailable"), Look(None, "timed out")


def test_the_status_tells_what_counts_and_what_the_last_look_found() -> None:
    assert told_of([GOOD, BAD, NONE, GOOD, GOOD]) == [
        (True, "Success: HTTP Status Code 200, OK"),
        (True, "Success: HTTP Status Code 503, Service Unavailable (1 of the 2 in a row that turn it)"),
        (False, "Failure: timed out"),
        (False, "Failure: HTTP Status Code 200, OK (1 of the 2 in a row that turn it)"),
        (True, "Success: HTTP Status Code 200, OK"),
    ]


def test_the_status_of_an_inverted_or_disabled_check_is_what_dns_takes_it_for() -> None:
    assert told_of([NONE, NONE], inverted=True)[-1] == (True, "Success: timed out (inverted)")
    assert told_of([NONE], disabled=True)[-1] == (True, "Success: the health check is disabled")
    both = told_of([GOOD], disabled=True, inverted=True)
    assert both == [(False, "Failure: the health check is disabled (inverted)")]


def test_dns_follows_what_the_health_check_sees_and_comes_back(stage: Stage) -> None:
    ground, status = stage.routing.ground, [200]
    with answering(ground.addresses.balancer(SOUTH), ground.ports.http, lambda: status[0]) as asked:
        # the check's own timeouts are scaled to 40 ms and 20 ms here: too short for a busy machine
        stage.routing.look = _patient
        check = stage.check()
        stage.records(check)
        assert stage.until(check, True).startswith("Success")
        assert stage.routing.current_answer("app.gameday.example") == (ground.addresses.balancer(SOUTH),)
        status[0] = 500
        assert stage.until(check, False) == "Failure: HTTP Status Code 500, Internal Server Error"
        assert stage.routing.current_answer("app.gameday.example") == ("127.203.2.1",)
        status[0] = 200
        stage.until(check, True)
        assert stage.routing.current_answer("app.gameday.example") == (ground.addresses.balancer(SOUTH),)
    assert ("/healthz", "south.app.gameday.example") in {ask[:2] for ask in asked}


def _patient(check: Any, address: str) -> Look:
    from gameday.lab.local.watching import http_look

    return http_look(address, check.port, check.resource_path, host=check.fqdn, connect_s=2, answer_s=2)


def test_nobody_at_home_is_a_failure_after_three_looks(stage: Stage) -> None:
    check = stage.check(IPAddress="127.203.1.1")
    assert "refused" in stage.until(check, False)
    assert any(f"health check {check} turned unhealthy" in line for line in stage.said)


def test_a_lab_that_comes_up_has_no_outage_before_anybody_looks(stage: Stage) -> None:
    stage.routing.looking = False
    check, begun = stage.check(IPAddress="127.203.1.1"), now(SYSTEM)
    stage.routing.reconcile()
    store, key = MetricStore(), series_key("AWS/Route53", "HealthCheckStatus", {"HealthCheckId": check})

    def samples() -> list[float]:
        store.catch_up("us-east-1")
        return [sample.largest for sample in store.series("us-east-1", key, begun)]

    seen = eventually(samples, lambda seen: len(seen) > 4, what="samples", within_s=10)
    assert set(seen) == {1.0}
    stage.routing.looking = True
    stage.until(check, False)


def test_a_name_without_an_address_is_a_failure(stage: Stage) -> None:
    assert stage.until(stage.check(), False) == "Failure: no address for south.app.gameday.example"


def test_a_disabled_check_counts_as_healthy(stage: Stage) -> None:
    check = stage.check(IPAddress="127.203.1.1")
    stage.until(check, False)
    stage.route53.update_health_check(HealthCheckId=check, Disabled=True)
    stage.until(check, True)


def test_an_inverted_check_is_turned_round(stage: Stage) -> None:
    check = stage.check(IPAddress="127.203.1.1")
    stage.until(check, False)
    stage.route53.update_health_check(HealthCheckId=check, Inverted=True)
    stage.until(check, True)


def test_every_look_is_a_sample_in_us_east_1(stage: Stage) -> None:
    check = stage.check(IPAddress="127.203.1.1")
    begun = now(SYSTEM)
    stage.until(check, False)
    store, key = MetricStore(), series_key("AWS/Route53", "HealthCheckStatus", {"HealthCheckId": check})

    def samples() -> list[float]:
        store.catch_up("us-east-1")
        return [sample.largest for sample in store.series("us-east-1", key, begun)]

    assert eventually(samples, lambda seen: 0.0 in seen, what="samples", within_s=5)[-2:] == [1.0, 1.0]


def test_a_check_that_is_deleted_is_no_longer_looked_at(stage: Stage) -> None:
    check = stage.check(IPAddress="127.203.1.1")
    stage.until(check, False)
    stage.route53.delete_health_check(HealthCheckId=check)
    stage.until(check, True)


def test_another_type_of_check_is_refused_aloud(stage: Stage) -> None:
    stage.check(Type="TCP", IPAddress="127.203.1.1")
    with pytest.raises(LabError, match="of type TCP"):
        stage.routing.reconcile()
