"""What the control plane reports is what the lab's controllers saw; what it sends leaves through them."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from control_plane import control_plane

from gameday.aws import Aws
from gameday.lab.local.moto_patches import Hooks

WEST, GLOBAL = "us-west-2", "us-east-1"
type Start = Callable[[Hooks], Aws]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda hooks: stack.enter_context(control_plane(tmp_path, hooks))


def test_target_health_is_what_the_balancer_saw(start: Start) -> None:
    unhealthy = ("unhealthy", "Target.Timeout", "Request timed out")
    aws = start(
        Hooks(target_health=lambda arn, target: unhealthy if target == "127.201.2.10" else ("healthy", None, None))
    )
    ec2, elb = aws.client("ec2", WEST), aws.client("elbv2", WEST)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    group = elb.create_target_group(Name="tasks", Protocol="HTTP", Port=8000, VpcId=vpc, TargetType="ip")
    arn = group["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "127.201.2.10"}, {"Id": "127.201.2.11"}])
    seen = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    assert {one["Target"]["Id"]: one["TargetHealth"]["State"] for one in seen} == {
        "127.201.2.10": "unhealthy", "127.201.2.11": "healthy"
    }  # fmt: skip
    assert seen[0]["TargetHealth"]["Reason"] == "Target.Timeout"


def test_a_health_check_reports_what_the_checkers_saw(start: Start) -> None:
    route53 = start(Hooks(route53_status=lambda check: (False, f"Failure: {check} timed out"))).client(
        "route53", GLOBAL
    )
    config = {"Type": "HTTP", "FullyQualifiedDomainName": "primary.example", "Port": 80, "ResourcePath": "/healthz"}
    check = route53.create_health_check(CallerReference="once", HealthCheckConfig=config)["HealthCheck"]["Id"]
    seen = route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
    assert {one["StatusReport"]["Status"] for one in seen} == {f"Failure: {check} timed out"}


def alarm(aws: Aws) -> Any:
    cloudwatch = aws.client("cloudwatch", GLOBAL)
    cloudwatch.put_metric_alarm(
        AlarmName="health", Namespace="AWS/Route53", MetricName="HealthCheckStatus", Statistic="Maximum", Period=60,
        EvaluationPeriods=2, Threshold=1, ComparisonOperator="LessThanThreshold",
    )  # fmt: skip
    return cloudwatch


def test_a_new_alarm_has_no_data_yet(start: Start) -> None:
    [seen] = alarm(start(Hooks())).describe_alarms()["MetricAlarms"]
    assert seen["StateValue"] == "INSUFFICIENT_DATA"


def test_an_alarms_history_tells_its_changes_newest_first(start: Start) -> None:
    cloudwatch = alarm(start(Hooks()))
    for state in ("OK", "ALARM"):
        cloudwatch.set_alarm_state(AlarmName="health", StateValue=state, StateReason="drill")
    items = cloudwatch.describe_alarm_history(AlarmName="health", HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in items] == [
        "Alarm updated from OK to ALARM", "Alarm updated from INSUFFICIENT_DATA to OK"
    ]  # fmt: skip


def test_a_notification_leaves_the_publishers_thread_by_the_hook(start: Start) -> None:
    taken: list[tuple[str, str]] = []
    aws = start(
        Hooks(publish=lambda subscription, message, *rest, **more: taken.append((subscription.endpoint, message)))
    )
    sns = aws.client("sns", WEST)
    topic = sns.create_topic(Name="drill")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.201.9.9:1/dead")
    sns.publish(TopicArn=topic, Message="failed over")
    assert taken == [("http://127.201.9.9:1/dead", "failed over")]


def test_a_queue_is_still_delivered_to_by_moto(start: Start) -> None:
    aws = start(Hooks(publish=lambda *args, **more: pytest.fail("the hook takes only what leaves the cloud")))
    sns, sqs = aws.client("sns", WEST), aws.client("sqs", WEST)
    topic, queue = sns.create_topic(Name="drill")["TopicArn"], sqs.create_queue(QueueName="drill")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{WEST}:123456789012:drill")
    sns.publish(TopicArn=topic, Message="failed over")
    [got] = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(got["Body"])["Message"] == "failed over"


def test_an_event_goes_to_the_hook_once_however_many_rules_there_are(start: Start) -> None:
    taken: list[tuple[str, str, Mapping[str, Any]]] = []
    events = start(Hooks(event=lambda region, bus, event: taken.append((region, bus, event)))).client("events", WEST)
    for name in ("first", "second"):
        events.put_rule(Name=name, EventPattern='{"source": ["drill"]}')
        machine = f"arn:aws:states:{WEST}:123456789012:stateMachine:gameday-failover"
        events.put_targets(Rule=name, Targets=[{"Id": "machine", "Arn": machine}])
    entry = {"Source": "drill", "DetailType": "Told", "Detail": '{"a": 1}', "Time": 1795457491}
    answer = events.put_events(Entries=[entry, {"Source": "", "DetailType": "x", "Detail": "{}"}])
    [(region, bus, event)] = taken
    assert (region, bus, answer["FailedEntryCount"]) == (WEST, "default", 1)
    assert event["id"] == answer["Entries"][0]["EventId"]
    assert (event["detail-type"], event["detail"], event["time"]) == ("Told", {"a": 1}, "2026-11-23T18:11:31Z")


def test_a_replicated_secret_can_be_read_in_the_other_region(start: Start) -> None:
    aws = start(Hooks())
    aws.client("secretsmanager", "ap-southeast-2").create_secret(
        Name="gameday/database/credentials", SecretString='{"username":"app"}', AddReplicaRegions=[{"Region": WEST}]
    )
    read = aws.client("secretsmanager", WEST).get_secret_value(SecretId="gameday/database/credentials")
    assert read["SecretString"] == '{"username":"app"}'
