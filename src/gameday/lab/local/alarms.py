"""CloudWatch's alarms: moto keeps them, this looks at the samples and turns them, and tells topics and event rules."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gameday.clock import SYSTEM, Clock
from gameday.lab.local.evaluation import COMPARISONS, STATISTICS, Datapoint, Rule, State, datapoints, judged, told
from gameday.lab.local.ground import ACCOUNT, PRIMARY, SECONDARY, Ground
from gameday.lab.local.metrics import MetricStore, backend_of, now, series_key
from gameday.lab.model import GLOBAL_REGION

REGIONS = (PRIMARY, SECONDARY, GLOBAL_REGION)
NOT_EVALUATED = "The local lab evaluates alarms on one metric and one plain statistic only"

Deliver = Callable[[str, str, Mapping[str, Any]], None]  # region, event bus, event
Publish = Callable[[str, str, str], None]  # topic ARN, subject, message


@dataclass
class Known:
    """What we last knew of one alarm of moto's; ``alarm`` is another object after each PutMetricAlarm."""

    alarm: Any
    state: State
    born: datetime


@dataclass
class AlarmController:
    """Evaluates every metric alarm of every region at each round, over sliding windows of Period × the lab's scale.

    A turned alarm gets its state, reason and history in moto; its topics are told by ``publish``, and an event
    "CloudWatch Alarm State Change" goes to the region's default bus by ``deliver``; neither may block. An alarm that
    somebody set by hand (SetAlarmState) acts too, and is judged again at the next round. A fresh alarm, and one on
    metric math or a percentile, is INSUFFICIENT_DATA.
    """

    ground: Ground
    deliver: Deliver
    publish: Publish
    clock: Clock = SYSTEM
    name: str = field(default="alarms", init=False)

    def __post_init__(self) -> None:
        self._metrics = MetricStore(self.clock)
        self._known: dict[tuple[str, str], Known] = {}

    def reconcile(self) -> None:
        for region in REGIONS:
            self._metrics.catch_up(region)
            alarms = dict(backend_of(region).alarms)
            for key in [key for key in self._known if key[0] == region and key[1] not in alarms]:
                del self._known[key]
            for alarm in alarms.values():
                self._attend(region, alarm)

    def close(self) -> None:
        """Nothing is held open."""

    # -- one alarm -----------------------------------------------------------------------------------------------

    def _attend(self, region: str, alarm: Any) -> None:
        known = self._known.get((region, alarm.name))
        if known is None or known.alarm is not alarm:
            self._known[region, alarm.name] = self._meet(alarm, known)
        elif alarm.state_value != known.state:
            self._announce(region, known, before=known.state)
        else:
            self._judge(region, known)

    def _meet(self, alarm: Any, before: Known | None) -> Known:
        """A new alarm has no state yet (moto says OK); a changed one keeps the state it had."""
        state = before.state if before else State.INSUFFICIENT_DATA
        alarm.state_value = state.value
        if rule_of(alarm, self.ground.scale) is None:
            alarm.state_reason = NOT_EVALUATED
        return Known(alarm, state, before.born if before else now(self.clock))

    def _judge(self, region: str, known: Known) -> None:
        alarm = known.alarm
        rule = rule_of(alarm, self.ground.scale)
        if rule is None:
            return
        moment = now(self.clock)
        key = series_key(alarm.namespace, alarm.metric_name, {each.name: each.value for each in alarm.dimensions})
        samples = self._metrics.series(region, key, moment - timedelta(seconds=rule.range_s))
        points = datapoints(rule, samples, moment, known.born)
        after = judged(rule, points, known.state)
        if after is not known.state:
            reason = told(rule, points, known.state, after)
            alarm.update_state(reason, json.dumps(_reason_data(rule, points, moment)), after.value)
            self._announce(region, known, before=known.state)

    def _announce(self, region: str, known: Known, before: State) -> None:
        """The alarm has turned: say so, act, and send the event."""
        alarm, known.state = known.alarm, State(known.alarm.state_value)
        self.ground.said(f"alarm {alarm.name} in {region}: {before} -> {known.state}: {alarm.state_reason}")
        for topic in self._actions(alarm, known.state):
            subject = f'{known.state}: "{alarm.name}" in {region}'[:99]
            self.publish(topic, subject, json.dumps(_notification(region, alarm, before)))
        self.deliver(region, "default", _event(region, alarm, before, now(self.clock)))

    def _actions(self, alarm: Any, state: State) -> list[str]:
        """The topics to tell; any other kind of action is not done here, and that is said."""
        if not alarm.actions_enabled:
            return []
        actions = {
            State.ALARM: alarm.alarm_actions,
            State.OK: alarm.ok_actions,
            State.INSUFFICIENT_DATA: alarm.insufficient_data_actions,
        }[state]
        topics = [action for action in actions or () if ":sns:" in action]
        for other in set(actions or ()) - set(topics):
            self.ground.said(f"alarm {alarm.name}: the action {other} is not done in the local lab")
        return topics


def rule_of(alarm: Any, scale: float) -> Rule | None:
    """What the alarm asks, or None when the local lab cannot judge it (metric math, percentiles, composites)."""
    plain = alarm.metric_name and alarm.period and alarm.statistic in STATISTICS
    if not plain or alarm.metric_data_queries or alarm.comparison_operator not in COMPARISONS:
        return None
    periods = int(alarm.evaluation_periods)
    return Rule(
        period_s=int(alarm.period) * scale,
        periods=periods,
        to_alarm=int(alarm.datapoints_to_alarm or periods),
        statistic=alarm.statistic,
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold),
        missing=alarm.treat_missing_data or "missing",
    )


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def _reason_data(rule: Rule, points: tuple[Datapoint, ...], moment: datetime) -> dict[str, Any]:
    return {
        "version": "1.0",
        "queryDate": _stamp(moment),
        "statistic": rule.statistic,
        "period": rule.period_s,
        "recentDatapoints": [point.value for point in points if point.value is not None],
        "threshold": rule.threshold,
        "evaluatedDatapoints": [
            {"timestamp": _stamp(point.start)} | ({} if point.value is None else {"value": point.value})
            for point in reversed(points)
        ],
    }


def _metric(alarm: Any) -> dict[str, Any]:
    dimensions = {each.name: each.value for each in alarm.dimensions}
    return {"namespace": alarm.namespace, "name": alarm.metric_name, "dimensions": dimensions}


def _notification(region: str, alarm: Any, before: State) -> dict[str, Any]:
    """The message that CloudWatch sends to a topic, as far as it is known here."""
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": ACCOUNT,
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": _stamp(alarm.state_updated_timestamp.replace(tzinfo=UTC)),
        "Region": region,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before.value,
        "Trigger": _metric(alarm),
    }


def _event(region: str, alarm: Any, before: State, moment: datetime) -> dict[str, Any]:
    """The EventBridge event of a turned alarm."""
    state = {"value": alarm.state_value, "reason": alarm.state_reason, "timestamp": _stamp(moment)}
    stat = {"metric": _metric(alarm), "period": alarm.period, "stat": alarm.statistic}
    metrics = [{"id": "m1", "metricStat": stat, "returnData": True}]
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": ACCOUNT,
        "time": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [alarm.alarm_arn],
        "detail": {
            "alarmName": alarm.name,
            "state": state | {"reasonData": alarm.state_reason_data},
            "previousState": {"value": before.value},
            "configuration": {"description": alarm.description or "", "metrics": metrics},
        },
    }
