"""ELBv2, Route 53 and CloudWatch: what they report is what the lab's controllers saw."""

import itertools
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gameday.lab.local.patches.seam import add, demand, hooks, swap

CHECKER_REGIONS = ("us-east-1", "us-west-1", "eu-west-1")
CHECKER_ADDRESS = "15.177.0.1"  # one of Route 53's published checker ranges, 15.177.0.0/18


def install() -> None:
    """Put the patches in; raises UpstreamMoved."""
    _target_health()
    _health_check_status()
    _alarms()


def _target_health() -> None:
    from moto.elbv2.models import FakeHealthStatus, FakeTargetGroup

    def health_for(self: Any, target: dict[str, Any], ec2_backend: Any) -> Any:
        known = original(self, target, ec2_backend)
        ask = hooks().target_health
        if ask is None or target["Id"] not in self.targets:
            return known
        known.status, known.reason, known.description = ask(self.arn, target["Id"])
        return known

    original = swap(FakeTargetGroup, "health_for", health_for, expects="self, target, ec2_backend")
    fields = vars(FakeHealthStatus("10.0.0.1", "80", "80", "healthy"))
    demand({"status", "reason", "description"} <= set(fields), "target health of those fields", ", ".join(fields))


def _health_check_status() -> None:
    from moto.core.responses import ActionResult
    from moto.core.utils import utcnow
    from moto.route53.responses import Route53

    def get_health_check_status(self: Any) -> Any:
        ask = hooks().route53_status
        if ask is None:
            return original(self)
        health_check_id = self._get_param("HealthCheckId")
        self.backend.get_health_check(health_check_id)  # AWS's error when there is none
        report = {"Status": ask(health_check_id)[1], "CheckedTime": utcnow()}
        seen = [{"Region": r, "IPAddress": CHECKER_ADDRESS, "StatusReport": report} for r in CHECKER_REGIONS]
        return ActionResult({"HealthCheckObservations": seen})

    original = swap(Route53, "get_health_check_status", get_health_check_status, expects="self")


def _alarms() -> None:
    """A new alarm has no data yet (AWS: INSUFFICIENT_DATA; moto: OK), and its history can be read."""
    from moto.cloudwatch.models import Alarm
    from moto.cloudwatch.responses import CloudWatchResponse
    from moto.core.responses import ActionResult

    def begin(self: Any, *args: Any, **kwargs: Any) -> None:
        begin_original(self, *args, **kwargs)
        self.state_value = "INSUFFICIENT_DATA"

    def describe_alarm_history(self: Any) -> Any:
        named, kind = self._get_param("AlarmName"), self._get_param("HistoryItemType")
        alarms = [alarm for name, alarm in self.cloudwatch_backend.alarms.items() if named in (None, name)]
        items = [item for alarm in alarms for item in history(alarm) if kind in (None, item["HistoryItemType"])]
        oldest_first = self._get_param("ScanBy") == "TimestampAscending"
        items.sort(key=lambda item: item["Timestamp"], reverse=not oldest_first)
        return ActionResult({"AlarmHistoryItems": items[: int(self._get_param("MaxRecords") or 100)]})

    begin_original = swap(Alarm, "__init__", begin, expects=_alarm_parameters())
    demand("history" in Alarm.update_state.__code__.co_names, "an alarm that keeps its history", "none")
    add(CloudWatchResponse, "describe_alarm_history", describe_alarm_history)


def history(alarm: Any) -> Iterator[dict[str, Any]]:
    """An alarm's state changes as AWS tells them; moto keeps, at each change, the state that was left."""
    left = [(str(kept[3]), kept[4]) for kept in alarm.history if kept[0] == "StateUpdate"]
    states: list[tuple[str, datetime]] = [*left, (str(alarm.state_value), alarm.state_updated_timestamp)]
    for (old, _), (new, at) in itertools.pairwise(states):
        yield {
            "AlarmName": alarm.name,
            "AlarmType": "CompositeAlarm" if alarm.rule else "MetricAlarm",
            "Timestamp": at,
            "HistoryItemType": "StateUpdate",
            "HistorySummary": f"Alarm updated from {old} to {new}",
            "HistoryData": json.dumps({"oldState": {"stateValue": old}, "newState": {"stateValue": new}}),
        }


def _alarm_parameters() -> str:
    return (
        "self, account_id, region_name, name, namespace, metric_name, metric_data_queries, comparison_operator, "
        "evaluation_periods, datapoints_to_alarm, period, threshold, statistic, extended_statistic, description, "
        "dimensions, alarm_actions, ok_actions, insufficient_data_actions, unit, actions_enabled, treat_missing_data, "
        "evaluate_low_sample_count_percentile, threshold_metric_id, rule"
    )
