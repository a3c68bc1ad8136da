"""The interpreter runs the state machine that AWS runs: its names, its errors, its tasks, at the lab's speed."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from control_plane import ReachedAws, control_plane

from gameday.aws import Aws
from gameday.clock import eventually
from gameday.lab.local.gate import Rule
from gameday.lab.local.moto_patches import Hooks
from gameday.lab.local.patches.asl_names import error_name, java_case
from gameday.lab.local.patches.asl_time import timeout_s

REGION = "us-west-2"
type Start = Callable[[Hooks], ReachedAws]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda hooks: stack.enter_context(control_plane(tmp_path, hooks))


def execution(aws: Aws, states: dict[str, Any], given: Any = None, **machine: Any) -> Any:
    """Run the states (from the first one) to the end; the execution as described."""
    sfn = aws.client("stepfunctions", REGION)
    definition = {"StartAt": next(iter(states)), "States": states, **machine}
    arn = sfn.create_state_machine(
        name="drill", definition=json.dumps(definition), roleArn="arn:aws:iam::123456789012:role/drill"
    )["stateMachineArn"]
    started = sfn.start_execution(stateMachineArn=arn, input=json.dumps(given or {}))["executionArn"]
    return eventually(
        lambda: sfn.describe_execution(executionArn=started),
        lambda seen: bool(seen["status"] != "RUNNING"),
        what="the execution",
        within_s=15,
    )


def output(seen: Any) -> Any:
    assert seen["status"] == "SUCCEEDED", seen
    return json.loads(seen["output"])


def sdk(service: str, action: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    resource = f"arn:aws:states:::aws-sdk:{service}:{action}"
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **more}


def a_database(aws: Aws) -> None:
    aws.client("rds", REGION).create_db_instance(
        DBInstanceIdentifier="primary", Engine="postgres", DBInstanceClass="db.t4g.medium", EngineVersion="17.1"
    )


@pytest.mark.parametrize(
    ("botos", "javas"),
    [
        ("DBInstances", "DbInstances"),
        ("ReadReplicaSourceDBInstanceIdentifier", "ReadReplicaSourceDbInstanceIdentifier"),
        ("CACertificateIdentifier", "CaCertificateIdentifier"),
        ("TTL", "Ttl"),
        ("DNSName", "DnsName"),
        ("VPCZoneIdentifier", "VpcZoneIdentifier"),
        ("runningCount", "RunningCount"),
        ("Route 53", "Route53"),
        ("Secrets Manager", "SecretsManager"),
        ("CloudWatch", "CloudWatch"),
    ],
)
def test_a_name_is_what_the_java_sdk_calls_it(botos: str, javas: str) -> None:
    assert (java_case(botos), java_case(javas)) == (javas, javas)


def test_an_error_is_what_the_java_sdk_calls_it() -> None:
    assert error_name("Rds", "DBInstanceNotFoundFault") == "Rds.DbInstanceNotFoundException"
    assert error_name("Rds", "ClientError") == "Rds.RdsException"


def test_a_choice_decides_on_a_response(start: Start) -> None:
    aws = start(Hooks())
    a_database(aws)
    describe = sdk("rds", "describeDBInstances", {"DbInstanceIdentifier": "primary"}, Next="Available?")
    del describe["End"]
    choice = {"Variable": "$.DbInstances[0].DbInstanceStatus", "StringEquals": "available", "Next": "Yes"}
    states = {
        "Describe": describe,
        "Available?": {"Type": "Choice", "Choices": [choice], "Default": "No"},
        "Yes": {"Type": "Pass", "Parameters": {"id.$": "$.DbInstances[0].DbInstanceIdentifier"}, "End": True},
        "No": {"Type": "Fail"},
    }
    assert output(execution(aws, states)) == {"id": "primary"}


def test_asking_whether_something_is_there_is_no_error(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    states = {
        "There?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.absent", "IsPresent": True, "Next": "There"}],
            "Default": "Absent",
        },
        "There": {"Type": "Fail"},
        "Absent": {"Type": "Succeed"},
    }
    assert execution(start(Hooks()), states)["status"] == "SUCCEEDED"
    assert [record for record in caplog.records if record.name.startswith("moto")] == []


def test_a_wildcard_gives_a_list_even_of_one(start: Start) -> None:
    states = {"Only": {"Type": "Pass", "Parameters": {"all.$": "$.rows[*].id"}, "End": True}}
    assert output(execution(start(Hooks()), states, {"rows": [{"id": 1}]})) == {"all": [1]}


def test_a_services_error_is_caught_by_its_java_name(start: Start) -> None:
    catch = [{"ErrorEquals": ["Rds.DbInstanceNotFoundException"], "ResultPath": "$.error", "Next": "Gone"}]
    states = {
        "Describe": sdk("rds", "describeDBInstances", {"DbInstanceIdentifier": "nobody"}, Catch=catch),
        "Gone": {"Type": "Pass", "End": True},
    }
    assert output(execution(start(Hooks()), states))["error"]["Error"] == "Rds.DbInstanceNotFoundException"


def test_a_promotion_of_a_primary_is_caught_by_its_java_name(start: Start) -> None:
    aws = start(Hooks())
    a_database(aws)
    catch = [{"ErrorEquals": ["Rds.InvalidDbInstanceStateException"], "ResultPath": None, "Next": "Already"}]
    states = {
        "Promote": sdk("rds", "promoteReadReplica", {"DbInstanceIdentifier": "primary"}, Catch=catch),
        "Already": {"Type": "Succeed"},
    }
    assert execution(aws, states)["status"] == "SUCCEEDED"


def test_a_record_is_changed_with_java_names_and_numbers_from_json(start: Start) -> None:
    aws = start(Hooks())
    route53 = aws.client("route53", "us-east-1")
    zone = route53.create_hosted_zone(Name="gameday.example.", CallerReference="once")["HostedZone"]["Id"]
    record = {"Name": "app.gameday.example", "Type": "CNAME", "Ttl": 30, "SetIdentifier": "primary",
              "Failover": "PRIMARY", "ResourceRecords": [{"Value": "us-west-2.app.gameday.example"}]}  # fmt: skip
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    task = sdk("route53", "changeResourceRecordSets", {"HostedZoneId": zone.split("/")[-1], "ChangeBatch": batch})
    output(execution(aws, {"Latch": task}))
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert [(one["TTL"], one["ResourceRecords"]) for one in records if one["Type"] == "CNAME"] == [
        (30, [{"Value": "us-west-2.app.gameday.example"}])
    ]


def test_a_secret_is_read_and_written_as_json(start: Start) -> None:
    aws = start(Hooks())
    secrets = aws.client("secretsmanager", REGION)
    secrets.create_secret(Name="endpoint", SecretString='{"host":"old","port":1}')
    rewrite = {"SecretId": "endpoint", "SecretString.$": "States.JsonToString($.Known)"}
    states = {
        "Read": sdk(
            "secretsmanager", "getSecretValue", {"SecretId": "endpoint"}, Next="Write",
            ResultSelector={"Known.$": "States.StringToJson($.SecretString)"},
        ),
        "Write": sdk("secretsmanager", "putSecretValue", rewrite),
    }  # fmt: skip
    del states["Read"]["End"]
    output(execution(aws, states))
    assert json.loads(secrets.get_secret_value(SecretId="endpoint")["SecretString"]) == {"host": "old", "port": 1}


def test_waits_retries_and_timeouts_run_at_the_labs_scale(start: Start) -> None:
    aws = start(Hooks(asl_scale=0.01))
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "MaxAttempts": 2, "BackoffRate": 2}]
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "End"}]
    ask = sdk("rds", "describeDBInstances", {"DbInstanceIdentifier": "nobody"}, Retry=retry, Catch=catch)
    states = {
        "Wait": {"Type": "Wait", "Seconds": 20, "Next": "Ask"},
        "Ask": {**ask, "TimeoutSeconds": 6000},
        "End": {"Type": "Succeed"},
    }
    seen = execution(aws, states)
    took_s = (seen["stopDate"] - seen["startDate"]).total_seconds()
    assert seen["status"] == "SUCCEEDED"
    assert 0.5 <= took_s < 5  # 0.2 s of waiting, 0.1 s and 0.2 s before retries


@pytest.mark.parametrize(
    ("written_s", "scale", "runs_s"),
    [(300, 1, 300), (300, 0.1, 30), (60, 0.01, 20), (2, 0.01, 2), (60, 2, 120)],
)
def test_a_timeout_is_scaled_but_leaves_work_its_own_time(written_s: float, scale: float, runs_s: float) -> None:
    assert timeout_s(written_s, scale) == runs_s


def test_a_machine_that_runs_out_of_time_is_timed_out(start: Start) -> None:
    states = {"Wait": {"Type": "Wait", "Seconds": 3000, "End": True}}
    seen = execution(start(Hooks(asl_scale=0.01)), states, TimeoutSeconds=1)
    assert seen["status"] == "TIMED_OUT"


def test_a_state_that_runs_out_of_time_is_caught_as_a_timeout(start: Start) -> None:
    aws = start(Hooks(asl_scale=0.01))
    catch = [{"ErrorEquals": ["States.Timeout"], "ResultPath": None, "Next": "Late"}]
    states = {
        "Ask": sdk("rds", "describeDBInstances", {}, Catch=catch, TimeoutSeconds=1),
        "Late": {"Type": "Succeed"},
    }
    aws.gate.apply(Rule(service="rds", region=REGION, latency_s=2))
    seen = execution(aws, states)
    assert seen["status"] == "SUCCEEDED"
    assert (seen["stopDate"] - seen["startDate"]).total_seconds() < 2


def test_a_waiting_execution_can_be_stopped(start: Start) -> None:
    aws = start(Hooks())
    sfn = aws.client("stepfunctions", REGION)
    definition = json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}})
    arn = sfn.create_state_machine(name="w", definition=definition, roleArn="arn:aws:iam::123456789012:role/x")
    started = sfn.start_execution(stateMachineArn=arn["stateMachineArn"])["executionArn"]
    entered = "WaitStateEntered"
    eventually(
        lambda: [event["type"] for event in sfn.get_execution_history(executionArn=started)["events"]],
        lambda seen: entered in seen,
        what=entered,
        within_s=5,
    )
    sfn.stop_execution(executionArn=started)
    eventually(lambda: sfn.describe_execution(executionArn=started)["status"], "ABORTED", what="it", within_s=5)


def test_an_unreachable_service_is_an_error_that_a_retry_can_name(start: Start) -> None:
    aws = start(Hooks())
    catch = [{"ErrorEquals": ["Rds.SdkClientException"], "ResultPath": None, "Next": "Dark"}]
    states = {"Ask": sdk("rds", "describeDBInstances", {}, Catch=catch), "Dark": {"Type": "Succeed"}}
    aws.gate.apply(Rule(service="rds", region=REGION, blackout=True))
    assert execution(aws, states)["status"] == "SUCCEEDED"


def test_jsonata_is_evaluated(start: Start) -> None:
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input.a + 1 %}", "End": True}
    assert output(execution(start(Hooks()), {"Add": state}, {"a": 1})) == 2


def run_task(aws: Aws) -> dict[str, Any]:
    """A ``runTask.sync`` state in a cluster that stands."""
    ecs, ec2 = aws.client("ecs", REGION), aws.client("ec2", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    ecs.create_cluster(clusterName="gameday")
    ecs.register_task_definition(
        family="gameday", cpu="256", memory="512", requiresCompatibilities=["FARGATE"], networkMode="awsvpc",
        containerDefinitions=[{"name": "service", "image": "service"}],
    )  # fmt: skip
    network = {"AwsvpcConfiguration": {"Subnets": [subnet], "SecurityGroups": [], "AssignPublicIp": "DISABLED"}}
    parameters = {
        "Cluster": "gameday", "TaskDefinition": "gameday", "LaunchType": "FARGATE", "NetworkConfiguration": network,
        "Overrides": {"ContainerOverrides": [{"Name": "service", "Command": ["check"]}]},
    }  # fmt: skip
    return {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "Parameters": parameters, "End": True}


def finishing(exit_code: int) -> threading.Thread:
    """What the service controller does, in short: the first task there is ends with this code."""
    from moto.ecs.models import ecs_backends

    def finish() -> None:
        backend = ecs_backends["123456789012"][REGION]
        deadline = time.monotonic() + 10
        while not (tasks := list(backend.tasks.get("gameday", {}).values())) and time.monotonic() < deadline:
            threading.Event().wait(0.02)
        tasks[0].containers[0].exitCode = exit_code
        tasks[0].last_status = "STOPPED"

    thread = threading.Thread(target=finish, daemon=True)
    thread.start()
    return thread


def test_run_task_sync_ends_with_its_task(start: Start) -> None:
    aws = start(Hooks())
    state = run_task(aws)
    finisher = finishing(0)
    seen = output(execution(aws, {"Check": state}))
    finisher.join()
    assert (seen["LastStatus"], seen["Containers"][0]["ExitCode"]) == ("STOPPED", 0)
    assert seen["Overrides"]["ContainerOverrides"][0]["Command"] == ["check"]


def test_run_task_sync_fails_with_its_container(start: Start) -> None:
    aws = start(Hooks())
    state = run_task(aws) | {"Catch": [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.error", "Next": "Bad"}]}
    finisher = finishing(3)
    seen = output(execution(aws, {"Check": state, "Bad": {"Type": "Pass", "End": True}}))
    finisher.join()
    assert json.loads(seen["error"]["Cause"])["Containers"][0]["ExitCode"] == 3


def test_a_notification_with_a_dead_subscriber_lets_the_machine_go_on(start: Start) -> None:
    taken: list[Any] = []
    aws = start(Hooks(publish=lambda *args, **more: taken.append(args)))
    sns = aws.client("sns", REGION)
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.201.9.9:1/dead")
    message = {"What": "The standby serves.", "Execution.$": "$$.Execution.Id"}
    told = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "End": True,
            "Parameters": {"TopicArn": topic, "Subject": "gameday", "Message": message}}  # fmt: skip
    assert "MessageId" in output(execution(aws, {"Tell": told}))
    assert json.loads(taken[0][1])["What"] == "The standby serves."


@pytest.fixture
def threads_that_switch_often() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("threads_that_switch_often")
def test_executions_that_begin_at_once_all_end(start: Start) -> None:
    sfn = start(Hooks()).client("stepfunctions", REGION)
    languages = {"JSONPath": {"Parameters": {"N": 1}}, "JSONata": {"Output": {"N": 1}}}
    machines = [a_long_machine(sfn, language, what) for language, what in languages.items()]
    with ThreadPoolExecutor(12) as pool:
        begun = list(pool.map(lambda machine: sfn.start_execution(stateMachineArn=machine), machines * 6))
    for one in begun:
        look = partial(sfn.describe_execution, executionArn=one["executionArn"])
        eventually(lambda look=look: look()["status"], "SUCCEEDED", what="an execution", within_s=30)


def a_long_machine(sfn: Any, language: str, what: dict[str, Any]) -> str:
    """So long that reading it takes a while; its ARN."""
    states = {str(n): {"Type": "Pass", **what, "Next": str(n + 1)} for n in range(20)} | {"20": {"Type": "Succeed"}}
    definition = json.dumps({"QueryLanguage": language, "StartAt": "0", "States": states})
    role = "arn:aws:iam::123456789012:role/drill"
    return str(sfn.create_state_machine(name=language, definition=definition, roleArn=role)["stateMachineArn"])
