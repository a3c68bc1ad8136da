"""What watches, tells, routes and acts: alarms, topics, rules, records, roles, logs, state machines."""

import json
import uuid
from typing import Any

from gameday.lab.local.deployer.making import Made, Make, Maker, Simple, split


def log_group(maker: Maker, properties: dict[str, Any]) -> Made:
    first, later = split(properties, "RetentionInDays", "Tags")
    name = first.setdefault("LogGroupName", maker.generated(512))
    tags = {tag["Key"]: tag["Value"] for tag in later.get("Tags", [])}
    maker.call("logs", "CreateLogGroup", {**first, "Tags": tags} if tags else first)
    if "RetentionInDays" in later:
        maker.call("logs", "PutRetentionPolicy", {"LogGroupName": name, "RetentionInDays": later["RetentionInDays"]})
    return Made(name, {"Arn": maker.arn("logs", f"log-group:{name}:*")})


def role(maker: Maker, properties: dict[str, Any]) -> Made:
    first, later = split(properties, "Policies", "ManagedPolicyArns")
    name = first.setdefault("RoleName", maker.generated(64))
    made = maker.call("iam", "CreateRole", first)["Role"]
    for policy in later.get("Policies", []):
        maker.call("iam", "PutRolePolicy", {"RoleName": name, **policy})
    for arn in later.get("ManagedPolicyArns", []):
        maker.call("iam", "AttachRolePolicy", {"RoleName": name, "PolicyArn": arn})
    return Made(name, {"Arn": made["Arn"], "RoleId": made["RoleId"]})


def policy(maker: Maker, properties: dict[str, Any]) -> Made:
    for name in properties.pop("Roles"):
        maker.call("iam", "PutRolePolicy", {"RoleName": name, **properties})
    return Made(properties["PolicyName"])


def topic(maker: Maker, properties: dict[str, Any]) -> Made:
    properties, later = split(properties, "Subscription", "DisplayName", "KmsMasterKeyId")
    attributes = {name: later[name] for name in ("DisplayName", "KmsMasterKeyId") if name in later}
    given = {"Name": properties.pop("TopicName", maker.generated()), "Attributes": attributes, **properties}
    arn = maker.call("sns", "CreateTopic", given)["TopicArn"]
    for subscription in later.get("Subscription", []):
        maker.call("sns", "Subscribe", {"TopicArn": arn, **subscription})
    return Made(arn, {"TopicArn": arn, "TopicName": arn.rpartition(":")[2]})


def topic_policy(maker: Maker, properties: dict[str, Any]) -> Made:
    document = json.dumps(properties["PolicyDocument"])
    for arn in properties["Topics"]:
        maker.call(
            "sns", "SetTopicAttributes", {"TopicArn": arn, "AttributeName": "Policy", "AttributeValue": document}
        )
    return Made(maker.generated())


def rule(maker: Maker, properties: dict[str, Any]) -> Made:
    first, later = split(properties, "Targets")
    name = first.setdefault("Name", maker.generated())
    arn = maker.call("events", "PutRule", first)["RuleArn"]
    bus = {key: first[key] for key in ("EventBusName",) if key in first}
    if "Targets" in later:
        maker.call("events", "PutTargets", {"Rule": name, "Targets": later["Targets"], **bus})
    return Made(name, {"Arn": arn})


def hosted_zone(maker: Maker, properties: dict[str, Any]) -> Made:
    first, later = split(properties, "HostedZoneTags")
    made = maker.call("route53", "CreateHostedZone", {**first, "CallerReference": str(uuid.uuid4())})
    zone = made["HostedZone"]["Id"].rpartition("/")[2]
    _tag(maker, "hostedzone", zone, later.get("HostedZoneTags"))
    return Made(zone, {"Id": zone, "NameServers": made.get("DelegationSet", {}).get("NameServers", [])})


def health_check(maker: Maker, properties: dict[str, Any]) -> Made:
    first, later = split(properties, "HealthCheckTags")
    made = maker.call("route53", "CreateHealthCheck", {**first, "CallerReference": str(uuid.uuid4())})
    check = made["HealthCheck"]["Id"]
    _tag(maker, "healthcheck", check, later.get("HealthCheckTags"))
    return Made(check, {"HealthCheckId": check})


def _tag(maker: Maker, kind: str, resource: str, tags: Any) -> None:
    if tags:
        given = {"ResourceType": kind, "ResourceId": resource, "AddTags": tags}
        maker.call("route53", "ChangeTagsForResource", given)


def record(maker: Maker, properties: dict[str, Any]) -> Made:
    record, zone = split(properties, "HostedZoneId", "Comment")
    if "ResourceRecords" in record:
        record["ResourceRecords"] = [{"Value": value} for value in record["ResourceRecords"]]
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    maker.call("route53", "ChangeResourceRecordSets", {"HostedZoneId": zone["HostedZoneId"], "ChangeBatch": change})
    return Made(record["Name"])


def state_machine(maker: Maker, properties: dict[str, Any]) -> Made:
    renamed = {"StateMachineName": "name", "DefinitionString": "definition", "StateMachineType": "type"}
    given = {renamed.get(name, name): value for name, value in properties.items()}
    given.setdefault("name", maker.generated(80))
    arn = maker.call("stepfunctions", "CreateStateMachine", given)["stateMachineArn"]
    return Made(arn, {"Arn": arn, "Name": given["name"]})


def alarm(maker: Maker, properties: dict[str, Any]) -> Made:
    name = properties.setdefault("AlarmName", maker.generated(255))
    maker.call("cloudwatch", "PutMetricAlarm", properties)
    return Made(name, {"Arn": maker.arn("cloudwatch", f"alarm:{name}")})


KINDS: dict[str, Make] = {
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::CloudWatch::Dashboard": Simple("cloudwatch", "PutDashboard", "=DashboardName", named="DashboardName"),
    "AWS::Events::Rule": rule,
    "AWS::IAM::Policy": policy,
    "AWS::IAM::Role": role,
    "AWS::Logs::LogGroup": log_group,
    "AWS::Route53::HealthCheck": health_check,
    "AWS::Route53::HostedZone": hosted_zone,
    "AWS::Route53::RecordSet": record,
    "AWS::SNS::Subscription": Simple("sns", "Subscribe", "SubscriptionArn"),
    "AWS::SNS::Topic": topic,
    "AWS::SNS::TopicPolicy": topic_policy,
    "AWS::StepFunctions::StateMachine": state_machine,
}
