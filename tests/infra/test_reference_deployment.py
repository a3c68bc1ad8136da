"""The wiring that matters, read off the templates."""

import json
from collections.abc import Callable

import pytest
from template_reading import Template, listed, tags, text

pytestmark = pytest.mark.infra

PRIMARY, SECONDARY, GLOBAL = "ap-southeast-2", "us-west-2", "us-east-1"
Read = Callable[[str, str], Template]


@pytest.mark.parametrize(("region", "cidr"), [(PRIMARY, "10.0.0.0/16"), (SECONDARY, "10.1.0.0/16")])
def test_each_region_has_three_tiers_in_two_zones(template: Read, region: str, cidr: str):
    network = template("network", region)
    tiers = {(tags(one)["gameday:tier"], one["AvailabilityZone"]) for one in network.all("AWS::EC2::Subnet")}
    assert tiers == {(tier, region + zone) for tier in ("balancer", "tasks", "database") for zone in "ab"}
    assert network.one("AWS::EC2::VPC")["CidrBlock"] == cidr


@pytest.mark.parametrize("region", [PRIMARY, SECONDARY])
def test_each_tier_is_reached_from_the_one_before_it_only(template: Read, region: str):
    network = template("network", region)
    groups = {f"<{name}.GroupId>": tags(one["Properties"])["gameday:tier"] for name, one in _groups(network).items()}
    rules = network.all("AWS::EC2::SecurityGroupIngress")
    reached = set()
    for rule in rules:
        source = groups.get(text(rule.get("SourceSecurityGroupId")), rule.get("CidrIp"))
        reached.add((source, groups[text(rule["GroupId"])], text(rule["FromPort"])))
    assert reached == {
        ("0.0.0.0/0", "balancer", "<ServicePort>"),
        ("balancer", "tasks", "<TaskPort>"),
        ("tasks", "database", "<DatabasePort>"),
    }
    assert not [one for one in network.all("AWS::EC2::SecurityGroup") if "SecurityGroupIngress" in one]


@pytest.mark.parametrize("region", [PRIMARY, SECONDARY])
def test_a_region_has_one_nat_gateway_and_flow_logs(template: Read, region: str):
    network = template("network", region)
    assert len(network.all("AWS::EC2::NatGateway")) == 1
    assert network.one("AWS::EC2::FlowLog")["TrafficType"] == "ALL"


def test_the_failover_record_follows_the_primarys_health_check(template: Read):
    routing = template("routing", GLOBAL)
    primary = routing.one("AWS::Route53::RecordSet", Failover="PRIMARY")
    secondary = routing.one("AWS::Route53::RecordSet", Failover="SECONDARY")
    assert (primary["SetIdentifier"], text(primary["HealthCheckId"])) == ("primary", "<PrimaryHealth>")
    assert (secondary["SetIdentifier"], secondary.get("HealthCheckId")) == ("secondary", None)
    for record, region in ((primary, PRIMARY), (secondary, SECONDARY)):
        assert (record["Name"], record["Type"], record["TTL"]) == ("app.gameday.example.", "CNAME", "30")
        assert record["ResourceRecords"] == [f"{region}.app.gameday.example"]


def test_the_health_check_asks_the_primarys_balancer_by_name(template: Read):
    config = template("routing", GLOBAL).one("AWS::Route53::HealthCheck")["HealthCheckConfig"]
    assert config == {
        "Type": "HTTP",
        "FullyQualifiedDomainName": "ap-southeast-2.app.gameday.example",
        "Port": {"Ref": "ServicePort"},
        "ResourcePath": "/healthz",
        "RequestInterval": 10,
        "FailureThreshold": 3,
    }


@pytest.mark.parametrize("region", [PRIMARY, SECONDARY])
def test_each_region_publishes_its_balancer_under_its_own_name(template: Read, region: str):
    record = template("app", region).one("AWS::Route53::RecordSet")
    assert (record["Name"], record["Type"]) == (f"{region}.app.gameday.example.", "A")
    assert text(record["AliasTarget"]["DNSName"]).endswith(".DNSName>")
    assert record["AliasTarget"]["EvaluateTargetHealth"] is False


