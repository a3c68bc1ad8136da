"""Database loss against moto's EC2, and what is refused; that it kills a real PostgreSQL is shown where one runs."""

from typing import Any

import pytest
from fault_stage import REGION, acl_by_subnet, lab_of, vpc_of

from gameday.aws import Aws
from gameday.errors import GuardError, InputError
from gameday.faults import DatabaseLoss, RegionOutage
from gameday.faults.database_loss import How
from gameday.faults.replay import replay
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal


def tagged(ec2: Any, vpc: str) -> tuple[str, str, str]:
    """The subnets of a network, the first two of them the database's."""
    first, second, third = sorted(acl_by_subnet(ec2, vpc))
    ec2.create_tags(Resources=[first, second], Tags=[{"Key": "gameday:tier", "Value": "database"}])
    return first, second, third


def test_a_reboot_promises_no_alarm_and_every_other_loss_the_one_on_errors() -> None:
    """A database that is back within seconds leaves too few errors for a period of the alarm."""
    told = {how: DatabaseLoss(REGION, how).alarms for how in How}
    assert told == {How.REBOOT: ()} | dict.fromkeys((How.KILL, How.ISOLATE, How.DELETE), ("gameday-5xx",))


def test_an_isolated_database_is_cut_off_and_the_rest_of_its_region_is_not(
    ec2: Any, timeline: Timeline, undo: UndoJournal
) -> None:
    vpc = vpc_of(ec2)
    first, second, third = tagged(ec2, vpc)
    before = acl_by_subnet(ec2, vpc)
    DatabaseLoss(REGION, "isolate").inject(lab_of(vpc), undo, timeline)
    after = acl_by_subnet(ec2, vpc)
    assert after[first] == after[second] != before[first]
    assert after[third] == before[third]
    replay(undo, lab_of(vpc))
    assert acl_by_subnet(ec2, vpc) == before


@pytest.mark.parametrize("isolated_first", [True, False])
def test_two_faults_that_cut_the_same_subnets_off_are_both_taken_back_at_once(
    ec2: Any, timeline: Timeline, undo: UndoJournal, isolated_first: bool
) -> None:
    vpc = vpc_of(ec2)
    tagged(ec2, vpc)
    before = acl_by_subnet(ec2, vpc)
    faults = [DatabaseLoss(REGION, "isolate"), RegionOutage(REGION)]
    for fault in faults if isolated_first else reversed(faults):
        fault.inject(lab_of(vpc), undo, timeline)
    given_back = {(step.args["subnet"], step.args["acl"]) for _, step in undo.open_steps() if "acl" in step.args}
    replay(undo, lab_of(vpc))
    assert acl_by_subnet(ec2, vpc) == before == dict(given_back)
    assert len(given_back) == 3
    assert len(ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]) == 1


def test_a_region_without_a_database_tier_has_no_targets(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    with pytest.raises(GuardError, match="no targets"):
        DatabaseLoss(REGION, "isolate").inject(lab_of(vpc_of(ec2)), undo, timeline)
    assert undo.open_steps() == []


def test_no_database_is_killed_in_an_account(ec2: Any, timeline: Timeline, undo: UndoJournal) -> None:
    vpc = vpc_of(ec2)
    tagged(ec2, vpc)
    with pytest.raises(GuardError, match=r"local lab.*how = isolate"):
        DatabaseLoss(REGION).inject(lab_of(vpc), undo, timeline)
    assert undo.open_steps() == []


def test_a_loss_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="kill, isolate"):
        DatabaseLoss(REGION, "melt")


def test_a_database_is_deleted_only_by_its_own_name_and_with_a_final_snapshot(
    ec2: Any, timeline: Timeline, undo: UndoJournal
) -> None:
    vpc = vpc_of(ec2)
    tagged(ec2, vpc)
    rds = Aws().client("rds", REGION)
    rds.add_tags_to_resource(
        ResourceName=rds.describe_db_instances(DBInstanceIdentifier="db")["DBInstances"][0]["DBInstanceArn"],
        Tags=[{"Key": "gameday:target", "Value": "true"}],
    )
    for confirm in ("", "another"):
        with pytest.raises(GuardError, match="confirm = db"):
            DatabaseLoss(REGION, "delete", confirm).inject(lab_of(vpc), undo, timeline)
    assert rds.describe_db_instances()["DBInstances"]
    DatabaseLoss(REGION, "delete", "db").inject(lab_of(vpc), undo, timeline)
    assert rds.describe_db_instances()["DBInstances"] == []
    kept = [one["DBSnapshotIdentifier"] for one in rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]]
    assert [name.startswith("db-final-") for name in kept] == [True]


def test_a_database_without_the_tag_is_neither_deleted_nor_rebooted(
    ec2: Any, timeline: Timeline, undo: UndoJournal
) -> None:
    vpc = vpc_of(ec2)
    tagged(ec2, vpc)
    for fault in (DatabaseLoss(REGION, "delete", "db"), DatabaseLoss(REGION, "reboot")):
        with pytest.raises(GuardError, match="gameday:target"):
            fault.inject(lab_of(vpc), undo, timeline)
    assert undo.open_steps() == []
