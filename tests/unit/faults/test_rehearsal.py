"""A rehearsal tells the calls that a fault really makes, its guards are really asked, and nothing is changed."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from fault_stage import REGION, acl_by_subnet, lab_of, service_beside, vpc_of
from object_stage import EAST, SOURCE, object_stage
from stub_world import stub_lab
from test_database_loss import tagged
from test_replica_loss import pair
from test_secret_unavailable import endpoint_and_service, named
from test_task_loss import stopping_what_is_asked_to, with_tasks

from gameday import faults
from gameday.aws import ATTEMPTS, Aws
from gameday.errors import FaultError, GuardError, LabError
from gameday.faults.base import Fault
from gameday.faults.rehearsal import Script, rehearse, rehearsed
from gameday.lab.local import extras
from gameday.lab.model import Lab
from gameday.lab.rehearsing import LOCAL_LAB, READS, PlannedCall
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

TARGET = [{"Key": "gameday:target", "Value": "true"}]


@dataclass
class Overheard(Aws):
    """AWS as ever; the changing calls that were sent are noted."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    def _new(self, service: str, region: str, attempts: int = ATTEMPTS) -> Any:
        client = super()._new(service, region, attempts)
        client.meta.events.register_first("before-call", lambda model, **_: self._hear(service, model.name))
        return client

    def _hear(self, service: str, operation: str) -> None:
        if not operation.startswith(READS):
            from botocore import xform_name

            self.sent.append((service, xform_name(operation)))


def network(*, tier: bool = False, tasks: int = 0) -> Callable[[Any], Lab]:
    def build(ec2: Any) -> Lab:
        vpc = vpc_of(ec2)
        if tier:
            tagged(ec2, vpc)
        if tasks:
            with_tasks(tasks)
        return lab_of(vpc)

    return build


def with_a_tagged_database(ec2: Any) -> Lab:
    lab, rds = network(tier=True)(ec2), Aws().client("rds", REGION)
    arn = rds.describe_db_instances(DBInstanceIdentifier="db")["DBInstances"][0]["DBInstanceArn"]
    rds.add_tags_to_resource(ResourceName=arn, Tags=TARGET)
    return lab


def with_a_health_check(ec2: Any) -> Lab:
    lab, routes = network()(ec2), Aws().client("route53", "us-east-1")
    asked = {"Type": "HTTP", "IPAddress": "192.0.2.1", "Port": 80, "ResourcePath": "/health"}
    check = routes.create_health_check(CallerReference="x", HealthCheckConfig=asked)["HealthCheck"]["Id"]
    routes.change_tags_for_resource(ResourceType="healthcheck", ResourceId=check, AddTags=TARGET)
    return replace(lab, outputs=replace(lab.outputs, shared={**lab.outputs.shared, "HealthCheckId": check}))


def with_a_secret(ec2: Any) -> Lab:
    lab = named(network()(ec2))
    endpoint_and_service(lab.aws)
    return lab


IN_AN_ACCOUNT: dict[str, tuple[Callable[[Any], Lab], Fault]] = {
    "region outage": (network(), faults.RegionOutage(REGION)),
    "database isolated": (network(tier=True), faults.DatabaseLoss(REGION, "isolate")),
    "database rebooted": (with_a_tagged_database, faults.DatabaseLoss(REGION, "reboot", effect_within_s=0)),
    "database deleted": (with_a_tagged_database, faults.DatabaseLoss(REGION, "delete", "db")),
    "replica deleted": (pair, faults.ReplicaLoss(REGION)),
    "tasks stopped": (network(tasks=3), faults.TaskLoss(REGION, 0.5)),
    "secret denied": (with_a_secret, faults.SecretUnavailable(REGION)),
    "health check blinded": (with_a_health_check, faults.HealthCheckTrouble(REGION, "blinded")),
}
OF_OBJECTS: dict[str, Fault] = {
    "ransomware": faults.ObjectRansomware(EAST),
    "bucket emptied": faults.BucketLoss(EAST, confirm=SOURCE),
    "key disabled": faults.KeyUnavailable(EAST),
}
ONLY_LOCAL = {"Partition", "ReplicaLag", "ControlPlaneTrouble"}  # compared in a whole lab
# Its look begins an upload; only where that succeeds, so that the fault has no effect, is it given up again.
ONLY_WITHOUT_EFFECT = {"key disabled": {("s3", "abort_multipart_upload")}}


def calls(fault: Fault, lab: Lab) -> list[tuple[str, str]]:
    return [(one.service, one.operation) for one in rehearse(fault, lab) if isinstance(one, PlannedCall)]


def really_called(fault: Fault, lab: Lab, undo: UndoJournal, timeline: Timeline) -> list[tuple[str, str]]:
    heard = Overheard(lab.aws.endpoint_url, _session=lab.aws._session)
    with contextlib.suppress(FaultError):  # moto reboots at once, so that is not seen
        fault.inject(replace(lab, aws=heard), undo, timeline)
    return heard.sent