def test_the_primary_database_is_encrypted_and_backed_up_for_seven_days(template: Read):
    database = template("data", PRIMARY).one("AWS::RDS::DBInstance")
    assert (database["DBInstanceIdentifier"], database["StorageEncrypted"]) == ("gameday-primary", True)
    assert (database["BackupRetentionPeriod"], database["PubliclyAccessible"]) == (7, False)
    assert text(database["MasterUserPassword"]).startswith("{{resolve:secretsmanager:<CredentialsSecret")


def test_the_replica_follows_the_primary_across_regions_under_its_own_key(template: Read):
    replica = template("data", SECONDARY).one("AWS::RDS::DBInstance")
    source = "arn:<AWS::Partition>:rds:ap-southeast-2:<AWS::AccountId>:db:gameday-primary"
    assert (replica["DBInstanceIdentifier"], text(replica["SourceDBInstanceIdentifier"])) == ("gameday-replica", source)
    assert (replica["SourceRegion"], text(replica["KmsKeyId"])) == (PRIMARY, "<gameday-keys>")


def test_the_key_is_one_in_two_regions_and_rotates(template: Read):
    key = template("keys", PRIMARY).one("AWS::KMS::Key")
    assert (key["MultiRegion"], key["EnableKeyRotation"]) == (True, True)
    assert template("keys", SECONDARY).one("AWS::KMS::ReplicaKey")["PrimaryKeyArn"] == {"Ref": "PrimaryKeyArn"}


def test_credentials_are_replicated_and_endpoints_are_not(template: Read):
    here, there = template("data", PRIMARY), template("data", SECONDARY)
    credentials = here.one("AWS::SecretsManager::Secret", Name="gameday/database/credentials")
    assert [replica["Region"] for replica in credentials["ReplicaRegions"]] == [SECONDARY]
    for data in (here, there):
        endpoint = data.one("AWS::SecretsManager::Secret", Name="gameday/database/endpoint")
        assert "ReplicaRegions" not in endpoint
        written = text(endpoint["SecretString"]).replace('"port":<', '"port":"<').replace('>,"dbname"', '>","dbname"')
        assert json.loads(written)["host"].endswith(".Endpoint.Address>")
        assert json.loads(written)["dbname"] == "app"
    assert len(there.all("AWS::SecretsManager::Secret")) == 1


