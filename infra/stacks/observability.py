"""What a region's operators see: alarms, a dashboard, and a topic that tells them."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.parts.alerts import PERIOD_S, Alarms, AlertTopic, formula, metric, query
from infra.parts.replicated_bucket import RULE_ID
from infra.settings import NAME, REPLICA_DATABASE, Settings
from infra.stacks.app import App
from infra.stacks.base import GamedayStack
from infra.stacks.storage import app_data_name

LAG_MAX_S = 300
COPY_MAX_S = 900  # S3 copies 99.99 % of objects within 15 minutes where it promises anything (RTC)
ERRORS_MAX_PERCENT = 5


class Observability(GamedayStack):
    """The replica's lag is watched where the replica is. So are late copies of objects; failed ones are told, by S3,
    where the objects were written."""

    part = "observability"

    def __init__(self, app: cdk.App, region: str, settings: Settings, *, service: App) -> None:
        super().__init__(app, region, settings)
        self.topic = AlertTopic(self, "Alerts", name="gameday-alerts", settings=settings)
        self.alarms = Alarms(self, "Alarms", topic=self.topic)
        balancer = service.balancer.balancer.attr_load_balancer_full_name
        if not self.is_primary:
            self._replica_lag()
            self._late_copies()
        else:
            self._failed_copies()
        self._running_tasks()
        self._errors(balancer)
        self._dashboard(balancer)
        self.output("AlarmNames", ",".join(self.alarms.names))
        self.output("AlertTopicArn", self.topic.arn)

    def _replica_lag(self) -> None:
        lag = metric("AWS/RDS", "ReplicaLag", {"DBInstanceIdentifier": REPLICA_DATABASE}, "Maximum")
        self.alarms.watch(
            "ReplicaLag",
            alarm_name="gameday-replica-lag",
            alarm_description="The standby's data is too old: a failover now would lose more than the objective allows",
            comparison_operator="GreaterThanThreshold",
            threshold=LAG_MAX_S,
            evaluation_periods=1,
            treat_missing_data="missing",
            **lag,
        )

    def _late_copies(self) -> None:
        self.alarms.watch(
            "LateCopies",
            alarm_name="gameday-objects-late",
            alarm_description="Objects wait longer for their copy than S3 ever should take: a loss now would lose them",
            comparison_operator="GreaterThanThreshold",
            threshold=COPY_MAX_S,
            evaluation_periods=1,
            treat_missing_data="ignore",
            **metric("AWS/S3", "ReplicationLatency", self._copies(), "Maximum"),
        )

    def _failed_copies(self) -> None:
        """Missing is ignored, as S3 recommends for its metrics: the alarm clears when copies succeed again."""
        self.alarms.watch(
            "FailedCopies",
            alarm_name="gameday-objects-failed",
            alarm_description="Objects could not be copied, and never will be by themselves: S3 Batch Replication does",
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            evaluation_periods=1,
            treat_missing_data="ignore",
            **metric("AWS/S3", "OperationsFailedReplication", self._copies(), "Sum"),
        )

    def _copies(self) -> dict[str, str]:
        here, there = (app_data_name(region) for region in self.settings.regions)
        return {"SourceBucket": here, "DestinationBucket": there, "RuleId": RULE_ID}

    def _running_tasks(self) -> None:
        of = {"ClusterName": NAME, "ServiceName": NAME}
        self.alarms.watch(
            "RunningTasks",
            alarm_name="gameday-running-tasks",
            alarm_description="Other than the desired number of tasks has been running for three minutes",
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            evaluation_periods=3,
            treat_missing_data="missing",
            metrics=[
                query("running", "ECS/ContainerInsights", "RunningTaskCount", of, "Average"),
                query("desired", "ECS/ContainerInsights", "DesiredTaskCount", of, "Average"),
                formula("difference", "ABS(running - desired)", "running tasks other than desired"),
            ],
        )

    def _errors(self, balancer: str) -> None:
        of, space = {"LoadBalancer": balancer}, "AWS/ApplicationELB"
        share = "100 * (FILL(targets, 0) + FILL(balancer, 0)) / requests"
        self.alarms.watch(
            "Errors",
            alarm_name="gameday-5xx",
            alarm_description="More than 5 % of answers are errors of the service or of its balancer",
            comparison_operator="GreaterThanThreshold",
            threshold=ERRORS_MAX_PERCENT,
            evaluation_periods=2,
            treat_missing_data="notBreaching",
            metrics=[
                query("targets", space, "HTTPCode_Target_5XX_Count", of, "Sum"),
                query("balancer", space, "HTTPCode_ELB_5XX_Count", of, "Sum"),
                query("requests", space, "RequestCount", of, "Sum"),
                formula("share", share, "answers that are errors, in percent"),
            ],
        )

    def _dashboard(self, balancer: str) -> None:
        tasks = ["ClusterName", NAME, "ServiceName", NAME]
        counts = ("RequestCount", "HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count")
        elb, insights = "AWS/ApplicationELB", "ECS/ContainerInsights"
        rows = [
            ("Requests and errors", [[elb, name, "LoadBalancer", balancer] for name in counts], "Sum"),
            ("Response time", [[elb, "TargetResponseTime", "LoadBalancer", balancer]], "p99"),
            ("Tasks", [[insights, name, *tasks] for name in ("RunningTaskCount", "DesiredTaskCount")], "Average"),
            ("Replica lag", [["AWS/RDS", "ReplicaLag", "DBInstanceIdentifier", REPLICA_DATABASE]], "Maximum"),
        ]
        shown = [row for row in rows if not (self.is_primary and row[0] == "Replica lag")]
        widgets = [self._graph(number, *row) for number, row in enumerate(shown)]
        body = self.to_json_string({"widgets": widgets})
        cloudwatch.CfnDashboard(self, "Dashboard", dashboard_name=f"{NAME}-{self.here}", dashboard_body=body)

    def _graph(self, number: int, title: str, metrics: list[list[str]], statistic: str) -> dict[str, Any]:
        properties = {"title": title, "region": self.here, "view": "timeSeries", "metrics": metrics}
        place = {"x": 12 * (number % 2), "y": 6 * (number // 2), "width": 12, "height": 6}
        return {"type": "metric", **place, "properties": properties | {"stat": statistic, "period": PERIOD_S}}