def test_every_fault_is_compared_with_what_it_really_calls():
    compared = {type(fault).__name__ for _, fault in IN_AN_ACCOUNT.values()} | {
        type(fault).__name__ for fault in OF_OBJECTS.values()
    }
    assert compared | ONLY_LOCAL == set(faults.__all__) - {"Fault"}


@pytest.mark.parametrize("what", IN_AN_ACCOUNT)
def test_the_calls_of_a_rehearsal_are_those_that_the_fault_really_makes(
    what: str, ec2: Any, timeline: Timeline, undo: UndoJournal
):
    build, fault = IN_AN_ACCOUNT[what]
    lab = build(ec2)
    planned = calls(fault, lab)
    with stopping_what_is_asked_to():
        assert sorted(planned) == sorted(really_called(fault, lab, undo, timeline)) != []


@pytest.mark.parametrize("what", OF_OBJECTS)
def test_so_are_those_of_the_faults_on_objects(what: str, tmp_path: Path, timeline: Timeline, undo: UndoJournal):
    with object_stage(tmp_path) as stage:
        service_beside(stage.aws)
        stage.replicate()
        for number in range(4):
            stage.put(f"documents/{number}")
        stage.settle()
        fault, before = OF_OBJECTS[what], stage.versions(SOURCE)
        planned = set(calls(fault, stage.lab))
        assert stage.versions(SOURCE) == before
        assert planned - ONLY_WITHOUT_EFFECT.get(what, set()) == set(really_called(fault, stage.lab, undo, timeline))


def test_a_rehearsal_changes_nothing_and_names_what_does_not_exist_yet(ec2: Any):
    vpc = vpc_of(ec2)
    before = acl_by_subnet(ec2, vpc)
    lines = rehearse(faults.RegionOutage(REGION), lab_of(vpc))
    assert acl_by_subnet(ec2, vpc) == before
    assert len(ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]) == 1
    replaced = [one for one in lines if isinstance(one, PlannedCall) and one.operation.startswith("replace")]
    assert {one.arguments["NetworkAclId"] for one in replaced} == {"<NetworkAclId>"}
    assert len(replaced) == 3


def test_each_undo_step_stands_before_the_call_that_it_takes_back(ec2: Any):
    lines = rehearse(faults.RegionOutage(REGION), lab_of(vpc_of(ec2)))
    told = [one.intent if isinstance(one, UndoStep) else one.operation for one in lines]
    once = list(dict.fromkeys(told))
    assert once == ["acl_gone", "create_network_acl", "subnet_acl", "replace_network_acl_association"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"live": False}, "`live`"), ({"allowed": False}, "allow-list")],
)
def test_a_rehearsal_is_refused_where_the_fault_would_be(changed: dict[str, bool], told: str, ec2: Any):
    with pytest.raises(GuardError, match=told):
        rehearse(faults.RegionOutage(REGION), lab_of(vpc_of(ec2), **changed))


def test_an_untagged_subnet_refuses_a_rehearsal_and_so_does_a_network_without_any(ec2: Any):
    with pytest.raises(GuardError, match="gameday:target"):
        rehearse(faults.RegionOutage(REGION), lab_of(vpc_of(ec2, tagged=False)))


def test_nothing_matched_refuses_a_rehearsal(ec2: Any):
    with pytest.raises(GuardError, match="no targets"):
        rehearse(faults.RegionOutage(REGION), lab_of(vpc_of(ec2, subnets=0)))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda lab: extras.kill_database(lab, REGION, "db"), ("kill-database", {"region": REGION, "database": "db"})),
        (
            lambda lab: extras.slow_replication(lab, "replica", bandwidth_bps=1e5),
            ("shape-replication", {"replica": "replica", "bandwidth_bps": 1e5}),
        ),
        (
            lambda lab: extras.trouble_control_plane(lab, REGION, "ecs", {"error_share": 1.0}),
            ("trouble-control-plane", {"region": REGION, "service": "ecs", "error_share": 1.0}),
        ),
    ],
    ids=["kill", "slow", "trouble"],
)
def test_what_only_the_local_lab_can_do_is_noted_in_a_rehearsal_and_really_asked_for_otherwise(
    change: Callable[[Lab], None], expected: tuple[str, dict[str, Any]]
):
    nobody, script = stub_lab(), Script()  # at its endpoint nobody answers
    change(rehearsed(nobody, script))
    (line,) = script.taken()
    assert isinstance(line, PlannedCall)
    assert (line.service, line.operation, dict(line.arguments)) == (LOCAL_LAB, *expected)
    with pytest.raises(LabError, match=expected[0]):
        change(nobody)
