"""Reads a lab's effective delays from its own configuration: health check, records, alarm, state machine."""

import json
from typing import Any

from gameday.errors import LabError
from gameday.facts import Timers
from gameday.lab import timers
from gameday.lab.model import GLOBAL_REGION, Lab

HEALTH_ALARM = "gameday-primary-health"


def timers_of(lab: Lab) -> Timers:
    """Every delay that the lab's configuration dictates, at its timer scale."""
    check = lab.client("route53", GLOBAL_REGION).get_health_check(HealthCheckId=lab.shared("HealthCheckId"))
    health = check["HealthCheck"]["HealthCheckConfig"]
    alarm = _health_alarm(lab)
    own = {key: float(lab.facts[key]) for key in ("rds_promotion_s", "ecs_start_s") if key in lab.facts}
    return timers.effective(
        lab.timer_scale,
        health_check_interval_s=health["RequestInterval"],
        health_check_threshold=health["FailureThreshold"],
        dns_ttl_s=_failover_ttl_s(lab),
        alarm_period_s=alarm["Period"],
        alarm_periods=alarm["EvaluationPeriods"],
        asl_wait_s=asl_waits_s(lab),
        **own,
    )


def asl_waits_s(lab: Lab) -> dict[str, float]:
    """The Wait states of the failover's definition and their seconds, at scale 1."""
    machine = lab.client("stepfunctions", lab.secondary).describe_state_machine(
        stateMachineArn=lab.shared("StateMachineArn")
    )
    states: dict[str, Any] = json.loads(machine["definition"])["States"]
    return {name: float(state["Seconds"]) for name, state in states.items() if state["Type"] == "Wait"}


def _health_alarm(lab: Lab) -> dict[str, Any]:
    found = lab.client("cloudwatch", GLOBAL_REGION).describe_alarms(AlarmNames=[HEALTH_ALARM])["MetricAlarms"]
    if not found:
        raise LabError(f"an alarm {HEALTH_ALARM} in {GLOBAL_REGION}", "none", "deploy the routing stack of infra/")
    return dict(found[0])


def _failover_ttl_s(lab: Lab) -> float:
    name = lab.shared("ServiceName").rstrip(".") + "."
    records = lab.client("route53", GLOBAL_REGION).list_resource_record_sets(HostedZoneId=lab.shared("HostedZoneId"))
    ttls = [r["TTL"] for r in records["ResourceRecordSets"] if r["Name"] == name and "Failover" in r and "TTL" in r]
    if not ttls:
        raise LabError(f"failover records of {name} with a TTL", "none", "deploy the routing stack of infra/")
    return float(max(ttls))
