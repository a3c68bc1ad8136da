"""The network controller: ACLs and groups in moto's EC2, and a real link board that must obey them."""

import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from network_stage import DATABASE_PORT, TIERS, Region

from gameday.lab.local.ground import PRIMARY, SECONDARY, Addresses, Delays, Ground, Ports
from gameday.lab.local.links import LinkBoard, Place
from gameday.lab.local.network import NetworkController
from gameday.processes import spawn

EDGE, DATABASE, REPLICATION = f"edge/{PRIMARY}", "db/one", "replication/two"


class Stage:
    """Two regions, three links, a controller."""

    def __init__(self, folder: Path, board: LinkBoard) -> None:
        self.south, self.west = Region(PRIMARY, "10.0"), Region(SECONDARY, "10.1")
        delays = Delays(rds_promotion_s=0, ecs_start_s=0, link_latency_s=0, lag_metric_period_s=1)
        ground = Ground("t", folder, Addresses(202), Ports(24730), 1.0, delays, board, lambda line: None)
        self.controller, self.board = NetworkController(ground), board
        client, balancer, tasks, database = Place("", "client"), *(Place(PRIMARY, tier) for tier in TIERS)
        board.open(EDGE, ("127.202.1.1", 24732), [], (client, balancer, tasks), http=True)
        board.open(DATABASE, ("127.202.1.100", DATABASE_PORT), [], (tasks, database))
        board.open(REPLICATION, ("127.202.2.200", DATABASE_PORT), [], (Place(SECONDARY, "database"), database))

    def dark(self) -> set[str]:
        """The links that are cut after one round."""
        self.controller.reconcile()
        return {link.name for link in self.board.links() if link.is_cut}

    def closed(self) -> set[str]:
        """The links that admit no new connection after one round."""
        self.controller.reconcile()
        return {link.name for link in self.board.links() if not link.admits}


@pytest.fixture(scope="module")
def process() -> Iterator[LinkBoard]:
    board = LinkBoard.launch(spawn)
    yield board
    board.stop()


@pytest.fixture
def stage(tmp_path: Path, process: LinkBoard) -> Iterator[Stage]:
    with mock_aws():
        yield Stage(tmp_path, process)
    for link in process.links():
        process.close(link.name)


def test_with_open_acls_everything_flows(stage: Stage) -> None:
    assert stage.dark() == set()
    assert stage.closed() == set()


def test_a_region_whose_every_subnet_denies_is_dark_and_comes_back(stage: Stage) -> None:
    for tier in TIERS:
        stage.south.deny(tier)
    assert stage.dark() == {EDGE, DATABASE, REPLICATION}
    for tier in TIERS:
        stage.south.restore(tier)
    assert stage.dark() == set()


def test_a_tier_is_dark_only_when_each_of_its_subnets_is(stage: Stage) -> None:
    stage.south.deny("database", subnets=1)
    assert stage.dark() == set()
    stage.south.deny("database")
    assert stage.dark() == {DATABASE, REPLICATION}


def test_the_secondary_can_cut_the_replication_too(stage: Stage) -> None:
    stage.west.deny("database")
    assert stage.dark() == {REPLICATION}


def test_a_balancer_that_cannot_reach_its_tasks_is_a_dark_edge(stage: Stage) -> None:
    stage.south.deny("tasks")
    assert stage.dark() == {EDGE, DATABASE}


def test_a_database_whose_group_admits_nobody_takes_no_new_connection(stage: Stage) -> None:
    stage.south.refuse_tasks()
    assert stage.closed() == {DATABASE}
    assert stage.dark() == set()
    stage.south.admit_tasks()
    assert stage.closed() == set()


def test_an_instance_of_other_groups_is_admitted_by_its_own_and_not_by_the_tiers(stage: Stage) -> None:
    """As one that was restored without naming its groups: RDS gives it the VPC's default one."""
    rds = boto3.client("rds", PRIMARY)
    own = boto3.client("ec2", PRIMARY).create_security_group(
        VpcId=stage.south.vpc, GroupName="own", Description="admits nobody"
    )["GroupId"]
    rds.create_db_instance(
        DBInstanceIdentifier="one", Engine="postgres", DBInstanceClass="db.t4g.micro", MasterUsername="app",
        MasterUserPassword="secret", AllocatedStorage=20, VpcSecurityGroupIds=[own],
    )  # fmt: skip
    assert stage.closed() == {DATABASE}
    rds.modify_db_instance(DBInstanceIdentifier="one", VpcSecurityGroupIds=[stage.south.groups["database"]])
    assert stage.closed() == set()


def test_a_round_is_quick(stage: Stage) -> None:
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        stage.controller.reconcile()
        rounds.append(time.perf_counter() - began)
    assert min(rounds) < 0.02
