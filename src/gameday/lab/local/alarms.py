"""CloudWatch's alarms: moto keeps them, this looks at the samples and turns them, and tells topics and event rules."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gameday.clock import SYSTEM, Clock
from gameday.lab.local.evaluation import (
    COMPARISONS,
    STATISTICS,
    Datapoint,
    Query,
    Rule,
    State,
    datapoints,
    judged,
    told,
)
from gameday.lab.local.ground import ACCOUNT, PRIMARY, SECONDARY, Ground
from gameday.lab.local.metric_math import metrics_of
from gameday.lab.local.metrics import MetricStore, backend_of, now, series_key
from gameday.lab.model import GLOBAL_REGION

REGIONS = (PRIMARY, SECONDARY, GLOBAL_REGION)
TIMES = {("AWS/RDS", "ReplicaLag"), ("AWS/S3", "ReplicationLatency")}
NOT_EVALUATED = "The local lab evaluates alarms on plain statistics, and simple metric math of such, only"
PLAIN = "m1"  # the id of an alarm's metric that has none

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
    somebody set by hand (SetAlarmState) acts too, and is judged again at the next round. A fresh alarm is
    INSUFFICIENT_DATA, and so stays one on a percentile or on more than :mod:`gameday.lab.local.metric_math` evaluates.
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
        since = moment - timedelta(seconds=rule.range_s)
        samples = {query.id: self._metrics.series(region, query.series, since) for query in rule.queries}
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
    """What the alarm asks, or None when the local lab cannot judge it (percentiles, other metric math, composites)."""
    expression = _expression(alarm)
    wanted = metrics_of(expression) or frozenset()
    queries = tuple(query for query in _queries(alarm, scale) if query.id in wanted and _can_be_read(query))
    if not queries or len(queries) < len(wanted) or alarm.comparison_operator not in COMPARISONS:
        return None
    periods = int(alarm.evaluation_periods)
    return Rule(
        queries=queries,
        expression=expression,
        periods=periods,
        to_alarm=int(alarm.datapoints_to_alarm or periods),
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold) * (scale if _is_a_time(alarm) else 1.0),
        missing=alarm.treat_missing_data or "missing",
    )


def _expression(alarm: Any) -> str:
    """What the alarm looks at: its one query that returns data, by formula or by id. Nothing when it is not one."""
    if not alarm.metric_data_queries:
        return PLAIN
    shown = [query for query in alarm.metric_data_queries if _returns_data(query)]
    return str(shown[0].expression or shown[0].id) if len(shown) == 1 else ""


def _queries(alarm: Any, scale: float) -> list[Query]:
    """The alarm's metrics; a plain alarm has one."""
    if not alarm.metric_data_queries:
        return [_query(PLAIN, alarm, alarm.statistic, alarm.period, scale)]
    stats = [(each.id, each.metric_stat) for each in alarm.metric_data_queries if each.metric_stat]
    return [_query(id, stat.metric, stat.stat, stat.period, scale) for id, stat in stats]


def _query(id: str, metric: Any, statistic: str, period: int | None, scale: float) -> Query:
    key = series_key(metric.namespace, metric.metric_name, {each.name: each.value for each in metric.dimensions})
    return Query(id, key, statistic, int(period or 0) * scale)


def _can_be_read(query: Query) -> bool:
    return bool(query.series[1] and query.period_s) and query.statistic in STATISTICS


def _returns_data(query: Any) -> bool:
    """A query returns data unless it says that it does not."""
    return query.return_data is not False


def _is_a_time(alarm: Any) -> bool:
    """Whether the threshold is a delay like any other: then it shrinks with the lab's timers."""
    return (alarm.namespace, alarm.metric_name) in TIMES


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def _reason_data(rule: Rule, points: tuple[Datapoint, ...], moment: datetime) -> dict[str, Any]:
    [query, *more] = rule.queries
    is_plain = not more and rule.expression == query.id
    return {
        "version": "1.0",
        "queryDate": _stamp(moment),
        **({"statistic": query.statistic} if is_plain else {"expression": rule.expression}),
        "period": rule.period_s,
        "recentDatapoints": [point.value for point in points if point.value is not None],
        "threshold": rule.threshold,
        "evaluatedDatapoints": [
            {"timestamp": _stamp(point.start)} | ({} if point.value is None else {"value": point.value})
            for point in reversed(points)
        ],
    }


def _metric(alarm: Any) -> dict[str, Any]:
    """The place of an alarm's metric, or of one of its queries'."""
    dimensions = {each.name: each.value for each in alarm.dimensions}
    return {"namespace": alarm.namespace, "name": alarm.metric_name, "dimensions": dimensions}


def _metrics(alarm: Any) -> list[dict[str, Any]]:
    """All that an alarm looks at, as its event lists it."""
    if not alarm.metric_data_queries:
        stat = {"metric": _metric(alarm), "period": alarm.period, "stat": alarm.statistic}
        return [{"id": PLAIN, "metricStat": stat, "returnData": True}]
    return [{"id": each.id} | _asked(each) | {"returnData": _returns_data(each)} for each in alarm.metric_data_queries]


def _asked(query: Any) -> dict[str, Any]:
    if query.expression:
        return {"expression": query.expression, "label": query.label or query.id}
    stat = query.metric_stat
    return {"metricStat": {"metric": _metric(stat.metric), "period": stat.period, "stat": stat.stat}}


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
        "Trigger": {"metrics": _metrics(alarm)} if alarm.metric_data_queries else _metric(alarm),
    }


def _event(region: str, alarm: Any, before: State, moment: datetime) -> dict[str, Any]:
    """The EventBridge event of a turned alarm."""
    state = {"value": alarm.state_value, "reason": alarm.state_reason, "timestamp": _stamp(moment)}
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
            "configuration": {"description": alarm.description or "", "metrics": _metrics(alarm)},
        },
    }
