"""Where clients go: the health check, the failover records, and the alarm that starts the failover elsewhere."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53

from infra.parts.alerts import Alarms, AlertTopic, metric
from infra.parts.balanced_service import HEALTH_PATH, allow
from infra.settings import GLOBAL_REGION, HEALTH_ALARM, RECORD_TTL_S, SERVICE_PORT, Settings
from infra.stacks.base import GamedayStack
from infra.stacks.zone import Zone

INTERVAL_S, THRESHOLD = 10, 3
PERIODS = 2


class Routing(GamedayStack):
    """In us-east-1, because Route 53's metrics exist only there; it knows the regions by name only."""

    part = "routing"
    where = GLOBAL_REGION

    def __init__(self, app: cdk.App, region: str, settings: Settings) -> None:
        super().__init__(app, region, settings)
        self.service_port = self.port("ServicePort", SERVICE_PORT)
        self.zone_id = self.fed("HostedZoneId", Zone, Zone.where, "HostedZoneId")
        self.check = self._health_check()
        self._record("Primary", settings.primary, self.check.ref)
        self._record("Secondary", settings.secondary, None)
        self.topic = AlertTopic(self, "Alerts", name="gameday-alerts", settings=settings)
        self.alarms = Alarms(self, "Alarms", topic=self.topic)
        self._alarm()
        self._tell_the_secondary()
        self._outputs()

    def _health_check(self) -> route53.CfnHealthCheck:
        config = route53.CfnHealthCheck.HealthCheckConfigProperty(
            type="HTTP",
            fully_qualified_domain_name=self.settings.regional_name(self.settings.primary),
            port=self.service_port,
            resource_path=HEALTH_PATH,
            request_interval=INTERVAL_S,
            failure_threshold=THRESHOLD,
        )
        return route53.CfnHealthCheck(self, "PrimaryHealth", health_check_config=config)

    def _record(self, which: str, region: str, check_id: str | None) -> None:
        """A CNAME, not an alias: an alias' TTL is 60 s, fixed by AWS."""
        route53.CfnRecordSet(
            self,
            which,
            hosted_zone_id=self.zone_id,
            name=f"{self.settings.service_name}.",
            type="CNAME",
            ttl=str(RECORD_TTL_S),
            set_identifier=which.lower(),
            failover=which.upper(),
            health_check_id=check_id,
            resource_records=[self.settings.regional_name(region)],
        )

    def _alarm(self) -> None:
        """The metric is 1 while the check is healthy. Maximum < 1: not one sample of the period was healthy."""
        status = metric("AWS/Route53", "HealthCheckStatus", {"HealthCheckId": self.check.ref}, "Maximum")
        self.alarms.watch(
            "PrimaryHealth",
            alarm_name=HEALTH_ALARM,
            alarm_description="The primary region has not answered its health check for two minutes; this fails over",
            comparison_operator="LessThanThreshold",
            threshold=1,
            evaluation_periods=PERIODS,
            datapoints_to_alarm=PERIODS,
            treat_missing_data="breaching",
            **status,
        )

    def _tell_the_secondary(self) -> None:
        """A dead region cannot run its own failover: the alarm goes to the secondary's event bus."""
        bus = self.arn("events", "event-bus/default", region=self.settings.secondary)
        policy = iam.PolicyDocument(statements=[allow(["events:PutEvents"], bus)])
        principal = iam.ServicePrincipal("events.amazonaws.com")
        role = iam.Role(self, "ToTheSecondary", assumed_by=principal, inline_policies={"put-events": policy})
        target = events.CfnRule.TargetProperty(id="secondary", arn=bus, role_arn=role.role_arn)
        events.CfnRule(
            self,
            "PrimaryDown",
            name="gameday-primary-down",
            description="The primary's health alarm, to the secondary region's event bus",
            event_pattern=primary_down(),
            targets=[target],
        )

    def _outputs(self) -> None:
        name = self.settings.service_name
        self.output("ServiceName", name)
        self.output("ServiceUrl", f"http://{name}:{cdk.Token.as_string(self.service_port)}")
        self.output(
            "Resolver", self.text("Resolver", "system", "Who resolves the service's name: system, or host:port")
        )
        self.output("HealthCheckId", self.check.ref)
        self.output("AlarmNames", ",".join(self.alarms.names))
        self.output("AlertTopicArn", self.topic.arn)


def primary_down() -> dict[str, object]:
    """The event of the primary's health alarm going off; both rules, here and in the secondary, wait for it."""
    detail = {"alarmName": [HEALTH_ALARM], "state": {"value": ["ALARM"]}}
    return {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"], "detail": detail}
