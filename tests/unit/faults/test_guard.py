"""The guard outside the local lab: asked before a drill starts anything, and again by each fault."""

from dataclasses import replace
from typing import Any

import pytest
from fault_stage import ACCOUNT, OTHER, REGION, lab_of, vpc_of
from stub_world import StubFault, StubLoad, StubWorld

from gameday import faults
from gameday.aws import Aws
from gameday.drill import Drill
from gameday.errors import GuardError
from gameday.facts import Objectives, Verdict
from gameday.faults.guard import may_drill
from gameday.guarding import may_fail_over, may_walk
from gameday.lab.allowed import may_change
from gameday.lab.fence import fence_if_promoted
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.recovery import runbook
from gameday.recovery.snapshot import take


class Account(StubWorld):
    """A world whose lab is an account."""

    account: Lab

    def lab(self, choice, stack, progress):
        super().lab(choice, stack, progress)
        return self.account


def drill_on(lab: Lab, tmp_path: Any) -> Drill:
    world = Account()
    world.account = lab
    return Drill("aws", Objectives(1800, 600), load=StubLoad(), reports=tmp_path, world=world, clock=world.clock)


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"allowed": False}, f"account {ACCOUNT} on the experiment's allow-list; saw an empty list"),
     ({"live": False}, f"{ACCOUNT}:{REGION} or {ACCOUNT}:{OTHER} in the experiment's `live`; saw nothing")],
)  # fmt: skip
def test_a_drill_in_an_account_that_was_not_allowed_or_not_said_aloud_starts_nothing(
    changed: dict[str, bool], told: str, ec2: Any, tmp_path: Any
):
    drill = drill_on(lab_of(vpc_of(ec2), **changed), tmp_path)
    with pytest.raises(GuardError, match=told), drill:
        pytest.fail("it must not begin")
    assert drill._world.did == ["lab", "lab down", "judge", "render"]
    assert drill.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("made", "told"),
    [({"tagged": False}, "gameday:target=true"), ({"subnets": 0}, "no targets")],
)
def test_what_a_fault_may_not_break_is_refused_before_the_baseline(
    made: dict[str, Any], told: str, ec2: Any, tmp_path: Any
):
    drill = drill_on(lab_of(vpc_of(ec2, **made)), tmp_path)
    with pytest.raises(GuardError, match=told), drill:
        drill.baseline(faults=[faults.RegionOutage(REGION)])
    assert "baseline" not in (drill.record.timeline).read_text()


def test_an_account_that_may_be_drilled_is(ec2: Any, tmp_path: Any):
    drill = drill_on(lab_of(vpc_of(ec2)), tmp_path)
    with drill:
        drill.baseline()
        drill.inject(StubFault(drill._world))
    assert drill._world.down_since is not None


def test_only_a_region_that_was_said_aloud_may_be_changed(ec2: Any):
    lab = lab_of(vpc_of(ec2))
    may_drill(lab)
    may_change(lab, REGION)
    with pytest.raises(GuardError, match=f"{ACCOUNT}:{OTHER} in the experiment's `live`"):
        may_change(lab, REGION, OTHER)


def test_a_failover_by_hand_changes_the_other_region_so_that_must_be_said_aloud_too(ec2: Any, tmp_path: Any):
    with pytest.raises(GuardError, match=f"{ACCOUNT}:{OTHER}"), drill_on(lab_of(vpc_of(ec2)), tmp_path) as drill:
        drill.fail_over()


def snapshots(region: str) -> list[Any]:
    return list(Aws().client("rds", region).describe_db_snapshots(SnapshotType="manual")["DBSnapshots"])


def test_no_snapshot_is_taken_in_a_region_that_was_not_said_aloud(ec2: Any, timeline: Timeline):
    lab = replace(lab_of(vpc_of(ec2)), live=frozenset({f"{ACCOUNT}:{OTHER}"}))
    with pytest.raises(GuardError, match=f"{ACCOUNT}:{REGION} in the experiment's `live`"):
        take(lab, REGION, timeline, within_s=1)
    assert snapshots(REGION) == []


def test_a_region_without_a_database_has_no_target_for_a_snapshot(ec2: Any, timeline: Timeline):
    lab = lab_of(vpc_of(ec2))
    Aws().client("rds", REGION).delete_db_instance(DBInstanceIdentifier="db", SkipFinalSnapshot=True)
    with pytest.raises(GuardError, match=r"a database db in ap-southeast-2 .*no targets"):
        take(lab, REGION, timeline, within_s=1)


def without_tags(ec2: Any, lab: Lab) -> Lab:
    """The database's group and the service of a lab that is otherwise ready to be drilled, both regions said aloud."""
    for group in ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["db"]}])["SecurityGroups"]:
        ec2.delete_tags(Resources=[group["GroupId"]], Tags=[{"Key": "gameday:target"}])
    return replace(lab, live=frozenset({f"{ACCOUNT}:{REGION}", f"{ACCOUNT}:{OTHER}"}))


def replaced(lab: Lab) -> Lab:
    """The record points at the other region, so fencing is due: tasks are wanted, and the database is open."""
    routes, ecs, ec2 = (lab.client(name, REGION) for name in ("route53", "ecs", "ec2"))
    zone = routes.create_hosted_zone(Name="gameday.invalid", CallerReference="x")["HostedZone"]["Id"]
    name = lab.shared("ServiceName")
    record = {
        "Name": name, "Type": "CNAME", "SetIdentifier": "primary", "Failover": "PRIMARY", "TTL": 1,
        "ResourceRecords": [{"Value": f"{OTHER}.{name}"}],
    }  # fmt: skip
    routes.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )
    ecs.update_service(cluster="gameday", service="gameday", desiredCount=2)
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["db"]}])["SecurityGroups"]
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
    return replace(lab, outputs=replace(lab.outputs, shared={**lab.outputs.shared, "HostedZoneId": zone}))


def is_open(lab: Lab) -> tuple[int, int]:
    """How many tasks are wanted in the primary region, and how many rules open its database."""
    (service,) = lab.client("ecs", REGION).describe_services(cluster="gameday", services=["gameday"])["services"]
    (group,) = lab.client("ec2", REGION).describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["db"]}]
    )["SecurityGroups"]  # fmt: skip
    return service["desiredCount"], len(group["IpPermissions"])


def test_a_fence_that_somebody_asks_for_needs_the_tags_of_what_it_closes(ec2: Any, tmp_path: Any):
    lab = replaced(without_tags(ec2, lab_of(vpc_of(ec2))))
    with pytest.raises(GuardError, match="gameday:target"), drill_on(lab, tmp_path) as drill:
        drill.fence()
    assert is_open(lab) == (2, 1)


def test_a_fence_that_healing_begins_with_asks_nobody(ec2: Any, timeline: Timeline):
    lab = replaced(without_tags(ec2, lab_of(vpc_of(ec2))))
    assert fence_if_promoted(replace(lab, live=frozenset()), REGION, timeline)
    assert is_open(lab) == (0, 0)


def test_a_planned_failover_and_its_runbook_need_the_tags_of_both_regions_and_the_others_do_not(ec2: Any):
    lab = without_tags(ec2, lab_of(vpc_of(ec2)))
    may_fail_over(lab, "unplanned")
    may_walk(lab, runbook("failback"))
    for ask in (lambda: may_fail_over(lab, "planned"), lambda: may_walk(lab, runbook("planned-failover"))):
        with pytest.raises(GuardError, match="gameday:target"):
            ask()