def test_objects_are_copied_and_deletions_are_not(template: Read):
    bucket = _app_data(template("storage", PRIMARY))
    (rule,) = bucket["ReplicationConfiguration"]["Rules"]
    assert (rule["Status"], rule["DeleteMarkerReplication"]) == ("Enabled", {"Status": "Disabled"})
    assert text(rule["Destination"]["Bucket"]).endswith(":s3:::gameday-app-data-<AWS::AccountId>-us-west-2")
    assert ":kms:us-west-2:" in text(rule["Destination"]["EncryptionConfiguration"]["ReplicaKmsKeyID"])
    assert rule["SourceSelectionCriteria"] == {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    actions = [
        action for statement in template("storage", PRIMARY).statements() for action in listed(statement["Action"])
    ]
    assert "s3:ReplicateObject" in actions
    assert "s3:ReplicateDelete" not in actions


def test_both_buckets_are_versioned_and_the_copy_ages_into_the_archive(template: Read):
    for region in (PRIMARY, SECONDARY):
        bucket = _app_data(template("storage", region))
        (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    rules = _app_data(template("storage", SECONDARY))["LifecycleConfiguration"]["Rules"]
    (steps,) = [rule["Transitions"] for rule in rules if "Transitions" in rule]
    assert {step["StorageClass"]: step["TransitionInDays"] for step in steps} == {"STANDARD_IA": 30, "DEEP_ARCHIVE": 90}


@pytest.mark.parametrize(("region", "tasks"), [(PRIMARY, 2), (SECONDARY, 1)])
def test_the_service_runs_behind_a_balancer_that_asks_healthz(template: Read, region: str, tasks: int):
    app = template("app", region)
    service = app.one("AWS::ECS::Service")
    assert (service["ServiceName"], service["DesiredCount"], service["LaunchType"]) == ("gameday", tasks, "FARGATE")
    assert app.one("AWS::ElasticLoadBalancingV2::TargetGroup")["HealthCheckPath"] == "/healthz"
    assert app.one("AWS::ElasticLoadBalancingV2::Listener")["Port"] == {"Ref": "ServicePort"}


@pytest.mark.parametrize("region", [PRIMARY, SECONDARY])
def test_the_container_gets_its_endpoint_secret_by_name_and_its_credentials_by_key(template: Read, region: str):
    (container,) = template("app", region).one("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    environment = {one["Name"]: text(one["Value"]) for one in container["Environment"]}
    secrets = {one["Name"]: text(one["ValueFrom"]) for one in container["Secrets"]}
    assert container["Command"] == ["python", "-m", "gameday.service"]
    assert environment == {
        "GAMEDAY_REGION": region,
        "GAMEDAY_ENDPOINT_SECRET": "gameday/database/endpoint",
        "GAMEDAY_BUCKET": "<gameday-storage>",
        "PORT": "<TaskPort>",
        "GAMEDAY_TIMER_SCALE": "1",
    }
    assert secrets["DB_USERNAME"].endswith(":username::")
    assert secrets["DB_PASSWORD"].endswith(":password::")


def test_the_health_alarm_needs_two_minutes_in_which_no_sample_was_healthy(template: Read):
    alarm = template("routing", GLOBAL).one("AWS::CloudWatch::Alarm", AlarmName="gameday-primary-health")
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Route53", "HealthCheckStatus")
    assert (alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]) == ("Maximum", "LessThanThreshold", 1)
    assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (60, 2, 2)
    assert alarm["TreatMissingData"] == "breaching"


def test_the_lag_alarm_fires_where_the_replica_is_at_five_minutes(template: Read):
    alarm = template("observability", SECONDARY).one("AWS::CloudWatch::Alarm", AlarmName="gameday-replica-lag")
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/RDS", "ReplicaLag", "Maximum")
    assert (alarm["ComparisonOperator"], alarm["Threshold"], alarm["Period"]) == ("GreaterThanThreshold", 300, 60)
    assert alarm["Dimensions"] == [{"Name": "DBInstanceIdentifier", "Value": "gameday-replica"}]


@pytest.mark.parametrize("region", [PRIMARY, SECONDARY])
def test_tasks_and_errors_are_watched_in_each_region(template: Read, region: str):
    watched = template("observability", region)
    tasks = watched.one("AWS::CloudWatch::Alarm", AlarmName="gameday-running-tasks")
    errors = watched.one("AWS::CloudWatch::Alarm", AlarmName="gameday-5xx")
    assert [one["Expression"] for one in tasks["Metrics"] if one["ReturnData"]] == ["ABS(running - desired)"]
    assert (tasks["Threshold"], errors["Threshold"]) == (0, 5)
    assert tasks["AlarmActions"] == tasks["OKActions"] == errors["AlarmActions"]


def test_late_copies_are_watched_where_they_arrive_and_failed_ones_where_they_were_written(template: Read):
    late = template("observability", SECONDARY).one("AWS::CloudWatch::Alarm", AlarmName="gameday-objects-late")
    failed = template("observability", PRIMARY).one("AWS::CloudWatch::Alarm", AlarmName="gameday-objects-failed")
    assert (late["MetricName"], late["Statistic"], late["Threshold"]) == ("ReplicationLatency", "Maximum", 900)
    assert (failed["MetricName"], failed["Statistic"], failed["Threshold"]) == ("OperationsFailedReplication", "Sum", 0)
    for alarm in (late, failed):
        assert (alarm["Namespace"], alarm["TreatMissingData"]) == ("AWS/S3", "ignore")
        of = {each["Name"]: text(each["Value"]) for each in alarm["Dimensions"]}
        assert of["RuleId"] == "everything"
        assert of["SourceBucket"].endswith("ap-southeast-2")
        assert of["DestinationBucket"].endswith("us-west-2")


def test_each_stack_names_its_alarms(template: Read):
    for part, region in (("routing", GLOBAL), ("observability", PRIMARY), ("observability", SECONDARY)):
        read = template(part, region)
        assert set(read.output("AlarmNames").split(",")) == {
            one["AlarmName"] for one in read.all("AWS::CloudWatch::Alarm")
        }


def test_the_alarm_crosses_to_the_secondarys_bus_and_starts_the_failover_there(template: Read):
    sender = template("routing", GLOBAL).one("AWS::Events::Rule")
    receiver = template("orchestration", SECONDARY).one("AWS::Events::Rule", Name="gameday-primary-down")
    assert sender["EventPattern"] == receiver["EventPattern"]
    assert sender["EventPattern"]["detail"] == {"alarmName": ["gameday-primary-health"], "state": {"value": ["ALARM"]}}
    (bus,), (machine,) = sender["Targets"], receiver["Targets"]
    assert text(bus["Arn"]) == "arn:<AWS::Partition>:events:us-west-2:<AWS::AccountId>:event-bus/default"
    assert text(machine["Arn"]).startswith("<FailoverMachine")
    assert "RoleArn" in bus
    assert "RoleArn" in machine


def test_a_failover_that_runs_out_of_time_is_told_by_a_rule(template: Read):
    rule = template("orchestration", SECONDARY).one("AWS::Events::Rule", Name="gameday-failover-ended-badly")
    assert rule["EventPattern"]["detail"]["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]


def test_what_a_drill_may_break_says_so(every_template: dict[str, Template]):
    kinds = {"AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::RDS::DBInstance", "AWS::ECS::Service", "AWS::S3::Bucket"}
    for name, read in every_template.items():
        for kind in kinds:
            for properties in read.all(kind):
                assert tags(properties)["gameday:target"] == "true", f"{kind} of {name}"


def test_every_output_that_a_drill_reads_is_there(template: Read):
    expected = {
        ("zone", GLOBAL): {"HostedZoneId"},
        ("routing", GLOBAL): {"ServiceUrl", "ServiceName", "Resolver", "HealthCheckId", "AlarmNames"},
        ("takeback", PRIMARY): {"TakeBackMachineArn", "TakeBackRoleArn"},
        ("orchestration", SECONDARY): {"StateMachineArn", "TopicArn"},
    }
    for region in (PRIMARY, SECONDARY):
        expected |= {
            ("network", region): {"VpcId"},
            ("storage", region): {"BucketName"},
            ("data", region): {"DatabaseId", "EndpointSecret"},
            ("app", region): {"ClusterName", "EcsServiceName"},
            ("observability", region): {"AlarmNames"},
        }
    for (part, region), keys in expected.items():
        assert keys <= template(part, region).body["Outputs"].keys(), f"{part} in {region}"


# AWS knows no narrower resource for these; everything else is named.
ANY_RESOURCE = {
    "ecr:GetAuthorizationToken",
    *("s3:ListAllMyBuckets", "tag:GetResources"),  # how FIS finds buckets by tag
    *(f"logs:{verb}LogDelivery" for verb in ("Create", "Get", "Update", "Delete")),
    *("ec2:DescribeNetworkAcls", "ec2:DescribeSecurityGroups", "fis:ListExperiments"),  # what is only looked at
    "ecs:ListTasks",  # its cluster is a condition
    *("states:SendTaskSuccess", "states:SendTaskFailure"),  # of a task token
    *("logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"),
}


def test_permissions_are_narrowed_to_named_resources(every_template: dict[str, Template]):
    for name, read in every_template.items():
        for statement in read.statements():
            assert not [action for action in listed(statement["Action"]) if "*" in action], name
            if "*" in [text(resource) for resource in listed(statement["Resource"])]:
                assert set(listed(statement["Action"])) <= ANY_RESOURCE, f"{name}: {statement}"


def test_the_failover_may_change_one_record_and_never_delete_it(template: Read):
    statements = template("orchestration", SECONDARY).statements()
    (latch,) = [one for one in statements if one["Action"] == "route53:ChangeResourceRecordSets"]
    narrowed = latch["Condition"]["ForAllValues:StringEquals"]
    assert text(latch["Resource"]) == "arn:<AWS::Partition>:route53:::hostedzone/<HostedZoneId>"
    assert narrowed["route53:ChangeResourceRecordSetsNormalizedRecordNames"] == ["app.gameday.example"]
    assert narrowed["route53:ChangeResourceRecordSetsActions"] == ["UPSERT"]


def test_the_failover_may_promote_the_replica_and_nothing_else(template: Read):
    statements = template("orchestration", SECONDARY).statements()
    (promote,) = [one for one in statements if "rds:PromoteReadReplica" in listed(one["Action"])]
    assert text(promote["Resource"]).endswith(":rds:us-west-2:<AWS::AccountId>:db:gameday-replica")


def _groups(network: Template) -> dict:
    resources = network.body["Resources"]
    return {name: one for name, one in resources.items() if one["Type"] == "AWS::EC2::SecurityGroup"}


def _app_data(storage: Template) -> dict:
    (found,) = [one for one in storage.all("AWS::S3::Bucket") if "app-data" in text(one["BucketName"])]
    return found
