"""Topics that tell people, and alarms that tell topics."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.settings import Settings

PERIOD_S = 60  # of every alarm


class AlertTopic(Construct):
    """A topic for alarms and rules of this account, with the subscribers that the context names."""

    def __init__(self, scope: Construct, id: str, *, name: str, settings: Settings) -> None:
        super().__init__(scope, id)
        self.topic = sns.CfnTopic(self, "Topic", topic_name=name, display_name=name)
        self.arn = self.topic.ref
        services = ["cloudwatch.amazonaws.com", "events.amazonaws.com"]
        allowed = iam.PolicyStatement(
            sid="AlarmsAndRulesOfThisAccount",
            principals=[iam.ServicePrincipal(service) for service in services],
            actions=["sns:Publish"],
            resources=[self.arn],
            conditions={"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}},
        )
        refused = iam.PolicyStatement(
            sid="TlsOnly",
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["sns:Publish"],
            resources=[self.arn],
            conditions={"Bool": {"aws:SecureTransport": "false"}},
        )
        policy = iam.PolicyDocument(statements=[allowed, refused])
        sns.CfnTopicPolicy(self, "Policy", topics=[self.arn], policy_document=policy)
        self._subscribe("Email", "email", settings.notify_email)
        self._subscribe("Webhook", "https", settings.notify_webhook)

    def _subscribe(self, id: str, protocol: str, endpoint: str) -> None:
        if endpoint:
            sns.CfnSubscription(self, id, topic_arn=self.arn, protocol=protocol, endpoint=endpoint)


class Alarms(Construct):
    """A region's alarms: each tells the topic when it fires and when it clears."""

    def __init__(self, scope: Construct, id: str, *, topic: AlertTopic) -> None:
        super().__init__(scope, id)
        self.topic, self.names = topic, []

    def watch(self, id: str, **properties: object) -> cloudwatch.CfnAlarm:
        """Add an alarm with CloudFormation's own properties."""
        told = [self.topic.arn]
        alarm = cloudwatch.CfnAlarm(self, id, alarm_actions=told, ok_actions=told, **properties)
        self.names.append(str(properties["alarm_name"]))
        return alarm


def metric(namespace: str, name: str, dimensions: dict[str, str], statistic: str) -> dict[str, object]:
    """The properties of an alarm on one metric."""
    place = {"namespace": namespace, "metric_name": name, "dimensions": _listed(dimensions)}
    return place | {"statistic": statistic, "period": PERIOD_S}


def query(
    id: str, namespace: str, name: str, dimensions: dict[str, str], statistic: str
) -> cloudwatch.CfnAlarm.MetricDataQueryProperty:
    """One metric of an alarm that computes."""
    of = cloudwatch.CfnAlarm.MetricProperty(namespace=namespace, metric_name=name, dimensions=_listed(dimensions))
    stat = cloudwatch.CfnAlarm.MetricStatProperty(metric=of, stat=statistic, period=PERIOD_S)
    return cloudwatch.CfnAlarm.MetricDataQueryProperty(id=id, metric_stat=stat, return_data=False)


def formula(id: str, expression: str, label: str) -> cloudwatch.CfnAlarm.MetricDataQueryProperty:
    """What such an alarm looks at."""
    return cloudwatch.CfnAlarm.MetricDataQueryProperty(id=id, expression=expression, label=label, return_data=True)


def _listed(dimensions: dict[str, str]) -> list[cloudwatch.CfnAlarm.DimensionProperty]:
    return [cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value) for name, value in dimensions.items()]
